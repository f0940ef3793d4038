/* context.h - workers, work space and the last error: one caller's side of running models
 *
 * The public type dp_context (include/densepred.h). A context is planned for one model and
 * one image size at a time; the next call with the same two allocates nothing.
 */
#ifndef DP_MODEL_CONTEXT_H
#define DP_MODEL_CONTEXT_H

#include "base/arena.h"
#include "base/pool.h"
#include "base/status.h"
#include "core/box.h"
#include "core/run.h"
#include "densepred.h"
#include "ops/kernels/kernels.h"

#include <stdbool.h>

enum { DP_MODEL_RESULT_MAX = 256 /* bytes of any task's result struct */ };

struct dp_context {
    dp_error err;
    dp_pool *pool;
    dp_kernels kernels;
    dp_arena arena;
    dp_options options;

    bool bf16; /* models loaded here have bf16 weights in their pointwise layers */

    /* what the arena is planned for; serial 0: nothing */
    uint64_t planned_model;
    dp_size planned_size;
    bool planned_boxes_only, planned_plain;
    int planned_max_per_img;

    /* of the last run, which lies in the arena until the next; serial 0: none */
    uint64_t result_model;
    _Alignas(16) unsigned char result[DP_MODEL_RESULT_MAX];

    dp_trace_fn *trace; /* NULL: none; see core/run.h */
    void *trace_arg;
};

/* A further context for models of `of`: the same kernels and precision, its own threads and
 * work space, no log. Errors as dp_context_new. */
dp_status dp_context_fork(dp_error *err, dp_context **out, const dp_context *of,
                          int threads) DP_MUST_CHECK;

/* Hand a line to the log callback, if there is one. */
void dp_context_log(dp_context *ctx, const char *format, ...) DP_PRINTF(2, 3);

/* The run of a forward pass in this context, dry or real. */
dp_run dp_context_run(dp_context *ctx, bool dry);

#endif
