/* optimizer.h - what changes the parameters of a network by their gradients
 *
 * Parameters fall into groups (train/parameter_groups.h), each with its learning rate and
 * weight decay. A step clips the gradients, moves the parameters by AdamW or gradient
 * descent, and then the moving average of all weights and buffers. Frozen parameters have
 * no moments.
 */
#ifndef DP_TRAIN_OPTIMIZER_H
#define DP_TRAIN_OPTIMIZER_H

#include "base/store.h"
#include "core/parameters.h"
#include "train/training.h"

typedef struct dp_optimizer {
    const dp_training *training;
    dp_parameter_gradients trained; /* parameters and their gradients */
    dp_store store;

    /* One a parameter of the model: its group, and its moments, which are 0 at first. NULL
     * where it is frozen; gradient descent has no second ones. */
    int *group;
    float **first, **second;

    /* One a parameter and buffer, at first a copy; NULL without an average. */
    float **average;

    dp_parameter_group *groups;
    int group_count;
    int64_t steps; /* done */
} dp_optimizer;

/* The training, the parameters and the gradients stay in place until dp_optimizer_done.
 * DP_ENOMEM. */
dp_status dp_optimizer_init(dp_error *err, dp_optimizer *o, const dp_training *training,
                            const dp_parameter_gradients *trained) DP_MUST_CHECK;

/* One step at this learning rate and, for the groups that decay, weight decay. Returns the
 * norm of all gradients before clipping; when it is not finite, the parameters are not to
 * be used. The bits do not depend on the pool. */
double dp_optimizer_run(dp_optimizer *o, dp_pool *pool, const dp_kernels *kernels,
                        double rate, double decay);

/* A zeroed one is allowed. */
void dp_optimizer_done(dp_optimizer *o);

#endif
