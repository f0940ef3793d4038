/* winograd.h - 3 x 3 convolution with a quarter of the multiplications
 *
 * F(4 x 4, 3 x 3) of Lavin and Gray 2016, stride 1, padding 1. Tiles of 6 x 6 inputs are
 * transformed to 36 values a channel. Each is multiplied with weights of its own, in 36
 * GEMMs, and the results give 4 x 4 outputs. The sums are others than a convolution's. The
 * relative error (L2, against float64) is about 1.2e-6 for any number of channels. One
 * chain of additions has 6e-7 at 256 channels and 1.8e-6 at 2048.
 */
#ifndef DP_OPS_WINOGRAD_H
#define DP_OPS_WINOGRAD_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/gemm.h"

typedef struct dp_winograd {
    int in, out;
    dp_gemm *gemms; /* DP_WINOGRAD_VALUES of (in, out) */
    float *bias;    /* out */
    bool relu;
} dp_winograd;

/* Pack the taps weight[o * out_stride + i * 9 + ky * 3 + kx], times scale[o] (NULL: 1),
 * and a bias of `out` (NULL: zeros), of which nothing is kept. With weight NULL only the
 * sizes are set. */
void dp_winograd_build(dp_builder *b, dp_winograd *l, int in, int out,
                       const float *weight, size_t out_stride, const float *scale,
                       const float *bias, bool relu);

/* y (N, H, W, out) of x (N, H, W, in), which do not overlap. Blocks of tiles are spread
 * over the threads; the bits do not depend on how many there are. Does not count its
 * work. */
void dp_winograd_run(dp_run *r, const dp_winograd *l, dp_tensor y, dp_tensor x);

/* A pointwise layer after the convolution, to y (N, H, W, outputs of gemm). */
typedef struct dp_winograd_then {
    const dp_gemm *gemm;
    dp_activation activation;
    dp_tensor y;
} dp_winograd_then;

/* Every cell of the convolution of x (N, H, W, in) through all `count` layers, whose gemms
 * take `out` channels. The map between, which nobody else reads, is never in memory. Split
 * over the threads as dp_winograd_run; no y overlaps x. */
void dp_winograd_run_through(dp_run *r, const dp_winograd *l,
                             const dp_winograd_then *then, int count, dp_tensor x);

#endif
