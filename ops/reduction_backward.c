/* The gradients of the steps of reduction.h. */
#include "ops/column_sums.h"
#include "ops/reduction.h"
#include "ops/step_backward.h"

#include <math.h>

static size_t row_start(dp_tensor t, int item)
{
    return (size_t)item * (size_t)t.W * (size_t)t.C;
}

/* ---- channels of a cell ----------------------------------------------------------- */

typedef struct cell_norm {
    double mean, by; /* by: 1 / sqrt(variance + eps) */
} cell_norm;

static cell_norm norm_of(const float *x, int C, double eps)
{
    double mean = 0, variance = 0;
    for (int c = 0; c < C; c++)
        mean += (double)x[c];
    mean /= C;
    for (int c = 0; c < C; c++)
        variance += ((double)x[c] - mean) * ((double)x[c] - mean);
    return (cell_norm){mean, 1 / sqrt(variance / C + eps)};
}

/* dx = by * (d - mean(d) - z * mean(d * z)), with z = (x - mean) * by and d = dy * weight. */
static void norm_cell(const dp_step *s, float *dx, const float *dy, const float *x)
{
    const int C = s->y.C;
    const cell_norm n = norm_of(x, C, (double)s->number);
    double plain = 0, steep = 0;
    for (int c = 0; c < C; c++) {
        const double d = (double)dy[c] * (double)s->weight[c];
        plain += d / C;
        steep += d * ((double)x[c] - n.mean) * n.by / C;
    }
    for (int c = 0; c < C; c++)
        dx[c] += (float)(n.by * ((double)dy[c] * (double)s->weight[c] - plain -
                                 ((double)x[c] - n.mean) * n.by * steep));
}

static void layer_norm_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t C = (size_t)s->y.C, start = row_start(s->y, item);
    for (size_t at = start; at < start + row_start(s->y, 1); at += C)
        norm_cell(s, g->dx[0] + at, g->dy + at, s->x[0].data + at);
}

typedef struct back {
    const dp_step *s;
    const dp_step_gradients *g;
} back;

/* Of each channel the sums of dy * z and of dy. */
static void layer_norm_sums(const void *arg, size_t first, size_t count, double *sums)
{
    const back *b = arg;
    const int C = b->s->y.C;
    for (size_t at = first * (size_t)C; at < (first + count) * (size_t)C;
         at += (size_t)C) {
        const float *x = b->s->x[0].data + at, *dy = b->g->dy + at;
        const cell_norm n = norm_of(x, C, (double)b->s->number);
        for (int c = 0; c < C; c++) {
            sums[c] += (double)dy[c] * ((double)x[c] - n.mean) * n.by;
            sums[C + c] += (double)dy[c];
        }
    }
}

void dp_step_layer_norm_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const size_t C = (size_t)s->y.C;
    const back b = {s, g};
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N * s->y.H, layer_norm_row);
    const double *sums = dp_column_sums(r, dp_tensor_rows(s->y), DP_COLUMN_GRAIN, 2 * C,
                                        layer_norm_sums, &b);
    if (r->dry)
        return;
    dp_parameter_add(g, s->weight, sums, C);
    dp_parameter_add(g, s->bias, sums + C, C);
}

/* dx = y * (dy - sum(dy * y)). */
static void softmax_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t C = (size_t)s->y.C, start = row_start(s->y, item);
    for (size_t at = start; at < start + row_start(s->y, 1); at += C) {
        const float *y = s->y.data + at, *dy = g->dy + at;
        float *dx = g->dx[0] + at;
        double sum = 0;
        for (size_t c = 0; c < C; c++)
            sum += (double)dy[c] * (double)y[c];
        for (size_t c = 0; c < C; c++)
            dx[c] += (float)((double)y[c] * ((double)dy[c] - sum));
    }
}

void dp_step_softmax_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N * s->y.H, softmax_row);
}

/* With m = mean(x) + eps: dx = dy / m - sum(dy * x) / (C m^2). */
static void shares_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t C = (size_t)s->y.C, start = row_start(s->y, item);
    for (size_t at = start; at < start + row_start(s->y, 1); at += C) {
        const float *x = s->x[0].data + at, *dy = g->dy + at;
        double mean = 0, sum = 0;
        for (size_t c = 0; c < C; c++) {
            mean += (double)x[c] / (double)C;
            sum += (double)dy[c] * (double)x[c];
        }
        const double m = mean + (double)s->number;
        for (size_t c = 0; c < C; c++)
            g->dx[0][at + c] += (float)((double)dy[c] / m - sum / ((double)C * m * m));
    }
}

void dp_step_shares_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N * s->y.H, shares_row);
}

/* ---- cells of a map ---------------------------------------------------------------- */

/* dx = dy * x / y of row `item` of x; 0 where the norm is 0. */
static void channel_norms_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const dp_tensor x = s->x[0];
    const size_t C = (size_t)x.C, norms = (size_t)(item / x.H) * C;
    const float *y = s->y.data + norms, *dy = g->dy + norms;
    for (size_t i = 0; i < row_start(x, 1); i++) {
        const size_t at = row_start(x, item) + i, c = i % C;
        if (y[c] > 0)
            g->dx[0][at] += (float)((double)dy[c] * (double)x.data[at] / (double)y[c]);
    }
}

void dp_step_channel_norms_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->x[0].N * s->x[0].H, channel_norms_row);
}

/* What row `item` of x has of bin row `bin`, which has `tall` rows of cells. */
static void bin_row(const dp_step *s, const dp_step_gradients *g, int item, int bin,
                    int tall)
{
    const dp_tensor x = s->x[0];
    const size_t C = (size_t)x.C;
    for (int w = 0; w < s->y.W; w++) {
        int left, right;
        dp_bin_find(w, s->y.W, x.W, &left, &right);
        const float *dy =
            g->dy +
            ((size_t)(item / x.H * s->y.H + bin) * (size_t)s->y.W + (size_t)w) * C;
        for (int j = left; j < right; j++) {
            float *dx = g->dx[0] + row_start(x, item) + (size_t)j * C;
            for (size_t c = 0; c < C; c++)
                dx[c] += (float)((double)dy[c] / tall / (right - left));
        }
    }
}

static void bin_means_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const int H = s->x[0].H, h = item % H;
    for (int bin = 0; bin < s->y.H; bin++) {
        int top, bottom;
        dp_bin_find(bin, s->y.H, H, &top, &bottom);
        if (h >= top && h < bottom)
            bin_row(s, g, item, bin, bottom - top);
    }
}

void dp_step_bin_means_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->x[0].N * s->x[0].H, bin_means_row);
}

enum { BLOCK = 64 /* channels whose maxima are looked for together */ };

/* Find the maximum among the 3 x 3 cells around cell (2 h, 2 w) of item n: which it is, for each
 * of `count` channels. The first of equal ones is; of NaNs the last, as PyTorch has it. */
static void find_maxima(const dp_tensor x, int n, int h, int w, int c, int count,
                        int *tap)
{
    float most[BLOCK];
    for (int i = 0; i < count; i++) {
        most[i] = -INFINITY;
        tap[i] = -1;
    }
    for (int t = 0; t < 9; t++) {
        const int row = 2 * h - 1 + t / 3, column = 2 * w - 1 + t % 3;
        if (row < 0 || row >= x.H || column < 0 || column >= x.W)
            continue;
        const float *value = dp_tensor_cell(x, n, row, column) + c;
        for (int i = 0; i < count; i++) {
            const bool more = !(value[i] <= most[i]) || tap[i] < 0;
            most[i] = more ? value[i] : most[i];
            tap[i] = more ? t : tap[i];
        }
    }
}

static void add_where(float *dx, const float *dy, const int *tap, int t, int count)
{
    for (int i = 0; i < count; i++) {
        const float d = dy[i]; /* read in any case: so the loop is one of vectors */
        dx[i] += tap[i] == t ? d : 0;
    }
}

/* Add dy of each maximum of row h of item n that lies in row `row` of x. */
static void maxima_of(const dp_step *s, const dp_step_gradients *g, int n, int h,
                      int row)
{
    const dp_tensor x = s->x[0];
    const size_t C = (size_t)x.C;
    int tap[BLOCK];
    for (int w = 0; w < s->y.W; w++) {
        const float *dy = g->dy + row_start(s->y, n * s->y.H + h) + (size_t)w * C;
        for (int c = 0; c < x.C; c += BLOCK) {
            const int count = x.C - c < BLOCK ? x.C - c : BLOCK;
            find_maxima(x, n, h, w, c, count, tap);
            for (int column = 2 * w - 1; column <= 2 * w + 1; column++)
                if (column >= 0 && column < x.W)
                    add_where(g->dx[0] + row_start(x, n * x.H + row) +
                                  (size_t)column * C + (size_t)c,
                              dy + c, tap, (row - 2 * h + 1) * 3 + column - 2 * w + 1,
                              count);
        }
    }
}

static void maxima_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const int H = s->x[0].H, row = item % H;
    for (int h = row / 2; h <= (row + 1) / 2 && h < s->y.H; h++)
        maxima_of(s, g, item / H, h, row);
}

void dp_step_maxima_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->x[0].N * s->x[0].H, maxima_row);
}
