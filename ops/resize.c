#include "ops/resize.h"

#include "ops/arithmetic.h"
#include "ops/layout.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 8 /* output rows of an item */ };

void dp_resize_fill_taps(dp_resize_tap *taps, int out, int in)
{
    const double scale = (double)((float)in / (float)out);
    for (int i = 0; i < out; i++) {
        double at = scale * (i + 0.5) - 0.5;
        if (at < 0.0)
            at = 0.0;
        int low = (int)at;
        if (low > in - 1)
            low = in - 1;
        const float weight = (float)(at - low);
        taps[i] =
            (dp_resize_tap){low, low < in - 1 ? low + 1 : low, 1.0f - weight, weight};
    }
}

void dp_resize_mix(float *y, const float *a, const float *b, const dp_resize_tap *tap,
                   size_t n)
{
    const float low = tap->weight_low, high = tap->weight_high;
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] * low + b[i] * high;
}

struct job {
    dp_tensor x, y;
    const dp_resize_tap *rows, *columns;
    float *lines; /* a worker: two source rows at y's width, one mixed row */
    bool add;
    int blocks; /* of one map of y */
};

static size_t line_size(dp_tensor t)
{
    return (size_t)t.W * (size_t)t.C;
}

/* Source row `row` of item n at the width of y. */
static void widen(const struct job *j, float *line, int n, int row)
{
    const size_t C = (size_t)j->x.C;
    const float *x =
        j->x.data + ((size_t)n * (size_t)j->x.H + (size_t)row) * line_size(j->x);
    for (int i = 0; i < j->y.W; i++) {
        const dp_resize_tap *t = &j->columns[i];
        dp_resize_mix(line + (size_t)i * C, x + (size_t)t->low * C,
                      x + (size_t)t->high * C, t, C);
    }
}

/* Rows of y are in order, so a source row is often the last one's lower neighbour. */
static void bilinear_block(void *arg, int item, int worker)
{
    const struct job *j = arg;
    const size_t line = line_size(j->y);
    const int n = item / j->blocks, begin = item % j->blocks * BLOCK;
    const int end = j->y.H - begin < BLOCK ? j->y.H : begin + BLOCK;
    float *low = j->lines + (size_t)worker * 3 * line;
    float *high = low + line, *const mixed = high + line;
    int low_row = -1, high_row = -1;

    for (int i = begin; i < end; i++) {
        const dp_resize_tap *t = &j->rows[i];
        if (low_row != t->low && high_row == t->low) {
            float *const swap = low;
            low = high;
            high = swap;
            high_row = low_row;
            low_row = t->low;
        }
        if (low_row != t->low) {
            low_row = t->low;
            widen(j, low, n, low_row);
        }
        if (t->high != t->low && high_row != t->high) {
            high_row = t->high;
            widen(j, high, n, high_row);
        }
        float *y = j->y.data + ((size_t)n * (size_t)j->y.H + (size_t)i) * line;
        const float *second = t->high == t->low ? low : high;
        dp_resize_mix(j->add ? mixed : y, low, second, t, line);
        if (j->add)
            for (size_t k = 0; k < line; k++)
                y[k] += mixed[k];
    }
}

static void resize_into(dp_run *r, dp_tensor y, dp_tensor x, bool add)
{
    if (dp_tensor_size(y) == 0)
        return;
    const size_t mark = dp_run_mark(r);
    dp_resize_tap *rows = dp_run_take(r, (size_t)y.H, sizeof *rows);
    dp_resize_tap *columns = dp_run_take(r, (size_t)y.W, sizeof *columns);
    const size_t lines = 3 * (size_t)dp_pool_threads(r->pool);
    struct job j = {x, y, rows, columns, NULL, add, (y.H + BLOCK - 1) / BLOCK};
    j.lines = dp_run_take(r, lines * line_size(y), sizeof *j.lines);
    if (!r->dry) {
        dp_resize_fill_taps(rows, y.H, x.H);
        dp_resize_fill_taps(columns, y.W, x.W);
        dp_parallel(r->pool, y.N * j.blocks, bilinear_block, &j);
    }
    dp_run_rewind(r, mark);
}

dp_tensor dp_resize_run(dp_run *r, dp_tensor x, int H, int W)
{
    if (r->plain)
        return dp_tensor_bilinear(r, x, H, W);
    const dp_tensor y = dp_run_tensor(r, x.N, H, W, x.C);
    if (dp_tensor_size(x) == 0 && dp_tensor_size(y) > 0)
        dp_run_fail(r, DP_ESHAPE,
                    "resize: found an empty map of %d x %d to become %d x %d", x.H, x.W,
                    H, W);
    resize_into(r, y, x, false);
    return y;
}

/* Whether x can be added to y at another size. */
static bool check_addition(dp_run *r, dp_tensor y, dp_tensor x)
{
    if (x.N == y.N && x.C == y.C && dp_tensor_size(x) > 0)
        return true;
    dp_run_fail(
        r, DP_ESHAPE,
        "addition of a resized map: found %d x %d x %d x %d, expected cells, %d "
        "items and %d channels",
        x.N, x.H, x.W, x.C, y.N, y.C);
    return false;
}

/* y = y + x at its size. */
static void add_plain(dp_run *r, dp_tensor y, dp_tensor x,
                      dp_tensor (*resize)(dp_run *r, dp_tensor x, int H, int W))
{
    const size_t mark = dp_run_mark(r);
    dp_tensor_copy(r, y, dp_tensor_add(r, y, resize(r, x, y.H, y.W)));
    dp_run_rewind(r, mark);
}

void dp_resize_add_run(dp_run *r, dp_tensor y, dp_tensor x)
{
    if (!check_addition(r, y, x))
        return;
    if (r->plain)
        add_plain(r, y, x, dp_tensor_bilinear);
    else
        resize_into(r, y, x, true);
}

static int nearest(int i, float scale, int in)
{
    const int at = (int)floorf((float)i * scale);
    return at < in - 1 ? at : in - 1;
}

/* One row of one map. */
static void nearest_row(void *arg, int item, int worker)
{
    const struct job *j = arg;
    (void)worker;
    const dp_tensor x = j->x, y = j->y;
    const size_t C = (size_t)y.C;
    const int n = item / y.H, i = item % y.H;
    const float scale = (float)x.W / (float)y.W;
    const int row = nearest(i, (float)x.H / (float)y.H, x.H);
    const float *from = x.data + ((size_t)n * (size_t)x.H + (size_t)row) * line_size(x);
    float *to = y.data + (size_t)item * line_size(y);
    for (int k = 0; k < y.W; k++, to += C) {
        const float *cell = from + (size_t)nearest(k, scale, x.W) * C;
        for (size_t c = 0; c < C; c++)
            to[c] += cell[c];
    }
}

void dp_resize_nearest_add_run(dp_run *r, dp_tensor y, dp_tensor x)
{
    if (!check_addition(r, y, x))
        return;
    if (r->plain)
        add_plain(r, y, x, dp_tensor_nearest);
    if (r->plain || r->dry)
        return;
    struct job j = {.x = x, .y = y};
    dp_parallel(r->pool, y.N * y.H, nearest_row, &j);
}
