/* batch_norm.h - batch normalisation, folded into the convolution before it
 *
 * With the running statistics, (x - mean) / sqrt(var + eps) * weight + bias is x *
 * scale + shift.
 */
#ifndef DP_OPS_BATCH_NORM_H
#define DP_OPS_BATCH_NORM_H

#include "core/builder.h"

#define DP_BATCH_NORM_EPS 1e-5f /* PyTorch's default, which nearly all models keep */

/* The raw tensors, C each, where the builder keeps them; else NULL. */
typedef struct dp_batch_norm {
    const float *weight, *bias, *mean, *variance;
    float eps;
} dp_batch_norm;

/* Load the scope `name` ("bn."), n channels; its num_batches_tracked is known and
 * unused. *scale and *shift are valid until dp_builder_release, and both NULL when a
 * tensor is missing or memory ran out. Computed in float64, rounded once. A variance of
 * 0 with eps 0 gives what the division gives. */
void dp_batch_norm_fold(dp_builder *b, dp_batch_norm *raw, const char *name, int n,
                        float eps, const float **scale, const float **shift);

#endif
