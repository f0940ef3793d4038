/* step.h - one step of a plain form: a simple operator on tensors
 *
 * Plain forms of operators (ops.def) are written in steps: add, multiply, GELU, norm,
 * matrix multiplication, convolution and the like. A step is a record of its inputs, its
 * weights and its result, and a function for one row of the result. It works for any N.
 * Sums run in float64, and each value is rounded once: a step is exact rather than fast.
 *
 * Steps check shapes in the dry run and record DP_ESHAPE (DP_EARG when the model was built
 * without keeping its parameters). After each step a run calls its `watch`.
 *
 * The functions that make steps are in arithmetic.h, reduction.h, weighted.h and layout.h.
 * Except for dp_tensor_copy they return a new tensor in the run's arena.
 */
#ifndef DP_OPS_STEP_H
#define DP_OPS_STEP_H

#include "core/run.h"

typedef enum dp_step_kind {
#define STEP(name, kind, form) DP_STEP_##name,
#include "ops/steps.def"
#undef STEP
    DP_STEP_KINDS
} dp_step_kind;

enum { DP_STEP_INPUTS = 16 };

typedef struct dp_step {
    dp_step_kind kind;
    dp_tensor y;
    int inputs;
    dp_tensor x[DP_STEP_INPUTS];

    /* Raw parameters in the published layout, with their numbers of elements; NULL where
     * the step has none. */
    const float *weight, *bias;
    size_t weight_count, bias_count;

    const float *mean, *variance; /* of a batch norm, as many as weights */
    const int *index;             /* what an item picks                  */
    const float *factors;         /* one an item                         */
    double *kept; /* what the step computes for its own gradient         */

    /* Of a step that is a whole operator: the operator, and the raw parameters that it
     * reads, of which some may be NULL. */
    const void *op;
    const float *const *parameters;
    int parameter_count;

    int terms; /* a value is a sum of at most so many; 0 where it is a copy */
    int kernel, stride, padding, groups;
    int rows, columns, first; /* as the function that makes the step says */
    float number;             /* a factor, or an epsilon                  */
} dp_step;

/* Compute row `item`, in [0, y.N * y.H), of s->y. */
typedef void dp_step_fn(const dp_step *s, int item);

#define STEP(name, kind, form) dp_step_fn dp_step_##name##_row;
#define WHOLE(name)
#include "ops/steps.def"
#undef STEP

/* The whole of s->y at once, by kernels in float32: for runs that are fast. Called dry too, to
 * plan its scratch memory, which is given back after it. */
typedef void dp_step_fast_fn(dp_run *r, const dp_step *s);

#define FAST(name) dp_step_fast_fn dp_step_##name##_fast;
#define ROWS(name)
#define STEP(name, kind, form) form(name)
#include "ops/steps.def"
#undef STEP
#undef FAST
#undef ROWS

typedef struct dp_step_def {
    const char *name;
    bool linear;
    dp_step_fn *row;       /* NULL: a whole operator */
    dp_step_fast_fn *fast; /* NULL: row by row */
} dp_step_def;

/* One a kind. */
extern const dp_step_def dp_step_defs[DP_STEP_KINDS];

/* Do the step into a new tensor of s.y's extents, and return it. */
dp_tensor dp_step_run(dp_run *r, dp_step s);

/* Do the step into s.y itself. */
void dp_step_run_into(dp_run *r, dp_step s);

/* Record DP_ESHAPE, with the step's name and input, unless `fits`. */
void dp_step_expect(dp_run *r, const dp_step *s, bool fits);

#endif
