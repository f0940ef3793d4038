/* pyramid_level.h - which map of a feature pyramid a region reads
 *
 * Feature Pyramid Networks, Lin et al. 2017, equation 1, as mmdetection's
 * SingleRoIExtractor and torchvision's LevelMapper have it: large regions read coarse
 * maps.
 */
#ifndef DP_POSTPROCESS_PYRAMID_LEVEL_H
#define DP_POSTPROCESS_PYRAMID_LEVEL_H

#include "core/box.h"
#include "core/run.h"
#include "postprocess/rules.h"

/* The level of `box`, in pixels of the network's input: 0, the finest, up to a side
 * (root of the area) of 112, 1 up to 224, ..., at most levels - 1. That is
 * floor(log2(side / 56 + 1e-6)), by torchvision's rules floor(4 + log2(side / 224) + 1e-6)
 * - 2, clamped. float32 rounding decides near the limits, as upstream: a side of 447.9999
 * is of level 3 by mmdetection's rules. A box without area, or a NaN, is of level 0. */
int dp_pyramid_level_get(const dp_detector_rules *rules, dp_box box, int levels);

/* The levels of `count` boxes. */
void dp_pyramid_level_run(dp_run *r, const dp_detector_rules *rules, int *level,
                          const dp_box *boxes, int count, int levels);

#endif
