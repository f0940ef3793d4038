#include "ops/pooling.h"

#include "ops/layout.h"
#include "ops/reduction.h"

#include <math.h>
#include <string.h>

enum { GROUP = 64 /* channels of an item */ };

struct job {
    dp_tensor x, y;
    int groups, stride;
};

/* First cell of bin i and one past the last. */
static void find_bin(int i, int bins, int size, int *begin, int *end)
{
    *begin = (int)((long long)i * size / bins);
    *end = (int)(((long long)(i + 1) * size + bins - 1) / bins);
}

/* A group of channels of one bin. */
static void average_item(void *arg, int item, int worker)
{
    const struct job *j = arg;
    (void)worker;
    const dp_tensor x = j->x;
    const int bins = j->y.H, cell = item / j->groups;
    const int c0 = item % j->groups * GROUP;
    const int channels = x.C - c0 < GROUP ? x.C - c0 : GROUP;
    const int n = cell / bins / bins;
    int y0, y1, x0, x1;
    find_bin(cell / bins % bins, bins, x.H, &y0, &y1);
    find_bin(cell % bins, bins, x.W, &x0, &x1);

    const double count = (double)(x1 - x0) * (double)(y1 - y0);
    double sum[GROUP] = {0};
    for (int row = y0; row < y1; row++)
        for (int column = x0; column < x1; column++) {
            const size_t at =
                ((size_t)n * (size_t)x.H + (size_t)row) * (size_t)x.W + (size_t)column;
            const float *from = x.data + at * (size_t)x.C + (size_t)c0;
            for (int c = 0; c < channels; c++)
                sum[c] += (double)from[c];
        }
    float *out = j->y.data + (size_t)cell * (size_t)x.C + (size_t)c0;
    for (int c = 0; c < channels; c++)
        out[c] = (float)(sum[c] / count);
}

dp_tensor dp_pooling_average_run(dp_run *r, dp_tensor x, int bins)
{
    if (r->plain)
        return dp_tensor_bin_means(r, x, bins);
    struct job j = {x, dp_run_tensor(r, x.N, bins, bins, x.C), 0, 0};
    j.groups = (x.C + GROUP - 1) / GROUP;
    if (x.N > 0 && (x.H < 1 || x.W < 1)) {
        dp_run_fail(r, DP_ESHAPE, "average of bins: found an empty map of %d x %d", x.H,
                    x.W);
        return j.y;
    }
    dp_run_count(r, &(dp_work){.kind = DP_WORK_AVERAGE, .inputs = dp_tensor_size(x)});
    if (!r->dry)
        dp_parallel(r->pool, x.N * bins * bins * j.groups, average_item, &j);
    return j.y;
}

/* y = max(y, x), where a NaN is more than anything. */
static void keep_larger(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];
}

/* One row of one map of y. */
static void max_row(void *arg, int item, int worker)
{
    const struct job *j = arg;
    (void)worker;
    const dp_tensor x = j->x, y = j->y;
    const size_t C = (size_t)x.C;
    const int row = item % y.H * 2;
    const int y0 = row > 0 ? row - 1 : 0, y1 = row + 1 < x.H ? row + 1 : row;
    const float *map = x.data + (size_t)(item / y.H) * (size_t)x.H * (size_t)x.W * C;
    float *to = y.data + (size_t)item * (size_t)y.W * C;
    for (int i = 0; i < y.W; i++, to += C) {
        const int x0 = i > 0 ? 2 * i - 1 : 0, x1 = 2 * i + 1 < x.W ? 2 * i + 1 : 2 * i;
        for (size_t c = 0; c < C; c++)
            to[c] = -INFINITY;
        for (int v = y0; v <= y1; v++)
            for (int u = x0; u <= x1; u++)
                keep_larger(to, map + ((size_t)v * (size_t)x.W + (size_t)u) * C, C);
    }
}

/* One row of one map of y. */
static void subsample_row(void *arg, int item, int worker)
{
    const struct job *j = arg;
    (void)worker;
    const dp_tensor x = j->x, y = j->y;
    const size_t C = (size_t)x.C;
    const size_t row =
        (size_t)(item / y.H) * (size_t)x.H + (size_t)(item % y.H) * (size_t)j->stride;
    const float *from = x.data + row * (size_t)x.W * C;
    float *to = y.data + (size_t)item * (size_t)y.W * C;
    for (int i = 0; i < y.W; i++)
        memcpy(to + (size_t)i * C, from + (size_t)i * (size_t)j->stride * C,
               C * sizeof *to);
}

/* Rounded up, without an overflow. */
static int divide_up(int size, int stride)
{
    return size / stride + (size % stride != 0);
}

dp_tensor dp_pooling_max_run(dp_run *r, dp_tensor x)
{
    if (r->plain)
        return dp_tensor_maxima(r, x);
    struct job j = {.x = x};
    j.y = dp_run_tensor(r, x.N, divide_up(x.H, 2), divide_up(x.W, 2), x.C);
    if (!r->dry)
        dp_parallel(r->pool, x.N * j.y.H, max_row, &j);
    return j.y;
}

dp_tensor dp_pooling_subsample_run(dp_run *r, dp_tensor x, int stride)
{
    if (r->plain)
        return dp_tensor_subsample(r, x, stride, 0, 0);
    struct job j = {x, {0}, 0, stride};
    j.y = dp_run_tensor(r, x.N, divide_up(x.H, stride), divide_up(x.W, stride), x.C);
    if (!r->dry)
        dp_parallel(r->pool, x.N * j.y.H, subsample_row, &j);
    return j.y;
}
