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

/* (x - mean[c]) / sqrt(variance[c] + eps) * weight[c] + bias[c], with running statistics. */
dp_tensor dp_tensor_batch_norm(dp_run *r, dp_tensor x, const dp_batch_norm *norm);

/* max(x, 0); NaN becomes 0. */
dp_tensor dp_tensor_relu(dp_run *r, dp_tensor x);

/* x * (1 + erf(x / sqrt 2)) / 2. */
dp_tensor dp_tensor_gelu(dp_run *r, dp_tensor x);

#endif
