/* adamw.h - AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019
 *
 * In the order of operations of torch.optim.AdamW, with the bits of torch 1.13 on a CPU with
 * AVX2. There the last elements of a tensor, beyond whole vectors, may differ in the last
 * bit. The scalars of step t, from 1, are computed in double. Each is rounded to float32
 * where it meets a tensor.
 *
 *     p = p (1 - lr decay)
 *     m = beta1 m + (1 - beta1) g           v = beta2 v + (1 - beta2) g g
 *     p = p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 *
 * ops/kernels/kernels.h says which operations are fused. The learning rate lr is that of
 * the parameter's group, already scaled.
 */
#ifndef DP_TRAIN_ADAMW_H
#define DP_TRAIN_ADAMW_H

#include "base/pool.h"
#include "ops/kernels/kernels.h"

#include <stdint.h>

typedef struct dp_adamw {
    double beta1, beta2, eps;
} dp_adamw;

/* 0.9, 0.999, 1e-8. */
extern const dp_adamw dp_adamw_recipe;

/* The scalars of step t >= 1. */
dp_adamw_factors dp_adamw_factors_get(const dp_adamw *a, double lr, double decay,
                                      int64_t t);

/* A parameter of `count` elements, its moments (0 before the first step), and its
 * gradient. */
typedef struct dp_adamw_tensor {
    float *value, *first, *second;
    const float *gradient;
    size_t count;
} dp_adamw_tensor;

/* One step. The work is spread over the pool; the bits do not depend on it. */
void dp_adamw_run(dp_pool *pool, const dp_kernels *kernels, const dp_adamw_tensor *t,
                  const dp_adamw_factors *f);

#endif
