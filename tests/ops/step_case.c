#include "tests/ops/step_case.h"

#include "ops/arithmetic.h"
#include "ops/layout.h"
#include "ops/reduction.h"
#include "ops/roi_align_samples.h"
#include "ops/weighted.h"
#include "tests/support/random.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ----------------------------------------------------------------------- */

/* Different ones, in [-2, 2) and not 0, far enough apart for differences. */
static float *different_floats(step_case *c, size_t n)
{
    const size_t odd = 2 * (size_t)random_int(&c->seed, 5000) + 1, all = 1u << 14;
    float *x = malloc((n + 16) * sizeof *x);
    ck_assert_uint_lt(n, all);
    for (size_t i = 0; i < n; i++)
        x[i] = ((float)(i * odd % all) + 0.5f) * 4 / (float)all - 2;
    return x;
}

static dp_tensor in(step_case *c, int i, int N, int H, int W, int C)
{
    dp_tensor *x = &c->x[i];
    if (x->data)
        return *x;
    *x = (dp_tensor){NULL, N, H, W, C};
    if (c->kind == DP_STEP_relu || c->kind == DP_STEP_maxima)
        x->data = different_floats(c, dp_tensor_size(*x));
    else
        x->data = random_floats(&c->seed, dp_tensor_size(*x) + 16,
                                c->kind == DP_STEP_shares ? 0.1f : -2, 2);
    return *x;
}

static dp_tensor map(step_case *c)
{
    return in(c, 0, c->N, c->H, c->W, c->C);
}

/* The parameter of this name, n values, made when first asked for. */
static const float *parameter(step_case *c, const char *name, int n, bool buffer)
{
    const dp_parameter *known = dp_parameters_find(&c->parameters, name);
    if (known)
        return known->value;
    const dp_parameter made = {.name = name, .rank = 1, .shape = {n}, .buffer = buffer};
    float *values = random_floats(&c->seed, (size_t)n, buffer ? 0.5f : -1, 2);
    const float *kept;
    ck_assert(dp_parameters_add(&c->f.err, &c->parameters, &c->store, &made, values,
                                &kept) == DP_OK);
    free(values);
    return kept;
}

static const float *weight(step_case *c, int n)
{
    return parameter(c, "weight", n, false);
}

/* Every second case has none. */
static const float *maybe_bias(step_case *c, int n)
{
    return c->W % 2 ? parameter(c, "bias", n, false) : NULL;
}

static const float *bias(step_case *c, int n)
{
    return parameter(c, "bias", n, false);
}

static dp_batch_norm norm(step_case *c, int n)
{
    return (dp_batch_norm){weight(c, n), bias(c, n), parameter(c, "mean", n, true),
                           parameter(c, "variance", n, true), 1e-2f};
}

/* ---- a case of each kind ---------------------------------------------------------- */

#define CASE(name) static dp_tensor case_##name(step_case *c, dp_run *r)

CASE(copy)
{
    const dp_tensor x = map(c), y = dp_run_tensor(r, x.N, x.H, x.W, x.C);
    dp_tensor_copy(r, y, x);
    return y;
}

CASE(add)
{
    return dp_tensor_add(r, map(c), in(c, 1, c->N, c->H, c->W, c->C));
}

CASE(multiply)
{
    const bool each = c->W % 2;
    return dp_tensor_multiply(r, map(c),
                              in(c, 1, c->N, each ? c->H : 1, each ? c->W : 1, c->C));
}

CASE(scale)
{
    return dp_tensor_scale(r, map(c), 0.7f);
}

CASE(affine)
{
    return dp_tensor_affine(r, map(c), weight(c, c->C), maybe_bias(c, c->C));
}

CASE(batch_norm)
{
    const dp_batch_norm n = norm(c, c->C);
    return dp_tensor_batch_norm(r, map(c), &n);
}

CASE(branch)
{
    return dp_tensor_branch(r, map(c));
}

CASE(relu)
{
    return dp_tensor_relu(r, map(c));
}

CASE(gelu)
{
    return dp_tensor_gelu(r, map(c));
}

CASE(layer_norm)
{
    return dp_tensor_layer_norm(r, map(c), weight(c, c->C), bias(c, c->C), 1e-2f);
}

CASE(softmax)
{
    return dp_tensor_softmax(r, map(c));
}

CASE(batch_statistics)
{
    const dp_batch_norm n = norm(c, c->C);
    float *const none[2] = {NULL, NULL};
    return dp_tensor_batch_statistics(r, in(c, 0, c->N, c->H + 1, c->W, c->C), &n,
                                      none);
}

CASE(channel_norms)
{
    return dp_tensor_channel_norms(r, map(c));
}

CASE(shares)
{
    return dp_tensor_shares(r, map(c), 1e-2f);
}

CASE(bin_means)
{
    return dp_tensor_bin_means(r, map(c), c->side);
}

CASE(maxima)
{
    return dp_tensor_maxima(r, map(c));
}

CASE(linear)
{
    return dp_tensor_linear(r, map(c), weight(c, c->out * c->C), maybe_bias(c, c->out),
                            c->out);
}

CASE(conv)
{
    const int k = c->side, in_group = c->C, out = c->groups * c->out;
    const dp_conv_shape shape = {out, k, c->stride, c->H % (k / 2 + 1), c->groups};
    return dp_tensor_conv(r, in(c, 0, c->N, c->H + k, c->W + k, c->groups * in_group),
                          weight(c, out * in_group * k * k), maybe_bias(c, out),
                          &shape);
}

CASE(depthwise)
{
    const int k = 2 * c->side - 1;
    return dp_tensor_depthwise(r, in(c, 0, c->N, c->H + 1, c->W + 1, c->C),
                               weight(c, c->C * k * k), maybe_bias(c, c->C), k,
                               k == 7 ? 1 : c->stride);
}

CASE(deconv)
{
    return dp_tensor_deconv(r, map(c), weight(c, c->C * c->out * 4),
                            maybe_bias(c, c->out), c->out);
}

CASE(matmul)
{
    return dp_tensor_matmul(r, in(c, 0, 3 * c->N, c->H, 1, c->C),
                            in(c, 1, 3 * c->N, c->C, 1, c->out));
}

CASE(matmul_transposed)
{
    return dp_tensor_matmul_transposed(r, in(c, 0, 3 * c->N, c->H, 1, c->C),
                                       in(c, 1, 3 * c->N, c->out, 1, c->C));
}

CASE(pad)
{
    return dp_tensor_pad(r, map(c), c->H + c->side - 1, c->W + c->stride - 1);
}

CASE(roll)
{
    return dp_tensor_roll(r, map(c), c->side, -c->stride);
}

CASE(subsample)
{
    return dp_tensor_subsample(r, map(c), 2, c->H > 1, c->W > 1 && c->C % 2);
}

CASE(concat)
{
    const dp_tensor x[] = {map(c), in(c, 1, c->N, c->H, c->W, c->out),
                           in(c, 2, c->N, c->H, c->W, c->side)};
    return dp_tensor_concat(r, x, 3);
}

CASE(channels)
{
    return dp_tensor_channels(r, map(c), c->C / 2, (c->C + 1) / 2 + 1);
}

CASE(channels_first)
{
    return dp_tensor_channels_first(r, map(c));
}

CASE(own_channel)
{
    return dp_tensor_own_channel(r, map(c), c->labels);
}

CASE(windows)
{
    const int side = c->side;
    return dp_tensor_windows(r, in(c, 0, c->N, 2 * side, 3 * side, c->C), side);
}

CASE(unwindows)
{
    const int side = c->side;
    return dp_tensor_unwindows(r, in(c, 0, c->N * 6, side, side, c->C), c->N, 2 * side,
                               3 * side);
}

CASE(heads)
{
    const int C = c->groups * c->C;
    return dp_tensor_heads(r, in(c, 0, c->N, c->H, c->W, C + c->side), c->side, C,
                           c->groups);
}

CASE(unheads)
{
    return dp_tensor_unheads(r, in(c, 0, c->N * c->groups, c->H * c->W, 1, c->C),
                             c->groups, c->H, c->W);
}

CASE(bilinear)
{
    return dp_tensor_bilinear(r, map(c), c->H * c->side / 2 + 1, c->W * 2);
}

CASE(nearest)
{
    return dp_tensor_nearest(r, map(c), c->H * c->side / 2 + 1, c->W * 2);
}

CASE(position)
{
    const int n = c->side * c->side, span = 2 * c->side - 1;
    return dp_tensor_position(r, in(c, 0, 4 * c->N * c->groups, n, 1, n),
                              weight(c, span * span * c->groups), c->side, c->groups);
}

CASE(roi_align)
{
    enum { BOXES = 5 };
    static const dp_box boxes[BOXES] = {
        {1, 2, 17, 9}, {-6, -3, 3, 40}, {8, 8, 8, 9}, {0, 1, 61, 50}, {5, 5, 6, 7}};
    static const int level[BOXES] = {0, 1, 0, 1, 0}, mixed[BOXES] = {0, 1, 1, 0, 1};
    const dp_features maps = {.count = 2,
                              .spec = {{.stride = 4}, {.stride = 8}},
                              .map = {map(c), in(c, 1, c->N, c->H, c->W + 1, c->C)}};
    const dp_roi_windows w = {.rois = {boxes, level, mixed, c->N, BOXES},
                              .P = c->side,
                              .samples = c->stride - 1,
                              .stride = {4, 8}};
    return dp_tensor_roi_align(r, &maps, &w);
}

CASE(separate)
{
    const int n = c->side * c->side;
    const dp_window_grid grid = {c->side, c->groups, c->side / 2, 2, 2};
    return dp_tensor_separate(r, in(c, 0, 4 * c->N * c->groups, n, 1, n), &grid);
}

static dp_tensor (*const cases[DP_STEP_KINDS])(step_case *c, dp_run *r) = {
#define WHOLE(name)
#define STEP(name, kind, form) [DP_STEP_##name] = case_##name,
#include "ops/steps.def"
#undef STEP
};

/* ---- running ---------------------------------------------------------------------- */

static void watch(void *arg, const dp_step *s)
{
    step_case *c = arg;
    ck_assert_int_eq((int)s->kind, (int)c->kind);
    c->step = *s;
}

static bool factors(void *arg, int N, float *to)
{
    (void)arg;
    for (int n = 0; n < N && to; n++)
        to[n] = n % 2 ? 0 : 1.25f;
    return true;
}

static void record(dp_run *r, void *arg)
{
    step_case *c = arg;
    cases[c->kind](c, r);
}

/* The recorded values lie in the arena, so the pass back has one of its own. */
static void go_back(step_case *c, const dp_step_gradients *g)
{
    dp_run *r = &c->f.run;
    dp_arena arena = {0}, *const kept = r->arena;
    r->arena = &arena;
    for (int dry = 1; dry >= 0; dry--) {
        r->dry = dry;
        if (dry)
            dp_arena_dry(&arena);
        else
            ck_assert(dp_arena_reserve(&c->f.err, &arena, arena.peak) == DP_OK);
        dp_step_backs[c->kind](r, &c->step, g);
    }
    dp_arena_done(&arena);
    r->arena = kept;
}

static float *ones(float *old, size_t n)
{
    free(old);
    float *x = malloc((n + 16) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = 1;
    return x;
}

static void take_off(float *x, size_t n)
{
    for (size_t i = 0; i < n && x; i++)
        x[i] -= 1;
}

static void give_gradients(step_case *c, dp_step_gradients *g)
{
    const dp_step *s = &c->step;
    uint64_t seed = 77;
    free(c->dy);
    g->dy = c->dy = random_floats(&seed, dp_tensor_size(s->y) + 16, -1, 1);
    for (int i = 0; i < s->inputs; i++)
        g->dx[i] = c->dx[i] = ones(c->dx[i], dp_tensor_size(s->x[i]));
    for (size_t i = 0; i < c->parameters.count; i++)
        if (!c->parameters.list[i].buffer)
            c->gradient[i] = ones(c->gradient[i], c->parameters.list[i].count);
}

void step_case_run(step_case *c, int threads, unsigned cpu)
{
    if (c->f.pool)
        forward_done(&c->f);
    forward_init(&c->f, threads, cpu);
    c->f.run.plain = c->f.run.fast = true;
    c->f.run.branch = factors;
    c->f.run.watch = watch;
    c->f.run.watch_arg = c;
    c->step = (dp_step){.kind = DP_STEP_KINDS};
    forward_run(&c->f, record, c);
    ck_assert_int_eq((int)c->step.kind, (int)c->kind);
    const dp_parameter_gradients of = {&c->parameters, c->gradient};
    dp_step_gradients g = {.of = &of};
    give_gradients(c, &g);
    go_back(c, &g);
    for (int i = 0; i < c->step.inputs; i++)
        take_off(c->dx[i], dp_tensor_size(c->step.x[i]));
    for (size_t i = 0; i < c->parameters.count; i++)
        take_off(c->gradient[i], c->parameters.list[i].count);
}

void step_case_init(step_case *c, dp_step_kind kind, int number, bool large)
{
    memset(c, 0, sizeof *c);
    c->kind = kind;
    c->seed = (uint64_t)kind * 1000 + (uint64_t)number;
    c->N = 1 + number % 2;
    c->H = 1 + random_int(&c->seed, 6);
    c->W = 1 + random_int(&c->seed, 6);
    c->C = 1 + random_int(&c->seed, 20);
    c->out = 1 + random_int(&c->seed, 20);
    c->side = 1 + number / 2 % 4;
    c->stride = 1 + random_int(&c->seed, 2);
    c->groups = 1 + random_int(&c->seed, 3);
    if (large) {
        c->H += 14;
        c->W += 12;
        c->C += 5;
        c->out += 30;
    }
    if (large && c->N == 2 && (kind == DP_STEP_linear || kind == DP_STEP_conv)) {
        c->H = 66; /* more cells than a chunk of a gradient has */
        c->W = 44;
        c->C = 3;
        c->out = 7;
    }
    for (int i = 0; i < 2; i++)
        c->labels[i] = random_int(&c->seed, c->C);
}

void step_case_done(step_case *c)
{
    forward_done(&c->f);
    for (int i = 0; i < DP_STEP_INPUTS; i++) {
        free(c->x[i].data);
        free(c->dx[i]);
    }
    for (int i = 0; i < STEP_CASE_PARAMETERS; i++)
        free(c->gradient[i]);
    free(c->dy);
    dp_parameters_done(&c->parameters);
    dp_store_done(&c->store);
}
