/* Every kind of step of steps.def: the gradients of its inputs and parameters against the
 * slopes of tests/ops/step_slopes.h, its fast form against its rows, and both for threads and
 * instruction sets.
 *
 * A float32 sum of n terms, in any order, is off by at most n roundings of the sum of their
 * absolute values. A few more are for terms that are rounded themselves. */
#include "base/cpu.h"
#include "tests/ops/step_bounds.h"
#include "tests/ops/step_case.h"
#include "tests/ops/step_slopes.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INSTANCES = 12, LARGE = 2, SAMPLES = 40, FURTHER_ROUNDINGS = 10 };

static const double unit = 0x1p-24;

/* ---- gradients -------------------------------------------------------------------- */

/* The difference as a part of its bound. The gradient was added to a 1. */
static double check(const step_case *c, const char *what, int k, size_t i, float got,
                    step_slope slope)
{
    /* Two samples in each direction of a bin of RoIAlign may read a cell. */
    const double adds = c->kind == DP_STEP_roi_align ? 4 * slope.count : 1;
    const double bound = (slope.count + FURTHER_ROUNDINGS) * unit * slope.terms +
                         (1 + adds) * unit * (1 + fabs(slope.gradient));
    const double off = fabs((double)got - slope.gradient);
    ck_assert_msg(
        off <= bound, "%s: gradient of %s %d, value %zu: %.9g, expected %.9g +- %.2g",
        dp_step_defs[c->kind].name, what, k, i, (double)got, slope.gradient, bound);
    return off / bound;
}

/* The k-th of `samples` of n values: all if they are that few. */
static size_t sample(uint64_t *seed, int k, int samples, size_t n)
{
    return n <= (size_t)samples ? (size_t)k : (size_t)random_int(seed, (int)n);
}

static int smaller(size_t n, int samples)
{
    return n < (size_t)samples ? (int)n : samples;
}

static double check_inputs(const step_case *c, int samples)
{
    const dp_step *s = &c->step;
    uint64_t seed = 9;
    double worst = 0;
    for (int k = 0; k < s->inputs; k++) {
        const size_t n = dp_tensor_size(s->x[k]);
        for (int j = 0; j < smaller(n, samples); j++) {
            const size_t i = sample(&seed, j, samples, n);
            worst = fmax(worst, check(c, "input", k, i, c->dx[k][i],
                                      step_slope_of_input(s, c->dy, k, i)));
        }
    }
    return worst;
}

static double check_parameters(const step_case *c, int samples)
{
    const dp_step *s = &c->step;
    uint64_t seed = 9;
    double worst = 0;
    for (size_t k = 0; k < c->parameters.count; k++) {
        const dp_parameter *p = &c->parameters.list[k];
        for (int j = 0; !p->buffer && j < smaller(p->count, samples); j++) {
            const bool bias = p->value == s->bias;
            ck_assert(bias || p->value == s->weight);
            const size_t i = sample(&seed, j, samples, p->count);
            worst =
                fmax(worst, check(c, bias ? "bias" : "weight", 0, i, c->gradient[k][i],
                                  step_slope_of_parameter(s, c->dy, bias, i)));
        }
    }
    return worst;
}

START_TEST(gradients_are_sums_of_slopes)
{
    if (!dp_step_defs[_i].row) /* a whole operator has tests of its own */
        return;
    double worst = 0;
    for (int number = 0; number < INSTANCES + LARGE; number++) {
        const bool large = number >= INSTANCES;
        step_case c;
        step_case_init(&c, (dp_step_kind)_i, number, large);
        step_case_run(&c, 2, ~0u);
        const int samples = large ? SAMPLES / 2 : SAMPLES;
        worst =
            fmax(worst, fmax(check_inputs(&c, samples), check_parameters(&c, samples)));
        step_case_done(&c);
    }
    printf("%s: at most %.2f of the bound\n", dp_step_defs[_i].name, worst);
}
END_TEST

/* ---- fast forms ------------------------------------------------------------------- */

START_TEST(fast_form_is_the_rows)
{
    if (!dp_step_defs[_i].row) /* a whole operator has tests of its own */
        return;
    double worst = 0;
    for (int number = 0; number < INSTANCES + LARGE; number++) {
        step_case c;
        step_case_init(&c, (dp_step_kind)_i, number, number >= INSTANCES);
        step_case_run(&c, 2, ~0u);
        step_bounds *bounds = step_bounds_new();
        step_bounds_watch(bounds, &c.step);
        const double *off = step_bounds_of(bounds, c.step.y);
        const dp_tensor fast = c.step.y;
        const size_t n = dp_tensor_size(fast);
        c.step.y.data = malloc((n + 1) * sizeof(float));
        for (int item = 0; item < fast.N * fast.H; item++)
            dp_step_defs[_i].row(&c.step, item);
        for (size_t i = 0; i < n; i++) {
            const double d = fabs((double)fast.data[i] - (double)c.step.y.data[i]);
            ck_assert_msg(d <= off[i], "%s, value %zu: fast %.9g, rows %.9g +- %.2g",
                          dp_step_defs[_i].name, i, (double)fast.data[i],
                          (double)c.step.y.data[i], off[i]);
            worst = fmax(worst, d > 0 ? d / off[i] : 0);
        }
        free(c.step.y.data);
        step_bounds_free(bounds);
        step_case_done(&c);
    }
    printf("%s: at most %.2f of the bound\n", dp_step_defs[_i].name, worst);
}
END_TEST

/* ---- bits ------------------------------------------------------------------------- */

/* A sum over all bytes that a run made. */
static uint64_t digest(uint64_t sum, const float *x, size_t n)
{
    for (size_t i = 0; i < n && x; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        sum = (sum ^ bits) * 0x100000001b3u;
    }
    return sum;
}

static uint64_t digest_run(step_case *c, int threads, unsigned cpu)
{
    uint64_t sum = 0;
    step_case_run(c, threads, cpu);
    sum = digest(sum, c->step.y.data, dp_tensor_size(c->step.y));
    for (int i = 0; i < c->step.inputs; i++)
        sum = digest(sum, c->dx[i], dp_tensor_size(c->step.x[i]));
    for (size_t i = 0; i < c->parameters.count; i++)
        sum = digest(sum, c->gradient[i], c->parameters.list[i].count);
    return sum;
}

START_TEST(bits_do_not_depend_on_threads_or_instructions)
{
    if (!dp_step_defs[_i].row) /* a whole operator has tests of its own */
        return;
    for (int number = 0; number < 2 + LARGE; number++) {
        step_case c;
        step_case_init(&c, (dp_step_kind)_i, number, number >= 2);
        const uint64_t first = digest_run(&c, 1, ~0u);
        for (int i = 0; i < FORWARD_THREADS; i++)
            ck_assert_uint_eq(digest_run(&c, forward_threads[i], ~0u), first);
        ck_assert_uint_eq(digest_run(&c, 2, DP_CPU_AVX2), first);
        ck_assert_uint_eq(digest_run(&c, 2, 0), first);
        step_case_done(&c);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/backward");
    TCase *t = tcase_create("steps");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, gradients_are_sums_of_slopes, 0, DP_STEP_KINDS);
    tcase_add_loop_test(t, fast_form_is_the_rows, 0, DP_STEP_KINDS);
    tcase_add_loop_test(t, bits_do_not_depend_on_threads_or_instructions, 0,
                        DP_STEP_KINDS);
    suite_add_tcase(s, t);
    return suite_run(s);
}
