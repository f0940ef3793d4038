#include "postprocess/topk.h"

#include "postprocess/rank.h"

/* The digits by which the key of the last one chosen is found, the highest first. */
enum { DIGIT = 11, BUCKETS = 1 << DIGIT };
static const int shifts[] = {21, 10, 0};

/* The key of the n-th best, n >= 1; *ties is how many items of that very key belong to
 * the n best. DP_RANK_NAN when no more than n are numbers: then all of them do. */
static uint32_t find_cut(const float *scores, int m, int n, int *ties)
{
    uint32_t cut = 0, known = 0; /* bits of the cut found so far, and their mask */

    for (int level = 0; level < 3; level++) {
        const int shift = shifts[level];
        const uint32_t mask = level == 2 ? (1u << shifts[1]) - 1 : BUCKETS - 1;
        int count[BUCKETS] = {0};
        uint32_t b = 0;

        for (int i = 0; i < m; i++) {
            const uint32_t key = dp_rank_key(scores[i]);
            if ((key & known) == cut && key != DP_RANK_NAN)
                count[key >> shift & mask]++;
        }
        while (b <= mask && n > count[b])
            n -= count[b++];
        if (b > mask)
            return DP_RANK_NAN;
        cut |= b << shift;
        known |= mask << shift;
    }
    *ties = n;
    return cut;
}

/* list and spare have room for n. */
static int choose(int *index, const float *scores, int m, int n, dp_rank *list,
                  dp_rank *spare)
{
    int ties = 0, kept = 0;
    const uint32_t cut = m > n ? find_cut(scores, m, n, &ties) : DP_RANK_NAN;
    for (int i = 0; i < m; i++) {
        const uint32_t key = dp_rank_key(scores[i]);
        if (key < cut || (key == cut && ties-- > 0))
            list[kept++] = (dp_rank){key, i};
    }
    dp_rank_sort(list, spare, (size_t)kept);
    for (int i = 0; i < kept; i++)
        index[i] = list[i].index;
    return kept;
}

int dp_topk_run(dp_run *r, int *index, const float *scores, int m, int n)
{
    const size_t mark = dp_run_mark(r);
    dp_rank *list = dp_run_take(r, (size_t)n, sizeof *list);
    dp_rank *spare = dp_run_take(r, (size_t)n, sizeof *spare);
    int kept = m < n ? m : n;
    if (!r->dry && kept > 0)
        kept = choose(index, scores, m, n, list, spare);
    dp_run_rewind(r, mark);
    return kept;
}
