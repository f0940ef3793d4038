#include "ops/kernels/winograd.h"
#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>

enum {
    IN = DP_WINOGRAD_IN,
    OUT = DP_WINOGRAD_OUT,
    VALUES = DP_WINOGRAD_VALUES,
    TAPS = 3
};

static const int channels[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 65};

/* A map of any size down to one cell, and the 6 x 6 cells from one before it to its last. */
static dp_map_window input_window(int C)
{
    dp_map_window w = {.H = 1 + int_random(9), .W = 1 + int_random(9), .C = C};

    w.row = int_random(w.H) - 1;
    w.col = int_random(w.W) - 1;
    return w;
}

void check_winograd_input(dp_winograd_input_fn *variant)
{
    for (int i = 0; i < 20 * COUNT(channels); i++) {
        const dp_map_window w = input_window(channels[i % COUNT(channels)]);
        const size_t C = (size_t)w.C, plane = C + (size_t)int_random(20);
        const size_t n = (VALUES - 1) * plane + C;
        const float *x =
            floats_special((size_t)(w.H * w.W * w.C), i % 2 ? 50 : 1 << 30);
        float *want = floats_random(n, -1, 1), *got = floats_copy(want, n);

        harness_case("winograd_input at (%d, %d) of %d x %d x %d", w.row, w.col, w.H,
                     w.W, w.C);
        dp_winograd_input_ref(want, plane, x, &w);
        variant(got, plane, x, &w);
        expect_bits(got, want, n);
        harness_case_end();
    }
}

/* Some channels of a window of 1 to 4 rows and columns. */
static dp_map_window output_window(int C)
{
    dp_map_window w = {.H = 1 + int_random(9), .W = 1 + int_random(9), .C = C};

    w.row = int_random(w.H);
    w.col = int_random(w.W);
    w.rows = 1 + int_random(w.H - w.row < OUT ? w.H - w.row : OUT);
    w.cols = 1 + int_random(w.W - w.col < OUT ? w.W - w.col : OUT);
    return w;
}

void check_winograd_output(dp_winograd_output_fn *variant)
{
    for (int i = 0; i < 20 * COUNT(channels); i++) {
        const int n = channels[i % COUNT(channels)];
        const dp_map_window w = output_window(n + int_random(2) * int_random(20));
        const size_t plane = (size_t)(n + int_random(20));
        const size_t size = (size_t)(w.H * w.W * w.C - (w.C - n));
        const float *m =
            floats_special((VALUES - 1) * plane + (size_t)n, i % 2 ? 50 : 1 << 30);
        const float *bias = floats_random((size_t)n, -1, 1);
        const unsigned flags = (int_random(2) ? DP_GEMM_RELU : 0u) |
                               (int_random(2) ? DP_WINOGRAD_STREAM : 0u);
        float *want = floats_random(size, -1, 1), *got = floats_copy(want, size);

        harness_case("winograd_output of %d x %d, %d of %d channels, flags %u", w.rows,
                     w.cols, n, w.C, flags);
        dp_winograd_output_ref(want, m, plane, bias, &w, n, flags);
        variant(got, m, plane, bias, &w, n, flags);
        expect_bits(got, want, size);
        harness_case_end();
    }
}

/* ---- plain C ----------------------------------------------------------------------- */

/* The transforms as matrices, from their definition. M(x) is the polynomial whose roots
 * are the points p. A row of the input's holds the coefficients of M(x) / (x - p), for
 * infinity of M(x). A row of the weights' holds the powers of p over M'(p), and one of
 * the output's a power of all points. */
static struct {
    double input[IN][IN], weights[IN][TAPS], output[OUT][IN];
} matrix;

static void multiply(double polynomial[IN], double root)
{
    for (int i = IN - 1; i > 0; i--)
        polynomial[i] = polynomial[i - 1] - root * polynomial[i];
    polynomial[0] *= -root;
}

static void fill_matrices(void)
{
    const double a = (double)WINOGRAD_A, b = (double)WINOGRAD_B;
    const double points[IN - 1] = {0, a, -a, b, -b};

    for (int i = 0; i < IN; i++) {
        double slope = 1;

        for (int k = 0; k < IN; k++)
            matrix.input[i][k] = k == 0;
        for (int j = 0; j < IN - 1; j++)
            if (j != i) {
                multiply(matrix.input[i], points[j]);
                slope *= i < IN - 1 ? points[i] - points[j] : 1;
            }
        for (int k = 0; k < TAPS; k++)
            matrix.weights[i][k] =
                i < IN - 1 ? pow(points[i], k) / slope : k == TAPS - 1;
        for (int k = 0; k < OUT; k++)
            matrix.output[k][i] = i < IN - 1 ? pow(points[i], k) : k == OUT - 1;
    }
}

/* Row i and row j of a matrix, times n x n numbers x, `stride` apart; the same of all
 * absolute values in *magnitude. */
static double product(const double *row_i, const double *row_j, int n, const float *x,
                      size_t stride, double *magnitude)
{
    double sum = 0;

    *magnitude = 0;
    for (int k = 0; k < n * n; k++) {
        const double term = row_i[k / n] * row_j[k % n] * (double)x[(size_t)k * stride];

        sum += term;
        *magnitude += fabs(term);
    }
    return sum;
}

/* Twice four roundings at most, of no more than the magnitude; 9 to cover their own. */
static const double transform_error = 9 * (double)FLT_EPSILON / 2;

static void matrices_convolve(void)
{
    const float *x = floats_random(IN * IN, -1, 1), *w = floats_random(9, -1, 1);
    float values[VALUES];
    double magnitude;

    for (int i = 0; i < VALUES; i++)
        values[i] = (float)(product(matrix.input[i / IN], matrix.input[i % IN], IN, x,
                                    1, &magnitude) *
                            product(matrix.weights[i / IN], matrix.weights[i % IN],
                                    TAPS, w, 1, &magnitude));
    for (int i = 0; i < OUT * OUT; i++) {
        const int row = i / OUT, col = i % OUT;
        double want = 0;
        const double got =
            product(matrix.output[row], matrix.output[col], IN, values, 1, &magnitude);

        for (int t = 0; t < 9; t++)
            want += (double)w[t] * (double)x[(row + t / TAPS) * IN + col + t % TAPS];
        expect_near((float)got, want, 2 * (double)FLT_EPSILON * magnitude, (size_t)i);
    }
}

void spec_winograd_input(void)
{
    enum { C = 3 };

    fill_matrices();
    for (int n = 0; n < 100; n++) {
        const dp_map_window w = input_window(C);
        const float *x = floats_random((size_t)(w.H * w.W * C), -1, 1);
        float *v = floats_poison(VALUES * C), cells[IN * IN];

        harness_case("winograd_input at (%d, %d) of %d x %d", w.row, w.col, w.H, w.W);
        matrices_convolve();
        dp_winograd_input_ref(v, C, x, &w);
        for (int c = 0; c < C; c++) {
            for (int i = 0; i < IN * IN; i++) {
                const int row = w.row + i / IN, col = w.col + i % IN;

                cells[i] = row < 0 || row >= w.H || col < 0 || col >= w.W
                               ? 0
                               : x[(row * w.W + col) * C + c];
            }
            for (int i = 0; i < VALUES; i++) {
                double magnitude;
                const double want = product(matrix.input[i / IN], matrix.input[i % IN],
                                            IN, cells, 1, &magnitude);

                expect_near(v[i * C + c], want, transform_error * magnitude, (size_t)i);
            }
        }
        harness_case_end();
    }
}

/* Rounded once; the float64 before that is not exact, hence the next float. */
static void weights_are_those_of_the_matrix(void)
{
    const float *w = floats_random(9, -1, 1), scale = *floats_random(1, -2, 2);
    float *u = floats_poison(2 * VALUES);
    double magnitude;

    harness_case("winograd's weights");
    dp_winograd_weights(u, 2, w, scale);
    for (int i = 0; i < VALUES; i++) {
        const double want =
            (double)scale * product(matrix.weights[i / IN], matrix.weights[i % IN],
                                    TAPS, w, 1, &magnitude);

        expect_near(u[2 * i], want, fabs(want) * (double)FLT_EPSILON / 1.9, (size_t)i);
    }
}

static void outputs_are_those_of_the_matrix(void)
{
    const dp_map_window w = output_window(1);
    const float *m = floats_random(VALUES, -1, 1), bias = *floats_random(1, -1, 1);
    const size_t size = (size_t)(w.H * w.W);
    float *y = floats_random(size, -1, 1);
    const float *before = floats_copy(y, size);

    harness_case("winograd_output of %d x %d", w.rows, w.cols);
    dp_winograd_output_ref(y, m, 1, &bias, &w, 1, 0);
    for (int i = 0; i < w.H * w.W; i++) {
        const int row = i / w.W - w.row, col = i % w.W - w.col;
        double magnitude;

        if (row < 0 || row >= w.rows || col < 0 || col >= w.cols) {
            expect_bits(y + i, before + i, 1);
            continue;
        }
        const double want =
            product(matrix.output[row], matrix.output[col], IN, m, 1, &magnitude) +
            (double)bias;

        expect_near(y[i], want, transform_error * (magnitude + fabs((double)bias)),
                    (size_t)i);
    }
    harness_case_end();
}

static void relu_is_that_of_the_kernel(void)
{
    enum { C = 40 };
    const dp_map_window w = {.H = 4, .W = 4, .C = C, .rows = 4, .cols = 4};
    const float *m = floats_special(VALUES * C, 100), *bias = floats_random(C, -1, 1);
    float *plain = floats_poison(16 * C), *relu = floats_poison(16 * C);

    harness_case("winograd_output with an activation");
    dp_winograd_output_ref(plain, m, C, bias, &w, C, 0);
    dp_winograd_output_ref(relu, m, C, bias, &w, C, DP_GEMM_RELU);
    dp_relu_ref(plain, 16 * C);
    expect_bits(relu, plain, 16 * C);
    harness_case_end();
}

void spec_winograd_output(void)
{
    fill_matrices();
    weights_are_those_of_the_matrix();
    for (int i = 0; i < 100; i++)
        outputs_are_those_of_the_matrix();
    relu_is_that_of_the_kernel();
}
