/* arithmetic.h - steps of plain forms that treat each value by itself
 */
#ifndef DP_OPS_ARITHMETIC_H
#define DP_OPS_ARITHMETIC_H

#include "core/run.h"
#include "ops/batch_norm.h"

/* y = x, into a y of the same extents. Of maps in a forward pass, too. */
void dp_tensor_copy(dp_run *r, dp_tensor y, dp_tensor x);

/* a + b; of the same extents. */
dp_tensor dp_tensor_add(dp_run *r, dp_tensor a, dp_tensor b);

/* a * b; b has the extents of a, or is (a.N, 1, 1, a.C): a factor for each channel. */
dp_tensor dp_tensor_multiply(dp_run *r, dp_tensor a, dp_tensor b);

/* factor * x. */
dp_tensor dp_tensor_scale(dp_run *r, dp_tensor x, float factor);

/* x * weight[c] + bias[c]; the bias may be NULL. */
dp_tensor dp_tensor_affine(dp_run *r, dp_tensor x, const float *weight,
                           const float *bias);

/* The end of a residual branch, with stochastic depth: x times a factor for each item, or x
 * itself where r->branch has none. */
dp_tensor dp_tensor_branch(dp_run *r, dp_tensor x);

/* Dropout of whole channels, with this probability: x times a factor for each channel of
 * each item, or x itself where r->dropout has none. */
dp_tensor dp_tensor_dropout(dp_run *r, dp_tensor x, float ratio);

/* (x - mean[c]) / sqrt(variance[c] + eps) * weight[c] + bias[c], with running statistics,
 * or with those of the batch where r->statistics says so. */
dp_tensor dp_tensor_batch_norm(dp_run *r, dp_tensor x, const dp_batch_norm *norm);

/* The same with statistics over all rows of x, and the biased variance. running[0] and
 * running[1], a mean and an unbiased variance, take over a tenth of them; they may be NULL.
 * One row is recorded as DP_ESHAPE. */
dp_tensor dp_tensor_batch_statistics(dp_run *r, dp_tensor x, const dp_batch_norm *norm,
                                     float *const *running);

/* max(x, 0); NaN becomes 0. */
dp_tensor dp_tensor_relu(dp_run *r, dp_tensor x);

/* x * (1 + erf(x / sqrt 2)) / 2. */
dp_tensor dp_tensor_gelu(dp_run *r, dp_tensor x);

#endif
