#include "train/sgd.h"

#include "train/chunk.h"

struct job {
    const dp_kernels *kernels;
    const dp_sgd_tensor *t;
    dp_sgd_factors f;
};

static void step_item(void *arg, int item, int worker)
{
    (void)worker;
    const struct job *j = arg;
    const dp_sgd_tensor *t = j->t;
    const size_t at = (size_t)item * DP_CHUNK;
    j->kernels->sgd(t->value + at, t->moment + at, t->gradient + at, &j->f,
                    dp_chunk_size(t->count, item));
}

void dp_sgd_run(dp_pool *pool, const dp_kernels *kernels, const dp_sgd_tensor *t,
                double lr, double momentum, double decay)
{
    struct job job = {kernels, t, {(float)decay, (float)momentum, (float)-lr}};
    dp_parallel(pool, dp_chunk_count(t->count), step_item, &job);
}
