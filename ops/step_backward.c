#include "ops/step_backward.h"

#include "ops/column_sums.h"

dp_step_back_fn *const dp_step_backs[DP_STEP_KINDS] = {
#define STEP(name, kind, form) [DP_STEP_##name] = dp_step_##name##_back,
#include "ops/steps.def"
#undef STEP
};

void dp_parameter_add(const dp_step_gradients *g, const float *value,
                      const double *sums, size_t n)
{
    float *gradient = dp_parameter_gradient(g->of, value);
    for (size_t i = 0; i < n && gradient; i++)
        gradient[i] += (float)sums[i];
}

typedef struct back_rows {
    const dp_step *s;
    const dp_step_gradients *g;
    dp_step_back_row_fn *fn;
} back_rows;

static void back_row(void *arg, int item, int worker)
{
    const back_rows *b = arg;
    (void)worker;
    b->fn(b->s, b->g, item);
}

void dp_step_back_rows(dp_run *r, const dp_step *s, const dp_step_gradients *g,
                       int items, dp_step_back_row_fn *fn)
{
    back_rows b = {s, g, fn};
    if (!r->dry)
        dp_parallel(r->pool, items, back_row, &b);
}
