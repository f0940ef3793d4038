#include "train/tape.h"

#include "base/memory.h"

#include <string.h>

enum { NONE = -1, LINE = 16 /* floats of a cache line */ };

typedef struct dp_taped_step {
    dp_step step;
    ptrdiff_t producer[DP_STEP_INPUTS]; /* the step whose result x[i] is, or NONE */
    bool trains;     /* it or a step before it reads what is trained */
    bool reached;    /* by the backward pass: its result has a gradient */
    size_t gradient; /* where, in the tape's gradients */
} dp_taped_step;

typedef struct dp_tape_alias {
    dp_tensor memory;
    dp_tensor source;
} dp_tape_alias;

typedef struct dp_saved_value {
    const float *memory; /* where it was before the first step; NULL: a step's result */
    float *copy;
    size_t count, room; /* of copy */
} dp_saved_value;

void dp_tape_reset(dp_tape *t, dp_tensor input)
{
    t->count = t->alias_count = t->saved_count = 0;
    t->input = input;
    t->status = DP_OK;
}

/* ---- recording -------------------------------------------------------------------- */

static bool holds(dp_tensor t, const float *at)
{
    return at >= t.data && at < t.data + dp_tensor_size(t);
}

static bool is_part(dp_tensor whole, dp_tensor x)
{
    return x.data != whole.data || dp_tensor_size(x) != dp_tensor_size(whole);
}

static void refuse_part(dp_tape *t, dp_tensor x)
{
    if (t->status == DP_OK)
        t->status = dp_fail(&t->err, DP_EARG,
                            "training: a step reads a part of a map, %d x %d x %d x %d",
                            x.N, x.H, x.W, x.C);
}

dp_tensor dp_tape_source(dp_tape *t, dp_tensor x)
{
    for (size_t i = t->alias_count; i-- > 0;) {
        const dp_tape_alias *a = &t->aliases[i];
        if (!holds(a->memory, x.data) && !holds(x, a->memory.data))
            continue;
        if (is_part(a->memory, x))
            refuse_part(t, x);
        x.data = a->source.data;
        return x;
    }
    return x;
}

static ptrdiff_t producer_of(dp_tape *t, dp_tensor x)
{
    for (size_t i = t->count; i-- > 0;) {
        const dp_tensor y = t->steps[i].step.y;
        if (!holds(y, x.data))
            continue;
        if (is_part(y, x))
            refuse_part(t, x);
        return (ptrdiff_t)i;
    }
    return NONE;
}

static dp_saved_value *next_saved(dp_tape *t)
{
    const size_t known = t->saved_capacity;
    if (t->saved_count == known) {
        t->status = dp_grow(&t->err, &t->saved, &t->saved_capacity, known + 1,
                            sizeof *t->saved, "a tape");
        if (t->status != DP_OK)
            return NULL;
        memset(t->saved + known, 0, (t->saved_capacity - known) * sizeof *t->saved);
    }
    return &t->saved[t->saved_count++];
}

/* A copy of x; x's own memory when there is no room. */
static float *save(dp_tape *t, dp_tensor x, const float *memory)
{
    const size_t count = dp_tensor_size(x);
    dp_saved_value *v = next_saved(t);
    if (v)
        t->status = dp_grow(&t->err, &v->copy, &v->room, count + LINE, sizeof *v->copy,
                            "a value of a tape");
    if (t->status != DP_OK)
        return x.data;
    memcpy(v->copy, x.data, count * sizeof *v->copy);
    v->memory = memory;
    v->count = count;
    return v->copy;
}

/* Of a value from before the first step: where it is saved. */
static float *save_input(dp_tape *t, dp_tensor x)
{
    if (t->input.data && holds(t->input, x.data))
        return x.data;
    for (size_t i = 0; i < t->saved_count; i++)
        if (t->saved[i].memory == x.data && t->saved[i].count == dp_tensor_size(x))
            return t->saved[i].copy;
    return save(t, x, x.data);
}

/* Save step i's result, and let all that refers to it refer to where it is saved. */
static void save_result(dp_tape *t, size_t i)
{
    const dp_tensor old = t->steps[i].step.y;
    float *at = save(t, old, NULL);
    for (size_t k = i; k < t->count; k++) {
        dp_step *s = &t->steps[k].step;
        if (s->y.data == old.data)
            s->y.data = at;
        for (int n = 0; n < s->inputs; n++)
            if (s->x[n].data == old.data)
                s->x[n].data = at;
    }
    for (size_t k = 0; k < t->alias_count; k++)
        if (t->aliases[k].source.data == old.data)
            t->aliases[k].source.data = at;
}

static void note_copy(dp_tape *t, const dp_step *s)
{
    const ptrdiff_t over = producer_of(t, s->y);
    if (over != NONE && t->status == DP_OK)
        save_result(t, (size_t)over);
    const dp_tensor source = dp_tape_source(t, s->x[0]);
    if (t->status == DP_OK)
        t->status = dp_grow(&t->err, &t->aliases, &t->alias_capacity,
                            t->alias_count + 1, sizeof *t->aliases, "a tape");
    if (t->status == DP_OK)
        t->aliases[t->alias_count++] = (dp_tape_alias){s->y, source};
}

void dp_tape_watch(void *arg, const dp_step *s)
{
    dp_tape *t = arg;
    if (t->status == DP_OK && s->kind == DP_STEP_copy) {
        note_copy(t, s);
        return;
    }
    if (t->status == DP_OK)
        t->status = dp_grow(&t->err, &t->steps, &t->capacity, t->count + 1,
                            sizeof *t->steps, "a tape");
    if (t->status != DP_OK)
        return;
    dp_taped_step kept = {.step = *s};
    for (int i = 0; i < s->inputs && t->status == DP_OK; i++) {
        kept.step.x[i] = dp_tape_source(t, s->x[i]);
        kept.producer[i] = producer_of(t, kept.step.x[i]);
        if (kept.producer[i] == NONE)
            kept.step.x[i].data = save_input(t, kept.step.x[i]);
    }
    t->steps[t->count++] = kept;
}

/* ---- the plan of the backward pass --------------------------------------------------- */

static bool reads_trained(const dp_step *s, const dp_parameter_gradients *of)
{
    bool any =
        dp_parameter_gradient(of, s->weight) || dp_parameter_gradient(of, s->bias);
    for (int i = 0; i < s->parameter_count; i++)
        any = any || dp_parameter_gradient(of, s->parameters[i]);
    return any;
}

static void mark_trained(dp_tape *t, const dp_parameter_gradients *of)
{
    for (size_t i = 0; i < t->count; i++) {
        dp_taped_step *s = &t->steps[i];
        s->reached = false;
        s->trains = reads_trained(&s->step, of);
        for (int k = 0; k < s->step.inputs; k++)
            if (s->producer[k] != NONE)
                s->trains = s->trains || t->steps[s->producer[k]].trains;
    }
}

static size_t room_of(const dp_taped_step *s)
{
    return (dp_tensor_size(s->step.y) + LINE - 1) / LINE * LINE;
}

/* Whether [at, at + room) is free of the gradients that are there while step `now` is gone
 * back over: those that were reached and belong to it or to a step before it. If not, *next
 * is the end of one that is in the way. */
static bool is_free(const dp_tape *t, size_t now, size_t at, size_t room, size_t *next)
{
    for (size_t i = 0; i <= now; i++) {
        const dp_taped_step *s = &t->steps[i];
        if (s->reached && s->gradient < at + room && at < s->gradient + room_of(s)) {
            *next = s->gradient + room_of(s);
            return false;
        }
    }
    return true;
}

/* Give step i's result a gradient from step `now` on, unless it has one. */
static void reach(dp_tape *t, size_t now, size_t i, size_t *total)
{
    dp_taped_step *s = &t->steps[i];
    if (s->reached || !s->trains)
        return;
    size_t at = 0;
    while (!is_free(t, now, at, room_of(s), &at))
        ;
    s->reached = true;
    s->gradient = at;
    if (at + room_of(s) > *total)
        *total = at + room_of(s);
}

/* Where each gradient lies: the first place that is free while it is needed. Those of seeds
 * are needed from the start. */
static size_t plan(dp_tape *t, const dp_tape_seed *seeds, int count)
{
    size_t total = 0;
    for (int k = 0; k < count; k++) {
        const ptrdiff_t i = producer_of(t, dp_tape_source(t, seeds[k].y));
        if (i != NONE)
            reach(t, t->count - 1, (size_t)i, &total);
    }
    for (size_t i = t->count; i-- > 0;)
        for (int k = 0; t->steps[i].reached && k < t->steps[i].step.inputs; k++)
            if (t->steps[i].producer[k] != NONE)
                reach(t, i, (size_t)t->steps[i].producer[k], &total);
    return total;
}

/* Kernels may read a line beyond the last value. */
static dp_status make_room(dp_tape *t, size_t total)
{
    if (total <= t->gradient_room)
        return DP_OK;
    void *memory;
    dp_free(t->gradients);
    t->gradients = NULL;
    t->gradient_room = 0;
    const dp_status st = dp_alloc_pages(
        &t->err, &memory, (total + LINE) * sizeof *t->gradients, "gradients");
    if (st == DP_OK) {
        t->gradients = memory;
        t->gradient_room = total;
    }
    return st;
}

/* ---- backward -------------------------------------------------------------------- */

static float *gradient_of(const dp_tape *t, ptrdiff_t i)
{
    return i != NONE && t->steps[i].reached ? t->gradients + t->steps[i].gradient
                                            : NULL;
}

/* Clear what first becomes a gradient at step i; the last reader of a result is the first
 * that the backward pass meets. */
static void clear_new(dp_tape *t, size_t i)
{
    for (int k = 0; k < t->steps[i].step.inputs; k++) {
        const ptrdiff_t p = t->steps[i].producer[k];
        if (p == NONE || t->steps[p].reached || !t->steps[p].trains)
            continue;
        t->steps[p].reached = true;
        memset(gradient_of(t, p), 0,
               dp_tensor_size(t->steps[p].step.y) * sizeof(float));
    }
}

static void start_from(dp_tape *t, const dp_tape_seed *seeds, int count)
{
    for (int k = 0; k < count; k++) {
        const ptrdiff_t i = producer_of(t, dp_tape_source(t, seeds[k].y));
        const size_t values = dp_tensor_size(seeds[k].y);
        if (i == NONE || !t->steps[i].trains)
            continue;
        const bool first = !t->steps[i].reached;
        t->steps[i].reached = true;
        float *dy = gradient_of(t, i);
        for (size_t v = 0; v < values; v++)
            dy[v] = (first ? 0 : dy[v]) + seeds[k].dy[v];
    }
}

static void go_back(dp_tape *t, dp_run *r, const dp_parameter_gradients *of)
{
    for (size_t i = t->count; i-- > 0;) {
        if (!t->steps[i].reached)
            continue;
        if (!r->dry)
            clear_new(t, i);
        const dp_step *s = &t->steps[i].step;
        dp_step_gradients g = {.dy = gradient_of(t, (ptrdiff_t)i), .of = of};
        for (int k = 0; k < s->inputs; k++)
            g.dx[k] = gradient_of(t, t->steps[i].producer[k]);
        if (t->observe && !r->dry)
            t->observe(t->observe_arg, s->y, g.dy);
        const size_t start = dp_run_mark(r);
        dp_step_backs[s->kind](r, s, &g);
        dp_run_rewind(r, start);
    }
}

dp_status dp_tape_backward(dp_error *err, dp_tape *t, dp_run *r,
                           const dp_parameter_gradients *of, const dp_tape_seed *seeds,
                           int count)
{
    if (t->status == DP_OK) {
        mark_trained(t, of);
        t->status = make_room(t, plan(t, seeds, count));
    }
    if (t->status != DP_OK)
        return dp_fail(err, t->status, "%s", t->err.text);

    r->dry = true;
    dp_arena_dry(r->arena);
    go_back(t, r, of);
    const dp_status st = dp_arena_reserve(err, r->arena, r->arena->peak);
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < t->count; i++)
        t->steps[i].reached = false;
    r->dry = false;
    start_from(t, seeds, count);
    go_back(t, r, of);
    return DP_OK;
}

size_t dp_tape_bytes(const dp_tape *t)
{
    size_t bytes = t->capacity * sizeof *t->steps +
                   t->alias_capacity * sizeof *t->aliases +
                   t->gradient_room * sizeof *t->gradients;
    for (size_t i = 0; i < t->saved_capacity; i++)
        bytes += t->saved[i].room * sizeof *t->saved[i].copy;
    return bytes;
}

void dp_tape_done(dp_tape *t)
{
    for (size_t i = 0; i < t->saved_capacity; i++)
        dp_free(t->saved[i].copy);
    dp_free(t->saved);
    dp_free(t->steps);
    dp_free(t->aliases);
    dp_free(t->gradients);
    *t = (dp_tape){0};
}
