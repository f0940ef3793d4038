/* mlp.h - two layers over the channels of each cell, with their norm and residual
 *
 *   x = x + fc2(gelu(fc1(norm(x))))
 *
 * The second half of a transformer's block; upstream's `Mlp` and `norm2`. The 4 C
 * hidden channels of a tile of cells live in a worker's scratch memory only.
 */
#ifndef DP_OPS_MLP_H
#define DP_OPS_MLP_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"

typedef struct dp_mlp {
    dp_layer_norm norm;
    dp_linear fc1; /* C to 4 C */
    dp_linear fc2; /* 4 C to C */
} dp_mlp;

/* Load norm2, mlp.fc1 and mlp.fc2 of the current scope. */
void dp_mlp_build(dp_builder *b, dp_mlp *m, int C, float eps);

/* x is (N, H, W, C), changed in place. Another number of channels is recorded as
 * DP_ESHAPE. */
void dp_mlp_run(dp_run *r, const dp_mlp *m, dp_tensor x);

/* The plain form: a new map. */
dp_tensor dp_mlp_plain(dp_run *r, const dp_mlp *m, dp_tensor x);

#endif
