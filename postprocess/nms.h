/* nms.h - greedy non-maximum suppression
 *
 * From the highest score down, each box removes those that overlap it too much. Boxes of
 * different labels do not meet: as in mmcv 1.3.0 (batched_nms) each label's boxes are
 * moved apart by label * (largest coordinate + 1), in float32. So the comparisons see
 * coordinates that lost some low bits, which decides close calls.
 *
 * Box i removes box j when inter > threshold * (area_i + area_j - inter), strictly and
 * without a division, in float32: the rule of mmcv's CUDA kernel, with which published
 * numbers were made. (Its CPU kernel also removes at equality.)
 */
#ifndef DP_POSTPROCESS_NMS_H
#define DP_POSTPROCESS_NMS_H

#include "core/box.h"
#include "core/run.h"

/* Of a dp_nms: from `split` candidates on, each label is looked at alone, as upstream does
 * to save memory. With coordinates >= 0 the result is the same but for rounding. */
typedef struct dp_nms {
    float threshold; /* of intersection over union */
    int max_keep;    /* stop when so many are kept */
    int split;
} dp_nms;

typedef struct dp_candidates {
    const dp_box *boxes;
    const float *scores;
    const int *labels; /* 0 and up; NULL: all of one label, nothing is moved */
    int count;
} dp_candidates;

/* Write the indices of the boxes that stay to `keep`, score descending and among equals
 * index ascending, and return their number. `keep` has room for the smaller of max_keep
 * and the count, which is what a dry run returns.
 *
 * A candidate with a NaN score is not kept. A box with a NaN coordinate removes nothing
 * and is not removed, and the largest coordinate is taken without it. */
int dp_nms_run(dp_run *r, int *keep, const dp_nms *p, dp_candidates c);

#endif
