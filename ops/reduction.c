#include "ops/reduction.h"

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
