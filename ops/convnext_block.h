/* convnext_block.h - the ConvNeXt block, tile by tile
 *
 *   V1   y = x + gamma * pwconv2(gelu(pwconv1(norm(dwconv(x)))))
 *   V2   y = x + pwconv2(grn(gelu(pwconv1(norm(dwconv(x))))))
 *
 * Liu et al. 2022, section 2, and Woo et al. 2023, section 3.3; upstream's `Block`. A
 * tile is a small window of the map: its hidden map of 4 C channels lives in a worker's
 * scratch memory only. The norm's affine part is folded into pwconv1, and gamma or the
 * GRN's beta into pwconv2, at load.
 *
 * Global response normalisation (GRN) scales each hidden channel by its norm over the
 * whole map. So with it a block takes two passes, and keeps the hidden map between them.
 */
#ifndef DP_OPS_CONVNEXT_BLOCK_H
#define DP_OPS_CONVNEXT_BLOCK_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/gemm.h"

typedef struct dp_convnext_block_spec {
    int C;
    float eps;        /* of the norm               */
    bool layer_scale; /* there is a gamma          */
    bool grn;         /* there is a GRN            */
} dp_convnext_block_spec;

typedef struct dp_convnext_block {
    dp_convnext_block_spec spec;

    /* the raw tensors, for the plain form, where the builder keeps parameters */
    struct {
        const float *dwconv, *dwconv_bias, *norm, *norm_bias, *pwconv1, *pwconv1_bias,
            *grn_gamma, *grn_beta, *pwconv2, *pwconv2_bias, *gamma;
    } raw;

    float *taps;      /* (7, 7, C)                            */
    float *bias;      /* C, of the depthwise convolution      */
    dp_gemm pwconv1;  /* C to 4 C */
    float *grn_gamma; /* 4 C; NULL without GRN                */
    dp_gemm pwconv2;  /* 4 C to C */
} dp_convnext_block;

/* Load dwconv, norm, pwconv1, pwconv2, and as the spec says gamma and grn, of the current
 * scope. */
void dp_convnext_block_build(dp_builder *b, dp_convnext_block *k,
                             const dp_convnext_block_spec *spec);

/* y and x are (N, H, W, C) and do not overlap: each output needs seven rows of x. The bits
 * do not depend on the number of threads. */
void dp_convnext_block_run(dp_run *r, const dp_convnext_block *k, dp_tensor y,
                           dp_tensor x);

/* The plain form. */
dp_tensor dp_convnext_block_plain(dp_run *r, const dp_convnext_block *k, dp_tensor x);

#endif
