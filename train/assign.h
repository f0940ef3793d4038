/* assign.h - which boxes are to find which object: mmdetection's MaxIoUAssigner
 *
 * A box of which the largest IoU with an object is at least `positive` is to find that
 * object, the first of equals; one below `negative` is background; those between count for
 * nothing. With `low_quality` an object is found by more: every box whose IoU with it is the
 * largest that any box has, and at least `least`. The last such object wins.
 *
 * Boxes of crowds take no part. IoU is intersection over max(union, 1e-6), in float32, and
 * equal IoUs are equal bits.
 */
#ifndef DP_TRAIN_ASSIGN_H
#define DP_TRAIN_ASSIGN_H

#include "core/box.h"

#include <stdbool.h>

typedef struct dp_assigner {
    float positive, negative, least;
    bool low_quality;
} dp_assigner;

enum { DP_ASSIGN_IGNORED = -1, DP_ASSIGN_BACKGROUND = 0 }; /* object k is k + 1 */

/* Set assigned[i], and iou[i] to the largest IoU (0 without objects), of `count` boxes.
 * inside NULL: all take part; others are ignored, and set nobody's largest IoU. largest has
 * room for a number an object. */
void dp_assign_run(const dp_assigner *a, int *assigned, float *iou, const dp_box *boxes,
                   const bool *inside, int count, const dp_box *objects,
                   int objects_count, float *largest);

/* IoU of an object and a box, as above. */
float dp_assign_iou(dp_box object, dp_box box);

#endif
