/* rank.h - the order in which detections are looked at
 */
#ifndef DP_EVAL_RANK_H
#define DP_EVAL_RANK_H

#include <stddef.h>
#include <stdint.h>

typedef struct dp_ranked {
    double score; /* not NaN */
    uint32_t index;
    int32_t group;
} dp_ranked;

/* Sort by group ascending, then by score descending; equals keep their order. `scratch`
 * has room for `count` too. */
void dp_ranked_sort(dp_ranked *list, dp_ranked *scratch, size_t count);

/* Put x into a list that keeps the `room` highest scores in falling order, the first of
 * equals first, and holds *count so far. */
void dp_ranked_keep(dp_ranked *list, int *count, int room, dp_ranked x);

#endif
