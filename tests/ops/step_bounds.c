#include "tests/ops/step_bounds.h"

#include "tests/support/bounded.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RESULTS = 256 };

/* A folded weight is rounded, a bias may be added apart, and the plain form rounds too. */
static const int further_roundings = 4;
static const double unit = 0x1p-24;

struct step_bounds {
    struct {
        const float *data;
        double *off;
    } list[RESULTS]; /* the latest last */
    int count;
};

step_bounds *step_bounds_new(void)
{
    return calloc(1, sizeof(step_bounds));
}

void step_bounds_free(step_bounds *b)
{
    for (int i = 0; i < b->count; i++)
        free(b->list[i].off);
    free(b);
}

const double *step_bounds_of(const step_bounds *b, dp_tensor y)
{
    for (int i = b->count; i-- > 0;)
        if (b->list[i].data == y.data)
            return b->list[i].off;
    return NULL;
}

/* ---- sums ------------------------------------------------------------------------- */

static float *magnitudes(const float *x, size_t n)
{
    float *y = x ? malloc((n + 1) * sizeof *y) : NULL;
    for (size_t i = 0; i < n && x; i++)
        y[i] = fabsf(x[i]);
    return y;
}

static float *rounded_up(const double *x, size_t n)
{
    float *y = calloc(n + 1, sizeof *y);
    for (size_t i = 0; i < n && x; i++)
        y[i] = nextafterf((float)x[i], INFINITY);
    return y;
}

/* The step with other inputs and absolute weights, added to out times a factor. With
 * `biases` what is added to the sums is there too, as absolute values. */
static void add_sums(const dp_step *step, float *const *inputs, bool biases,
                     double factor, double *out)
{
    dp_step s = *step;
    const size_t n = dp_tensor_size(s.y), C = (size_t)s.y.C;
    float *zeros = calloc(s.bias_count + C + 1, sizeof *zeros);
    float *weight = magnitudes(s.weight, s.weight_count);
    float *bias = magnitudes(s.bias, s.bias_count), *mean = magnitudes(s.mean, C);
    for (size_t c = 0; c < C && mean; c++)
        mean[c] = -mean[c];
    s.y.data = calloc(n + 1, sizeof(float));
    s.weight = weight;
    /* The table of positions is added, like a bias. */
    if (s.kind == DP_STEP_position && !biases)
        memset(weight, 0, s.weight_count * sizeof *weight);
    s.number = s.kind == DP_STEP_scale ? fabsf(s.number) : s.number;
    if (s.bias)
        s.bias = biases ? bias : zeros;
    if (s.mean)
        s.mean = biases ? mean : zeros;
    for (int i = 0; i < s.inputs; i++)
        s.x[i].data = inputs[i];
    for (int row = 0; row < s.y.N * s.y.H; row++)
        dp_step_defs[s.kind].row(&s, row);
    for (size_t i = 0; i < n; i++)
        out[i] += factor * (double)s.y.data[i];
    free(s.y.data);
    free(zeros);
    free(weight);
    free(bias);
    free(mean);
}

static void bound_sum(const dp_step *s, const double *const *off, double *out)
{
    float *values[DP_STEP_INPUTS], *errors[DP_STEP_INPUTS];
    for (int i = 0; i < s->inputs; i++) {
        values[i] = magnitudes(s->x[i].data, dp_tensor_size(s->x[i]));
        errors[i] = rounded_up(off[i], dp_tensor_size(s->x[i]));
    }
    add_sums(s, errors, false, 1, out);
    if (s->terms > 0)
        add_sums(s, values, true, (s->terms + further_roundings) * unit, out);
    for (int i = 0; i < s->inputs; i++) {
        free(values[i]);
        free(errors[i]);
    }
}

/* ---- other steps ------------------------------------------------------------------ */

static bounded at(const float *x, const double *off, size_t i)
{
    return (bounded){(double)x[i], off ? off[i] : 0};
}

/* A step over the channels of each cell, by a function on one cell. */
typedef void cell_fn(const dp_step *s, bounded *x);

static void norm_cell(const dp_step *s, bounded *x)
{
    bounded_norm(x, x, s->weight, s->bias, s->y.C, (double)s->number);
}

static void softmax_cell(const dp_step *s, bounded *x)
{
    bounded_softmax(x, s->y.C);
}

/* x over (its mean + eps); x is not negative. */
static void shares_cell(const dp_step *s, bounded *x)
{
    bounded mean = {0, 0};
    for (int c = 0; c < s->y.C; c++) {
        mean.value += x[c].value / s->y.C;
        mean.off += x[c].off / s->y.C;
    }
    const double d = mean.value + (double)s->number;
    for (int c = 0; c < s->y.C; c++)
        x[c].off = x[c].off / d + x[c].value / d * (mean.off / d + 8 * unit);
}

static void bound_cells(const dp_step *s, const double *off, cell_fn *fn, double *out)
{
    const size_t C = (size_t)s->y.C;
    bounded *x = malloc(C * sizeof *x);
    for (size_t first = 0; first < dp_tensor_size(s->y); first += C) {
        for (size_t c = 0; c < C; c++)
            x[c] = at(s->x[0].data, off, first + c);
        fn(s, x);
        for (size_t c = 0; c < C; c++)
            out[first + c] = x[c].off;
    }
    free(x);
}

static void bound_product(const dp_step *s, const double *const *off, double *out)
{
    const dp_tensor a = s->x[0], b = s->x[1];
    const bool each = dp_tensor_alike(a, b);
    const size_t cells = (size_t)a.H * (size_t)a.W * (size_t)a.C, C = (size_t)a.C;
    for (size_t i = 0; i < dp_tensor_size(a); i++) {
        const bounded x = at(a.data, off[0], i);
        const bounded y = at(b.data, off[1], each ? i : i / cells * C + i % C);
        out[i] = fabs(x.value) * y.off + fabs(y.value) * x.off + x.off * y.off +
                 2 * unit * fabs(x.value * y.value);
    }
}

/* A norm over the values of each channel: rounded sums of all of them. */
static void bound_statistics(const dp_step *s, const double *off, double *out)
{
    const size_t rows = dp_tensor_rows(s->y), C = (size_t)s->y.C;
    bounded *x = malloc(rows * sizeof *x);
    float *weight = malloc(2 * rows * sizeof *weight), *bias = weight + rows;
    for (size_t c = 0; c < C; c++) {
        for (size_t i = 0; i < rows; i++) {
            x[i] = at(s->x[0].data, off, i * C + c);
            weight[i] = s->weight[c];
            bias[i] = s->bias[c];
        }
        bounded_norm(x, x, weight, bias, (int)rows, (double)s->number);
        for (size_t i = 0; i < rows; i++)
            out[i * C + c] = x[i].off;
    }
    free(x);
    free(weight);
}

/* Norms over the cells of an item: the error of a norm is at most that of its vector. */
static void bound_norms(const dp_step *s, const double *off, double *out)
{
    const dp_tensor x = s->x[0];
    const size_t cells = (size_t)x.H * (size_t)x.W, C = (size_t)x.C;
    for (size_t i = 0; i < dp_tensor_size(s->y); i++) {
        double squares = 0;
        for (size_t k = 0; k < cells && off; k++) {
            const double e = off[(i / C * cells + k) * C + i % C];
            squares += e * e;
        }
        out[i] = sqrt(squares) + ((double)cells + 8) * unit * (double)s->y.data[i];
    }
}

static void bound_matmul(const dp_step *s, const double *const *off, bool transposed,
                         double *out)
{
    const dp_tensor a = s->x[0], b = s->x[1];
    const size_t K = (size_t)a.C, N = (size_t)s->y.C;
    bounded *left = malloc(2 * K * sizeof *left), *right = left + K;
    for (size_t i = 0; i < dp_tensor_size(s->y); i++) {
        const size_t row = i / N, n = i % N, batch = row / (size_t)s->y.H;
        for (size_t k = 0; k < K; k++) {
            left[k] = at(a.data, off[0], row * K + k);
            right[k] =
                at(b.data, off[1],
                   transposed ? (batch * N + n) * K + k : (batch * K + k) * N + n);
        }
        out[i] = bounded_mix(left, right, 1, (int)K).off;
    }
    free(left);
}

/* The most that any input of the map is off by: for maxima. */
static double largest(const double *off, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n && off; i++)
        most = fmax(most, off[i]);
    return most;
}

static void bound_curved(const dp_step *s, const double *const *off, double *out)
{
    const size_t n = dp_tensor_size(s->y);
    const double most = largest(off[0], dp_tensor_size(s->x[0]));
    switch (s->kind) {
    case DP_STEP_multiply:
        bound_product(s, off, out);
        return;
    case DP_STEP_layer_norm:
        bound_cells(s, off[0], norm_cell, out);
        return;
    case DP_STEP_batch_statistics:
        bound_statistics(s, off[0], out);
        return;
    case DP_STEP_softmax:
        bound_cells(s, off[0], softmax_cell, out);
        return;
    case DP_STEP_shares:
        bound_cells(s, off[0], shares_cell, out);
        return;
    case DP_STEP_channel_norms:
        bound_norms(s, off[0], out);
        return;
    case DP_STEP_matmul:
    case DP_STEP_matmul_transposed:
        bound_matmul(s, off, s->kind == DP_STEP_matmul_transposed, out);
        return;
    case DP_STEP_gelu:
        for (size_t i = 0; i < n; i++)
            out[i] = bounded_gelu(at(s->x[0].data, off[0], i)).off;
        return;
    case DP_STEP_relu:
    case DP_STEP_separate:
        for (size_t i = 0; i < n; i++)
            out[i] = (off[0] ? off[0][i] : 0) + unit * fabs((double)s->y.data[i]);
        return;
    case DP_STEP_maxima:
        for (size_t i = 0; i < n; i++)
            out[i] = most;
        return;
    default:
        ck_abort_msg("step %s has no bound", dp_step_defs[s->kind].name);
    }
}

void step_bounds_watch(void *arg, const dp_step *s)
{
    step_bounds *b = arg;
    const double *off[DP_STEP_INPUTS] = {NULL};
    double *out = calloc(dp_tensor_size(s->y) + 1, sizeof *out);
    for (int i = 0; i < s->inputs; i++)
        off[i] = step_bounds_of(b, s->x[i]);
    if (dp_step_defs[s->kind].linear)
        bound_sum(s, off, out);
    else
        bound_curved(s, off, out);
    ck_assert_int_lt(b->count, RESULTS);
    b->list[b->count].data = s->y.data;
    b->list[b->count++].off = out;
}
