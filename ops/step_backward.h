/* step_backward.h - the gradient of a step: what its inputs and its raw parameters get from
 * its result
 *
 * Gradients are float32, have the extents of their values, and are added to. A sum's order
 * does not depend on the number of threads. Backward functions run dry too, to plan their
 * scratch memory; data pointers of gradients are NULL then.
 */
#ifndef DP_OPS_STEP_BACKWARD_H
#define DP_OPS_STEP_BACKWARD_H

#include "core/parameters.h"
#include "ops/step.h"

/* gradient[i], of parameter i; NULL: it is frozen. */
typedef struct dp_parameter_gradients {
    const dp_parameters *parameters;
    float *const *gradient;
} dp_parameter_gradients;

typedef struct dp_step_gradients {
    const float *dy;           /* of s->y                          */
    float *dx[DP_STEP_INPUTS]; /* of s->x[i]; NULL: not asked for  */
    const dp_parameter_gradients *of;
} dp_step_gradients;

/* The gradient of the raw parameter that begins at `value`; NULL when value is NULL, frozen
 * or a buffer. */
float *dp_parameter_gradient(const dp_step_gradients *g, const float *value);

/* Add to what g asks for. Reads s->x and s->y, which are as in the forward pass. */
typedef void dp_step_back_fn(dp_run *r, const dp_step *s, const dp_step_gradients *g);

#define STEP(name, kind) dp_step_back_fn dp_step_##name##_back;
#include "ops/steps.def"
#undef STEP

/* One a kind. */
extern dp_step_back_fn *const dp_step_backs[DP_STEP_KINDS];

#endif
