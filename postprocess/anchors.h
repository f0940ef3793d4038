/* anchors.h - the boxes from which a region proposal network starts
 *
 * The grid of upstream's AnchorGenerator: each cell of a map has one anchor for every
 * ratio and scale, all centred at the cell's top left corner.
 */
#ifndef DP_POSTPROCESS_ANCHORS_H
#define DP_POSTPROCESS_ANCHORS_H

#include "core/box.h"
#include "postprocess/rules.h"

enum { DP_MAX_ANCHORS = 64 }; /* in a cell */

typedef struct dp_anchors {
    int stride;                  /* the base size, in pixels                        */
    int count;                   /* anchors in a cell                               */
    dp_box base[DP_MAX_ANCHORS]; /* around (0, 0); ratio by ratio, scales inside  */
} dp_anchors;

/* Set a to the anchors of a map with this stride: for a ratio (height / width) and a
 * scale, height stride * sqrt(ratio) * scale and width stride / sqrt(ratio) * scale, in
 * float32. ratio_count * scale_count is 1 to DP_MAX_ANCHORS; all values are positive. By
 * torchvision's rules their corners are rounded. */
void dp_anchors_init(const dp_detector_rules *rules, dp_anchors *a, int stride,
                     const float *ratios, int ratio_count, const float *scales,
                     int scale_count);

/* Pixels from cell to cell: the stride, or by torchvision's rules the whole pixels that
 * each cell of the map has of the padded image. */
dp_size dp_anchors_step(const dp_detector_rules *rules, const dp_anchors *a,
                        dp_size padded, dp_size map);

/* Anchor i of the cell in row y and column x, in pixels. It may lie outside the image. */
dp_box dp_anchors_get(const dp_anchors *a, dp_size step, int y, int x, int i);

#endif
