#include "ops/weighted.h"

static double bias_of(const dp_step *s, int o)
{
    return s->bias ? (double)s->bias[o] : 0;
}

void dp_step_linear_row(const dp_step *s, int item)
{
    const int K = s->x[0].C;
    for (int w = 0; w < s->y.W; w++) {
        const float *x = dp_tensor_cell(s->x[0], 0, item, w);
        for (int o = 0; o < s->y.C; o++) {
            const float *weight = s->weight + (size_t)o * (size_t)K;
            double sum = bias_of(s, o);
            for (int k = 0; k < K; k++)
                sum += (double)weight[k] * (double)x[k];
            dp_tensor_cell(s->y, 0, item, w)[o] = (float)sum;
        }
    }
}

/* Output channel o at a cell of item n. */
static double convolved(const dp_step *s, int n, int row, int column, int o)
{
    const dp_tensor x = s->x[0];
    const int k = s->kernel, in = x.C / s->groups;
    const int first = o / (s->y.C / s->groups) * in;
    double sum = bias_of(s, o);
    for (int ky = 0; ky < k; ky++)
        for (int kx = 0; kx < k; kx++) {
            const int h = row * s->stride - s->padding + ky;
            const int w = column * s->stride - s->padding + kx;
            if (h < 0 || h >= x.H || w < 0 || w >= x.W)
                continue;
            const float *cell = dp_tensor_cell(x, n, h, w) + first;
            const float *weight =
                s->weight + ((size_t)o * (size_t)(in * k) + (size_t)ky) * (size_t)k +
                kx;
            for (int c = 0; c < in; c++)
                sum += (double)weight[(size_t)c * (size_t)(k * k)] * (double)cell[c];
        }
    return sum;
}

void dp_step_conv_row(const dp_step *s, int item)
{
    for (int w = 0; w < s->y.W; w++)
        for (int o = 0; o < s->y.C; o++)
            dp_tensor_cell(s->y, 0, item, w)[o] =
                (float)convolved(s, item / s->y.H, item % s->y.H, w, o);
}

/* A convolution of as many groups as channels. */
void dp_step_depthwise_row(const dp_step *s, int item)
{
    dp_step_conv_row(s, item);
}

void dp_step_deconv_row(const dp_step *s, int item)
{
    const dp_tensor x = s->x[0];
    const int n = item / s->y.H, h = item % s->y.H;
    for (int w = 0; w < s->y.W; w++)
        for (int o = 0; o < s->y.C; o++) {
            const float *cell = dp_tensor_cell(x, n, h / 2, w / 2);
            double sum = bias_of(s, o);
            for (int c = 0; c < x.C; c++)
                sum += (double)cell[c] *
                       (double)s->weight[((size_t)c * (size_t)s->y.C + (size_t)o) * 4 +
                                         (size_t)(h % 2 * 2 + w % 2)];
            dp_tensor_cell(s->y, 0, item, w)[o] = (float)sum;
        }
}

/* Sum of a[k] * b[k], with `stride` from one element of b to the next. */
static float dot(const float *a, const float *b, int K, size_t stride)
{
    double sum = 0;
    for (int k = 0; k < K; k++)
        sum += (double)a[k] * (double)b[(size_t)k * stride];
    return (float)sum;
}

void dp_step_matmul_row(const dp_step *s, int item)
{
    const float *a = dp_tensor_cell(s->x[0], 0, item, 0);
    const float *b = dp_tensor_cell(s->x[1], item / s->y.H, 0, 0);
    float *y = dp_tensor_cell(s->y, 0, item, 0);
    for (int c = 0; c < s->y.C; c++)
        y[c] = dot(a, b + c, s->x[0].C, (size_t)s->y.C);
}

void dp_step_matmul_transposed_row(const dp_step *s, int item)
{
    const float *a = dp_tensor_cell(s->x[0], 0, item, 0);
    float *y = dp_tensor_cell(s->y, 0, item, 0);
    for (int c = 0; c < s->y.C; c++)
        y[c] = dot(a, dp_tensor_cell(s->x[1], item / s->y.H, c, 0), s->x[0].C, 1);
}

/* ---- fast forms ------------------------------------------------------------------- */

dp_step_conv dp_step_conv_of(const dp_step *s)
{
    const bool spread = s->kind == DP_STEP_deconv;
    const dp_tensor large = spread ? s->y : s->x[0], small = spread ? s->x[0] : s->y;
    return (dp_step_conv){large.N,   large.H,    large.W,   large.C,
                          small.H,   small.W,    small.C,   s->kernel,
                          s->stride, s->padding, s->groups, s->weight};
}

void dp_step_linear_fast(dp_run *r, const dp_step *s)
{
    const dp_step_conv c = dp_step_conv_of(s);
    dp_step_conv_gather(r, &c, s->y.data, s->x[0].data, s->bias, false);
}

void dp_step_conv_fast(dp_run *r, const dp_step *s)
{
    dp_step_linear_fast(r, s);
}

void dp_step_deconv_fast(dp_run *r, const dp_step *s)
{
    const dp_step_conv c = dp_step_conv_of(s);
    dp_step_conv_spread(r, &c, s->y.data, s->x[0].data, s->bias, false);
}

/* ---- the steps -------------------------------------------------------------------- */

dp_tensor dp_tensor_linear(dp_run *r, dp_tensor x, const float *weight,
                           const float *bias, int out)
{
    return dp_step_run(r, (dp_step){.kind = DP_STEP_linear,
                                    .y = {NULL, x.N, x.H, x.W, out},
                                    .inputs = 1,
                                    .x = {x},
                                    .weight = weight,
                                    .bias = bias,
                                    .weight_count = (size_t)out * (size_t)x.C,
                                    .bias_count = bias ? (size_t)out : 0,
                                    .terms = x.C + 1,
                                    .kernel = 1,
                                    .stride = 1,
                                    .groups = 1});
}

static int extent(int size, const dp_conv_shape *c)
{
    const int padded = size + 2 * c->padding;
    return padded < c->kernel ? 0 : (padded - c->kernel) / c->stride + 1;
}

static dp_tensor convolve(dp_run *r, dp_step_kind kind, dp_tensor x,
                          const float *weight, const float *bias,
                          const dp_conv_shape *c)
{
    const int terms = c->kernel * c->kernel * (x.C / c->groups);
    const dp_step s = {.kind = kind,
                       .y = {NULL, x.N, extent(x.H, c), extent(x.W, c), c->out},
                       .inputs = 1,
                       .x = {x},
                       .weight = weight,
                       .bias = bias,
                       .weight_count = (size_t)c->out * (size_t)terms,
                       .bias_count = bias ? (size_t)c->out : 0,
                       .terms = terms + 1,
                       .kernel = c->kernel,
                       .stride = c->stride,
                       .padding = c->padding,
                       .groups = c->groups};
    dp_step_expect(r, &s,
                   s.y.H > 0 && s.y.W > 0 && x.C % c->groups == 0 &&
                       c->kernel <= DP_STEP_KERNEL_MAX);
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_conv(dp_run *r, dp_tensor x, const float *weight, const float *bias,
                         const dp_conv_shape *shape)
{
    return convolve(r, DP_STEP_conv, x, weight, bias, shape);
}

dp_tensor dp_tensor_depthwise(dp_run *r, dp_tensor x, const float *weight,
                              const float *bias, int kernel, int stride)
{
    return convolve(r, DP_STEP_depthwise, x, weight, bias,
                    &(dp_conv_shape){x.C, kernel, stride, (kernel - 1) / 2, x.C});
}

dp_tensor dp_tensor_deconv(dp_run *r, dp_tensor x, const float *weight,
                           const float *bias, int out)
{
    return dp_step_run(r, (dp_step){.kind = DP_STEP_deconv,
                                    .y = {NULL, x.N, 2 * x.H, 2 * x.W, out},
                                    .inputs = 1,
                                    .x = {x},
                                    .weight = weight,
                                    .bias = bias,
                                    .weight_count = (size_t)x.C * (size_t)out * 4,
                                    .bias_count = bias ? (size_t)out : 0,
                                    .terms = x.C + 1,
                                    .kernel = 2,
                                    .stride = 2,
                                    .groups = 1});
}

static dp_tensor multiply_matrices(dp_run *r, dp_step_kind kind, dp_tensor a,
                                   dp_tensor b, int K, int N)
{
    const dp_step s = {.kind = kind,
                       .y = {NULL, a.N, a.H, 1, N},
                       .inputs = 2,
                       .x = {a, b},
                       .terms = K};
    dp_step_expect(r, &s, a.N == b.N && a.W == 1 && b.W == 1 && a.C == K);
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_matmul(dp_run *r, dp_tensor a, dp_tensor b)
{
    return multiply_matrices(r, DP_STEP_matmul, a, b, b.H, b.C);
}

dp_tensor dp_tensor_matmul_transposed(dp_run *r, dp_tensor a, dp_tensor b)
{
    return multiply_matrices(r, DP_STEP_matmul_transposed, a, b, b.C, b.H);
}
