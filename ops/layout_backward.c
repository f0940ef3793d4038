/* The gradients of the steps of layout.h: what a row of the result copied goes back to where
 * it came from. Several rows may have copied from one only in bilinear, nearest and position.
 */
#include "ops/layout.h"
#include "ops/layout_source.h"
#include "ops/step_backward.h"

#include <string.h>

static size_t start_of(dp_tensor t, int row, int w)
{
    return ((size_t)row * (size_t)t.W + (size_t)w) * (size_t)t.C;
}

static void add_cell(float *dx, const float *dy, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dx[i] += dy[i];
}

/* ---- cells ------------------------------------------------------------------------ */

static void cells_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    for (int w = 0; w < s->y.W; w++) {
        size_t from;
        if (dp_layout_source(s, item, w, &from))
            add_cell(g->dx[0] + from, g->dy + start_of(s->y, item, w), (size_t)s->y.C);
    }
}

#define OF_CELLS(name)                                              \
    void dp_step_##name##_back(dp_run *r, const dp_step *s,         \
                               const dp_step_gradients *g)          \
    {                                                               \
        if (g->dx[0])                                               \
            dp_step_back_rows(r, s, g, s->y.N * s->y.H, cells_row); \
    }
OF_CELLS(pad)
OF_CELLS(roll)
OF_CELLS(subsample)
OF_CELLS(windows)
OF_CELLS(unwindows)
OF_CELLS(heads)

static void unheads_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const dp_tensor x = s->x[0], y = s->y;
    for (int w = 0; w < y.W; w++)
        for (int k = 0; k < s->groups; k++)
            add_cell(g->dx[0] + start_of(x,
                                         (item / y.H * s->groups + k) * x.H +
                                             item % y.H * y.W + w,
                                         0),
                     g->dy + start_of(y, item, w) + (size_t)k * (size_t)x.C,
                     (size_t)x.C);
}

void dp_step_unheads_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N * s->y.H, unheads_row);
}

/* ---- channels --------------------------------------------------------------------- */

static void concat_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    for (int w = 0; w < s->y.W; w++) {
        const float *dy = g->dy + start_of(s->y, item, w);
        for (int i = 0; i < s->inputs; dy += s->x[i++].C)
            if (g->dx[i])
                add_cell(g->dx[i] + start_of(s->x[i], item, w), dy, (size_t)s->x[i].C);
    }
}

void dp_step_concat_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    dp_step_back_rows(r, s, g, s->y.N * s->y.H, concat_row);
}

static void channels_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    for (int w = 0; w < s->y.W; w++)
        for (int c = 0; c < s->y.C; c++)
            g->dx[0]
                 [start_of(s->x[0], item, w) + (size_t)((s->first + c) % s->x[0].C)] +=
                g->dy[start_of(s->y, item, w) + (size_t)c];
}

void dp_step_channels_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N * s->y.H, channels_row);
}

static void own_channel_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t c = (size_t)s->index[item / s->y.H];
    for (int w = 0; w < s->y.W; w++)
        g->dx[0][start_of(s->x[0], item, w) + c] += g->dy[start_of(s->y, item, w)];
}

void dp_step_own_channel_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N * s->y.H, own_channel_row);
}

static void channels_first_item(const dp_step *s, const dp_step_gradients *g, int item)
{
    const dp_tensor x = s->x[0];
    const size_t cells = (size_t)x.H * (size_t)x.W, C = (size_t)x.C;
    const float *dy = g->dy + (size_t)item * cells * C;
    float *dx = g->dx[0] + (size_t)item * cells * C;
    for (size_t i = 0; i < cells * C; i++)
        dx[i % cells * C + i / cells] += dy[i];
}

void dp_step_channels_first_back(dp_run *r, const dp_step *s,
                                 const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N, channels_first_item);
}

/* ---- sizes ------------------------------------------------------------------------ */

/* Row `item` of x gets its part of every row of y that looks at it. */
static void nearest_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const dp_tensor x = s->x[0], y = s->y;
    for (int h = 0; h < y.H; h++) {
        const int row = item / x.H * y.H + h;
        for (int w = 0; w < y.W && dp_nearest_place(h, y.H, x.H) == item % x.H; w++)
            add_cell(g->dx[0] + start_of(x, item, dp_nearest_place(w, y.W, x.W)),
                     g->dy + start_of(y, row, w), (size_t)y.C);
    }
}

void dp_step_nearest_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->x[0].N * s->x[0].H, nearest_row);
}

static void add_weighted(float *dx, const float *dy, double weight, size_t n)
{
    const float by = (float)weight;
    for (size_t i = 0; i < n; i++)
        dx[i] += by * dy[i];
}

static void bilinear_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const dp_tensor x = s->x[0], y = s->y;
    const size_t C = (size_t)y.C;
    for (int h = 0; h < y.H; h++) {
        int low, high, left, right;
        const double down = dp_bilinear_place(h, y.H, x.H, &low, &high);
        const double part =
            (low == item % x.H ? 1 - down : 0) + (high == item % x.H ? down : 0);
        for (int w = 0; w < y.W && part > 0; w++) {
            const float *dy = g->dy + start_of(y, item / x.H * y.H + h, w);
            const double across = dp_bilinear_place(w, y.W, x.W, &left, &right);
            add_weighted(g->dx[0] + start_of(x, item, left), dy, part * (1 - across),
                         C);
            if (across > 0)
                add_weighted(g->dx[0] + start_of(x, item, right), dy, part * across, C);
        }
    }
}

void dp_step_bilinear_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->x[0].N * s->x[0].H, bilinear_row);
}

/* ---- windows ---------------------------------------------------------------------- */

static void logits_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    add_cell(g->dx[0] + start_of(s->y, item, 0), g->dy + start_of(s->y, item, 0),
             (size_t)s->y.C);
}

void dp_step_separate_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N * s->y.H, logits_row);
}

/* The sums of each head over windows, then to the table: (n, n) for each head. */
typedef struct table_back {
    const dp_step *s;
    const dp_step_gradients *g;
    float *to;
    double *sums;
} table_back;

static void head_table(void *arg, int head, int worker)
{
    const table_back *b = arg;
    const dp_step *s = b->s;
    const int side = s->kernel, n = side * side;
    double *sums = b->sums + (size_t)head * (size_t)(n * n);
    (void)worker;
    memset(sums, 0, (size_t)(n * n) * sizeof *sums);
    for (int batch = head; batch < s->y.N; batch += s->groups) {
        const float *dy = b->g->dy + start_of(s->y, batch * n, 0);
        for (int i = 0; i < n * n; i++)
            sums[i] += (double)dy[i];
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            b->to[dp_position_place(side, i, j) * s->groups + head] +=
                (float)sums[i * n + j];
}

void dp_step_position_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const size_t n = (size_t)s->y.C;
    table_back b = {s, g, dp_parameter_gradient(g->of, s->weight),
                    dp_run_take(r, (size_t)s->groups * n * n, sizeof(double))};
    if (g->dx[0])
        dp_step_back_rows(r, s, g, s->y.N * s->y.H, logits_row);
    if (!r->dry && b.to)
        dp_parallel(r->pool, s->groups, head_table, &b);
}
