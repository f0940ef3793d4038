/* The plain forms of the blocks of ConvNeXt and Swin, as the papers write them.
 *
 *   N   items (images)      C   channels
 */
#include "ops/arithmetic.h"
#include "ops/convnext_block.h"
#include "ops/layout.h"
#include "ops/mlp.h"
#include "ops/patch_merging.h"
#include "ops/reduction.h"
#include "ops/weighted.h"
#include "ops/window_attention.h"

#include <math.h>

/* Woo et al. 2023, section 3.3: gamma * (x * n) + beta + x, where n is each channel's norm
 * over the map, divided by the mean of the norms. */
static dp_tensor normalise_responses(dp_run *r, const dp_convnext_block *k, dp_tensor x)
{
    const dp_tensor norms = dp_tensor_channel_norms(r, x); /* (N, 1, 1, 4 C) */
    const dp_tensor n = dp_tensor_shares(r, norms, 1e-6f); /* (N, 1, 1, 4 C) */
    const dp_tensor scaled = dp_tensor_multiply(r, x, n);  /* (N, H, W, 4 C) */
    return dp_tensor_add(
        r, dp_tensor_affine(r, scaled, k->raw.grn_gamma, k->raw.grn_beta), x);
}

/* Liu et al. 2022, figure 4. */
dp_tensor dp_convnext_block_plain(dp_run *r, const dp_convnext_block *k, dp_tensor x)
{
    const int C = k->spec.C;
    dp_tensor y = dp_tensor_depthwise(r, x, k->raw.dwconv, k->raw.dwconv_bias, 7, 1);
    y = dp_tensor_layer_norm(r, y, k->raw.norm, k->raw.norm_bias, k->spec.eps);
    y = dp_tensor_linear(r, y, k->raw.pwconv1, k->raw.pwconv1_bias, 4 * C);
    y = dp_tensor_gelu(r, y); /* (N, H, W, 4 C) */
    if (k->spec.grn)
        y = normalise_responses(r, k, y);
    y = dp_tensor_linear(r, y, k->raw.pwconv2, k->raw.pwconv2_bias, C);
    if (k->spec.layer_scale)
        y = dp_tensor_affine(r, y, k->raw.gamma, NULL);
    return dp_tensor_add(r, x, dp_tensor_branch(r, y)); /* (N, H, W, C) */
}

dp_tensor dp_mlp_plain(dp_run *r, const dp_mlp *m, dp_tensor x)
{
    const int C = m->norm.C;
    dp_tensor y = dp_layer_norm_plain(r, &m->norm, x);
    y = dp_tensor_linear(r, y, m->fc1.raw.weight, m->fc1.raw.bias, 4 * C);
    y = dp_tensor_gelu(r, y); /* (N, H, W, 4 C) */
    y = dp_tensor_linear(r, y, m->fc2.raw.weight, m->fc2.raw.bias, C);
    return dp_tensor_add(r, x, dp_tensor_branch(r, y)); /* (N, H, W, C) */
}

/* Liu et al. 2021, section 3.1: four neighbouring cells become one. */
dp_tensor dp_patch_merging_plain(dp_run *r, const dp_patch_merging *m, dp_tensor x)
{
    x = dp_tensor_pad(r, x, x.H + x.H % 2, x.W + x.W % 2);
    const dp_tensor cells[4] = {
        dp_tensor_subsample(r, x, 2, 0, 0), dp_tensor_subsample(r, x, 2, 1, 0),
        dp_tensor_subsample(r, x, 2, 0, 1), dp_tensor_subsample(r, x, 2, 1, 1)};
    dp_tensor y = dp_tensor_concat(r, cells, 4); /* (N, H/2, W/2, 4 C) */
    y = dp_layer_norm_plain(r, &m->norm, y);
    return dp_tensor_linear(r, y, m->raw_reduction, NULL, 2 * m->C);
}

/* Liu et al. 2021, section 3.2, of windows (B, side, side, C), N^2 = side^2 cells each. */
static dp_tensor attend(dp_run *r, const dp_window_attention *a, dp_tensor x,
                        const dp_window_grid *grid)
{
    const int C = a->spec.C, heads = a->spec.heads, side = a->spec.side;
    const float scale = (float)(1 / sqrt((double)(C / heads)));
    const dp_tensor qkv =
        dp_tensor_linear(r, x, a->qkv.raw.weight, a->qkv.raw.bias, 3 * C);
    const dp_tensor q = dp_tensor_heads(r, qkv, 0, C, heads);
    const dp_tensor k = dp_tensor_heads(r, qkv, C, C, heads);
    const dp_tensor v = dp_tensor_heads(r, qkv, 2 * C, C, heads);

    dp_tensor logits = dp_tensor_matmul_transposed(r, dp_tensor_scale(r, q, scale), k);
    logits = dp_tensor_position(r, logits, a->table, side, heads);
    if (grid->shift > 0)
        logits = dp_tensor_separate(r, logits, grid);
    const dp_tensor y = dp_tensor_matmul(r, dp_tensor_softmax(r, logits),
                                         v); /* (B * heads, N^2, 1, .) */
    return dp_tensor_linear(r, dp_tensor_unheads(r, y, heads, side, side),
                            a->proj.raw.weight, a->proj.raw.bias, C);
}

dp_tensor dp_window_attention_plain(dp_run *r, const dp_window_attention *a,
                                    dp_tensor x, int shift)
{
    const int side = a->spec.side;
    const dp_window_grid grid = {side, a->spec.heads, shift, (x.H + side - 1) / side,
                                 (x.W + side - 1) / side};
    const int H = grid.down * side, W = grid.across * side;
    dp_tensor y = dp_layer_norm_plain(r, &a->norm, x);
    y = dp_tensor_pad(r, y, H, W); /* (N, H', W', C): whole windows */
    y = dp_tensor_roll(r, y, shift, shift);
    y = attend(r, a, dp_tensor_windows(r, y, side), &grid);
    y = dp_tensor_unwindows(r, y, x.N, H, W);
    y = dp_tensor_roll(r, y, -shift, -shift);
    y = dp_tensor_pad(r, y, x.H, x.W);
    return dp_tensor_add(r, x, dp_tensor_branch(r, y));
}
