/* pyramid_level.h - which map of a feature pyramid a region reads
 *
 * Feature Pyramid Networks, Lin et al. 2017, equation 1, as mmdet's SingleRoIExtractor
 * has it: large regions read coarse maps.
 */
#ifndef DP_POSTPROCESS_PYRAMID_LEVEL_H
#define DP_POSTPROCESS_PYRAMID_LEVEL_H

#include "core/box.h"

/* The level of `box`, in pixels of the network's input: 0, the finest, up to a side
 * (root of the area) of 2 * finest, 1 up to 4 * finest, ..., at most levels - 1:
 * floor(log2(side / finest + 1e-6)), clamped. float32 rounding decides near the limits,
 * as in upstream: with finest 56 a side of 447.9999 is of level 3. A box without
 * area, or a NaN, is of level 0. */
int dp_pyramid_level_get(dp_box box, float finest, int levels);

#endif
