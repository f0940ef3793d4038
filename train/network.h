/* network.h - a model that is trained: batches forward and back, parameters by name
 *
 *   N   images of a batch      K   classes
 *
 * Built from a config like a model for inference, but nothing is packed: every run reads
 * the raw parameters, which an optimizer changes in between. A step is a forward pass that
 * is recorded and a backward pass that adds to the gradients. From the second step of one
 * batch size on it allocates nothing. The bits do not depend on the number of threads.
 *
 * One caller at a time.
 */
#ifndef DP_TRAIN_NETWORK_H
#define DP_TRAIN_NETWORK_H

#include "core/config.h"
#include "model/model.h"
#include "train/tape.h"

typedef struct dp_network dp_network;

typedef struct dp_network_options {
    /* Of a checkpoint, borrowed during dp_network_new; NULL: all parameters are initial. */
    const dp_named_tensor *tensors;
    size_t count;

    /* What the checkpoint lacks or has in another shape gets initial values, and its other
     * tensors are left out. False: that is DP_ESHAPE. */
    bool partial;
    dp_mismatches *mismatches; /* of the checkpoint, the caller's to release; or NULL */

    /* Initial values are drawn as train/weight_init.h says, from this seed. The weight and
     * the bias of the last layer, where initial, are multiplied by head_scale. */
    uint64_t seed;
    double layer_scale, head_scale;

    const char *const *freeze; /* patterns of train/freeze.h */
    int freeze_count;

    /* Adds values up over the processes that share a batch; arg is the network. NULL: there is
     * one process. */
    void (*sum)(void *arg, double *values, size_t count);
} dp_network_options;

/* ctx gives threads and kernels, keeps sentences of failures, and outlives the network.
 * Errors as dp_model_build, and DP_EARG: a pattern that names nothing. */
dp_status dp_network_new(dp_context *ctx, dp_network **out, const dp_config *config,
                         const dp_network_options *o) DP_MUST_CHECK;

/* NULL is allowed. */
void dp_network_free(dp_network *n);

const dp_model *dp_network_model(const dp_network *n);
int dp_network_classes(const dp_network *n);

/* How an image becomes the network's input. */
const dp_input *dp_network_input(const dp_network *n);

/* The model's parameters in its order, with values that may be changed between runs. */
const dp_parameters *dp_network_parameters(const dp_network *n);

/* gradients[i] is of parameter i, and 0 at first; NULL where it is frozen or a buffer. */
float *const *dp_network_gradients(const dp_network *n);
void dp_network_clear_gradients(dp_network *n);

/* Residual branches that images may skip, in forward order. */
int dp_network_branches(const dp_network *n);

/* Set rates[i] of each branch: that of its block (train/drop_path.h). */
void dp_network_branch_rates(const dp_network *n, double *rates, double rate);

/* Whether images may skip branch [0, branches). If so, factors[0 .. N) become what the branch
 * of each image is multiplied by: 0 to skip it. Called once dry, with factors NULL, and once
 * for real. */
typedef bool dp_network_branch_fn(void *arg, int branch, int N, float *factors);

/* What is drawn in a forward pass. All zero: nothing is skipped or dropped. */
typedef struct dp_network_draws {
    dp_network_branch_fn *branch;
    dp_dropout_fn *dropout; /* core/run.h */
    void *arg;
} dp_network_draws;

/* Forward code from a batch on, which leaves its results in arg. Run dry, with no data in
 * `batch`, and then for real. */
typedef void dp_network_pass_fn(void *arg, const dp_model *m, dp_run *r,
                                dp_tensor batch);

/* Record a pass on a batch (N, H, W, 3), normalised as the config's input says, which stays
 * until dp_network_go_back. DP_ENOMEM, DP_ESHAPE. */
dp_status dp_network_record(dp_error *err, dp_network *n, dp_tensor batch,
                            dp_network_pass_fn *pass, void *arg,
                            const dp_network_draws *draws) DP_MUST_CHECK;

/* Add the gradients of a loss, of which seeds are those of results of the recorded pass.
 * Once after each. DP_ENOMEM. */
dp_status dp_network_go_back(dp_error *err, dp_network *n, const dp_tape_seed *seeds,
                             int count) DP_MUST_CHECK;

/* Of a classifier: record a batch, and receive its logits (N, K), valid until the next call.
 * branch NULL: none is skipped. DP_EARG: no classifier. DP_ENOMEM, DP_ESHAPE. */
dp_status dp_network_forward(dp_error *err, dp_network *n, dp_tensor batch,
                             dp_network_branch_fn *branch, void *branch_arg,
                             const float **logits) DP_MUST_CHECK;

/* Go back from the gradient dlogits (N, K) of the logits. DP_ENOMEM. */
dp_status dp_network_backward(dp_error *err, dp_network *n,
                              const float *dlogits) DP_MUST_CHECK;

/* Logits of a batch as in inference: nothing is recorded, batch norms use their running
 * statistics. Errors as dp_network_forward. */
dp_status dp_network_predict(dp_error *err, dp_network *n, dp_tensor batch,
                             const float **logits) DP_MUST_CHECK;

/* From now on call `map` with the named maps of forward passes, and `gradient` with the
 * gradients that backward passes meet. That of a named map comes with the same data. NULL:
 * no more. */
void dp_network_observe(dp_network *n, dp_trace_fn *map, dp_gradient_fn *gradient,
                        void *arg);

typedef struct dp_network_memory {
    size_t parameters, gradients;
    size_t values;   /* of a recorded forward pass                       */
    size_t backward; /* gradients of values, and scratch of both passes */
} dp_network_memory;

/* Bytes, after the last step. */
dp_network_memory dp_network_measure(const dp_network *n);

#endif
