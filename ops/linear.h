/* linear.h - a fully connected layer
 */
#ifndef DP_OPS_LINEAR_H
#define DP_OPS_LINEAR_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/gemm.h"

typedef struct dp_linear {
    dp_gemm gemm;
} dp_linear;

/* Load `weight` [out, in] and `bias` [out] of the scope `name` (such as "fc_cls."). */
void dp_linear_build(dp_builder *b, dp_linear *l, const char *name, int in, int out);

/* The same for a pointwise layer (ops/gemm.h): of bf16 when the builder says so. Not for
 * dp_linear_run. */
void dp_linear_build_pointwise(dp_builder *b, dp_linear *l, const char *name, int in,
                               int out);

/* The same for a layer that reads flattened maps of C channels and P x P cells. The
 * checkpoint counts them channel by channel (index (c * P + y) * P + x); the packed
 * weight follows our maps, (y * P + x) * C + c. */
void dp_linear_build_flattened(dp_builder *b, dp_linear *l, const char *name, int C,
                               int P, int out);

/* The same of a tensor whose rows are in another order or too many: output n is row
 * (first + n) % rows. */
void dp_linear_build_rows(dp_builder *b, dp_linear *l, const char *name, int in,
                          int out, int rows, int first);

/* (N, 1, 1, out) from x of N items with H * W * C = in each; another shape is recorded
 * as DP_ESHAPE. Tiles of rows are spread over the threads. */
dp_tensor dp_linear_run(dp_run *r, const dp_linear *l, dp_tensor x,
                        dp_activation activation);

/* The same into y of that shape, which does not overlap x. */
void dp_linear_run_into(dp_run *r, const dp_linear *l, dp_tensor y, dp_tensor x,
                        dp_activation activation);

#endif
