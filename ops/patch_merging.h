/* patch_merging.h - a map at half its size: cells in twos by twos, normed, and mixed
 *
 * Liu et al. 2021, "Swin Transformer"; upstream's `PatchMerging`. The four cells are
 * laid side by side in the order (0, 0), (1, 0), (0, 1), (1, 1) of row and column. A map
 * of odd extent is continued by zeros, which take part in the norm.
 */
#ifndef DP_OPS_PATCH_MERGING_H
#define DP_OPS_PATCH_MERGING_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/gemm.h"
#include "ops/layer_norm.h"

typedef struct dp_patch_merging {
    int C;
    dp_layer_norm norm;         /* of 4 C          */
    dp_gemm reduction;          /* 4 C to 2 C, no bias */
    const float *raw_reduction; /* [2 C, 4 C], where the builder keeps parameters */
} dp_patch_merging;

/* Load norm and reduction of the current scope. */
void dp_patch_merging_build(dp_builder *b, dp_patch_merging *m, int C, float eps);

/* y is (N, ceil(H / 2), ceil(W / 2), 2 C) of x (N, H, W, C); other extents are recorded
 * as DP_ESHAPE. y does not overlap x. */
void dp_patch_merging_run(dp_run *r, const dp_patch_merging *m, dp_tensor y,
                          dp_tensor x);

/* The plain form. */
dp_tensor dp_patch_merging_plain(dp_run *r, const dp_patch_merging *m, dp_tensor x);

#endif
