/* weighted.h - steps of plain forms that are weighted sums over channels and cells
 *
 * Weights are raw, in the layout in which PyTorch publishes them. A bias may be NULL.
 */
#ifndef DP_OPS_WEIGHTED_H
#define DP_OPS_WEIGHTED_H

#include "ops/step.h"
#include "ops/step_conv.h"

/* Each cell's channels times weight [out, C], plus bias [out]: (N, H, W, out). */
dp_tensor dp_tensor_linear(dp_run *r, dp_tensor x, const float *weight,
                           const float *bias, int out);

/* Convolution with weight [out, C / groups, kernel, kernel] and bias [out]: zeros around
 * the map, (N, Ho, Wo, out) with Ho = (H + 2 padding - kernel) / stride + 1. A map smaller
 * than the kernel is recorded as DP_ESHAPE. */
typedef struct dp_conv_shape {
    int out, kernel, stride, padding, groups; /* groups divides C and out */
} dp_conv_shape;
dp_tensor dp_tensor_conv(dp_run *r, dp_tensor x, const float *weight, const float *bias,
                         const dp_conv_shape *shape);

/* The same of each channel by itself, with weight [C, 1, kernel, kernel] and bias [C]. The
 * padding is (kernel - 1) / 2. */
dp_tensor dp_tensor_depthwise(dp_run *r, dp_tensor x, const float *weight,
                              const float *bias, int kernel, int stride);

/* Transposed convolution with weight [C, out, 2, 2] and bias [out]: (N, 2H, 2W, out). */
dp_tensor dp_tensor_deconv(dp_run *r, dp_tensor x, const float *weight,
                           const float *bias, int out);

/* A linear, conv or deconv step as its maps are related. */
dp_step_conv dp_step_conv_of(const dp_step *s);

/* Matrices in batches: a (B, M, 1, K) times b (B, K, 1, N) is (B, M, 1, N). Transposed: b
 * is (B, N, 1, K). */
dp_tensor dp_tensor_matmul(dp_run *r, dp_tensor a, dp_tensor b);
dp_tensor dp_tensor_matmul_transposed(dp_run *r, dp_tensor a, dp_tensor b);

#endif
