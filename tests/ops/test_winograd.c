/* A 3 x 3 convolution by tiles against float64, and what must not change its bits. */
#include "base/cpu.h"
#include "model/flop_counter.h"
#include "ops/conv.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape {
    int N, H, W, in, out;
    bool relu;
} shape;

typedef struct layer {
    forward f;
    dp_store store;
    dp_conv conv, then[2]; /* two pointwise layers after it */
    float *weight, *bias;
    dp_tensor x, y, ends[4]; /* of the two: at once, and of y */
} layer;

enum { FIRST = 3, SECOND = 17 /* outputs of the two */ };

/* Inputs as after a ReLU, half of them zeros, and weights that keep their size. */
static void layer_init(layer *l, const shape *s, int threads, unsigned cpu)
{
    uint64_t seed = 4;
    const float width = sqrtf(3.0f / (9.0f * (float)s->in));
    *l = (layer){0};
    forward_init(&l->f, threads, cpu);
    l->x = (dp_tensor){NULL, s->N, s->H, s->W, s->in};
    l->x.data = random_floats(&seed, dp_tensor_size(l->x), -2, 2);
    for (size_t i = 0; i < dp_tensor_size(l->x); i++)
        l->x.data[i] = fmaxf(l->x.data[i], 0);
    l->weight = random_floats(&seed, (size_t)s->in * (size_t)s->out * 9, -width, width);
    l->bias = random_floats(&seed, (size_t)s->out, -0.1f, 0.1f);

    const dp_named_tensor tensors[6] = {
        {"conv.weight",
         DP_DTYPE_F32,
         4,
         {s->out, s->in, 3, 3},
         {s->in * 9, 9, 3, 1},
         l->weight},
        {"conv.bias", DP_DTYPE_F32, 1, {s->out}, {1}, l->bias},
        {"first.weight",
         DP_DTYPE_F32,
         4,
         {FIRST, s->out, 1, 1},
         {s->out, 1, 1, 1},
         l->weight},
        {"first.bias", DP_DTYPE_F32, 1, {FIRST}, {1}, l->bias},
        {"second.weight",
         DP_DTYPE_F32,
         4,
         {SECOND, s->out, 1, 1},
         {s->out, 1, 1, 1},
         l->weight},
        {"second.bias", DP_DTYPE_F32, 1, {SECOND}, {1}, l->bias}};
    const dp_conv_spec spec = {.in = s->in,
                               .out = s->out,
                               .kernel = 3,
                               .stride = 1,
                               .padding = 1,
                               .name = "conv.",
                               .activation =
                                   s->relu ? DP_ACTIVATION_RELU : DP_ACTIVATION_NONE};
    dp_builder b;
    ck_assert_int_eq(
        dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors, 6), DP_OK);
    dp_conv_build(&b, &l->conv, &spec);
    for (int i = 0; i < 2; i++)
        dp_conv_build(
            &b, &l->then[i],
            &(dp_conv_spec){.in = s->out,
                            .out = i ? SECOND : FIRST,
                            .kernel = 1,
                            .stride = 1,
                            .name = i ? "second." : "first.",
                            .activation = i ? DP_ACTIVATION_RELU : DP_ACTIVATION_NONE});
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", l->f.err.text);
    dp_builder_done(&b);
    ck_assert(l->conv.by_tiles);
}

static void layer_done(layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    free(l->x.data);
    free(l->weight);
    free(l->bias);
}

static void run(dp_run *r, void *arg)
{
    layer *l = arg;
    l->y = dp_conv_run(r, &l->conv, l->x);
}

/* All outputs of one cell in float64, before the activation. */
static void convolve(const layer *l, int n, int row, int col, double *out)
{
    const int in = l->conv.in;
    for (int o = 0; o < l->conv.out; o++)
        out[o] = (double)l->bias[o];
    for (int t = 0; t < 9; t++) {
        const int y = row + t / 3 - 1, x = col + t % 3 - 1;
        if (y < 0 || y >= l->x.H || x < 0 || x >= l->x.W)
            continue;
        const float *cell = l->x.data + (((ptrdiff_t)n * l->x.H + y) * l->x.W + x) * in;
        for (int o = 0; o < l->conv.out; o++) {
            const float *w = l->weight + (ptrdiff_t)o * in * 9 + t;
            for (int c = 0; c < in; c++)
                out[o] += (double)cell[c] * (double)w[c * 9];
        }
    }
}

static const shape shapes[] = {
    {1, 9, 10, 32, 32, true},  {3, 14, 14, 64, 48, true}, {1, 4, 4, 40, 33, false},
    {2, 1, 1, 32, 40, false},  {1, 1, 23, 33, 35, true},  {1, 18, 3, 50, 32, false},
    {1, 9, 9, 256, 256, true}, {1, 7, 6, 2048, 32, true},
};

/* The project's bound for any convolution: relative L2 error 2e-6. */
START_TEST(it_is_the_convolution)
{
    const shape *s = &shapes[_i];
    layer l;
    layer_init(&l, s, 2, ~0u);
    forward_run(&l.f, run, &l);
    ck_assert(l.y.N == s->N && l.y.H == s->H && l.y.W == s->W && l.y.C == s->out);
    double *want = malloc((size_t)s->out * sizeof *want), error = 0, norm = 0;
    for (int i = 0; i < s->N * s->H * s->W; i++) {
        convolve(&l, i / s->W / s->H, i / s->W % s->H, i % s->W, want);
        for (int o = 0; o < s->out; o++) {
            const double exact = s->relu && want[o] < 0 ? 0 : want[o];
            const double off = (double)l.y.data[i * s->out + o] - exact;
            error += off * off;
            norm += exact * exact;
        }
    }
    free(want);
    printf("%d x %d x %d x %d to %d: relative error %.2e\n", s->N, s->H, s->W, s->in,
           s->out, sqrt(error / norm));
    ck_assert(norm > 0);
    ck_assert_double_le(sqrt(error / norm), 2e-6);
    layer_done(&l);
}
END_TEST

static const shape several_items = {3, 30, 21, 64, 40, true};

static float *output_of(const shape *s, int threads, unsigned cpu)
{
    layer l;
    layer_init(&l, s, threads, cpu);
    forward_run(&l.f, run, &l);
    const size_t size = dp_tensor_size(l.y) * sizeof(float);
    float *copy = malloc(size);
    memcpy(copy, l.y.data, size);
    layer_done(&l);
    return copy;
}

static void expect_same_bits(int threads, unsigned cpu)
{
    const shape *s = &several_items;
    float *want = output_of(s, 1, ~0u), *got = output_of(s, threads, cpu);
    ck_assert_mem_eq(got, want, (size_t)(s->N * s->H * s->W * s->out) * sizeof *want);
    free(want);
    free(got);
}

START_TEST(threads_do_not_change_a_bit)
{
    expect_same_bits(forward_threads[_i], ~0u);
}
END_TEST

START_TEST(instruction_sets_do_not_change_a_bit)
{
    static const unsigned cpus[] = {0, DP_CPU_AVX2};
    expect_same_bits(2, cpus[_i]);
}
END_TEST

static void run_through(dp_run *r, void *arg)
{
    layer *l = arg;
    double through = 0, apart = 0;
    r->observe = dp_flop_counter_add;
    r->observe_arg = &through;
    for (int i = 0; i < 2; i++)
        l->ends[i] = dp_run_tensor(r, l->x.N, l->x.H, l->x.W, i ? SECOND : FIRST);
    dp_conv_run_through(r, &l->conv, (const dp_conv *const[]){&l->then[0], &l->then[1]},
                        l->ends, 2, l->x);
    r->observe_arg = &apart;
    run(r, l);
    for (int i = 0; i < 2; i++)
        l->ends[2 + i] = dp_conv_run(r, &l->then[i], l->y);
    r->observe = NULL;
    ck_assert_double_gt(through, 0);
    ck_assert_double_eq(through, apart);
}

START_TEST(layers_after_it_see_the_same_map)
{
    layer l;
    layer_init(&l, &shapes[_i], 2, ~0u);
    forward_run(&l.f, run_through, &l);
    for (int i = 0; i < 2; i++)
        ck_assert_mem_eq(l.ends[i].data, l.ends[2 + i].data,
                         dp_tensor_size(l.ends[i]) * sizeof(float));
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/winograd");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, it_is_the_convolution, 0, sizeof shapes / sizeof shapes[0]);
    tcase_add_loop_test(t, layers_after_it_see_the_same_map, 0,
                        sizeof shapes / sizeof shapes[0]);
    tcase_add_loop_test(t, threads_do_not_change_a_bit, 0, FORWARD_THREADS);
    tcase_add_loop_test(t, instruction_sets_do_not_change_a_bit, 0, 2);
    suite_add_tcase(s, t);
    return suite_run(s);
}
