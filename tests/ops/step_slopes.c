#include "tests/ops/step_slopes.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double unit = 0x1p-24;

static float *compute(dp_step s)
{
    s.y.data = calloc(dp_tensor_size(s.y) + 1, sizeof(float));
    for (int item = 0; item < s.y.N * s.y.H; item++)
        dp_step_defs[s.kind].row(&s, item);
    return s.y.data;
}

/* The sum of dy times the slopes (a - b) * by; a and b are released. */
static step_slope slope_of(const dp_step *s, const float *dy, float *a, float *b,
                           double by)
{
    step_slope slope = {0, 0, 0};
    for (size_t j = 0; j < dp_tensor_size(s->y); j++) {
        const double part = (double)dy[j] * ((double)a[j] - (double)b[j]) * by;
        slope.gradient += part;
        slope.terms += fabs(part);
        slope.count += part < 0 || part > 0;
    }
    free(a);
    free(b);
    return slope;
}

static float *zeros(size_t n)
{
    return calloc(n + 1, sizeof(float));
}

/* ---- linear ------------------------------------------------------------------------ */

static step_slope slope_of_weight(dp_step s, const float *dy, size_t i)
{
    float *weight = zeros(s.weight_count), *bias = zeros(s.bias_count);
    float *x = zeros(dp_tensor_size(s.x[0]));
    if (s.kind == DP_STEP_position) /* the table is added to x */
        s.x[0].data = x;
    s.weight = weight;
    s.bias = s.bias ? bias : NULL;
    float *without = compute(s);
    weight[i] = 1;
    const step_slope slope = slope_of(&s, dy, compute(s), without, 1);
    free(weight);
    free(bias);
    free(x);
    return slope;
}

static step_slope slope_of_bias(dp_step s, const float *dy, size_t i)
{
    float *weight = zeros(s.weight_count), *bias = zeros(s.bias_count);
    s.weight = weight;
    s.bias = bias;
    float *without = compute(s);
    bias[i] = 1;
    const step_slope slope = slope_of(&s, dy, compute(s), without, 1);
    free(weight);
    free(bias);
    return slope;
}

static step_slope linear_slope(dp_step s, const float *dy, int k, size_t i)
{
    float *x = zeros(dp_tensor_size(s.x[k]));
    float *added = zeros(s.weight_count + s.bias_count + (size_t)s.y.C);
    for (int other = 0; other < s.inputs && dp_step_defs[s.kind].linear; other++)
        if (other != k)
            s.x[other].data = zeros(dp_tensor_size(s.x[other]));
    s.x[k].data = x;
    s.bias = s.bias ? added : NULL;
    s.mean = s.mean ? added : NULL;
    s.weight = s.kind == DP_STEP_position ? added : s.weight;
    float *without = compute(s);
    x[i] = 1;
    const step_slope slope = slope_of(&s, dy, compute(s), without, 1);
    for (int other = 0; other < s.inputs && dp_step_defs[s.kind].linear; other++)
        if (other != k)
            free(s.x[other].data);
    free(x);
    free(added);
    return slope;
}

/* ---- corners ---------------------------------------------------------------------- */

static step_slope corner_slope(dp_step s, const float *dy, size_t i)
{
    const size_t n = dp_tensor_size(s.x[0]);
    const float h = s.kind == DP_STEP_separate ? 1 : 0x1p-14f;
    float *x = memcpy(zeros(n), s.x[0].data, n * sizeof *x), *y[2];
    if (s.kind == DP_STEP_separate)
        memset(x, 0, n * sizeof *x);
    s.x[0].data = x;
    const float at = x[i];
    for (int side = 0; side < 2; side++) {
        x[i] = side ? at + h : at - h;
        y[side] = compute(s);
    }
    free(x);
    return slope_of(&s, dy, y[1], y[0], 0.5 / (double)h);
}

/* ---- smooth kinds, in float64 ------------------------------------------------------ */

/* A group of values of x that its values of the result depend on: n of them, `stride`
 * apart. */
typedef struct group {
    size_t first, n, stride;
} group;

static group group_of(const dp_step *s, size_t i)
{
    const dp_tensor x = s->x[0];
    const size_t C = (size_t)x.C, item = (size_t)x.H * (size_t)x.W * C;
    switch (s->kind) {
    case DP_STEP_gelu:
        return (group){i, 1, 1};
    case DP_STEP_batch_statistics:
        return (group){i % C, dp_tensor_rows(x), C};
    case DP_STEP_channel_norms:
        return (group){i / item * item + i % C, item / C, C};
    default:
        return (group){i / C * C, C, 1};
    }
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static double deviation_of(const double *x, size_t n, double eps)
{
    const double mean = mean_of(x, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)n + eps);
}

static double norm_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static double exponentials(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exp(x[i]);
    return sum;
}

/* Value j of the group's result; norms have one only. Without weights. */
static double value_of(const dp_step *s, const double *x, size_t n, size_t j)
{
    const double eps = (double)s->number;
    switch (s->kind) {
    case DP_STEP_gelu:
        return x[0] * erfc(-x[0] / sqrt(2)) / 2;
    case DP_STEP_softmax:
        return exp(x[j]) / exponentials(x, n);
    case DP_STEP_shares:
        return x[j] / (mean_of(x, n) + eps);
    case DP_STEP_channel_norms:
        return norm_of(x, n);
    case DP_STEP_layer_norm:
    case DP_STEP_batch_statistics:
        return (x[j] - mean_of(x, n)) / deviation_of(x, n, eps);
    default:
        ck_abort_msg("step %s has no slopes", dp_step_defs[s->kind].name);
    }
}

/* The sum of absolute values of what the usual formula adds up to the slope of value j with
 * respect to x[i]. */
static double magnitude_of(const dp_step *s, const double *x, size_t n, size_t i,
                           size_t j, double slope)
{
    const double size = (double)n, same = i == j ? 1 : 0;
    switch (s->kind) {
    case DP_STEP_softmax: {
        const double all = exponentials(x, n);
        return exp(x[j]) / all * (same + exp(x[i]) / all);
    }
    case DP_STEP_shares: {
        const double m = mean_of(x, n) + (double)s->number;
        return same / m + fabs(x[j]) / (size * m * m);
    }
    case DP_STEP_layer_norm:
    case DP_STEP_batch_statistics: {
        const double mean = mean_of(x, n), d = deviation_of(x, n, (double)s->number);
        const double a = (fabs(x[i]) + fabs(mean)) / d,
                     b = (fabs(x[j]) + fabs(mean)) / d;
        return (same + (1 + a * b) / size) / d;
    }
    default:
        return fabs(slope) + (s->kind == DP_STEP_gelu ? 1 : 0);
    }
}

static double difference(const dp_step *s, double *x, size_t n, size_t i, size_t j)
{
    const double h = 0x1p-10, at = x[i];
    double y[4];
    for (int k = 0; k < 4; k++) {
        static const double steps[4] = {2, 1, -1, -2};
        x[i] = at + steps[k] * h;
        y[k] = value_of(s, x, n, j);
    }
    x[i] = at;
    return (8 * (y[1] - y[2]) - (y[0] - y[3])) / (12 * h);
}

static step_slope smooth_slope(const dp_step *s, const float *dy, size_t value)
{
    const group g = group_of(s, value);
    const size_t i = (value - g.first) / g.stride, C = (size_t)s->y.C;
    const bool one = s->kind == DP_STEP_channel_norms;
    double *x = malloc(g.n * sizeof *x);
    step_slope slope = {0, 0, (int)g.n};
    for (size_t j = 0; j < g.n; j++)
        x[j] = (double)s->x[0].data[g.first + j * g.stride];
    for (size_t j = 0; j < (one ? 1 : g.n); j++) {
        const size_t cell = (size_t)s->x[0].H * (size_t)s->x[0].W;
        const size_t to =
            one ? g.first / (cell * C) * C + g.first % C : g.first + j * g.stride;
        const double w = s->weight ? (double)s->weight[to % C] : 1;
        const double d = difference(s, x, g.n, i, j), by = w * (double)dy[to];
        slope.gradient += by * d;
        slope.terms += fabs(by) * (magnitude_of(s, x, g.n, i, j, d) + 1e-9 / unit);
    }
    free(x);
    return slope;
}

/* ---- all kinds -------------------------------------------------------------------- */

step_slope step_slope_of_input(const dp_step *s, const float *dy, int k, size_t i)
{
    switch (s->kind) {
    case DP_STEP_relu:
    case DP_STEP_maxima:
    case DP_STEP_separate:
        return corner_slope(*s, dy, i);
    case DP_STEP_multiply:
    case DP_STEP_matmul:
    case DP_STEP_matmul_transposed:
        return linear_slope(*s, dy, k, i);
    default:
        return dp_step_defs[s->kind].linear ? linear_slope(*s, dy, k, i)
                                            : smooth_slope(s, dy, i);
    }
}

step_slope step_slope_of_parameter(const dp_step *s, const float *dy, bool bias,
                                   size_t i)
{
    return bias ? slope_of_bias(*s, dy, i) : slope_of_weight(*s, dy, i);
}
