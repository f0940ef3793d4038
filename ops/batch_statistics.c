/* The step batch_statistics: a batch norm as training has it, and its gradient. Of each
 * channel, with n values in the batch,
 *   y = (x - mean) / sqrt(variance + eps) * weight + bias
 *   dx = weight * d * (dy - sum(dy) / n - z * sum(dy * z) / n)
 * where d is 1 / sqrt(variance + eps) and z is (x - mean) * d.
 */
#include "ops/arithmetic.h"
#include "ops/column_sums.h"
#include "ops/step_backward.h"

#include <math.h>

/* PyTorch's default, which upstream keeps. */
static const double momentum = 0.1;

/* Of each channel the sums of x and of its squares. */
static void value_sums(const void *arg, size_t first, size_t count, double *sums)
{
    const dp_step *s = arg;
    const size_t C = (size_t)s->y.C;
    const float *x = s->x[0].data + first * C;
    for (size_t i = 0; i < count; i++, x += C)
        for (size_t c = 0; c < C; c++) {
            sums[c] += (double)x[c];
            sums[C + c] += (double)x[c] * (double)x[c];
        }
}

/* Means and variances from `sums` of n values, in place. */
static void make_statistics(double *sums, size_t C, double n)
{
    for (size_t c = 0; c < C; c++) {
        sums[c] /= n;
        sums[C + c] = fmax(sums[C + c] / n - sums[c] * sums[c], 0);
    }
}

static double divisor(const dp_step *s, double variance)
{
    return 1 / sqrt(variance + (double)s->number);
}

void dp_step_batch_statistics_row(const dp_step *s, int item)
{
    const size_t C = (size_t)s->y.C, rows = dp_tensor_rows(s->x[0]);
    for (size_t c = 0; c < C; c++) {
        double sums[2] = {0, 0};
        for (size_t i = 0; i < rows; i++) {
            const double x = (double)s->x[0].data[i * C + c];
            sums[0] += x;
            sums[1] += x * x;
        }
        make_statistics(sums, 1, (double)rows);
        for (int w = 0; w < s->y.W; w++) {
            const float x = dp_tensor_cell(s->x[0], 0, item, w)[c];
            dp_tensor_cell(s->y, 0, item, w)[c] =
                (float)(((double)x - sums[0]) * divisor(s, sums[1]) *
                            (double)s->weight[c] +
                        (double)s->bias[c]);
        }
    }
}

/* ---- forward ---------------------------------------------------------------------- */

/* y = (x - mean) * by + plus, of each channel. */
typedef struct row_factors {
    const dp_step *s;
    float *y;
    float *mean, *by, *plus;
    const float *dy, *dy_by; /* of a gradient: dy * dy_by is added, and y added to */
} row_factors;

static void take_factors(dp_run *r, row_factors *f)
{
    const size_t C = (size_t)f->s->y.C;
    f->mean = dp_run_take(r, 3 * C, sizeof *f->mean);
    f->by = r->dry ? NULL : f->mean + C;
    f->plus = r->dry ? NULL : f->by + C;
}

static void normalise_row(void *arg, int item, int worker)
{
    const row_factors *f = arg;
    const size_t C = (size_t)f->s->y.C;
    const float *x = dp_tensor_cell(f->s->x[0], 0, item, 0);
    float *y = dp_tensor_cell(f->s->y, 0, item, 0);
    (void)worker;
    for (int w = 0; w < f->s->y.W; w++, x += C, y += C)
        for (size_t c = 0; c < C; c++)
            y[c] = (x[c] - f->mean[c]) * f->by[c] + f->plus[c];
}

/* Sums over the processes that share a batch. */
static void share(const dp_run *r, double *sums, size_t count)
{
    if (r->statistics && r->statistics->sum)
        r->statistics->sum(r->statistics->arg, sums, count);
}

void dp_step_batch_statistics_fast(dp_run *r, const dp_step *s)
{
    const size_t C = (size_t)s->y.C, rows = dp_tensor_rows(s->x[0]);
    row_factors f = {.s = s};
    take_factors(r, &f);
    const double *sums = dp_column_sums(r, rows, DP_COLUMN_GRAIN, 2 * C, value_sums, s);
    if (r->dry)
        return;
    for (size_t i = 0; i < 2 * C; i++)
        s->kept[i] = sums[i];
    s->kept[2 * C] = (double)rows;
    share(r, s->kept, 2 * C + 1);
    make_statistics(s->kept, C, s->kept[2 * C]);
    for (size_t c = 0; c < C; c++) {
        f.mean[c] = (float)s->kept[c];
        f.by[c] = (float)(divisor(s, s->kept[C + c]) * (double)s->weight[c]);
        f.plus[c] = s->bias[c];
    }
    dp_parallel(r->pool, s->y.N * s->y.H, normalise_row, &f);
}

static void update(float *running, double value)
{
    *running = (float)((1 - momentum) * (double)*running + momentum * value);
}

/* The running variance is unbiased. */
static void update_running(const dp_step *s, float *const *running)
{
    const size_t C = (size_t)s->y.C;
    const double n = s->kept[2 * C];
    for (size_t c = 0; c < C; c++) {
        update(&running[0][c], s->kept[c]);
        update(&running[1][c], s->kept[C + c] * n / (n - 1));
    }
}

dp_tensor dp_tensor_batch_statistics(dp_run *r, dp_tensor x, const dp_batch_norm *norm,
                                     float *const *running)
{
    const size_t C = (size_t)x.C;
    dp_step s = {.kind = DP_STEP_batch_statistics,
                 .y = x,
                 .inputs = 1,
                 .x = {x},
                 .weight = norm->weight,
                 .bias = norm->bias,
                 .weight_count = C,
                 .bias_count = C,
                 .kept = dp_run_take(r, 2 * C + 1, sizeof(double)),
                 .terms = (int)dp_tensor_rows(x),
                 .number = norm->eps};
    if (r->dry && dp_tensor_rows(x) == 1 && !r->statistics->sum)
        dp_run_fail(
            r, DP_ESHAPE,
            "a batch norm has one value per channel: expected at least two; take "
            "a larger batch");
    s.y = dp_step_run(r, s);
    if (!r->dry && running[0] && dp_tensor_size(x) > 0)
        update_running(&s, running);
    return s.y;
}

/* ---- backward --------------------------------------------------------------------- */

/* Of each channel the sums of dy * (x - mean) and of dy. */
static void gradient_sums(const void *arg, size_t first, size_t count, double *sums)
{
    const row_factors *f = arg;
    const size_t C = (size_t)f->s->y.C;
    const float *dy = f->dy + first * C, *x = f->s->x[0].data + first * C;
    for (size_t i = 0; i < count; i++, dy += C, x += C)
        for (size_t c = 0; c < C; c++) {
            sums[c] += (double)dy[c] * (double)(x[c] - f->mean[c]);
            sums[C + c] += (double)dy[c];
        }
}

static void gradient_row(void *arg, int item, int worker)
{
    const row_factors *f = arg;
    const size_t C = (size_t)f->s->y.C, at = (size_t)item * (size_t)f->s->y.W * C;
    const float *x = f->s->x[0].data + at, *dy = f->dy + at;
    float *dx = f->y + at;
    (void)worker;
    for (int w = 0; w < f->s->y.W; w++, x += C, dy += C, dx += C)
        for (size_t c = 0; c < C; c++)
            dx[c] += dy[c] * f->dy_by[c] + (x[c] - f->mean[c]) * f->by[c] + f->plus[c];
}

void dp_step_batch_statistics_back(dp_run *r, const dp_step *s,
                                   const dp_step_gradients *g)
{
    const size_t C = (size_t)s->y.C;
    row_factors f = {.s = s, .y = g->dx[0], .dy = g->dy};
    take_factors(r, &f);
    float *dy_by = dp_run_take(r, C, sizeof *dy_by);
    double *shared = dp_run_take(r, 2 * C, sizeof *shared);
    for (size_t c = 0; c < C && !r->dry; c++)
        f.mean[c] = (float)s->kept[c];
    const double *sums = dp_column_sums(r, dp_tensor_rows(s->y), DP_COLUMN_GRAIN, 2 * C,
                                        gradient_sums, &f);
    if (r->dry)
        return;
    for (size_t c = 0; c < C; c++) {
        shared[c] = sums[c] * divisor(s, s->kept[C + c]);
        shared[C + c] = sums[C + c];
    }
    dp_parameter_add(g, s->weight, shared, C);
    dp_parameter_add(g, s->bias, shared + C, C);
    share(r, shared, 2 * C);
    for (size_t c = 0; c < C; c++) {
        const double d = divisor(s, s->kept[C + c]), n = s->kept[2 * C];
        const double by = (double)s->weight[c] * d;
        dy_by[c] = (float)by;
        f.by[c] = (float)(-by * d * shared[c] / n);
        f.plus[c] = (float)(-by * shared[C + c] / n);
    }
    f.dy_by = dy_by;
    if (g->dx[0])
        dp_parallel(r->pool, s->y.N * s->y.H, gradient_row, &f);
}
