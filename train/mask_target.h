/* mask_target.h - what a mask head is to say of a region
 *
 * The object's bitmap under the region, by RoIAlign as in mmdetection's BitmapMasks. A bin of
 * a side x side grid takes as many samples as it is long in pixels, rounded up. It is 1 where
 * their mean is at least a half. The region is clipped to the bitmap first.
 */
#ifndef DP_TRAIN_MASK_TARGET_H
#define DP_TRAIN_MASK_TARGET_H

#include "core/box.h"

#include <stdint.h>

/* Set target[side * side] to 0 or 1. bitmap (h, w) is 0 or 1; pixels from there to `padded`
 * are 0. */
void dp_mask_target_run(uint8_t *target, int side, const uint8_t *bitmap, dp_size size,
                        dp_size padded, dp_box region);

#endif
