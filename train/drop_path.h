/* drop_path.h - stochastic depth: which images skip which residual blocks
 *
 * Huang and others, "Deep Networks with Stochastic Depth", 2016, as in timm: a block of
 * rate r adds branch / (1 - r) for the images that keep it, and nothing for the others.
 */
#ifndef DP_TRAIN_DROP_PATH_H
#define DP_TRAIN_DROP_PATH_H

#include "base/random.h"

#include <stdbool.h>

/* Rates of all blocks in order, from 0 to `rate`, equally spaced: torch.linspace in
 * float32, with the bits of its AVX2 code, widened. One block has rate 0. */
void dp_drop_path_rates(double *rates, int blocks, double rate);

/* Whether an image with the draw u, a float32 in [0, 1), keeps a block of this rate: floor
 * of f32(1 - rate) + u, added in float32. */
bool dp_drop_path_keeps(double rate, float u);

/* f32(1 - rate): the branch of an image that keeps the block is divided by it. */
float dp_drop_path_divisor(double rate);

/* Set keep[0 .. count) for the images of a batch, with one dp_random_unit_f32 each. Draws
 * nothing when the rate is 0. */
void dp_drop_path_draw(dp_random *r, bool *keep, int count, double rate);

#endif
