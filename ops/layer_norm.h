/* layer_norm.h - normalisation over the channels of each cell
 *
 * Biased variance, eps inside the root. The channels-first norms of upstream's stem,
 * downsampling and outputs are the same thing on a channels-last map.
 */
#ifndef DP_OPS_LAYER_NORM_H
#define DP_OPS_LAYER_NORM_H

#include "core/builder.h"
#include "core/run.h"

typedef struct dp_layer_norm {
    int C;
    float eps;
    float *weight, *bias;               /* C each */
    const float *raw_weight, *raw_bias; /* where the builder keeps parameters */
} dp_layer_norm;

/* Load `weight` and `bias` [C] of the scope `name`. */
void dp_layer_norm_build(dp_builder *b, dp_layer_norm *n, const char *name, int C,
                         float eps);

/* y = norm(x); y has the extents of x and may be x. Tiles of rows are spread over the
 * threads. Another number of channels is recorded as DP_ESHAPE. */
void dp_layer_norm_run(dp_run *r, const dp_layer_norm *n, dp_tensor y, dp_tensor x);

/* The plain form. */
dp_tensor dp_layer_norm_plain(dp_run *r, const dp_layer_norm *n, dp_tensor x);

#endif
