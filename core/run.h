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
#include "core/tensor.h"

struct dp_kernels; /* ops/kernels/kernels.h */

typedef struct dp_run dp_run;

/* Called with every named intermediate map of a run that asks for them. */
typedef void dp_trace_fn(void *arg, const dp_run *r, const char *name, dp_tensor map);

struct dp_run {
    dp_arena *arena;
    dp_pool *pool;                    /* may be NULL: one thread                     */
    const struct dp_kernels *kernels; /* chosen for this CPU                         */
    bool dry;
    dp_status status; /* of the dry run: the first failure; DP_OK otherwise          */
    dp_error *err;    /* its sentence                                                */
    dp_trace_fn *trace; /* NULL: none. Never called in a dry run                     */
    void *trace_arg;
    bool boxes_only; /* of a detector: no masks are asked for */
    double macs;     /* multiply-accumulates of the products done so far, dry or real */
    double extras; /* what the counter of published figures adds: docs/costs.md      */
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

/* Count rows x K x N multiply-accumulates. */
void dp_run_count(dp_run *r, size_t rows, int K, int N);

/* Count what else the published figures hold: biases and norms of convolutions,
 * activations, pooling. May be negative, where a layer is cheaper here than there. */
void dp_run_count_extra(dp_run *r, double count);

/* Hand an intermediate map to whoever traces this run; free when nobody does. */
void dp_run_trace(const dp_run *r, const char *name, dp_tensor map);

#endif
