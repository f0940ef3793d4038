/* sgd.h - gradient descent with momentum, in the order of operations of torch.optim.SGD
 *
 *   d = g + decay p      m = momentum m + d      p = p - lr m
 *
 * Weight decay is part of the gradient, there is no dampening and no look-ahead. As with
 * torch the first moment is the gradient itself, since m starts at 0.
 */
#ifndef DP_TRAIN_SGD_H
#define DP_TRAIN_SGD_H

#include "base/pool.h"
#include "ops/kernels/kernels.h"

/* A parameter of `count` elements, its moment (0 before the first step), and its
 * gradient. */
typedef struct dp_sgd_tensor {
    float *value, *moment;
    const float *gradient;
    size_t count;
} dp_sgd_tensor;

/* One step. The scalars are rounded to float32. The work is spread over the pool; the bits
 * do not depend on it. */
void dp_sgd_run(dp_pool *pool, const dp_kernels *kernels, const dp_sgd_tensor *t,
                double lr, double momentum, double decay);

#endif
