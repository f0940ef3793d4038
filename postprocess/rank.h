/* rank.h - sorting by a key, equal keys in the order they came in
 *
 * A radix sort: no comparisons, no recursion, time linear in the number of items.
 */
#ifndef DP_POSTPROCESS_RANK_H
#define DP_POSTPROCESS_RANK_H

#include <stddef.h>
#include <stdint.h>

typedef struct dp_rank {
    uint32_t key;
    int32_t index;
} dp_rank;

/* Sort n items by key, ascending and stable. scratch has room for n and overlaps
 * nothing. */
void dp_rank_sort(dp_rank *list, dp_rank *scratch, size_t n);

/* A key that is smaller the higher the score: a sort by it puts the best first. Both
 * zeros have one key. A NaN has the largest key of all, DP_RANK_NAN, and no number has
 * it. */
#define DP_RANK_NAN UINT32_MAX
uint32_t dp_rank_key(float score);

#endif
