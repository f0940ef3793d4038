#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>

static const int sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 96, 255, 256, 1000};

static const dp_adamw_factors adamw = {0.9995f, 0.9f,  0.1f,  0.999f,
                                       0.001f,  0.25f, 1e-8f, -0.004f};
static const dp_sgd_factors sgd = {0.05f, 0.9f, -0.1f};

/* Second moments are never negative. */
static float *floats_positive(size_t n)
{
    float *v = floats_special(n, 16);

    for (size_t i = 0; i < n; i++)
        v[i] = fabsf(v[i]);
    return v;
}

void check_adamw(dp_adamw_fn *variant)
{
    for (int i = 0; i < COUNT(sizes); i++) {
        const size_t n = (size_t)sizes[i];
        const float *g = floats_special(n, 16);
        float *p = floats_special(n, 16), *p2 = floats_copy(p, n);
        float *m = floats_special(n, 16), *m2 = floats_copy(m, n);
        float *v = floats_positive(n), *v2 = floats_copy(v, n);

        harness_case("adamw of %zu", n);
        dp_adamw_ref(p, m, v, g, &adamw, n);
        variant(p2, m2, v2, g, &adamw, n);
        expect_bits(p2, p, n);
        expect_bits(m2, m, n);
        expect_bits(v2, v, n);
        harness_case_end();
    }
}

/* The moments go through two roundings each; sqrt and the quotients, of positive numbers,
 * through four more. */
void spec_adamw(void)
{
    enum { N = 1000 };
    const double half_ulp = (double)FLT_EPSILON / 2;
    const float *g = floats_random(N, -1, 1);
    float *p = floats_random(N, -1, 1), *before = floats_copy(p, N);
    float *m = floats_random(N, -1, 1), *first = floats_copy(m, N);
    float *v = floats_random(N, 0.1f, 1), *second = floats_copy(v, N);

    harness_case("adamw against float64");
    dp_adamw_ref(p, m, v, g, &adamw, N);
    for (int i = 0; i < N; i++) {
        const double gradient = (double)g[i];
        const double old1 = (double)first[i] * (double)adamw.beta1;
        const double new1 = gradient * (double)adamw.rest1;
        const double m1 = old1 + new1;
        const double v1 = (double)second[i] * (double)adamw.beta2 +
                          gradient * gradient * (double)adamw.rest2;
        const double below = sqrt(v1) / (double)adamw.root + (double)adamw.eps;
        const double kept = (double)before[i] * (double)adamw.keep;
        const double change = (double)adamw.step * m1 / below;
        const double m_bound = 2.01 * half_ulp * (fabs(old1) + fabs(new1));

        expect_near(m[i], m1, m_bound, (size_t)i);
        expect_near(v[i], v1, 3.01 * half_ulp * v1, (size_t)i);
        expect_near(p[i], kept + change,
                    2.01 * half_ulp * (fabs(kept) + fabs(change)) +
                        7.01 * half_ulp * fabs(change) +
                        m_bound * fabs((double)adamw.step) / below,
                    (size_t)i);
    }
    harness_case_end();
}

void check_sgd(dp_sgd_fn *variant)
{
    for (int i = 0; i < COUNT(sizes); i++) {
        const size_t n = (size_t)sizes[i];
        const float *g = floats_special(n, 16);
        float *p = floats_special(n, 16), *p2 = floats_copy(p, n);
        float *m = floats_special(n, 16), *m2 = floats_copy(m, n);

        harness_case("sgd of %zu", n);
        dp_sgd_ref(p, m, g, &sgd, n);
        variant(p2, m2, g, &sgd, n);
        expect_bits(p2, p, n);
        expect_bits(m2, m, n);
        harness_case_end();
    }
}

/* The moment goes through three roundings, the parameter through one more. */
void spec_sgd(void)
{
    enum { N = 1000 };
    const double half_ulp = (double)FLT_EPSILON / 2;
    const float *g = floats_random(N, -1, 1);
    float *p = floats_random(N, -1, 1), *before = floats_copy(p, N);
    float *m = floats_random(N, -1, 1), *first = floats_copy(m, N);

    harness_case("sgd against float64");
    dp_sgd_ref(p, m, g, &sgd, N);
    for (int i = 0; i < N; i++) {
        const double kept = (double)first[i] * (double)sgd.momentum;
        const double decay = (double)before[i] * (double)sgd.decay;
        const double m1 = kept + decay + (double)g[i];
        const double m_bound =
            3.01 * half_ulp * (fabs(kept) + fabs(decay) + fabs((double)g[i]));
        const double change = m1 * (double)sgd.step;

        expect_near(m[i], m1, m_bound, (size_t)i);
        expect_near(p[i], (double)before[i] + change,
                    1.01 * half_ulp * (fabs((double)before[i]) + fabs(change)) +
                        m_bound * fabs((double)sgd.step),
                    (size_t)i);
    }
    harness_case_end();
}
