/* step_bounds.h - how far a float32 evaluation may be from a plain form
 *
 * First-order error analysis, carried through the steps of a plain form while it runs. A
 * sum of n terms, in any order, is off by at most n roundings of the sum of its absolute
 * values. The error of its inputs goes through the absolute weights. A step of
 * another kind multiplies what its input is off by with its steepest slope.
 */
#ifndef DP_TESTS_OPS_STEP_BOUNDS_H
#define DP_TESTS_OPS_STEP_BOUNDS_H

#include "ops/step.h"

typedef struct step_bounds step_bounds;

step_bounds *step_bounds_new(void);
void step_bounds_free(step_bounds *b);

/* A dp_watch_fn; arg is a step_bounds. */
void step_bounds_watch(void *arg, const dp_step *step);

/* Of each value of a result; NULL when no step made it. */
const double *step_bounds_of(const step_bounds *b, dp_tensor y);

#endif
