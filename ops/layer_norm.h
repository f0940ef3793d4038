/* layer_norm.h - normalisation over the channels of each cell
 *
 * Biased variance, eps inside the root. The channels-first norms of the original's stem,
 * downsampling and outputs are the same thing on a channels-last map.
 */
#ifndef DP_OPS_LAYER_NORM_H
#define DP_OPS_LAYER_NORM_H

#include "core/builder.h"
#include "core/run.h"

typedef struct dp_layer_norm {
    int C;
    float eps;
    float *weight, *bias; /* C each */
} dp_layer_norm;

/* Load `weight` and `bias` [C] of the scope `name`. */
void dp_layer_norm_build(dp_builder *b, dp_layer_norm *n, const char *name, int C,
                         float eps);

/* The normalised map; with `in_place` x itself, else a new tensor. */
dp_tensor dp_layer_norm_run(dp_run *r, const dp_layer_norm *n, dp_tensor x,
                            bool in_place);

#endif
