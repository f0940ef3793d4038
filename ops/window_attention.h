/* window_attention.h - attention among the cells of a window, with its norm and residual
 *
 *   x = x + proj(attention(norm(x)))
 *
 * Liu et al. 2021, "Swin Transformer", section 3.2; upstream's dense-prediction
 * `WindowAttention` and the first half of its `SwinTransformerBlock`. Windows are side x
 * side cells. A map that they do not fill is continued below and to the right by zeros.
 * These come after the norm and take part as keys like any others. A shift moves the grid
 * of windows up and left by that many cells, cyclically. The logits of cells that only
 * this made neighbours are lowered by 100.
 *
 * An item is a few neighbouring windows; all that is between x and x lives in a worker's
 * scratch memory.
 */
#ifndef DP_OPS_WINDOW_ATTENTION_H
#define DP_OPS_WINDOW_ATTENTION_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"

enum { DP_WINDOW_MAX_SIDE = 32 };

typedef struct dp_window_attention_spec {
    int C, heads; /* heads divide C                                    */
    int side;     /* of a window, in cells: 1 to DP_WINDOW_MAX_SIDE     */
    float eps;    /* of the norm                                       */
} dp_window_attention_spec;

typedef struct dp_window_attention {
    dp_window_attention_spec spec;
    dp_layer_norm norm;
    dp_linear qkv; /* C to 3 C: queries, keys, values, each head by head           */
    const float *table; /* raw, where the builder keeps parameters */
    dp_linear proj;  /* C to C                                                       */
    float *position; /* (heads, N, N), N = side * side: added to a query's logits    */
    float *scale;    /* N times 1 / sqrt(C / heads)                                  */
    float *zeros;    /* the bias of a GEMM without one: C or N, whichever is more  */
} dp_window_attention;

/* Load norm1, attn.qkv, attn.proj and attn.relative_position_bias_table [(2 side - 1)^2,
 * heads] of the current scope. The buffers attn.relative_position_index and attn_mask
 * follow from the sides; they are known and unused. */
void dp_window_attention_build(dp_builder *b, dp_window_attention *a,
                               const dp_window_attention_spec *spec);

/* x is (N, H, W, C), changed in place; shift is 0 to side - 1. Another number of channels
 * is recorded as DP_ESHAPE. */
void dp_window_attention_run(dp_run *r, const dp_window_attention *a, dp_tensor x,
                             int shift);

/* The plain form: a new map. */
dp_tensor dp_window_attention_plain(dp_run *r, const dp_window_attention *a,
                                    dp_tensor x, int shift);

#endif
