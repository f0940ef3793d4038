#include "ops/arithmetic.h"

#include "ops/kernels/kernels.h"
#include "ops/step.h"

#include <math.h>
#include <string.h>

/* A row of the result, the same row of an input, and their length. */
static float *row_of(dp_tensor t, int item)
{
    return dp_tensor_cell(t, 0, item, 0);
}

static size_t row_size(const dp_step *s)
{
    return (size_t)s->y.W * (size_t)s->y.C;
}

void dp_step_copy_row(const dp_step *s, int item)
{
    memcpy(row_of(s->y, item), row_of(s->x[0], item), row_size(s) * sizeof(float));
}

void dp_step_add_row(const dp_step *s, int item)
{
    float *y = row_of(s->y, item);
    const float *a = row_of(s->x[0], item), *b = row_of(s->x[1], item);
    for (size_t i = 0; i < row_size(s); i++)
        y[i] = a[i] + b[i];
}

void dp_step_multiply_row(const dp_step *s, int item)
{
    const dp_tensor b = s->x[1];
    const int n = item / s->y.H, h = item % s->y.H;
    const bool each = dp_tensor_alike(s->x[0], b);
    for (int w = 0; w < s->y.W; w++) {
        const float *factor =
            each ? dp_tensor_cell(b, n, h, w) : dp_tensor_cell(b, n, 0, 0);
        const float *a = dp_tensor_cell(s->x[0], n, h, w);
        float *y = dp_tensor_cell(s->y, n, h, w);
        for (int c = 0; c < s->y.C; c++)
            y[c] = a[c] * factor[c];
    }
}

void dp_step_scale_row(const dp_step *s, int item)
{
    float *y = row_of(s->y, item);
    const float *x = row_of(s->x[0], item);
    for (size_t i = 0; i < row_size(s); i++)
        y[i] = x[i] * s->number;
}

void dp_step_branch_row(const dp_step *s, int item)
{
    float *y = row_of(s->y, item);
    const float *x = row_of(s->x[0], item);
    const float factor = s->factors[item / s->y.H];
    for (size_t i = 0; i < row_size(s); i++)
        y[i] = x[i] * factor;
}

void dp_step_affine_row(const dp_step *s, int item)
{
    const size_t C = (size_t)s->y.C;
    float *y = row_of(s->y, item);
    const float *x = row_of(s->x[0], item);
    for (size_t i = 0; i < row_size(s); i++)
        y[i] = (float)((double)x[i] * (double)s->weight[i % C] +
                       (s->bias ? (double)s->bias[i % C] : 0));
}

void dp_step_batch_norm_row(const dp_step *s, int item)
{
    const size_t C = (size_t)s->y.C;
    float *y = row_of(s->y, item);
    const float *x = row_of(s->x[0], item);
    for (size_t i = 0; i < row_size(s); i++) {
        const size_t c = i % C;
        const double scale =
            (double)s->weight[c] / sqrt((double)s->variance[c] + (double)s->number);
        y[i] =
            (float)(((double)x[i] - (double)s->mean[c]) * scale + (double)s->bias[c]);
    }
}

void dp_step_relu_row(const dp_step *s, int item)
{
    float *y = row_of(s->y, item);
    const float *x = row_of(s->x[0], item);
    for (size_t i = 0; i < row_size(s); i++)
        y[i] = x[i] > 0 ? x[i] : 0;
}

void dp_step_gelu_row(const dp_step *s, int item)
{
    float *y = row_of(s->y, item);
    const float *x = row_of(s->x[0], item);
    for (size_t i = 0; i < row_size(s); i++)
        y[i] = (float)((double)x[i] * erfc(-(double)x[i] / sqrt(2)) / 2);
}

/* ---- fast forms ------------------------------------------------------------------- */

typedef struct fast_job {
    const dp_step *s;
    const dp_kernels *kernels;
} fast_job;

static void gelu_item(void *arg, int item, int worker)
{
    const fast_job *job = arg;
    (void)worker;
    dp_step_copy_row(job->s, item);
    job->kernels->gelu(row_of(job->s->y, item), row_size(job->s));
}

void dp_step_gelu_fast(dp_run *r, const dp_step *s)
{
    fast_job job = {s, r->kernels};
    if (!r->dry)
        dp_parallel(r->pool, s->y.N * s->y.H, gelu_item, &job);
}

/* ---- the steps -------------------------------------------------------------------- */

void dp_tensor_copy(dp_run *r, dp_tensor y, dp_tensor x)
{
    const dp_step s = {.kind = DP_STEP_copy, .y = y, .inputs = 1, .x = {x}};
    dp_step_expect(r, &s, dp_tensor_alike(y, x));
    dp_step_run_into(r, s);
}

dp_tensor dp_tensor_add(dp_run *r, dp_tensor a, dp_tensor b)
{
    const dp_step s = {
        .kind = DP_STEP_add, .y = a, .inputs = 2, .x = {a, b}, .terms = 2};
    dp_step_expect(r, &s, dp_tensor_alike(a, b));
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_multiply(dp_run *r, dp_tensor a, dp_tensor b)
{
    const dp_step s = {
        .kind = DP_STEP_multiply, .y = a, .inputs = 2, .x = {a, b}, .terms = 1};
    dp_step_expect(r, &s,
                   dp_tensor_alike(a, b) ||
                       (b.N == a.N && b.H == 1 && b.W == 1 && b.C == a.C));
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_scale(dp_run *r, dp_tensor x, float factor)
{
    return dp_step_run(r, (dp_step){.kind = DP_STEP_scale,
                                    .y = x,
                                    .inputs = 1,
                                    .x = {x},
                                    .terms = 1,
                                    .number = factor});
}

dp_tensor dp_tensor_affine(dp_run *r, dp_tensor x, const float *weight,
                           const float *bias)
{
    return dp_step_run(r, (dp_step){.kind = DP_STEP_affine,
                                    .y = x,
                                    .inputs = 1,
                                    .x = {x},
                                    .weight = weight,
                                    .bias = bias,
                                    .weight_count = (size_t)x.C,
                                    .bias_count = bias ? (size_t)x.C : 0,
                                    .terms = 2});
}

dp_tensor dp_tensor_branch(dp_run *r, dp_tensor x)
{
    if (!r->branch)
        return x;
    float *factors = dp_run_take(r, (size_t)x.N, sizeof *factors);
    if (!r->branch(r->branch_arg, x.N, factors))
        return x;
    return dp_step_run(r, (dp_step){.kind = DP_STEP_branch,
                                    .y = x,
                                    .inputs = 1,
                                    .x = {x},
                                    .factors = factors,
                                    .terms = 1});
}

dp_tensor dp_tensor_dropout(dp_run *r, dp_tensor x, float ratio)
{
    if (!r->dropout)
        return x;
    const dp_tensor factors = dp_run_tensor(r, x.N, 1, 1, x.C);
    if (!r->dropout(r->dropout_arg, ratio, x.N, x.C, factors.data))
        return x;
    return dp_tensor_multiply(r, x, factors);
}

dp_tensor dp_tensor_batch_norm(dp_run *r, dp_tensor x, const dp_batch_norm *norm)
{
    float *running[2] = {NULL, NULL};
    if (r->fast && r->statistics &&
        r->statistics->used(r->statistics->arg, norm->mean, norm->variance, running))
        return dp_tensor_batch_statistics(r, x, norm, running);
    return dp_step_run(r, (dp_step){.kind = DP_STEP_batch_norm,
                                    .y = x,
                                    .inputs = 1,
                                    .x = {x},
                                    .weight = norm->weight,
                                    .bias = norm->bias,
                                    .mean = norm->mean,
                                    .variance = norm->variance,
                                    .weight_count = (size_t)x.C,
                                    .bias_count = (size_t)x.C,
                                    .terms = 3,
                                    .number = norm->eps});
}

dp_tensor dp_tensor_relu(dp_run *r, dp_tensor x)
{
    return dp_step_run(r,
                       (dp_step){.kind = DP_STEP_relu, .y = x, .inputs = 1, .x = {x}});
}

dp_tensor dp_tensor_gelu(dp_run *r, dp_tensor x)
{
    return dp_step_run(r,
                       (dp_step){.kind = DP_STEP_gelu, .y = x, .inputs = 1, .x = {x}});
}
