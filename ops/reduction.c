#include "ops/reduction.h"

#include "ops/kernels/kernels.h"
#include "ops/step.h"

#include <math.h>

static void norm_cell(const dp_step *s, float *y, const float *x)
{
    const int C = s->y.C;
    double mean = 0, variance = 0;
    for (int c = 0; c < C; c++)
        mean += (double)x[c] / C;
    for (int c = 0; c < C; c++)
        variance += ((double)x[c] - mean) * ((double)x[c] - mean) / C;
    for (int c = 0; c < C; c++)
        y[c] = (float)(((double)x[c] - mean) / sqrt(variance + (double)s->number) *
                           (double)s->weight[c] +
                       (double)s->bias[c]);
}

void dp_step_layer_norm_row(const dp_step *s, int item)
{
    for (int w = 0; w < s->y.W; w++)
        norm_cell(s, dp_tensor_cell(s->y, 0, item, w),
                  dp_tensor_cell(s->x[0], 0, item, w));
}

static void softmax_cell(float *y, const float *x, int C)
{
    double most = -HUGE_VAL, sum = 0;
    for (int c = 0; c < C; c++)
        most = fmax(most, (double)x[c]);
    for (int c = 0; c < C; c++)
        sum += exp((double)x[c] - most);
    for (int c = 0; c < C; c++)
        y[c] = (float)(exp((double)x[c] - most) / sum);
}

void dp_step_softmax_row(const dp_step *s, int item)
{
    for (int w = 0; w < s->y.W; w++)
        softmax_cell(dp_tensor_cell(s->y, 0, item, w),
                     dp_tensor_cell(s->x[0], 0, item, w), s->y.C);
}

void dp_step_channel_norms_row(const dp_step *s, int item)
{
    const dp_tensor x = dp_tensor_item(s->x[0], item);
    for (int c = 0; c < x.C; c++) {
        double sum = 0;
        for (size_t i = (size_t)c; i < dp_tensor_size(x); i += (size_t)x.C)
            sum += (double)x.data[i] * (double)x.data[i];
        dp_tensor_cell(s->y, item, 0, 0)[c] = (float)sqrt(sum);
    }
}

void dp_step_shares_row(const dp_step *s, int item)
{
    for (int w = 0; w < s->y.W; w++) {
        float *y = dp_tensor_cell(s->y, 0, item, w);
        const float *x = dp_tensor_cell(s->x[0], 0, item, w);
        double mean = 0;
        for (int c = 0; c < s->y.C; c++)
            mean += (double)x[c] / s->y.C;
        for (int c = 0; c < s->y.C; c++)
            y[c] = (float)((double)x[c] / (mean + (double)s->number));
    }
}

void dp_bin_find(int i, int bins, int size, int *begin, int *end)
{
    *begin = (int)floor((double)i * size / bins);
    *end = (int)ceil((double)(i + 1) * size / bins);
}

void dp_step_bin_means_row(const dp_step *s, int item)
{
    const dp_tensor x = s->x[0];
    const int bins = s->y.H, n = item / bins;
    int top, bottom, left, right;
    dp_bin_find(item % bins, bins, x.H, &top, &bottom);
    for (int w = 0; w < bins; w++) {
        dp_bin_find(w, bins, x.W, &left, &right);
        for (int c = 0; c < x.C; c++) {
            double sum = 0;
            for (int i = top; i < bottom; i++)
                for (int j = left; j < right; j++)
                    sum += (double)dp_tensor_cell(x, n, i, j)[c];
            dp_tensor_cell(s->y, 0, item, w)[c] =
                (float)(sum / (bottom - top) / (right - left));
        }
    }
}

/* The larger one; a NaN is larger than anything. */
static float larger(float a, float b)
{
    return isnan(b) || b > a ? b : a;
}

void dp_step_maxima_row(const dp_step *s, int item)
{
    const dp_tensor x = s->x[0];
    const int n = item / s->y.H, row = 2 * (item % s->y.H);
    for (int w = 0; w < s->y.W; w++) {
        float *y = dp_tensor_cell(s->y, 0, item, w);
        for (int c = 0; c < x.C; c++)
            y[c] = -INFINITY;
        for (int i = row - 1; i <= row + 1; i++)
            for (int j = 2 * w - 1; j <= 2 * w + 1; j++) {
                if (i < 0 || i >= x.H || j < 0 || j >= x.W)
                    continue;
                const float *cell = dp_tensor_cell(x, n, i, j);
                for (int c = 0; c < x.C; c++)
                    y[c] = larger(y[c], cell[c]);
            }
    }
}

/* ---- fast forms ------------------------------------------------------------------- */

typedef struct fast_job {
    const dp_step *s;
    const dp_kernels *kernels;
} fast_job;

static void norm_item(void *arg, int item, int worker)
{
    const fast_job *job = arg;
    const dp_step *s = job->s;
    (void)worker;
    job->kernels->layer_norm(dp_tensor_cell(s->y, 0, item, 0),
                             dp_tensor_cell(s->x[0], 0, item, 0), s->weight, s->bias,
                             (size_t)s->y.W, s->y.C, s->number);
}

void dp_step_layer_norm_fast(dp_run *r, const dp_step *s)
{
    fast_job job = {s, r->kernels};
    if (!r->dry)
        dp_parallel(r->pool, s->y.N * s->y.H, norm_item, &job);
}

/* exp(x) for x <= 0, with a relative error below 2e-7: 2^n times the Taylor polynomial of
 * the rest, which is at most ln(2) / 2. Below -87 it is 2^-126 or less, and then 0. */
static float exponential(float x)
{
    const float most = x > -87 ? x : -87; /* so that 2^n is a normal number */
    const float shifted = most * 1.44269504f + 0x1.8p23f, n = shifted - 0x1.8p23f;
    const float rest = (most - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
    float y = 1.0f / 5040;
    y = y * rest + 1.0f / 720;
    y = y * rest + 1.0f / 120;
    y = y * rest + 1.0f / 24;
    y = y * rest + 1.0f / 6;
    y = y * rest + 0.5f;
    y = y * rest + 1;
    y = y * rest + 1;
    union {
        float number;
        uint32_t bits;
    } power = {.number = shifted};
    power.bits = (power.bits + 127) << 23;
    return x > -87 ? y * power.number : 0;
}

static void softmax_item(void *arg, int item, int worker)
{
    const dp_step *s = arg;
    const int C = s->y.C;
    (void)worker;
    for (int w = 0; w < s->y.W; w++) {
        const float *x = dp_tensor_cell(s->x[0], 0, item, w);
        float *y = dp_tensor_cell(s->y, 0, item, w), most = -INFINITY;
        double sum = 0;
        for (int c = 0; c < C; c++)
            most = larger(most, x[c]);
        for (int c = 0; c < C; c++)
            y[c] = exponential(x[c] - most);
        for (int c = 0; c < C; c++)
            sum += (double)y[c];
        const float by = (float)(1 / sum);
        for (int c = 0; c < C; c++)
            y[c] *= by;
    }
}

void dp_step_softmax_fast(dp_run *r, const dp_step *s)
{
    dp_step job = *s;
    if (!r->dry)
        dp_parallel(r->pool, s->y.N * s->y.H, softmax_item, &job);
}

/* ---- the steps -------------------------------------------------------------------- */

dp_tensor dp_tensor_layer_norm(dp_run *r, dp_tensor x, const float *weight,
                               const float *bias, float eps)
{
    return dp_step_run(r, (dp_step){.kind = DP_STEP_layer_norm,
                                    .y = x,
                                    .inputs = 1,
                                    .x = {x},
                                    .weight = weight,
                                    .bias = bias,
                                    .weight_count = (size_t)x.C,
                                    .bias_count = (size_t)x.C,
                                    .terms = x.C,
                                    .number = eps});
}

dp_tensor dp_tensor_softmax(dp_run *r, dp_tensor x)
{
    return dp_step_run(
        r, (dp_step){
               .kind = DP_STEP_softmax, .y = x, .inputs = 1, .x = {x}, .terms = x.C});
}

dp_tensor dp_tensor_channel_norms(dp_run *r, dp_tensor x)
{
    return dp_step_run(r, (dp_step){.kind = DP_STEP_channel_norms,
                                    .y = {NULL, x.N, 1, 1, x.C},
                                    .inputs = 1,
                                    .x = {x},
                                    .terms = x.H * x.W});
}

dp_tensor dp_tensor_shares(dp_run *r, dp_tensor x, float eps)
{
    return dp_step_run(r, (dp_step){.kind = DP_STEP_shares,
                                    .y = x,
                                    .inputs = 1,
                                    .x = {x},
                                    .terms = x.C,
                                    .number = eps});
}

dp_tensor dp_tensor_bin_means(dp_run *r, dp_tensor x, int bins)
{
    const dp_step s = {.kind = DP_STEP_bin_means,
                       .y = {NULL, x.N, bins, bins, x.C},
                       .inputs = 1,
                       .x = {x},
                       .terms = x.H * x.W};
    dp_step_expect(r, &s, x.N == 0 || (x.H > 0 && x.W > 0));
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_maxima(dp_run *r, dp_tensor x)
{
    return dp_step_run(
        r, (dp_step){.kind = DP_STEP_maxima,
                     .y = {NULL, x.N, x.H / 2 + x.H % 2, x.W / 2 + x.W % 2, x.C},
                     .inputs = 1,
                     .x = {x}});
}
