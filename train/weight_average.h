/* weight_average.h - an exponential moving average of a model's weights
 *
 * timm's ModelEma: it starts as a copy of the weights, and after each step of the optimizer
 *
 *   average = average f32(decay) + f32(1 - decay) value
 *
 * for every entry of the state dict, buffers of floats too; both factors are rounded from
 * double, and nothing is fused. Integer buffers are computed alike and cut to an integer, so
 * a count of batches that started at 0 stays 0; there is no function for them.
 */
#ifndef DP_TRAIN_WEIGHT_AVERAGE_H
#define DP_TRAIN_WEIGHT_AVERAGE_H

#include "base/pool.h"

#include <stddef.h>

/* Move the average of n values on. The bits do not depend on the pool. */
void dp_weight_average_run(dp_pool *pool, float *average, const float *value, size_t n,
                           double decay);

#endif
