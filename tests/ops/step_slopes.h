/* step_slopes.h - what each value of a step's result changes by, per unit of one value that
 * it is computed from
 *
 * From the step's rows, which sum in float64 and round once. Where the result is linear in
 * the value it is the result of a 1 there with zeros elsewhere. Where it has corners only, it
 * is a difference over a power of two that reaches no corner. In both cases it is exact but
 * for a rounding. For the smooth kinds it is a fourth-order difference of a float64
 * evaluation, which is exact to 1e-9.
 */
#ifndef DP_TESTS_OPS_STEP_SLOPES_H
#define DP_TESTS_OPS_STEP_SLOPES_H

#include "ops/step.h"

/* The gradient of one value: the sum over the result of dy times the slope; the sum of the
 * absolute values of what a formula adds up to it; how many those are. */
typedef struct step_slope {
    double gradient, terms;
    int count;
} step_slope;

/* Of value i of input k. */
step_slope step_slope_of_input(const dp_step *s, const float *dy, int k, size_t i);

/* Of value i of s->weight, or with `bias` of s->bias. */
step_slope step_slope_of_parameter(const dp_step *s, const float *dy, bool bias,
                                   size_t i);

#endif
