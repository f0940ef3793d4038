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

static size_t panels_of(int C)
{
    return ((size_t)C + DP_GEMM_PANEL - 1) / DP_GEMM_PANEL;
}

static void check_panels(dp_layer_norm_panels_fn *variant, size_t rows, int C,
                         int rarity)
{
    const size_t panel = (rows + (size_t)int_random(3)) * DP_GEMM_PANEL;
    const size_t n = panels_of(C) * panel;
    const float *x = floats_special(rows * (size_t)C, rarity);
    float *want = floats_poison(n), *got = floats_poison(n);
    float *scales = floats_poison(rows), *got_scales = floats_poison(rows);

    harness_case("layer_norm_panels of %zu x %d", rows, C);
    dp_layer_norm_panels_ref(want, panel, scales, x, rows, C, 1e-6f);
    variant(got, panel, got_scales, x, rows, C, 1e-6f);
    expect_bits(got, want, n);
    expect_bits(got_scales, scales, rows);
    harness_case_end();
}

void check_layer_norm_panels(dp_layer_norm_panels_fn *variant)
{
    for (int i = 0; i < COUNT(channels); i++)
        for (size_t rows = 0; rows < 6; rows++) {
            check_panels(variant, rows, channels[i], 1 << 30);
            check_panels(variant, rows, channels[i], 50);
        }
}

/* The values are those of layer_norm. */
void spec_layer_norm_panels(void)
{
    enum { ROWS = 3, PANEL = 4 * DP_GEMM_PANEL };

    for (int i = 0; i < COUNT(channels); i++) {
        const int C = channels[i];
        const float *x = floats_random(ROWS * (size_t)C, -3, 5);
        float *want = floats_poison(ROWS * (size_t)C), *scale = floats_poison(ROWS);
        float *y = floats_poison(panels_of(C) * PANEL);

        harness_case("layer_norm_panels of %d against layer_norm", C);
        dp_layer_norm_ref(want, x, NULL, NULL, ROWS, C, 1e-6f);
        dp_layer_norm_panels_ref(y, PANEL, scale, x, ROWS, C, 1e-6f);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < (int)panels_of(C) * DP_GEMM_PANEL; c++)
                expect_near(y[dp_panel_at(c, PANEL) + (size_t)r * DP_GEMM_PANEL],
                            c < C ? (double)want[r * C + c] : 0, 0, (size_t)c);
        harness_case_end();
    }
}

/* rows x C in panels: special values, then zeros. */
static float *special_panels(size_t rows, int C, size_t panel, int rarity)
{
    const size_t n = panels_of(C) * panel;
    float *x = floats_special(n, rarity);

    for (size_t r = 0; r < rows; r++)
        for (int c = C; c < (int)panels_of(C) * DP_GEMM_PANEL; c++)
            x[dp_panel_at(c, panel) + r * DP_GEMM_PANEL] = 0;
    return x;
}

static void check_backward(dp_layer_norm_backward_fn *variant, size_t rows, int C,
                           int rarity)
{
    const size_t panel = (rows + (size_t)int_random(3)) * DP_GEMM_PANEL;
    const float *dy = special_panels(rows, C, panel, rarity);
    const float *y = special_panels(rows, C, panel, rarity);
    const float *scale = floats_random(rows, 0.1f, 9);
    float *want = floats_poison(rows * (size_t)C),
          *got = floats_poison(rows * (size_t)C);

    harness_case("layer_norm_backward of %zu x %d", rows, C);
    dp_layer_norm_backward_ref(want, dy, y, panel, scale, rows, C);
    variant(got, dy, y, panel, scale, rows, C);
    expect_bits(got, want, rows * (size_t)C);
    harness_case_end();
}

void check_layer_norm_backward(dp_layer_norm_backward_fn *variant)
{
    for (int i = 0; i < COUNT(channels); i++)
        for (size_t rows = 0; rows < 6; rows++) {
            check_backward(variant, rows, channels[i], 1 << 30);
            check_backward(variant, rows, channels[i], 50);
        }
}

/* With u = 2^-24 a sum and its division have at most L = C / 16 + 6 roundings. The mean is off
 * by L u mean|dy|, the slope by L u mean|dy y|. Three roundings follow. */
static void spec_backward(const float *dy, const float *y, const float *dx,
                          size_t panel, float scale, int C)
{
    const double u = (double)FLT_EPSILON / 2, L = C / 16 + 6;
    double mean = 0, slope = 0, size = 0, product_size = 0;

    for (int c = 0; c < C; c++) {
        const double d = (double)dy[dp_panel_at(c, panel)];
        const double product = d * (double)y[dp_panel_at(c, panel)];

        mean += d / C;
        slope += product / C;
        size += fabs(d) / C;
        product_size += fabs(product) / C;
    }
    for (int c = 0; c < C; c++) {
        const double d = (double)dy[dp_panel_at(c, panel)];
        const double v = (double)y[dp_panel_at(c, panel)];
        const double magnitude = fabs(d - mean) + fabs(v * slope);
        const double bound =
            L * u * (size + fabs(v) * product_size) + 3 * u * magnitude;

        expect_near(dx[c], (d - mean - v * slope) * (double)scale,
                    1.1 * bound * (double)scale, (size_t)c);
    }
}

void spec_layer_norm_backward(void)
{
    for (int i = 0; i < COUNT(channels); i++) {
        const int C = channels[i];
        const float *dy = special_panels(1, C, DP_GEMM_PANEL, 1 << 30);
        const float *y = special_panels(1, C, DP_GEMM_PANEL, 1 << 30);
        const float scale = 0.75f;
        float *dx = floats_poison((size_t)C);

        harness_case("layer_norm_backward of %d against float64", C);
        dp_layer_norm_backward_ref(dx, dy, y, DP_GEMM_PANEL, &scale, 1, C);
        spec_backward(dy, y, dx, DP_GEMM_PANEL, scale, C);
        harness_case_end();
    }
}
