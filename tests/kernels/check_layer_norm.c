#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

static const int channels[] = {1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 96, 97, 200};

static void check_case(dp_layer_norm_fn *variant, size_t rows, int C, int rarity)
{
    const size_t n = rows * (size_t)C;
    const float eps = int_random(2) ? 1e-5f : 1e-6f;
    const float *x = floats_special(n, rarity);
    const float *weight = int_random(4) ? floats_random((size_t)C, -2, 2) : NULL;
    const float *bias = int_random(4) ? floats_random((size_t)C, -2, 2) : NULL;
    float *want = floats_poison(n), *got = floats_poison(n), *in_place;

    harness_case("layer_norm of %zu x %d, %s weight, %s bias", rows, C,
                 weight ? "a" : "no", bias ? "a" : "no");
    dp_layer_norm_ref(want, x, weight, bias, rows, C, eps);
    variant(got, x, weight, bias, rows, C, eps);
    expect_bits(got, want, n);
    in_place = floats_copy(x, n);
    variant(in_place, in_place, weight, bias, rows, C, eps);
    expect_bits(in_place, want, n);
    harness_case_end();
}

void check_layer_norm(dp_layer_norm_fn *variant)
{
    for (int i = 0; i < COUNT(channels); i++)
        for (size_t rows = 0; rows < 10; rows++) {
            check_case(variant, rows, channels[i], 1 << 30);
            check_case(variant, rows, channels[i], 50);
        }
}

/* Bounds, with u = 2^-24 and L = C / 16 + 6 roundings at most in a sum and its division:
 *   mean:   e = L u mean|x|
 *   d:      f = e + u |d|
 *   var:    mean(2 |d| f + f f) + L u mean(d d)
 *   scale:  relative, half of that of var + eps (one rounding more), and two roundings
 *   output: |w| (|d| s (relative + u) + f s) + u |y|
 * and a tenth more for products of errors. */
static void spec_row(const float *y, const float *x, const float *weight,
                     const float *bias, int C, double eps)
{
    const double u = (double)FLT_EPSILON / 2, roundings = C / 16 + 6;
    double mean = 0, size = 0, var = 0, var_error = 0;

    for (int c = 0; c < C; c++) {
        mean += (double)x[c] / C;
        size += fabs((double)x[c]) / C;
    }
    for (int c = 0; c < C; c++) {
        const double d = fabs((double)x[c] - mean);
        const double f = roundings * u * size + u * d;

        var += d * d / C;
        var_error += (2 * d * f + f * f + roundings * u * d * d) / C;
    }
    const double scale = 1 / sqrt(var + eps);
    const double relative = (var_error / (var + eps) + u) / 2 + 2 * u;

    for (int c = 0; c < C; c++) {
        const double d = (double)x[c] - mean, w = (double)weight[c];
        const double want = d * scale * w + (double)bias[c];
        const double f = roundings * u * size + u * fabs(d);
        const double bound =
            fabs(w) * scale * (fabs(d) * (relative + u) + f) + u * fabs(want);

        expect_near(y[c], want, 1.1 * bound, (size_t)c);
    }
}

void spec_layer_norm(void)
{
    for (int i = 0; i < COUNT(channels); i++) {
        const int C = channels[i];
        const float *x = floats_random((size_t)C, -3, 5);
        const float *weight = floats_random((size_t)C, -2, 2);
        const float *bias = floats_random((size_t)C, -2, 2);
        float *y = floats_poison((size_t)C);

        harness_case("layer_norm of %d against float64", C);
        dp_layer_norm_ref(y, x, weight, bias, 1, C, 1e-6f);
        spec_row(y, x, weight, bias, C, (double)1e-6f);
        harness_case_end();
    }
}
