#include "train/adamw.h"

#include "train/chunk.h"

#include <math.h>

const dp_adamw dp_adamw_recipe = {0.9, 0.999, 1e-8};

dp_adamw_factors dp_adamw_factors_get(const dp_adamw *a, double lr, double decay,
                                      int64_t t)
{
    const double correction1 = 1 - pow(a->beta1, (double)t);
    const double correction2 = 1 - pow(a->beta2, (double)t);
    return (dp_adamw_factors){
        .keep = (float)(1 - lr * decay),
        .beta1 = (float)a->beta1,
        .rest1 = (float)(1 - a->beta1),
        .beta2 = (float)a->beta2,
        .rest2 = (float)(1 - a->beta2),
        .root = (float)sqrt(correction2),
        .eps = (float)a->eps,
        .step = (float)(-lr / correction1),
    };
}

struct job {
    const dp_kernels *kernels;
    const dp_adamw_tensor *t;
    const dp_adamw_factors *f;
};

static void step_item(void *arg, int item, int worker)
{
    (void)worker;
    const struct job *j = arg;
    const dp_adamw_tensor *t = j->t;
    const size_t at = (size_t)item * DP_CHUNK;
    j->kernels->adamw(t->value + at, t->first + at, t->second + at, t->gradient + at,
                      j->f, dp_chunk_size(t->count, item));
}

void dp_adamw_run(dp_pool *pool, const dp_kernels *kernels, const dp_adamw_tensor *t,
                  const dp_adamw_factors *f)
{
    struct job job = {kernels, t, f};
    dp_parallel(pool, dp_chunk_count(t->count), step_item, &job);
}
