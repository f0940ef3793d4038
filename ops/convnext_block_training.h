/* convnext_block_training.h - the ConvNeXt block without GRN as one step of a training run
 *
 *   y = x + f * gamma * pwconv2(gelu(pwconv1(norm(dwconv(x)))))
 *
 * with a factor f for each image (stochastic depth); images of factor 0 cost nothing. Only x
 * is kept. The backward pass computes the rest again, tile by tile, with the kernels of the
 * forward pass. It never computes pwconv2 again and has no pass for gamma or the norm's
 * affine part: their gradients follow from those of the two matrices.
 *
 * Up to BY_TILES channels each lane of tiles has sums of its own for the gradients of the
 * matrices. Beyond, a chunk of the hidden channels goes over all tiles, and the hidden
 * gradients of the whole map are kept for a moment. Neither depends on the threads.
 */
#ifndef DP_OPS_CONVNEXT_BLOCK_TRAINING_H
#define DP_OPS_CONVNEXT_BLOCK_TRAINING_H

#include "ops/convnext_block.h"

/* Whether this run can do the block as a step. */
bool dp_convnext_block_trains(const dp_run *r, const dp_convnext_block *k);

/* The step: x (N, H, W, C) to a new map of its extents. */
dp_tensor dp_convnext_block_step(dp_run *r, const dp_convnext_block *k, dp_tensor x);

#endif
