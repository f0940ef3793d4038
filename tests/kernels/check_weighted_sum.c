#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>

enum { MAX_TERMS = 12 };

static const int sizes[] = {0,  1,  7,  8,  9,  15, 16,  17,  31,  32,
                            33, 63, 64, 65, 96, 97, 128, 129, 200, 300};

/* Rows of n, all in one buffer, and what to do with them. */
typedef struct sum_case {
    int terms, n;
    unsigned flags;
    const float *x[MAX_TERMS], *w;
} sum_case;

static sum_case case_random(int n, int rarity)
{
    sum_case s = {.terms = int_random(MAX_TERMS + 1), .n = n};

    s.flags = (int_random(2) ? DP_GEMM_ADD : 0u) | (int_random(2) ? DP_GEMM_RELU : 0u);
    s.w = floats_random((size_t)s.terms, -1, 1);
    for (int t = 0; t < s.terms; t++)
        s.x[t] = floats_special((size_t)n, rarity);
    return s;
}

void check_weighted_sum(dp_weighted_sum_fn *variant)
{
    for (int i = 0; i < 5 * COUNT(sizes); i++) {
        const sum_case s = case_random(sizes[i % COUNT(sizes)], i % 2 ? 50 : 1 << 30);
        const size_t n = (size_t)s.n;
        float *want = floats_random(n, -1, 1), *got = floats_copy(want, n);

        harness_case("weighted_sum of %d x %d, flags %u", s.terms, s.n, s.flags);
        dp_weighted_sum_ref(want, s.x, s.w, s.terms, s.n, s.flags);
        variant(got, s.x, s.w, s.terms, s.n, s.flags);
        expect_bits(got, want, n);
        harness_case_end();
    }
}

/* Each term is rounded into the sum once. */
void spec_weighted_sum(void)
{
    for (int i = 0; i < 50; i++) {
        const sum_case s = case_random(20, 1 << 30);
        float *y = floats_random(20, -1, 1);
        const float *before = floats_copy(y, 20);

        harness_case("weighted_sum of %d terms against float64, flags %u", s.terms,
                     s.flags);
        dp_weighted_sum_ref(y, s.x, s.w, s.terms, s.n, s.flags);
        for (int k = 0; k < s.n; k++) {
            double want = s.flags & DP_GEMM_ADD ? (double)before[k] : 0;
            double magnitude = fabs(want);

            for (int t = 0; t < s.terms; t++) {
                want += (double)s.w[t] * (double)s.x[t][k];
                magnitude += fabs((double)s.w[t] * (double)s.x[t][k]);
            }
            if (s.flags & DP_GEMM_RELU && want < 0)
                want = 0;
            expect_near(y[k], want, (s.terms + 1) * (double)FLT_EPSILON / 2 * magnitude,
                        (size_t)k);
        }
        harness_case_end();
    }
}
