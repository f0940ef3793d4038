/* bounded.h - values in float64 that know how far off float32 may be
 *
 * The bound of each is carried through the steps of a layer as first-order error analysis
 * has it: a sum of n terms a * b, in any order, fused or not, rounds each term n times at
 * the most, by 2^-24 of it.
 */
#ifndef DP_TESTS_SUPPORT_BOUNDED_H
#define DP_TESTS_SUPPORT_BOUNDED_H

typedef struct bounded {
    double value, off; /* off: how far float32 may be from it */
} bounded;

/* A float32 number. */
bounded bounded_exact(float x);

/* bias + sum of w[i] x[i] of n values. */
bounded bounded_product(float bias, const float *w, const bounded *x, int n);

/* Layer norm of x (n) into y; y may be x. */
void bounded_norm(bounded *y, const bounded *x, const float *weight, const float *bias,
                  int n, double eps);

/* Softmax of x (n), in place. */
void bounded_softmax(bounded *x, int n);

/* Sum of w[i] x[i], both of them bounded; x is `stride` values apart. */
bounded bounded_mix(const bounded *w, const bounded *x, int stride, int n);

/* x (1 + erf(x / sqrt 2)) / 2, as dp_gelu_fn has it. */
bounded bounded_gelu(bounded x);

bounded bounded_add(bounded a, bounded b);

/* Fail the test unless got is within the bound; `at` names it. */
void bounded_check(bounded want, float got, int at);

#endif
