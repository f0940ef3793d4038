/* convnext_block.h - the ConvNeXt block, tile by tile
 *
 *   y = x + gamma * pwconv2(gelu(pwconv1(norm(dwconv(x)))))
 *
 * Liu et al. 2022, section 2; the original's `Block`. A tile is a small window of the map: its
 * hidden map of 4 C channels lives in a worker's scratch memory only. The norm's affine
 * part is folded into pwconv1 and gamma into pwconv2 at load.
 */
#ifndef DP_OPS_CONVNEXT_BLOCK_H
#define DP_OPS_CONVNEXT_BLOCK_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/gemm.h"

typedef struct dp_convnext_block {
    int C;
    float eps;
    float *taps;     /* (7, 7, C)                            */
    float *bias;     /* C, of the depthwise convolution      */
    dp_gemm pwconv1; /* C to 4 C */
    dp_gemm pwconv2; /* 4 C to C */
} dp_convnext_block;

/* Load gamma, dwconv, norm, pwconv1, pwconv2 of the current scope. */
void dp_convnext_block_build(dp_builder *b, dp_convnext_block *k, int C, float eps);

/* y and x are (1, H, W, C) and do not overlap: each output needs seven rows of x. */
void dp_convnext_block_run(dp_run *r, const dp_convnext_block *k, dp_tensor y,
                           dp_tensor x);

#endif
