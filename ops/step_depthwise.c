/* The fast form of the step depthwise, and its gradients: sums over taps of rows of the map.
 * Where the kernel is 7 x 7 with stride 1 that is the kernel dwconv7; its gradient with
 * respect to the input is the same with the taps in reverse order.
 */
#include "ops/column_sums.h"
#include "ops/kernels/kernels.h"
#include "ops/step_backward.h"
#include "ops/weighted.h"

#include <string.h>

enum {
    DWCONV7_SIDE = 7,
    BAND = 8,            /* rows of a map that an item does */
    GRADIENTS = 4 * 1024 /* floats of the sums that an item keeps at hand */
};

typedef struct job {
    const dp_step *s;
    const dp_kernels *kernels;
    dp_tensor from, to; /* to has bands */
    const float *dy;
    float *taps, *bias; /* (k, k, C), C */
    float *band;        /* of a worker: rows to be added; NULL: they go into `to` */
    int bands;
} job;

static int bands_of(dp_tensor t)
{
    return (t.H + BAND - 1) / BAND;
}

static void pack_taps(const job *j, bool reversed)
{
    const size_t C = (size_t)j->s->y.C;
    const size_t taps = (size_t)(j->s->kernel * j->s->kernel);
    for (size_t c = 0; c < C; c++)
        for (size_t t = 0; t < taps; t++)
            j->taps[(reversed ? taps - 1 - t : t) * C + c] = j->s->weight[c * taps + t];
    for (size_t c = 0; c < C; c++)
        j->bias[c] = !reversed && j->s->bias ? j->s->bias[c] : 0;
}

static bool by_dwconv7(const dp_step *s)
{
    return s->kernel == DWCONV7_SIDE && s->stride == 1;
}

static void add_tap(float *to, const float *from, const float *taps, size_t C)
{
    for (size_t c = 0; c < C; c++)
        to[c] += from[c] * taps[c];
}

/* Add cell (row, column) of item n: all taps of cells of x. */
static void gather_taps(const job *j, float *to, int n, int row, int column)
{
    const dp_step *s = j->s;
    const int k = s->kernel;
    const size_t C = (size_t)s->y.C;
    for (int t = 0; t < k * k; t++) {
        const int h = row * s->stride - s->padding + t / k;
        const int w = column * s->stride - s->padding + t % k;
        if (h >= 0 && h < j->from.H && w >= 0 && w < j->from.W)
            add_tap(to, dp_tensor_cell(j->from, n, h, w), j->taps + (size_t)t * C, C);
    }
}

/* Add what reaches cell (row, column) of x from dy; taps are reversed. */
static void gather_back(const job *j, float *to, int n, int row, int column)
{
    const dp_step *s = j->s;
    const int k = s->kernel;
    const size_t C = (size_t)s->y.C;
    for (int t = 0; t < k * k; t++) {
        const int h = row + s->padding - (k - 1) + t / k;
        const int w = column + s->padding - (k - 1) + t % k;
        if (h >= 0 && h % s->stride == 0 && h / s->stride < j->from.H && w >= 0 &&
            w % s->stride == 0 && w / s->stride < j->from.W)
            add_tap(to, dp_tensor_cell(j->from, n, h / s->stride, w / s->stride),
                    j->taps + (size_t)t * C, C);
    }
}

/* Rows [first, first + rows) of item n into y, by dwconv7. */
static void convolve_band(const job *j, float *y, int n, int first, int rows)
{
    j->kernels->dwconv7(y, dp_tensor_cell(j->from, n, 0, 0), j->taps, j->bias,
                        &(dp_map_window){.H = j->from.H,
                                         .W = j->from.W,
                                         .C = j->from.C,
                                         .row = first,
                                         .rows = rows,
                                         .cols = j->from.W});
}

static void forward_item(void *arg, int item, int worker)
{
    const job *j = arg;
    const int n = item / j->bands, first = item % j->bands * BAND;
    const int rows = j->to.H - first < BAND ? j->to.H - first : BAND;
    (void)worker;
    if (by_dwconv7(j->s)) {
        convolve_band(j, dp_tensor_cell(j->to, n, first, 0), n, first, rows);
        return;
    }
    for (int h = first; h < first + rows; h++)
        for (int w = 0; w < j->to.W; w++) {
            float *y = dp_tensor_cell(j->to, n, h, w);
            memcpy(y, j->bias, (size_t)j->to.C * sizeof *y);
            gather_taps(j, y, n, h, w);
        }
}

static void back_item(void *arg, int item, int worker)
{
    const job *j = arg;
    const int n = item / j->bands, first = item % j->bands * BAND;
    const int rows = j->to.H - first < BAND ? j->to.H - first : BAND;
    const size_t row = (size_t)j->to.W * (size_t)j->to.C;
    if (by_dwconv7(j->s)) {
        float *band = j->band + (size_t)worker * BAND * row;
        float *to = dp_tensor_cell(j->to, n, first, 0);
        convolve_band(j, band, n, first, rows);
        for (size_t i = 0; i < (size_t)rows * row; i++)
            to[i] += band[i];
        return;
    }
    for (int h = first; h < first + rows; h++)
        for (int w = 0; w < j->to.W; w++)
            gather_back(j, dp_tensor_cell(j->to, n, h, w), n, h, w);
}

static void go(dp_run *r, job *j, bool back)
{
    const dp_step *s = j->s;
    const size_t C = (size_t)s->y.C, start = dp_arena_mark(r->arena);
    j->taps = dp_run_take(r, (size_t)(s->kernel * s->kernel) * C, sizeof(float));
    j->bias = dp_run_take(r, C, sizeof(float));
    if (back && by_dwconv7(s))
        j->band = dp_run_take(
            r, (size_t)dp_pool_threads(r->pool) * BAND * (size_t)j->to.W * C,
            sizeof(float));
    j->bands = bands_of(j->to);
    if (!r->dry) {
        pack_taps(j, back);
        dp_parallel(r->pool, j->to.N * j->bands, back ? back_item : forward_item, j);
    }
    dp_arena_rewind(r->arena, start);
}

void dp_step_depthwise_fast(dp_run *r, const dp_step *s)
{
    job j = {.s = s, .kernels = r->kernels, .from = s->x[0], .to = s->y};
    go(r, &j, false);
}

/* ---- gradients of the taps -------------------------------------------------------- */

/* Of channels [first, first + count) and one row of y: sums (k, k, count). */
static void sum_row(const job *j, float *sums, int item, size_t first, size_t count)
{
    const dp_step *s = j->s;
    const int k = s->kernel, n = item / s->y.H;
    for (int w = 0; w < s->y.W; w++) {
        const float *dy = j->dy +
                          ((size_t)item * (size_t)s->y.W + (size_t)w) * (size_t)s->y.C +
                          first;
        for (int t = 0; t < k * k; t++) {
            const int row = item % s->y.H * s->stride - s->padding + t / k;
            const int column = w * s->stride - s->padding + t % k;
            if (row >= 0 && row < s->x[0].H && column >= 0 && column < s->x[0].W)
                add_tap(sums + (size_t)t * count,
                        dp_tensor_cell(s->x[0], n, row, column) + first, dy, count);
        }
    }
}

static void tap_sums(const void *arg, size_t first, size_t count, double *sums)
{
    const job *j = arg;
    const size_t C = (size_t)j->s->y.C;
    const size_t taps = (size_t)(j->s->kernel * j->s->kernel);
    const size_t most = GRADIENTS / taps;
    float row[GRADIENTS];
    for (size_t c = 0; c < C; c += most) {
        const size_t some = C - c < most ? C - c : most;
        for (size_t item = first; item < first + count; item++) {
            memset(row, 0, taps * some * sizeof *row);
            sum_row(j, row, (int)item, c, some);
            for (size_t t = 0; t < taps; t++)
                for (size_t i = 0; i < some; i++)
                    sums[(c + i) * taps + t] += (double)row[t * some + i];
        }
    }
}

void dp_step_depthwise_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const size_t weights = s->weight_count;
    job j = {.s = s, .kernels = r->kernels, .from = s->y, .to = s->x[0], .dy = g->dy};
    if (g->dx[0]) {
        j.from.data = (float *)(uintptr_t)g->dy;
        j.to.data = g->dx[0];
        go(r, &j, true);
    }
    if (dp_parameter_gradient(g->of, s->weight)) {
        const double *sums =
            dp_column_sums(r, (size_t)(s->y.N * s->y.H), BAND, weights, tap_sums, &j);
        if (!r->dry)
            dp_parameter_add(g, s->weight, sums, weights);
    }
    dp_step_bias_back(r, s, g);
}
