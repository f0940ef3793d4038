#include "train/weight_average.h"

#include "train/chunk.h"

struct job {
    float *average;
    const float *value;
    size_t n;
    float keep, take;
};

static void average_item(void *arg, int item, int worker)
{
    (void)worker;
    const struct job *j = arg;
    float *restrict average = j->average + (size_t)item * DP_CHUNK;
    const float *restrict value = j->value + (size_t)item * DP_CHUNK;
    const size_t n = dp_chunk_size(j->n, item);
    for (size_t i = 0; i < n; i++)
        average[i] = average[i] * j->keep + j->take * value[i];
}

void dp_weight_average_run(dp_pool *pool, float *average, const float *value, size_t n,
                           double decay)
{
    struct job job = {average, value, n, (float)decay, (float)(1 - decay)};
    dp_parallel(pool, dp_chunk_count(n), average_item, &job);
}
