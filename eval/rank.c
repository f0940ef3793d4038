#include "eval/rank.h"

#include <stdbool.h>
#include <string.h>

enum { RUN = 12 }; /* sorted by insertion, then merged */

static bool before(const dp_ranked *a, const dp_ranked *b)
{
    return a->group < b->group || (a->group == b->group && a->score > b->score);
}

static void insert(dp_ranked *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const dp_ranked x = list[i];
        size_t k = i;
        for (; k > 0 && before(&x, &list[k - 1]); k--)
            list[k] = list[k - 1];
        list[k] = x;
    }
}

static void merge(dp_ranked *to, const dp_ranked *a, size_t na, const dp_ranked *b,
                  size_t nb)
{
    while (na > 0 && nb > 0) {
        const bool second = before(b, a); /* equals: the first goes first */
        *to++ = second ? *b++ : *a++;
        na -= !second;
        nb -= second;
    }
    memcpy(to, a, na * sizeof *a);
    memcpy(to + na, b, nb * sizeof *b);
}

void dp_ranked_sort(dp_ranked *list, dp_ranked *scratch, size_t count)
{
    for (size_t i = 0; i < count; i += RUN)
        insert(list + i, count - i < RUN ? count - i : RUN);

    dp_ranked *from = list, *to = scratch;
    for (size_t width = RUN; width < count; width *= 2) {
        for (size_t i = 0; i < count; i += 2 * width) {
            const size_t left = count - i, na = left < width ? left : width;
            const size_t nb = left - na < width ? left - na : width;
            merge(to + i, from + i, na, from + i + na, nb);
        }
        dp_ranked *const t = from;
        from = to;
        to = t;
    }
    if (from != list)
        memcpy(list, from, count * sizeof *list);
}

void dp_ranked_keep(dp_ranked *list, int *count, int room, dp_ranked x)
{
    if (*count == room && !(x.score > list[room - 1].score))
        return;
    int at = *count < room ? (*count)++ : room - 1;
    for (; at > 0 && list[at - 1].score < x.score; at--)
        list[at] = list[at - 1];
    list[at] = x;
}
