/* The gradients of the steps of weighted.h. */
#include "ops/column_sums.h"
#include "ops/step_backward.h"

#include <string.h>

/* A step and its gradients, with scratch memory of float64 for each worker. */
typedef struct back {
    const dp_step *s;
    const dp_step_gradients *g;
    float *to;
    double *scratch;
    size_t each;
} back;

static void go(dp_run *r, const dp_step *s, const dp_step_gradients *g, float *to,
               size_t each, int items, dp_pool_fn *fn)
{
    const size_t workers = (size_t)dp_pool_threads(r->pool);
    back b = {s, g, to, dp_run_take(r, workers * each, sizeof(double)), each};
    if (!r->dry && to)
        dp_parallel(r->pool, items, fn, &b);
}

static double *zeros(const back *b, int worker)
{
    double *sums = b->scratch + (size_t)worker * b->each;
    return memset(sums, 0, b->each * sizeof *sums);
}

static void add_sums(float *to, const double *sums, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += (float)sums[i];
}

/* ---- biases ----------------------------------------------------------------------- */

static void bias_sums(const void *arg, size_t first, size_t count, double *sums)
{
    const back *b = arg;
    const size_t C = (size_t)b->s->y.C;
    const float *dy = b->g->dy + first * C;
    for (size_t i = 0; i < count; i++, dy += C)
        for (size_t c = 0; c < C; c++)
            sums[c] += (double)dy[c];
}

static void bias_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const back b = {.s = s, .g = g};
    if (!dp_parameter_gradient(g->of, s->bias))
        return;
    const double *sums =
        dp_column_sums(r, dp_tensor_rows(s->y), (size_t)s->y.C, bias_sums, &b);
    if (!r->dry)
        dp_parameter_add(g, s->bias, sums, (size_t)s->y.C);
}

/* ---- linear ----------------------------------------------------------------------- */

static void linear_input(void *arg, int item, int worker)
{
    const back *b = arg;
    const size_t K = (size_t)b->s->x[0].C, O = (size_t)b->s->y.C;
    const size_t cells = (size_t)b->s->y.W, first = (size_t)item * cells;
    for (size_t row = first; row < first + cells; row++) {
        double *sums = zeros(b, worker);
        for (size_t o = 0; o < O; o++)
            for (size_t k = 0; k < K; k++)
                sums[k] +=
                    (double)b->g->dy[row * O + o] * (double)b->s->weight[o * K + k];
        add_sums(b->to + row * K, sums, K);
    }
}

static void linear_weight(void *arg, int item, int worker)
{
    const back *b = arg;
    const size_t K = (size_t)b->s->x[0].C, O = (size_t)b->s->y.C, o = (size_t)item;
    double *sums = zeros(b, worker);
    for (size_t row = 0; row < dp_tensor_rows(b->s->y); row++)
        for (size_t k = 0; k < K; k++)
            sums[k] +=
                (double)b->g->dy[row * O + o] * (double)b->s->x[0].data[row * K + k];
    add_sums(b->to + o * K, sums, K);
}

void dp_step_linear_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const size_t K = (size_t)s->x[0].C;
    go(r, s, g, g->dx[0], K, s->y.N * s->y.H, linear_input);
    go(r, s, g, dp_parameter_gradient(g->of, s->weight), K, s->y.C, linear_weight);
    bias_back(r, s, g);
}

/* ---- convolutions ----------------------------------------------------------------- */

/* Add what reached cell (h, w) of item n of x to `sums`, its channels. */
static void gather_cell(const back *b, int n, int h, int w, double *sums)
{
    const dp_step *s = b->s;
    const int k = s->kernel, in = s->x[0].C / s->groups, out = s->y.C / s->groups;
    for (int tap = 0; tap < k * k; tap++) {
        const int down = h + s->padding - tap / k, across = w + s->padding - tap % k;
        const int row = down / s->stride, column = across / s->stride;
        if (down < 0 || down % s->stride || row >= s->y.H || across < 0 ||
            across % s->stride || column >= s->y.W)
            continue;
        const float *dy =
            b->g->dy + ((size_t)(n * s->y.H + row) * (size_t)s->y.W + (size_t)column) *
                           (size_t)s->y.C;
        for (int o = 0; o < s->y.C; o++)
            for (int c = 0; c < in; c++)
                sums[o / out * in + c] +=
                    (double)dy[o] *
                    (double)s->weight[((size_t)o * (size_t)in + (size_t)c) *
                                          (size_t)(k * k) +
                                      (size_t)tap];
    }
}

static void conv_input(void *arg, int item, int worker)
{
    const back *b = arg;
    const dp_tensor x = b->s->x[0];
    for (int w = 0; w < x.W; w++) {
        double *sums = zeros(b, worker);
        gather_cell(b, item / x.H, item % x.H, w, sums);
        add_sums(b->to + ((size_t)item * (size_t)x.W + (size_t)w) * (size_t)x.C, sums,
                 (size_t)x.C);
    }
}

/* Of the weights [C / groups, kernel, kernel] of output channel `item`. */
static void conv_weight(void *arg, int item, int worker)
{
    const back *b = arg;
    const dp_step *s = b->s;
    const dp_tensor x = s->x[0];
    const int k = s->kernel, in = x.C / s->groups;
    const int first = item / (s->y.C / s->groups) * in;
    const float *dy = b->g->dy + item;
    double *sums = zeros(b, worker);
    for (int cell = 0; cell < s->y.N * s->y.H * s->y.W; cell++, dy += s->y.C)
        for (int tap = 0; tap < k * k; tap++) {
            const int row = cell / s->y.W;
            const int h = row % s->y.H * s->stride - s->padding + tap / k;
            const int w = cell % s->y.W * s->stride - s->padding + tap % k;
            if (h < 0 || h >= x.H || w < 0 || w >= x.W)
                continue;
            const float *from = dp_tensor_cell(x, row / s->y.H, h, w) + first;
            for (int c = 0; c < in; c++)
                sums[c * k * k + tap] += (double)*dy * (double)from[c];
        }
    add_sums(b->to + (size_t)item * b->each, sums, b->each);
}

void dp_step_conv_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const size_t weights = (size_t)(s->kernel * s->kernel * (s->x[0].C / s->groups));
    go(r, s, g, g->dx[0], (size_t)s->x[0].C, s->x[0].N * s->x[0].H, conv_input);
    go(r, s, g, dp_parameter_gradient(g->of, s->weight), weights, s->y.C, conv_weight);
    bias_back(r, s, g);
}

void dp_step_depthwise_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    dp_step_conv_back(r, s, g);
}

/* Cell `tap` of the 2 x 2 that cell (row, w) of x becomes. */
static const float *deconv_cell(const back *b, int row, int w, int tap)
{
    const dp_tensor y = b->s->y;
    return b->g->dy +
           ((size_t)(2 * row + tap / 2) * (size_t)y.W + (size_t)(2 * w + tap % 2)) *
               (size_t)y.C;
}

static void deconv_input(void *arg, int item, int worker)
{
    const back *b = arg;
    const dp_tensor x = b->s->x[0];
    const size_t O = (size_t)b->s->y.C;
    for (int w = 0; w < x.W; w++) {
        double *sums = zeros(b, worker);
        for (int tap = 0; tap < 4; tap++) {
            const float *dy = deconv_cell(b, item, w, tap);
            for (size_t c = 0; c < (size_t)x.C; c++)
                for (size_t o = 0; o < O; o++)
                    sums[c] += (double)dy[o] *
                               (double)b->s->weight[(c * O + o) * 4 + (size_t)tap];
        }
        add_sums(b->to + ((size_t)item * (size_t)x.W + (size_t)w) * (size_t)x.C, sums,
                 (size_t)x.C);
    }
}

/* Of the weights [out, 2, 2] of input channel `item`. */
static void deconv_weight(void *arg, int item, int worker)
{
    const back *b = arg;
    const dp_tensor x = b->s->x[0];
    double *sums = zeros(b, worker);
    for (int row = 0; row < x.N * x.H; row++)
        for (int w = 0; w < x.W; w++) {
            const double value = (double)dp_tensor_cell(x, 0, row, w)[item];
            for (size_t i = 0; i < b->each; i++)
                sums[i] += value * (double)deconv_cell(b, row, w, (int)(i % 4))[i / 4];
        }
    add_sums(b->to + (size_t)item * b->each, sums, b->each);
}

void dp_step_deconv_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    const dp_tensor x = s->x[0];
    go(r, s, g, g->dx[0], (size_t)x.C, x.N * x.H, deconv_input);
    go(r, s, g, dp_parameter_gradient(g->of, s->weight), 4 * (size_t)s->y.C, x.C,
       deconv_weight);
    bias_back(r, s, g);
}

/* ---- matrices in batches ---------------------------------------------------------- */

/* A matrix: element (i, j) is at at[i * down + j * across]. */
typedef struct matrix {
    const float *at;
    size_t down, across;
} matrix;

/* to (rows, columns) += a b, over `terms`. */
static void add_multiplied(float *to, size_t rows, size_t columns, size_t terms,
                           matrix a, matrix b)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double sum = 0;
            for (size_t k = 0; k < terms; k++)
                sum += (double)a.at[i * a.down + k * a.across] *
                       (double)b.at[k * b.down + j * b.across];
            to[i * columns + j] += (float)sum;
        }
}

/* y (M, N) = a (M, K) b (K, N): da = dy b^T, db = a^T dy. */
static void matmul_item(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t M = (size_t)s->y.H, N = (size_t)s->y.C, K = (size_t)s->x[0].C;
    const size_t i = (size_t)item;
    const float *a = s->x[0].data + i * M * K, *b = s->x[1].data + i * K * N;
    const float *dy = g->dy + i * M * N;
    if (g->dx[0])
        add_multiplied(g->dx[0] + i * M * K, M, K, N, (matrix){dy, N, 1},
                       (matrix){b, 1, N});
    if (g->dx[1])
        add_multiplied(g->dx[1] + i * K * N, K, N, M, (matrix){a, 1, K},
                       (matrix){dy, N, 1});
}

void dp_step_matmul_back(dp_run *r, const dp_step *s, const dp_step_gradients *g)
{
    dp_step_back_rows(r, s, g, s->y.N, matmul_item);
}

/* y (M, N) = a (M, K) b^T, with b (N, K): da = dy b, db = dy^T a. */
static void transposed_item(const dp_step *s, const dp_step_gradients *g, int item)
{
    const size_t M = (size_t)s->y.H, N = (size_t)s->y.C, K = (size_t)s->x[0].C;
    const size_t i = (size_t)item;
    const float *a = s->x[0].data + i * M * K, *b = s->x[1].data + i * N * K;
    const float *dy = g->dy + i * M * N;
    if (g->dx[0])
        add_multiplied(g->dx[0] + i * M * K, M, K, N, (matrix){dy, N, 1},
                       (matrix){b, K, 1});
    if (g->dx[1])
        add_multiplied(g->dx[1] + i * N * K, N, K, M, (matrix){dy, 1, N},
                       (matrix){a, K, 1});
}

void dp_step_matmul_transposed_back(dp_run *r, const dp_step *s,
                                    const dp_step_gradients *g)
{
    dp_step_back_rows(r, s, g, s->y.N, transposed_item);
}
