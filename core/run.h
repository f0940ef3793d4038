/* run.h - one pass of the forward code, dry or real
 *
 * Forward code is written once and runs twice. Dry (dp_plan): operators infer and check
 * shapes and take imaginary memory, compute nothing, and the peak is known; a shape that
 * does not fit is recorded, once, and later operators pass through. Real: the same code
 * on memory of that size, which cannot fail and allocates nothing. So forward code has
 * no error branches.
 *
 * Counts that depend on data (proposals, detections) take their configured caps in the
 * dry run, so the plan is an upper bound.
 *
 * Where values are needed in between (a comparison, a loop over data), ask `dry` first:
 * data is NULL then.
 */
#ifndef DP_CORE_RUN_H
#define DP_CORE_RUN_H

#include "base/arena.h"
#include "base/pool.h"
#include "core/parameters.h"
#include "core/tensor.h"

struct dp_kernels; /* ops/kernels/kernels.h */

typedef struct dp_run dp_run;

/* Called with every named intermediate map of a run that asks for them. */
typedef void dp_trace_fn(void *arg, const dp_run *r, const char *name, dp_tensor map);

/* What kind of layer does some work. */
typedef enum dp_work_kind {
    DP_WORK_CONV, /* a convolution, also a transposed or a depthwise one of a block */
    DP_WORK_DEPTHWISE, /* a depthwise convolution that is a layer of its own             */
    DP_WORK_LINEAR, /* a matrix multiplication over the channels of each row          */
    DP_WORK_ATTENTION, /* queries with keys, weights with values                         */
    DP_WORK_AVERAGE /* average pooling: no multiplication                             */
} dp_work_kind;

/* What a call of an operator does. */
typedef struct dp_work {
    dp_work_kind kind;
    double macs;           /* multiply-accumulates */
    size_t inputs;         /* values read: of average pooling only  */
    size_t outputs;        /* values written: of the other kinds    */
    bool bias, norm, relu; /* what each output has besides          */
    /* Upstream computes so many of these to keep one, which is all that is computed here;
     * 0 counts as 1. */
    int variants;
} dp_work;

/* Called with every work of a run that is observed. */
typedef void dp_work_fn(void *arg, const dp_run *r, const dp_work *work);

/* Called after every step of a plain form (ops/step.h), with its inputs and its result; of a
 * run with trained parameters, while it is recording. Of a copy it is called before, while
 * the memory still has what is copied over. */
struct dp_step;
typedef void dp_watch_fn(void *arg, const struct dp_step *step);

/* Called for every residual branch of a run, in forward order, dry and real: whether images
 * may skip the branch. If so, factors[0 .. N) become what the branch of each image is
 * multiplied by, 0 to skip it. In a dry run factors is NULL. */
typedef bool dp_branch_fn(void *arg, int N, float *factors);

/* Called for every dropout layer of a run, dry and real: whether it drops channels of images,
 * each with probability `ratio`. If so, factors[n * C + c] become what channel c of image n
 * is multiplied by, 0 to drop it. In a dry run factors is NULL. */
typedef bool dp_dropout_fn(void *arg, float ratio, int N, int C, float *factors);

/* Of fast runs: which batch norms use the statistics of the batch. */
typedef struct dp_batch_statistics {
    /* Called for every batch norm, dry and real, with its running mean and variance as the
     * model keeps them: whether it uses the statistics of the batch. If so, running[0] and
     * running[1] are the mean and the variance to update, or NULL to leave them. */
    bool (*used)(void *arg, const float *mean, const float *variance, float **running);
    /* Add values up over the processes that share a batch, forward and backward. NULL: there
     * is one process. */
    void (*sum)(void *arg, double *values, size_t count);
    void *arg;
} dp_batch_statistics;

struct dp_run {
    dp_arena *arena;
    dp_pool *pool;                    /* may be NULL: one thread                     */
    const struct dp_kernels *kernels; /* chosen for this CPU                         */
    bool dry;
    dp_status status; /* of the dry run: the first failure; DP_OK otherwise          */
    dp_error *err;    /* its sentence                                                */
    dp_trace_fn *trace; /* NULL: none. Never called in a dry run                     */
    void *trace_arg;
    double macs;         /* multiply-accumulates done so far, dry or real */
    dp_work_fn *observe; /* NULL: none */
    void *observe_arg;
    const char *module; /* for observers: the head that runs, where one needs to know */

    /* Every operator runs its plain form (ops/ops.def). The model must have been built
     * with its parameters kept (core/builder.h). Work of plain forms is not counted. */
    bool plain;
    dp_watch_fn *watch; /* NULL: none. Never called in a dry run */
    void *watch_arg;

    /* For training, of plain runs. Steps run their fast forms. From the first step on that
     * reads a trained parameter the run is recording: dp_run_rewind gives nothing back, so
     * every value stays for the backward pass, and `watch` is called. */
    bool fast;
    const dp_parameter_gradients *trained; /* NULL: never recording */
    bool recording;                        /* false at first        */
    dp_branch_fn *branch;                  /* stochastic depth; NULL: none */
    void *branch_arg;
    dp_dropout_fn *dropout; /* NULL: nothing is dropped */
    void *dropout_arg;
    const dp_batch_statistics *statistics; /* NULL: batch norms use running ones */
};

/* A tensor in the arena, not initialised, until the enclosing mark is rewound. Extents
 * of 0 are allowed; negative ones are recorded as DP_ESHAPE and become 0. */
dp_tensor dp_run_tensor(dp_run *r, int N, int H, int W, int C);

/* count x size bytes in the arena, not initialised; NULL when dry. */
void *dp_run_take(dp_run *r, size_t count, size_t size);

/* dp_arena_mark and dp_arena_rewind of the run's arena. */
size_t dp_run_mark(const dp_run *r);
void dp_run_rewind(dp_run *r, size_t mark);

/* Record a failure of the dry run; later ones are ignored. The real run, which follows
 * only a dry run that passed, never gets here. */
void dp_run_fail(dp_run *r, dp_status code, const char *format, ...) DP_PRINTF(3, 4);

/* Multiply-accumulates of (rows, K) times (K, N). */
double dp_work_macs(size_t rows, int K, int N);

/* Add work to the run's sum, and tell the observer of it. */
void dp_run_count(dp_run *r, const dp_work *work);

/* Hand an intermediate map to whoever traces this run; free when nobody does. */
void dp_run_trace(const dp_run *r, const char *name, dp_tensor map);

#endif
