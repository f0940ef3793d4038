/* pool.h - worker threads, and the one way to use them
 *
 * Work is cut into numbered items by whoever knows it; items are claimed one by one from
 * an atomic counter. The cut must not depend on the number of threads, and an item must
 * write only what no other item writes: then results are bit-identical for any number.
 * Workers never allocate, log or fail.
 */
#ifndef DP_BASE_POOL_H
#define DP_BASE_POOL_H

#include "base/status.h"

typedef struct dp_pool dp_pool;

/* One item. `worker` is in [0, dp_pool_threads) and names the scratch memory that this
 * call may use alone. */
typedef void dp_pool_fn(void *arg, int item, int worker);

/* A pool of `threads` workers (1 to DP_MAX_THREADS), the calling thread among them, so 1
 * starts none. Errors: DP_EARG out of range, DP_ENOMEM, DP_EIO a thread cannot start. */
dp_status dp_pool_new(dp_error *err, dp_pool **out, int threads) DP_MUST_CHECK;

/* Stop and join the workers. NULL is allowed. */
void dp_pool_free(dp_pool *pool);

/* Workers, the calling thread included. A NULL pool has one. */
int dp_pool_threads(const dp_pool *pool);

/* Call fn for every item in [0, items), each once, in any order and on any worker, and
 * return when all are done. One caller at a time. A NULL pool runs them in order. Not to
 * be called from inside an item. */
void dp_parallel(dp_pool *pool, int items, dp_pool_fn *fn, void *arg);

/* The processors this process may use: affinity mask and cgroup CPU quota respected; at
 * least 1. */
int dp_pool_available_cpus(void);

#endif
