#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const size_t sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 96, 1000};

static float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static void check_values(dp_gelu_fn *variant, const float *x, size_t n)
{
    float *want = floats_copy(x, n), *got = floats_copy(x, n);

    dp_gelu_ref(want, n);
    variant(got, n);
    expect_bits(got, want, n);
    harness_case_end();
}

void check_gelu(dp_gelu_fn *variant)
{
    enum { PIECE = 4096, PIECES = 200 };
    const uint32_t stride = 0xFFFFFFFFu / (PIECE * PIECES);
    uint32_t bits = (uint32_t)int_random((int)stride);

    for (int i = 0; i < COUNT(sizes); i++) {
        harness_case("gelu of %zu", sizes[i]);
        check_values(variant, floats_special(sizes[i], 8), sizes[i]);
    }
    for (int i = 0; i < PIECES; i++) {
        float *x = floats_poison(PIECE);

        harness_case("gelu of all floats, piece %d", i);
        for (int j = 0; j < PIECE; j++, bits += stride)
            x[j] = float_of(bits);
        check_values(variant, x, PIECE);
    }
}

static float gelu_ref(float x)
{
    dp_gelu_ref(&x, 1);
    return x;
}

static double exact(double x)
{
    return x * erfc(-x / sqrt(2)) / 2;
}

void spec_gelu(void)
{
    harness_case("gelu against float64");
    for (uint32_t bits = 0; bits <= 0x41000000 /* 8 */; bits += 997) {
        const float x = float_of(bits);

        expect_near(gelu_ref(x), exact((double)x), 3e-7, bits);
        expect_near(gelu_ref(-x), exact(-(double)x), 3e-7, bits);
    }
    harness_case("gelu of small values, relative");
    for (float x = 0.19f; x > FLT_MIN * 4; x *= 0.99f) {
        expect_near(gelu_ref(x), exact((double)x), 2e-7 * exact((double)x), 0);
        expect_near(gelu_ref(-x), exact(-(double)x), 2e-7 * -exact(-(double)x), 1);
    }
    harness_case("gelu at the ends");
    for (float x = 5.7f; x < INFINITY; x *= 1.7f) {
        expect_near(gelu_ref(x), (double)x, 0, 0);
        expect_near(gelu_ref(-x), 0, 0, 1);
    }
    expect_int(gelu_ref(INFINITY) == INFINITY, 1);
    expect_near(gelu_ref(-INFINITY), 0, 0, 2);
    expect_near(gelu_ref(0), 0, 0, 3);
    expect_int(isnan(gelu_ref(NAN)), 1);
}

void check_gelu_backward(dp_gelu_backward_fn *variant)
{
    for (int rows = 0; rows < 10; rows++)
        for (int panels = 1; panels < 4; panels++) {
            const size_t panel = (size_t)(rows + int_random(3)) * DP_GEMM_PANEL;
            const size_t n = (size_t)panels * panel;
            const size_t columns = (size_t)panels * DP_GEMM_PANEL;
            float *h = floats_special(n, 8), *d = floats_special(n, 100);
            float *got_h = floats_copy(h, n), *got_d = floats_copy(d, n);
            float *sums = floats_random(columns, -1, 1);
            float *got_sums = floats_copy(sums, columns);

            harness_case("gelu_backward of %d rows, %d panels", rows, panels);
            dp_gelu_backward_ref(h, d, sums, panel, rows, panels);
            variant(got_h, got_d, got_sums, panel, rows, panels);
            expect_bits(got_h, h, n);
            expect_bits(got_d, d, n);
            expect_bits(got_sums, sums, columns);
            harness_case_end();
        }
}

static double exact_slope(double x)
{
    return erfc(-x / sqrt(2)) / 2 + x * exp(-x * x / 2) / sqrt(2 * acos(-1.0));
}

/* The derivative at x and, in *value, the gelu. */
static float slope_ref(float x, float *value)
{
    float h[DP_GEMM_PANEL] = {x}, d[DP_GEMM_PANEL] = {1}, sums[DP_GEMM_PANEL] = {3};

    dp_gelu_backward_ref(h, d, sums, DP_GEMM_PANEL, 1, 1);
    expect_near(sums[0], 3 + (double)d[0], 3e-7, 0);
    *value = h[0];
    return d[0];
}

void spec_gelu_backward(void)
{
    float value;

    harness_case("gelu_backward against float64");
    for (uint32_t bits = 0; bits <= 0x41000000 /* 8 */; bits += 9973) {
        for (int sign = -1; sign <= 1; sign += 2) {
            const float x = (float)sign * float_of(bits);

            expect_near(slope_ref(x, &value), exact_slope((double)x), 5e-7, bits);
            expect_near(value, (double)gelu_ref(x), 0, bits);
        }
    }
    harness_case("gelu_backward at the ends");
    expect_near(slope_ref(INFINITY, &value), 1, 0, 0);
    expect_near(slope_ref(-INFINITY, &value), 0, 0, 1);
    expect_near(slope_ref(0, &value), 0.5, 0, 2);
    expect_near(slope_ref(NAN, &value), 0, 0, 3);
    expect_int(isnan(value), 1);
}
