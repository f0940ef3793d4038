#include "train/sample.h"

#include "train/assign.h"

#include <stdlib.h>

int dp_sample_positives(const dp_sampler *s, int found)
{
    const int most = (int)((float)s->number * s->fraction);
    return found < most ? found : most;
}

int dp_sample_negatives(const dp_sampler *s, int positives, int found)
{
    const int most = s->number - positives;
    return found < most ? found : most;
}

static int ascending(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Leave `wanted` of the list's n at its start, each subset as likely, and sort them. */
static void choose(dp_random *r, int *list, int n, int wanted)
{
    for (int i = 0; i < wanted && wanted < n; i++) {
        const int k = (int)dp_random_between(r, i, n - 1);
        const int swap = list[i];
        list[i] = list[k];
        list[k] = swap;
    }
    if (wanted < n)
        qsort(list, (size_t)wanted, sizeof *list, ascending);
}

static int collect(int *list, const int *assigned, int count, bool positive)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        if (positive ? assigned[i] > 0 : assigned[i] == DP_ASSIGN_BACKGROUND)
            list[n++] = i;
    return n;
}

dp_samples dp_sample_run(const dp_sampler *s, dp_random *r, const int *assigned,
                         int count, int *list)
{
    dp_samples out = {.list = list};
    int found = collect(list, assigned, count, true);
    out.positives = dp_sample_positives(s, found);
    choose(r, list, found, out.positives);
    int *negatives = list + out.positives;
    found = collect(negatives, assigned, count, false);
    out.negatives = dp_sample_negatives(s, out.positives, found);
    choose(r, negatives, found, out.negatives);
    return out;
}
