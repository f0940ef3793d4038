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
