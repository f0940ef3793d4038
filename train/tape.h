/* tape.h - the steps of a recorded run, and the backward pass over them
 *
 * A tape is the `watch` of a run with trained parameters (core/run.h). It keeps every step
 * with the places of its values, which all stay until the next run.
 *
 * Only copies write into memory that is there already. They are not recorded: the tape notes
 * that the memory now holds the copied value. Later steps that read there are recorded as
 * readers of the source, the result of another step. Should a copy go over the
 * result of a step itself, the tape saves that first.
 *
 * Values from before the first recorded step are saved too, since their memory may be used
 * again; the run's input is not. From the second run of the same shapes on nothing is
 * allocated.
 *
 * A step that reads a part of another step's result has no gradient here: DP_EARG.
 */
#ifndef DP_TRAIN_TAPE_H
#define DP_TRAIN_TAPE_H

#include "ops/step_backward.h"

/* Called with the whole gradient of a step's result, before the backward pass goes over the
 * step; dy has as many values as y. */
typedef void dp_gradient_fn(void *arg, dp_tensor y, const float *dy);

typedef struct dp_tape {
    struct dp_taped_step *steps;
    size_t count, capacity;
    struct dp_tape_alias *aliases;
    size_t alias_count, alias_capacity;
    struct dp_saved_value *saved; /* whose memory is used again */
    size_t saved_count, saved_capacity;
    dp_tensor input; /* of the run: it stays as it is */

    dp_gradient_fn *observe; /* NULL: none */
    void *observe_arg;

    float *gradients; /* of the steps' results, as planned */
    size_t gradient_room;

    dp_error err;
    dp_status status; /* the first failure of recording */
} dp_tape;

/* Forget the steps of the run before; the next one is of this input. A zeroed tape is
 * allowed. */
void dp_tape_reset(dp_tape *t, dp_tensor input);

/* A dp_watch_fn; arg is the tape. */
void dp_tape_watch(void *arg, const dp_step *s);

/* Where the value lies that x's memory holds now. A copy into a part of it is refused. */
dp_tensor dp_tape_source(dp_tape *t, dp_tensor x);

/* The gradient of a loss with respect to a value of the run, as many numbers as y has. */
typedef struct dp_tape_seed {
    dp_tensor y;
    const float *dy;
} dp_tape_seed;

/* Go back over the steps from the seeds, and add to the gradients of the parameters. r has
 * a pool, kernels and an arena that is free for scratch memory. A seed that no step has
 * made is left out. DP_EARG, DP_ENOMEM. */
dp_status dp_tape_backward(dp_error *err, dp_tape *t, dp_run *r,
                           const dp_parameter_gradients *of, const dp_tape_seed *seeds,
                           int count) DP_MUST_CHECK;

/* Bytes that the tape holds: steps, copies and gradients. */
size_t dp_tape_bytes(const dp_tape *t);

/* Release everything. A zeroed tape is allowed. */
void dp_tape_done(dp_tape *t);

#endif
