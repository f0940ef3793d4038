/* Operators against this project's own reference: tests/golden/ops. */
#include "ops/conv.h"
#include "ops/deconv.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/pooling.h"
#include "ops/resize.h"
#include "ops/roi_align.h"
#include "tests/support/forward.h"
#include "tests/support/golden.h"
#include "tests/support/suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned cpus[] = {0, ~0u};

/* A case of an operator: its file, its number, what runs it and what comes out. */
typedef struct op_case {
    golden g;
    int number;
    forward f;
    dp_store store;
    dp_builder builder;
    dp_named_tensor weights[2];
    dp_tensor x, y;
    const void *op; /* as the operator's forward function takes it */
} op_case;

/* "3.weight" */
static const char *name_of(const op_case *c, const char *what)
{
    static char name[64];
    snprintf(name, sizeof name, "%d.%s", c->number, what);
    return name;
}

static bool has_case(const op_case *c)
{
    return golden_find(&c->g, name_of(c, "y")) != NULL;
}

static void open_cases(op_case *c, const char *file, unsigned cpu)
{
    *c = (op_case){.g = golden_open("ops/%s", file)};
    forward_init(&c->f, 2, cpu);
    ck_assert(has_case(c));
}

static void close_cases(op_case *c)
{
    forward_done(&c->f);
    golden_close(&c->g);
}

/* A builder that knows weight and bias of the case, under their own names. */
static void start_build(op_case *c)
{
    c->weights[0] = *golden_get(&c->g, name_of(c, "weight"));
    c->weights[1] = *golden_get(&c->g, name_of(c, "bias"));
    c->store = (dp_store){0};
    ck_assert_int_eq(dp_builder_init(&c->f.err, &c->builder, &c->store, &c->f.kernels,
                                     c->weights, 2),
                     DP_OK);
}

/* The scope that their names have: "3." */
static const char *scope_of(const op_case *c)
{
    return name_of(c, "");
}

static void finish_build(op_case *c)
{
    ck_assert_msg(dp_builder_finish(&c->builder) == DP_OK, "%s", c->f.err.text);
    dp_builder_done(&c->builder);
}

/* Run and compare as a sum, or against the noise with roundings 0. */
static void run_case(op_case *c, const void *op, forward_fn *fn, double roundings)
{
    c->op = op;
    c->x = golden_tensor(&c->g, name_of(c, "x"));
    forward_run(&c->f, fn, c);
    if (roundings > 0)
        golden_check_sum(&c->g, name_of(c, "y"), c->y, roundings);
    else
        golden_check(&c->g, name_of(c, "y"), c->y);
    free(c->x.data);
    dp_store_done(&c->store);
    c->store = (dp_store){0};
}

/* ---- sums of products ------------------------------------------------------------- */

static void run_conv(dp_run *r, void *arg)
{
    op_case *c = arg;
    c->y = dp_conv_run(r, c->op, c->x);
}

static void check_conv(const char *file, int stride, int padding, unsigned cpu)
{
    op_case c;
    for (open_cases(&c, file, cpu); has_case(&c); c.number++) {
        start_build(&c);
        const int64_t *shape = c.weights[0].shape;
        const dp_conv_spec spec = {.in = (int)shape[1],
                                   .out = (int)shape[0],
                                   .kernel = (int)shape[2],
                                   .stride = stride,
                                   .padding = padding,
                                   .name = scope_of(&c)};
        dp_conv conv;
        dp_conv_build(&c.builder, &conv, &spec);
        finish_build(&c);
        run_case(&c, &conv, run_conv, spec.in * spec.kernel * spec.kernel + 1);
    }
    close_cases(&c);
}

START_TEST(convolutions)
{
    check_conv("conv1x1", 1, 0, cpus[_i]);
    check_conv("conv3x3", 1, 1, cpus[_i]);
    check_conv("conv4x4_stride4", 4, 0, cpus[_i]);
    check_conv("conv2x2_stride2", 2, 0, cpus[_i]);
}
END_TEST

static void run_deconv(dp_run *r, void *arg)
{
    op_case *c = arg;
    c->y = dp_deconv_run(r, c->op, c->x);
}

START_TEST(transposed_convolution)
{
    op_case c;
    for (open_cases(&c, "deconv2x2_stride2", cpus[_i]); has_case(&c); c.number++) {
        start_build(&c);
        const int in = (int)c.weights[0].shape[0], out = (int)c.weights[0].shape[1];
        dp_deconv deconv;
        dp_deconv_build(&c.builder, &deconv, scope_of(&c), in, out, DP_ACTIVATION_NONE);
        finish_build(&c);
        run_case(&c, &deconv, run_deconv, in + 1);
    }
    close_cases(&c);
}
END_TEST

static void run_linear(dp_run *r, void *arg)
{
    op_case *c = arg;
    c->y = dp_linear_run(r, c->op, c->x, DP_ACTIVATION_NONE);
}

START_TEST(fully_connected_layer)
{
    op_case c;
    for (open_cases(&c, "linear", cpus[_i]); has_case(&c); c.number++) {
        start_build(&c);
        const int out = (int)c.weights[0].shape[0], in = (int)c.weights[0].shape[1];
        dp_linear linear;
        dp_linear_build(&c.builder, &linear,
                        &(dp_linear_spec){.name = scope_of(&c), .in = in, .out = out});
        finish_build(&c);
        run_case(&c, &linear, run_linear, in + 1);
    }
    close_cases(&c);
}
END_TEST

/* The kernel alone, over the whole map: weights [C, 1, 7, 7] become (7, 7, C). */
static void run_dwconv(dp_run *r, void *arg)
{
    op_case *c = arg;
    const int C = c->x.C;
    const dp_tensor x = dp_run_tensor(r, 1, c->x.H, c->x.W, C);
    const dp_tensor taps = dp_run_tensor(r, 1, 7, 7, C);
    const dp_tensor bias = dp_run_tensor(r, 1, 1, 1, C);
    c->y = dp_run_tensor(r, 1, c->x.H, c->x.W, C);
    if (r->dry)
        return;
    float *weight = golden_floats(&c->g, name_of(c, "weight"), NULL);
    float *shift = golden_floats(&c->g, name_of(c, "bias"), NULL);
    for (int i = 0; i < 49 * C; i++)
        taps.data[i] = weight[i % C * 49 + i / C];
    memcpy(bias.data, shift, (size_t)C * sizeof *shift);
    memcpy(x.data, c->x.data, dp_tensor_size(x) * sizeof *x.data);
    const dp_map_window all = {.H = x.H, .W = x.W, .C = C, .rows = x.H, .cols = x.W};
    r->kernels->dwconv7(c->y.data, x.data, taps.data, bias.data, &all);
    free(weight);
    free(shift);
}

START_TEST(depthwise_convolution)
{
    op_case c;
    for (open_cases(&c, "dwconv7x7", cpus[_i]); has_case(&c); c.number++)
        run_case(&c, NULL, run_dwconv, 49 + 1);
    close_cases(&c);
}
END_TEST

/* ---- norm and activation ----------------------------------------------------------- */

static void run_norm(dp_run *r, void *arg)
{
    op_case *c = arg;
    c->y = dp_run_tensor(r, c->x.N, 1, 1, c->x.C);
    dp_layer_norm_run(r, c->op, c->y, c->x);
}

START_TEST(layer_norm)
{
    op_case c;
    for (open_cases(&c, "layer_norm", cpus[_i]); has_case(&c); c.number++) {
        start_build(&c);
        const int C = (int)c.weights[0].shape[0];
        dp_layer_norm norm;
        dp_layer_norm_build(&c.builder, &norm, scope_of(&c), C, 1e-6f);
        finish_build(&c);
        run_case(&c, &norm, run_norm, 2 * C + 8);
    }
    close_cases(&c);
}
END_TEST

/* What ops/kernels/kernels.h says of the kernel. */
static double gelu_bound(double x, double want)
{
    if (fabs(x) > 8)
        return 1e-14 + fabs(want) * (double)FLT_EPSILON;
    return fabs(x) <= 0.19 ? fmin(3e-7, 2e-6 * fabs(want)) : 3e-7;
}

START_TEST(gelu)
{
    op_case c;
    open_cases(&c, "gelu", cpus[_i]);
    size_t count;
    float *x = golden_floats(&c.g, "0.x", &count);
    float *y = golden_floats(&c.g, "0.x", NULL);
    double *want = golden_doubles(&c.g, "0.y", NULL);
    c.f.kernels.gelu(y, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs((double)y[i] - want[i]) <= gelu_bound((double)x[i], want[i]),
                      "gelu(%.9g): found %.9g, expected %.9g", (double)x[i],
                      (double)y[i], want[i]);
    free(x);
    free(y);
    free(want);
    close_cases(&c);
}
END_TEST

/* ---- sampling ---------------------------------------------------------------------- */

static void run_resize(dp_run *r, void *arg)
{
    op_case *c = arg;
    const dp_named_tensor *y = golden_get(&c->g, name_of(c, "y"));
    c->y = dp_resize_run(r, c->x, (int)y->shape[2], (int)y->shape[3]);
}

START_TEST(bilinear_resize)
{
    op_case c;
    for (open_cases(&c, "bilinear", cpus[_i]); has_case(&c); c.number++)
        run_case(&c, NULL, run_resize, 0);
    close_cases(&c);
}
END_TEST

static void run_pool(dp_run *r, void *arg)
{
    op_case *c = arg;
    const dp_named_tensor *y = golden_get(&c->g, name_of(c, "y"));
    c->y = dp_pooling_average_run(r, c->x, (int)y->shape[2]);
}

START_TEST(adaptive_average_pool)
{
    op_case c;
    for (open_cases(&c, "adaptive_avg_pool", cpus[_i]); has_case(&c); c.number++)
        run_case(&c, NULL, run_pool, 0);
    close_cases(&c);
}
END_TEST

static void run_align(dp_run *r, void *arg)
{
    op_case *c = arg;
    const dp_named_tensor *y = golden_get(&c->g, name_of(c, "y"));
    const int N = (int)y->shape[0], P = (int)y->shape[2];
    const dp_features maps = {
        .count = 1, .spec = {{.channels = c->x.C, .stride = 4}}, .map = {c->x}};
    float *values = golden_floats(&c->g, name_of(c, "boxes"), NULL);
    dp_box *boxes = dp_run_take(r, (size_t)N, sizeof *boxes);
    int *level = dp_run_take(r, (size_t)N, sizeof *level);
    for (int i = 0; i < N && !r->dry; i++) {
        memcpy(&boxes[i], values + i * 4, sizeof *boxes);
        level[i] = 0;
    }
    const dp_rois rois = {.boxes = boxes, .level = level, .count = N};
    c->y = dp_roi_align_run(r, &maps, P, &rois);
    free(values);
}

START_TEST(roi_align)
{
    op_case c;
    for (open_cases(&c, "roi_windows", cpus[_i]); has_case(&c); c.number++)
        run_case(&c, NULL, run_align, 0);
    close_cases(&c);
}
END_TEST

int main(void)
{
    const int count = (int)(sizeof cpus / sizeof cpus[0]);
    Suite *s = suite_create("golden ops");
    TCase *t = tcase_create("own reference");
    tcase_add_loop_test(t, convolutions, 0, count);
    tcase_add_loop_test(t, transposed_convolution, 0, count);
    tcase_add_loop_test(t, fully_connected_layer, 0, count);
    tcase_add_loop_test(t, depthwise_convolution, 0, count);
    tcase_add_loop_test(t, layer_norm, 0, count);
    tcase_add_loop_test(t, gelu, 0, count);
    tcase_add_loop_test(t, bilinear_resize, 0, count);
    tcase_add_loop_test(t, adaptive_average_pool, 0, count);
    tcase_add_loop_test(t, roi_align, 0, count);
    suite_add_tcase(s, t);
    return suite_run(s);
}
