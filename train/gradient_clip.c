#include "train/gradient_clip.h"

#include "train/chunk.h"

enum { LANES = 8, PIECES = 64 /* summed at a time */ };

struct job {
    const float *g;
    float *scaled;
    size_t n;
    int first; /* the first of these pieces */
    float factor;
    double sum[PIECES];
};

static void square_item(void *arg, int item, int worker)
{
    (void)worker;
    struct job *j = arg;
    const float *g = j->g + (size_t)(j->first + item) * DP_CHUNK;
    const size_t n = dp_chunk_size(j->n, j->first + item);
    double lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] += (double)g[i + k] * (double)g[i + k];
    for (size_t k = 0; i + k < n; k++)
        lane[k] += (double)g[i + k] * (double)g[i + k];
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    j->sum[item] = sum;
}

double dp_gradient_squares(dp_pool *pool, const float *g, size_t n)
{
    struct job job = {.g = g, .n = n};
    const int pieces = dp_chunk_count(n);
    double sum = 0;
    for (; job.first < pieces; job.first += PIECES) {
        const int left = pieces - job.first, now = left < PIECES ? left : PIECES;
        dp_parallel(pool, now, square_item, &job);
        for (int i = 0; i < now; i++)
            sum += job.sum[i];
    }
    return sum;
}

double dp_gradient_clip_factor(double norm, double max_norm)
{
    const double factor = max_norm / (norm + 1e-6);
    return factor > 1 ? 1 : factor;
}

static void scale_item(void *arg, int item, int worker)
{
    (void)worker;
    const struct job *j = arg;
    float *g = j->scaled + (size_t)item * DP_CHUNK;
    const size_t n = dp_chunk_size(j->n, item);
    for (size_t i = 0; i < n; i++)
        g[i] *= j->factor;
}

void dp_gradient_scale(dp_pool *pool, float *g, size_t n, double factor)
{
    struct job job = {.scaled = g, .n = n, .factor = (float)factor};
    dp_parallel(pool, dp_chunk_count(n), scale_item, &job);
}
