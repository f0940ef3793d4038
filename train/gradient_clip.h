/* gradient_clip.h - gradients cut to a norm, by the rule of torch's clip_grad_norm_
 *
 * All gradients of a step are multiplied by min(1, max_norm / (norm + 1e-6)), where norm
 * is the Euclidean norm of all of them together. To use it, add up dp_gradient_squares of
 * every tensor, and take the root.
 *
 * Squares are added in float64, where torch adds them in float32: the norms agree to about
 * 1e-7. A sum has eight lanes for each of the pieces of train/chunk.h; lanes and pieces
 * are added in order, so the bits do not depend on the number of threads.
 */
#ifndef DP_TRAIN_GRADIENT_CLIP_H
#define DP_TRAIN_GRADIENT_CLIP_H

#include "base/pool.h"

#include <stddef.h>

/* The sum of the squares of n gradients; NaN and infinite ones make it so. */
double dp_gradient_squares(dp_pool *pool, const float *g, size_t n);

/* The factor, in double. NaN for a norm that is NaN. */
double dp_gradient_clip_factor(double norm, double max_norm);

/* g = g * factor, rounded to float32 first; exactly 1 changes nothing. */
void dp_gradient_scale(dp_pool *pool, float *g, size_t n, double factor);

#endif
