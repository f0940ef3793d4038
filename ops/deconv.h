/* deconv.h - transposed convolution, 2 x 2 with stride 2: each cell becomes four
 *
 * y(2i + a, 2j + b) = activation(bias + sum over c of x(i, j, c) * weight(c, :, a, b)).
 * The four never overlap, so it is one GEMM of the cells with a matrix of 4 x out
 * columns.
 */
#ifndef DP_OPS_DECONV_H
#define DP_OPS_DECONV_H

#include "ops/gemm.h"

typedef struct dp_deconv {
    int in, out;
    dp_activation activation;
    const float *weight, *bias; /* raw, where the builder keeps parameters */
    dp_gemm gemm;               /* columns in the order (a, b, channel) */
} dp_deconv;

/* Load `weight` [in, out, 2, 2] and `bias` [out] of the scope `name`. */
void dp_deconv_build(dp_builder *b, dp_deconv *d, const char *name, int in, int out,
                     dp_activation activation);

/* x (N, H, W, in) to (N, 2H, 2W, out), in r's arena. Other channels, or sides too large
 * to be doubled, are recorded as DP_ESHAPE. */
dp_tensor dp_deconv_run(dp_run *r, const dp_deconv *d, dp_tensor x);

/* The plain form. */
dp_tensor dp_deconv_plain(dp_run *r, const dp_deconv *d, dp_tensor x);

/* Count the work of dp_deconv_run, for who uses the GEMM itself. */
void dp_deconv_count(dp_run *r, const dp_deconv *d, dp_tensor x);

#endif
