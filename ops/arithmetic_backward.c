/* The gradients of the steps of arithmetic.h. */
#include "ops/column_sums.h"
#include "ops/kernels/kernels.h"
#include "ops/step_backward.h"

#include <math.h>
#include <string.h>

/* Row `item` of s->y: where it begins, and its length. */
static size_t row_size(const dp_step *s)
{
    return (size_t)s->y.W * (size_t)s->y.C;
}

static size_t row_start(const dp_step *s, int item)
{
    return (size_t)item * row_size(s);
}

static int rows_of(const dp_step *s)
{
    return s->y.N * s->y.H;
}

static void add_row(float *to, const float *dy, size_t n)
{
    for (size_t i = 0; i < n && to; i++)
        to[i] += dy[i];
}

static void pass_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t at = row_start(s, item);
    for (int k = 0; k < s->inputs; k++)
        if (g->dx[k])
            add_row(g->dx[k] + at, g->dy + at, row_size(s));
}

void dp_step_copy_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    dp_step_back_rows(r, s, g, rows_of(s), pass_row);
}

void dp_step_add_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    dp_step_back_rows(r, s, g, rows_of(s), pass_row);
}

/* ---- factors ---------------------------------------------------------------------- */

/* dx += dy times a factor of each channel; `step` is 0 for one factor for all. */
static void multiply_row(const dp_step *s, const dp_step_gradients *g, int item,
                         const float *factor, size_t step)
{
    const size_t C = (size_t)s->y.C;
    const float *dy = g->dy + row_start(s, item);
    float *dx = g->dx[0] + row_start(s, item);
    for (int w = 0; w < s->y.W; w++, dy += C, dx += C)
        for (size_t c = 0; c < C; c++)
            dx[c] += dy[c] * factor[c * step];
}

static void scale_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    multiply_row(s, g, item, &s->number, 0);
}

void dp_step_scale_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, rows_of(s), scale_row);
}

static void branch_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    multiply_row(s, g, item, &s->factors[item / s->y.H], 0);
}

void dp_step_branch_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, rows_of(s), branch_row);
}

static void each_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t at = row_start(s, item), n = row_size(s);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < n && g->dx[k]; i++)
            g->dx[k][at + i] += g->dy[at + i] * s->x[1 - k].data[at + i];
}

static void channel_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    multiply_row(s, g, item, dp_tensor_cell(s->x[1], item / s->y.H, 0, 0), 1);
}

/* The gradient of the factors of an item's channels. */
static void factor_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t C = (size_t)s->y.C, size = row_size(s) * (size_t)s->y.H;
    const float *dy = g->dy + (size_t)item * size;
    const float *x = dp_tensor_cell(s->x[0], item, 0, 0);
    for (size_t c = 0; c < C; c++) {
        double sum = 0;
        for (size_t i = c; i < size; i += C)
            sum += (double)dy[i] * (double)x[i];
        g->dx[1][(size_t)item * C + c] += (float)sum;
    }
}

void dp_step_multiply_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (dp_tensor_alike(s->x[0], s->x[1])) {
        dp_step_back_rows(r, s, g, rows_of(s), each_row);
        return;
    }
    if (g->dx[0])
        dp_step_back_rows(r, s, g, rows_of(s), channel_row);
    if (g->dx[1])
        dp_step_back_rows(r, s, g, s->y.N, factor_row);
}

/* ---- scale and shift of each channel ---------------------------------------------- */

/* A step and its gradients, for sums. */
typedef struct back {
    const dp_step *s;
    const dp_step_gradients *g;
} back;

/* Of each channel the sums of dy * x and of dy. */
static void affine_sums(const void *arg, size_t first, size_t count, double *sums)
{
    const back *b = arg;
    const size_t C = (size_t)b->s->y.C;
    const float *dy = b->g->dy + first * C, *x = b->s->x[0].data + first * C;
    for (size_t i = 0; i < count; i++, dy += C, x += C)
        for (size_t c = 0; c < C; c++) {
            sums[c] += (double)dy[c] * (double)x[c];
            sums[C + c] += (double)dy[c];
        }
}

static const double *affine_totals(dp_run *r, const dp_step *s,
                                   const dp_step_gradients *g)
{
    const back b = {s, g};
    return dp_column_sums(r, dp_tensor_rows(s->y), DP_COLUMN_GRAIN, 2 * (size_t)s->y.C,
                          affine_sums, &b);
}

static void affine_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    multiply_row(s, g, item, s->weight, 1);
}

void dp_step_affine_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const size_t C = (size_t)s->y.C;
    if (g->dx[0])
        dp_step_back_rows(r, s, g, rows_of(s), affine_row);
    const double *sums = affine_totals(r, s, g);
    if (r->dry)
        return;
    dp_parameter_add(g, s->weight, sums, C);
    dp_parameter_add(g, s->bias, sums + C, C);
}

void dp_step_batch_norm_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const size_t C = (size_t)s->y.C;
    float *scale = dp_run_take(r, C, sizeof *scale);
    double *slope = dp_run_take(r, C, sizeof *slope); /* of the weights */
    const double *sums = affine_totals(r, s, g);
    if (r->dry)
        return;
    for (size_t c = 0; c < C; c++) {
        const double by = 1 / sqrt((double)s->variance[c] + (double)s->number);
        scale[c] = (float)((double)s->weight[c] * by);
        slope[c] = (sums[c] - (double)s->mean[c] * sums[C + c]) * by;
    }
    dp_parameter_add(g, s->weight, slope, C);
    dp_parameter_add(g, s->bias, sums + C, C);
    dp_step scaled = *s;
    scaled.weight = scale;
    if (g->dx[0])
        dp_step_back_rows(r, &scaled, g, rows_of(s), affine_row);
}

/* ---- activations ------------------------------------------------------------------ */

static void relu_row(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t at = row_start(s, item), n = row_size(s);
    const float *x = s->x[0].data + at, *dy = g->dy + at;
    float *dx = g->dx[0] + at;
    for (size_t i = 0; i < n; i++) {
        const float d = dy[i]; /* read in any case: so the loop is one of vectors */
        dx[i] += x[i] > 0 ? d : 0;
    }
}

void dp_step_relu_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    if (g->dx[0])
        dp_step_back_rows(r, s, g, rows_of(s), relu_row);
}

enum { GELU_ROWS = 64, GELU_VALUES = GELU_ROWS * DP_GEMM_PANEL };

typedef struct gelu_job {
    const dp_step *s;
    const dp_step_gradients *g;
    const dp_kernels *kernels;
} gelu_job;

/* To n <= GELU_VALUES values. The kernel takes them for a panel. */
static void gelu_values(const gelu_job *job, size_t at, size_t n)
{
    float x[GELU_VALUES], d[GELU_VALUES], sums[DP_GEMM_PANEL] = {0};
    const size_t rows = (n + DP_GEMM_PANEL - 1) / DP_GEMM_PANEL;
    float *dx = job->g->dx[0] + at;
    memset(x, 0, rows * DP_GEMM_PANEL * sizeof *x);
    memset(d, 0, rows * DP_GEMM_PANEL * sizeof *d);
    memcpy(x, job->s->x[0].data + at, n * sizeof *x);
    memcpy(d, job->g->dy + at, n * sizeof *d);
    job->kernels->gelu_backward(x, d, sums, rows * DP_GEMM_PANEL, (int)rows, 1);
    for (size_t i = 0; i < n; i++)
        dx[i] += d[i];
}

static void gelu_item(void *arg, int item, int worker)
{
    const gelu_job *job = arg;
    const size_t start = row_start(job->s, item), n = row_size(job->s);
    (void)worker;
    for (size_t i = 0; i < n; i += GELU_VALUES)
        gelu_values(job, start + i, n - i < GELU_VALUES ? n - i : GELU_VALUES);
}

void dp_step_gelu_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    gelu_job job = {s, g, r->kernels};
    if (!r->dry && g->dx[0])
        dp_parallel(r->pool, rows_of(s), gelu_item, &job);
}
