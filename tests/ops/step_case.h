/* step_case.h - a random case of each kind of step, from steps.def
 *
 * A kind without a function for its case does not link.
 */
#ifndef DP_TESTS_OPS_STEP_CASE_H
#define DP_TESTS_OPS_STEP_CASE_H

#include "ops/step_backward.h"
#include "tests/support/forward.h"

enum { STEP_CASE_PARAMETERS = 4 };

typedef struct step_case {
    forward f;
    dp_step_kind kind;
    uint64_t seed;
    int N, H, W, C, out, side, stride, groups; /* drawn; cases use what they need */
    int labels[2];
    dp_tensor x[DP_STEP_INPUTS]; /* owned data, made when first asked for */

    dp_store store;
    dp_parameters parameters;

    dp_step step; /* as it was recorded, with its values */
    float *dy;
    float *dx[DP_STEP_INPUTS];
    float *gradient[STEP_CASE_PARAMETERS]; /* of parameters */
} step_case;

/* Case `number` of a kind. A large one has maps of hundreds of cells. */
void step_case_init(step_case *c, dp_step_kind kind, int number, bool large);
void step_case_done(step_case *c);

/* Record the step on `threads` threads of a CPU with the flags of `cpu`, and go back over it
 * from dy. Gradients begin at 1 - so that a test sees whether they are added to - and 1 is
 * then taken off. */
void step_case_run(step_case *c, int threads, unsigned cpu);

#endif
