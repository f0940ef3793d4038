/* Every kind of convolution and linear layer, at the depths that the models have, against
 * float64: the project's bound is a relative L2 error of 2e-6. */
#include "ops/conv.h"
#include "ops/deconv.h"
#include "ops/depthwise.h"
#include "ops/kernels/kernels.h"
#include "ops/linear.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double most = 2e-6;

enum kind { CONV, LINEAR, DECONV, DEPTHWISE };

static const struct shape {
    enum kind kind;
    int H, W, in, out, kernel, stride, padding, groups;
} shapes[] = {
    {CONV, 13, 12, 3, 96, 4, 4, 0, 1},       /* the stem                    */
    {CONV, 15, 14, 3, 64, 7, 2, 3, 1},       /* ResNet's                    */
    {CONV, 8, 6, 96, 192, 2, 2, 0, 1},       /* downsampling                */
    {CONV, 4, 4, 768, 1536, 2, 2, 0, 1},     /* of the largest              */
    {CONV, 7, 5, 2048, 256, 1, 1, 0, 1},     /* lateral                     */
    {CONV, 9, 8, 256, 15, 1, 1, 0, 1},       /* RPN                         */
    {CONV, 9, 7, 512, 128, 3, 2, 1, 1},      /* by patches                  */
    {CONV, 8, 8, 2048, 64, 3, 2, 1, 1},      /* the deepest sum             */
    {CONV, 7, 7, 16, 24, 3, 1, 1, 1},        /* too few channels for tiles  */
    {CONV, 6, 6, 256, 256, 3, 1, 1, 32},     /* ResNeXt                     */
    {CONV, 13, 10, 256, 256, 3, 1, 1, 1},    /* by tiles                    */
    {CONV, 9, 9, 512, 512, 3, 1, 1, 1},      /* by tiles                    */
    {CONV, 7, 6, 2816, 64, 3, 1, 1, 1},      /* by tiles, of a pyramid      */
    {LINEAR, 1, 70, 12544, 48, 1, 1, 0, 1},  /* box head                    */
    {LINEAR, 1, 40, 1024, 1024, 1, 1, 0, 1}, /* box head                    */
    {LINEAR, 1, 40, 96, 384, 1, 1, 0, 1},    /* block                       */
    {LINEAR, 1, 40, 3072, 768, 1, 1, 0, 1},  /* block                       */
    {LINEAR, 1, 20, 6144, 1536, 1, 1, 0, 1}, /* block of the largest        */
    {DECONV, 5, 6, 256, 256, 2, 2, 0, 1},    /* mask head                   */
    {DEPTHWISE, 9, 11, 96, 96, 7, 1, 3, 96}, {DEPTHWISE, 9, 11, 100, 100, 3, 2, 1, 100},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct layer {
    const struct shape *s;
    forward f;
    dp_store store;
    dp_conv conv;
    dp_linear linear;
    dp_deconv deconv;
    dp_depthwise depthwise;
    float *weight, *bias; /* a depthwise layer has no bias */
    dp_tensor x, y;
} layer;

static void build(layer *l)
{
    const struct shape *s = l->s;
    const int k = s->kernel, in = s->in / s->groups, area = k * k;
    dp_named_tensor tensors[] = {{"it.weight",
                                  DP_DTYPE_F32,
                                  s->kind == LINEAR ? 2 : 4,
                                  {s->out, in, k, k},
                                  {in * area, area, k, 1},
                                  l->weight},
                                 {"it.bias", DP_DTYPE_F32, 1, {s->out}, {1}, l->bias}};
    if (s->kind == DECONV) {
        tensors[0].shape[0] = s->in;
        tensors[0].shape[1] = s->out;
        tensors[0].stride[0] = s->out * area;
    }
    dp_builder b;
    ck_assert_int_eq(dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors,
                                     s->kind == DEPTHWISE ? 1 : 2),
                     DP_OK);
    if (s->kind == CONV)
        dp_conv_build(&b, &l->conv,
                      &(dp_conv_spec){.in = s->in,
                                      .out = s->out,
                                      .kernel = k,
                                      .stride = s->stride,
                                      .padding = s->padding,
                                      .groups = s->groups,
                                      .name = "it."});
    else if (s->kind == LINEAR)
        dp_linear_build(&b, &l->linear,
                        &(dp_linear_spec){.name = "it.", .in = s->in, .out = s->out});
    else if (s->kind == DECONV)
        dp_deconv_build(&b, &l->deconv, "it.", s->in, s->out, DP_ACTIVATION_NONE);
    else
        dp_depthwise_build(
            &b, &l->depthwise,
            &(dp_depthwise_spec){
                .C = s->in, .kernel = k, .stride = s->stride, .name = "it."});
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", l->f.err.text);
    dp_builder_done(&b);
}

static void run(dp_run *r, void *arg)
{
    layer *l = arg;
    if (l->s->kind == CONV)
        l->y = dp_conv_run(r, &l->conv, l->x);
    else if (l->s->kind == LINEAR)
        l->y = dp_linear_run(r, &l->linear, l->x, DP_ACTIVATION_NONE);
    else if (l->s->kind == DECONV)
        l->y = dp_deconv_run(r, &l->deconv, l->x);
    else
        l->y = dp_depthwise_run(r, &l->depthwise, l->x);
}

/* Inputs as after a ReLU, and weights that keep their size. */
static void layer_init(layer *l, const struct shape *s, unsigned cpu)
{
    uint64_t seed = 6;
    const int terms =
        s->in / s->groups * (s->kind == DECONV ? 1 : s->kernel * s->kernel);
    const float width = sqrtf(3.0f / (float)terms);
    *l = (layer){.s = s};
    forward_init(&l->f, 2, cpu);
    l->x = s->kind == LINEAR ? (dp_tensor){NULL, s->H * s->W, 1, 1, s->in}
                             : (dp_tensor){NULL, 1, s->H, s->W, s->in};
    l->x.data = random_floats(&seed, dp_tensor_size(l->x), -2, 2);
    for (size_t i = 0; i < dp_tensor_size(l->x); i++)
        l->x.data[i] = fmaxf(l->x.data[i], 0);
    l->weight = random_floats(&seed,
                              (size_t)s->out * (size_t)(s->in / s->groups) *
                                  (size_t)(s->kernel * s->kernel),
                              -width, width);
    l->bias = random_floats(&seed, (size_t)s->out, -0.1f, 0.1f);
    build(l);
}

static void layer_done(layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    free(l->x.data);
    free(l->weight);
    free(l->bias);
}

/* A convolution's output o at a cell; a linear layer is one of a single row. */
static double convolved(const layer *l, int row, int column, int o)
{
    const struct shape *s = l->s;
    const int k = s->kernel, in = s->in / s->groups;
    const int first = o / (s->out / s->groups) * in;
    double sum = s->kind == DEPTHWISE ? 0 : (double)l->bias[o];
    for (int t = 0; t < k * k; t++) {
        const int y = row * s->stride - s->padding + t / k;
        const int x = column * s->stride - s->padding + t % k;
        if (y < 0 || y >= s->H || x < 0 || x >= s->W)
            continue;
        for (int c = 0; c < in; c++)
            sum += (double)l->x.data[(y * s->W + x) * s->in + first + c] *
                   (double)l->weight[(o * in + c) * k * k + t];
    }
    return sum;
}

static double deconvolved(const layer *l, int row, int column, int o)
{
    const struct shape *s = l->s;
    const int tap = row % 2 * 2 + column % 2;
    double sum = (double)l->bias[o];
    for (int c = 0; c < s->in; c++)
        sum += (double)l->x.data[(row / 2 * s->W + column / 2) * s->in + c] *
               (double)l->weight[(c * s->out + o) * 4 + tap];
    return sum;
}

static double relative_error(const layer *l)
{
    const int width = l->s->kind == LINEAR ? l->s->W : l->y.W;
    double error = 0, norm = 0;
    for (int i = 0; i < (int)dp_tensor_size(l->y); i++) {
        const int o = i % l->y.C, cell = i / l->y.C;
        const double want = l->s->kind == DECONV
                                ? deconvolved(l, cell / width, cell % width, o)
                                : convolved(l, cell / width, cell % width, o);
        const double off = (double)l->y.data[i] - want;
        error += off * off;
        norm += want * want;
    }
    ck_assert(norm > 0);
    return sqrt(error / norm);
}

START_TEST(the_error_stays_within_the_bound)
{
    const struct shape *s = &shapes[_i];
    layer l;
    layer_init(&l, s, ~0u);
    forward_run(&l.f, run, &l);
    const double error = relative_error(&l);
    printf("%d x %d x %d to %d, kernel %d: relative error %.2e\n", s->H, s->W, s->in,
           s->out, s->kernel, error);
    ck_assert_double_le(error, most);
    layer_done(&l);
}
END_TEST

/* What the bound is for: a value off by 0.1 % in every hundred is seen. */
START_TEST(a_small_fault_is_seen)
{
    layer l;
    layer_init(&l, &shapes[_i], ~0u);
    forward_run(&l.f, run, &l);
    for (size_t i = 0; i < dp_tensor_size(l.y); i += 100)
        l.y.data[i] *= 1.001f;
    ck_assert_double_gt(relative_error(&l), most);
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accuracy");
    TCase *t = tcase_create("layers");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, the_error_stays_within_the_bound, 0, SHAPES);
    tcase_add_loop_test(t, a_small_fault_is_seen, 0, SHAPES);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
