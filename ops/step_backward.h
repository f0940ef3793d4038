/* step_backward.h - the gradient of a step: what its inputs and its raw parameters get from
 * its result
 *
 * Gradients are float32, have the extents of their values, and are added to. A sum's order
 * does not depend on the number of threads. Backward functions run dry too, to plan their
 * scratch memory: g is the same, and nothing is read or written.
 */
#ifndef DP_OPS_STEP_BACKWARD_H
#define DP_OPS_STEP_BACKWARD_H

#include "ops/step.h"

typedef struct dp_step_gradients {
    const float *dy;                  /* of s->y                          */
    float *dx[DP_STEP_INPUTS];        /* of s->x[i]; NULL: not asked for  */
    const dp_parameter_gradients *of; /* dp_parameter_gradient(of, s->weight) */
} dp_step_gradients;

/* Add n sums to the gradient of the raw parameter that begins at `value`, if there is one. */
void dp_parameter_add(const dp_step_gradients *g, const float *value,
                      const double *sums, size_t n);

/* Add the sums of dy over its rows to the gradient of s->bias, if it has one. */
void dp_step_bias_back(dp_run *r, const dp_step *s, const dp_step_gradients *g);

/* Call fn for every item in [0, items), on all threads of the run; not when dry. */
typedef void dp_step_back_row_fn(const dp_step *s, const dp_step_gradients *g,
                                 int item);
void dp_step_back_rows(dp_run *r, const dp_step *s, const dp_step_gradients *g,
                       int items, dp_step_back_row_fn *fn);

/* Add to what g asks for. Reads s->x and s->y, which are as in the forward pass. */
typedef void dp_step_back_fn(dp_run *r, const dp_step *s, const dp_step_gradients *g);

#define STEP(name, kind, form) dp_step_back_fn dp_step_##name##_back;
#include "ops/steps.def"
#undef STEP

/* One a kind. */
extern dp_step_back_fn *const dp_step_backs[DP_STEP_KINDS];

#endif
