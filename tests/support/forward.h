/* forward.h - run forward code as a model does: dry, then real
 */
#ifndef DP_TESTS_SUPPORT_FORWARD_H
#define DP_TESTS_SUPPORT_FORWARD_H

#include "base/store.h"
#include "core/run.h"
#include "ops/kernels/kernels.h"

typedef struct forward {
    dp_error err;
    dp_kernels kernels; /* of this CPU, or of the mask given */
    dp_pool *pool;
    dp_arena arena;
    dp_run run;
} forward;

/* Called twice, with r->dry first; keeps its results in arg. */
typedef void forward_fn(dp_run *r, void *arg);

/* `cpu` masks the CPU's flags: ~0u for all it has, 0 for plain C. */
void forward_init(forward *f, int threads, unsigned cpu);
void forward_done(forward *f);

/* Run fn dry, then real on the memory that the dry run found; fails the test when
 * the dry run fails or the real run's peak is another. Results stay until the next
 * run. */
void forward_run(forward *f, forward_fn *fn, void *arg);

/* The same, but the real run may need less: where what is needed depends on values. */
void forward_run_within(forward *f, forward_fn *fn, void *arg);

/* Run fn dry only and fail the test unless it recorded DP_ESHAPE. */
void forward_expect_shape_error(forward *f, forward_fn *fn, void *arg);

/* Thread counts that must give the same bits. */
enum { FORWARD_THREADS = 4 };
extern const int forward_threads[FORWARD_THREADS];

#endif
