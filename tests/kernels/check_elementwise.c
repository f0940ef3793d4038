#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>

static const int sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 96, 255, 256, 1000};

void check_relu(dp_relu_fn *variant)
{
    for (int i = 0; i < COUNT(sizes); i++) {
        const size_t n = (size_t)sizes[i];
        float *want = floats_special(n, 4), *got = floats_copy(want, n);

        harness_case("relu of %zu", n);
        dp_relu_ref(want, n);
        variant(got, n);
        expect_bits(got, want, n);
        harness_case_end();
    }
}

void spec_relu(void)
{
    float x[] = {-INFINITY, -FLT_MAX, -1,      -FLT_MIN, -0.0f, 0,
                 FLT_MIN,   1,        FLT_MAX, INFINITY, NAN,   -NAN};
    const float want[] = {0, 0, 0, 0, 0, 0, FLT_MIN, 1, FLT_MAX, INFINITY, 0, 0};

    harness_case("relu of worked cases");
    dp_relu_ref(x, sizeof x / sizeof *x);
    expect_bytes(x, want, sizeof x);
}

void check_scale(dp_scale_fn *variant)
{
    for (int i = 0; i < COUNT(sizes); i++) {
        const size_t n = (size_t)sizes[i];
        const float s = *floats_random(1, -2, 2);
        const float *x = floats_special(n, 8);
        float *want = floats_poison(n), *got = floats_poison(n);
        float *in_place = floats_copy(x, n);

        harness_case("scale of %zu", n);
        dp_scale_ref(want, x, s, sizes[i]);
        variant(got, x, s, sizes[i]);
        expect_bits(got, want, n);
        variant(in_place, in_place, s, sizes[i]);
        expect_bits(in_place, want, n);
        harness_case_end();
    }
}

/* The product of two floats is exact in float64, so it is rounded once. */
void spec_scale(void)
{
    enum { N = 1000 };
    const float s = *floats_random(1, -2, 2);
    const float *x = floats_special(N, 8);
    float *got = floats_poison(N), *want = floats_poison(N);

    harness_case("scale against float64");
    dp_scale_ref(got, x, s, N);
    for (int i = 0; i < N; i++)
        want[i] = (float)((double)x[i] * (double)s);
    expect_bits(got, want, N);
    harness_case_end();
}

static dp_corners corners_random(size_t n, int rarity)
{
    const float *w = floats_random(4, 0, 1);
    dp_corners c = {.across = {w[0], w[1]}, .down = {w[2], w[3]}};

    c.nw = floats_special(n, rarity);
    c.ne = floats_special(n, rarity);
    c.sw = floats_special(n, rarity);
    c.se = floats_special(n, rarity);
    return c;
}

void check_bilinear(dp_bilinear_fn *variant)
{
    for (int i = 0; i < 2 * COUNT(sizes); i++) {
        const int n = sizes[i / 2];
        const unsigned flags = i % 2 ? DP_GEMM_ADD : 0;
        const dp_corners c = corners_random((size_t)n, 16);
        float *want = floats_special((size_t)n, 16),
              *got = floats_copy(want, (size_t)n);

        harness_case("bilinear of %d, flags %u", n, flags);
        dp_bilinear_ref(want, &c, n, flags);
        variant(got, &c, n, flags);
        expect_bits(got, want, (size_t)n);
        harness_case_end();
    }
}

/* A corner goes through five roundings: two products, two sums, and that to y. */
void spec_bilinear(void)
{
    enum { N = 1000 };
    const dp_corners c = corners_random(N, 1 << 30);
    const float *const corner[4] = {c.nw, c.ne, c.sw, c.se};
    const float *before = floats_random(N, -4, 4);

    harness_case("bilinear against float64");
    for (unsigned add = 0; add < 2; add++) {
        float *got = floats_copy(before, N);

        dp_bilinear_ref(got, &c, N, add ? DP_GEMM_ADD : 0);
        for (int i = 0; i < N; i++) {
            double want = add ? (double)before[i] : 0, magnitude = fabs(want);

            for (int k = 0; k < 4; k++) {
                const double term = (double)c.down[k / 2] * (double)c.across[k % 2] *
                                    (double)corner[k][i];

                want += term;
                magnitude += fabs(term);
            }
            expect_near(got[i], want, 5.01 * (double)FLT_EPSILON / 2 * magnitude,
                        (size_t)i);
        }
    }
    harness_case_end();
}

void check_bilinear_add(dp_bilinear_add_fn *variant)
{
    for (int i = 0; i < COUNT(sizes); i++) {
        const size_t n = (size_t)sizes[i];
        const float *a = floats_special(n, 16), *b = floats_special(n, 16);
        const float *d = floats_special(n, 16), *e = floats_special(n, 16);
        const float *w = floats_random(4, 0, 1);
        float *want = floats_special(n, 16), *got = floats_copy(want, n);

        harness_case("bilinear_add of %zu", n);
        dp_bilinear_add_ref(want, a, b, d, e, w, sizes[i]);
        variant(got, a, b, d, e, w, sizes[i]);
        expect_bits(got, want, n);
        harness_case_end();
    }
}

/* A term goes through at most five roundings: its product and four sums. */
void spec_bilinear_add(void)
{
    enum { N = 1000 };
    const float *x[4];
    const float *w = floats_random(4, 0, 1);
    float *y = floats_random(N, -4, 4), *got = floats_copy(y, N);

    for (int i = 0; i < 4; i++)
        x[i] = floats_random(N, -4, 4);
    harness_case("bilinear_add against float64");
    dp_bilinear_add_ref(got, x[0], x[1], x[2], x[3], w, N);
    for (int c = 0; c < N; c++) {
        double want = (double)y[c], magnitude = fabs((double)y[c]);

        for (int i = 0; i < 4; i++) {
            want += (double)w[i] * (double)x[i][c];
            magnitude += fabs((double)w[i] * (double)x[i][c]);
        }
        expect_near(got[c], want, 5.01 * (double)FLT_EPSILON / 2 * magnitude,
                    (size_t)c);
    }
    harness_case_end();
}
