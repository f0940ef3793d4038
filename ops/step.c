#include "ops/step.h"

enum { LINEAR = true, CURVED = false };

const dp_step_def dp_step_defs[DP_STEP_KINDS] = {
#define FAST(name)  dp_step_##name##_fast
#define ROWS(name)  NULL
#define WHOLE(name) [DP_STEP_##name] = {#name, CURVED, NULL, dp_step_##name##_fast},
#define STEP(name, kind, form) \
    [DP_STEP_##name] = {#name, kind, dp_step_##name##_row, form(name)},
#include "ops/steps.def"
#undef STEP
#undef FAST
#undef ROWS
};

static void step_item(void *arg, int item, int worker)
{
    const dp_step *s = arg;
    (void)worker;
    dp_step_defs[s->kind].row(s, item);
}

static bool is_trained(const dp_parameter_gradients *trained, const dp_step *s)
{
    bool any = dp_parameter_gradient(trained, s->weight) ||
               dp_parameter_gradient(trained, s->bias);
    for (int i = 0; i < s->parameter_count; i++)
        any = any || dp_parameter_gradient(trained, s->parameters[i]);
    return any;
}

/* The whole result, from rows or at once. */
static void compute(dp_run *r, dp_step *s)
{
    const dp_step_def *def = &dp_step_defs[s->kind];
    if (r->fast && def->fast) {
        const size_t start = dp_arena_mark(r->arena);
        def->fast(r, s);
        dp_arena_rewind(r->arena, start);
    } else if (!r->dry) {
        dp_parallel(r->pool, s->y.N * s->y.H, step_item, s);
    }
}

void dp_step_run_into(dp_run *r, dp_step s)
{
    if (r->dry && s.weight_count > 0 && !s.weight)
        dp_run_fail(r, DP_EARG, "step %s: the model was built without parameters kept",
                    dp_step_defs[s.kind].name);
    if (dp_tensor_size(s.y) == 0)
        return;
    if (r->trained && !r->recording)
        r->recording = is_trained(r->trained, &s);
    const bool watched = r->watch && !r->dry && (r->recording || !r->trained);
    const bool overwrites = s.kind == DP_STEP_copy;
    if (watched && overwrites)
        r->watch(r->watch_arg, &s);
    compute(r, &s);
    if (watched && !overwrites)
        r->watch(r->watch_arg, &s);
}

dp_tensor dp_step_run(dp_run *r, dp_step s)
{
    s.y = dp_run_tensor(r, s.y.N, s.y.H, s.y.W, s.y.C);
    dp_step_run_into(r, s);
    return s.y;
}

void dp_step_expect(dp_run *r, const dp_step *s, bool fits)
{
    if (!fits)
        dp_run_fail(r, DP_ESHAPE,
                    "step %s: a map of %d x %d x %d x %d does not fit its other inputs "
                    "or weights",
                    dp_step_defs[s->kind].name, s->x[0].N, s->x[0].H, s->x[0].W,
                    s->x[0].C);
}
