/* The 2 x 2 transposed convolution against its definition. */
#include "ops/deconv.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct layer {
    forward f;
    dp_store store;
    dp_deconv deconv;
    int in, out;
    float *weight, *bias;
    dp_tensor x, y;
};

static void layer_init(struct layer *l, int threads, unsigned cpu, int in, int out,
                       dp_activation activation)
{
    uint64_t seed = 12;
    *l = (struct layer){.in = in, .out = out};
    forward_init(&l->f, threads, cpu);
    l->weight = random_floats(&seed, (size_t)(in * out * 4), -1, 1);
    l->bias = random_floats(&seed, (size_t)out, -1, 1);
    const dp_named_tensor tensors[2] = {
        {"up.weight", DP_DTYPE_F32, 4, {in, out, 2, 2}, {out * 4, 4, 2, 1}, l->weight},
        {"up.bias", DP_DTYPE_F32, 1, {out}, {1}, l->bias},
    };
    dp_builder b;
    ck_assert_int_eq(
        dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors, 2), DP_OK);
    dp_deconv_build(&b, &l->deconv, "up.", in, out, activation);
    ck_assert_int_eq(dp_builder_finish(&b), DP_OK);
    dp_builder_done(&b);
}

static void layer_done(struct layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    free(l->weight);
    free(l->bias);
}

static void deconv(dp_run *r, void *arg)
{
    struct layer *l = arg;
    l->y = dp_deconv_run(r, &l->deconv, l->x);
}

/* out[o, 2y + a, 2x + b] = bias[o] + sum over c of in[c, y, x] * weight[c, o, a, b];
 * any order of in + 1 additions is within in + 1 roundings of the sum of absolute
 * values. */
static void expect_definition(const struct layer *l, bool relu)
{
    const dp_tensor x = l->x, y = l->y;
    for (int i = 0; i < (int)dp_tensor_size(y); i++) {
        const int o = i % y.C, column = i / y.C % y.W, row = i / y.C / y.W % y.H;
        const int n = i / y.C / y.W / y.H, tap = row % 2 * 2 + column % 2;
        double want = (double)l->bias[o], magnitude = fabs(want);
        for (int c = 0; c < x.C; c++) {
            const int cell = (n * x.H + row / 2) * x.W + column / 2;
            const double v = (double)x.data[cell * x.C + c] *
                             (double)l->weight[(c * l->out + o) * 4 + tap];
            want += v;
            magnitude += fabs(v);
        }
        if (relu && want < 0)
            want = 0;
        ck_assert_msg(fabs((double)y.data[i] - want) <=
                          (x.C + 1) * (double)FLT_EPSILON * magnitude,
                      "value %d: found %g, expected %g", i, (double)y.data[i], want);
    }
}

static const struct {
    int N, H, W, in, out;
    bool relu;
} shapes[] = {
    {1, 1, 1, 1, 1, false}, {1, 2, 3, 4, 5, false},  {3, 14, 14, 16, 16, true},
    {2, 5, 1, 7, 3, true},  {0, 14, 14, 4, 4, true},
};

START_TEST(each_cell_becomes_four)
{
    struct layer l;
    layer_init(&l, 2, ~0u, shapes[_i].in, shapes[_i].out,
               shapes[_i].relu ? DP_ACTIVATION_RELU : DP_ACTIVATION_NONE);
    uint64_t seed = 13;
    l.x = (dp_tensor){NULL, shapes[_i].N, shapes[_i].H, shapes[_i].W, shapes[_i].in};
    l.x.data = random_floats(&seed, dp_tensor_size(l.x), -1, 1);
    forward_run(&l.f, deconv, &l);
    ck_assert(l.y.N == l.x.N && l.y.H == 2 * l.x.H && l.y.W == 2 * l.x.W &&
              l.y.C == shapes[_i].out);
    expect_definition(&l, shapes[_i].relu);
    free(l.x.data);
    layer_done(&l);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    enum { N = 9, SIDE = 14, C = 24, SIZE = N * SIDE * SIDE * 4 * C };
    uint64_t seed = 14;
    float *x = random_floats(&seed, N * SIDE * SIDE * C, -1, 1);
    float *want = malloc(SIZE * sizeof *want);
    for (int k = 0; k < FORWARD_THREADS; k++) {
        struct layer l;
        layer_init(&l, forward_threads[k], ~0u, C, C, DP_ACTIVATION_RELU);
        l.x = (dp_tensor){x, N, SIDE, SIDE, C};
        forward_run(&l.f, deconv, &l);
        if (k == 0)
            memcpy(want, l.y.data, SIZE * sizeof *want);
        ck_assert_mem_eq(l.y.data, want, SIZE * sizeof *want);
        layer_done(&l);
    }
    free(want);
    free(x);
}
END_TEST

START_TEST(other_channels_are_refused)
{
    struct layer l;
    layer_init(&l, 1, ~0u, 3, 2, DP_ACTIVATION_NONE);
    l.x = (dp_tensor){NULL, 1, 2, 2, 4};
    forward_expect_shape_error(&l.f, deconv, &l);
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/deconv");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, each_cell_becomes_four, 0, sizeof shapes / sizeof shapes[0]);
    tcase_add_test(t, threads_do_not_change_a_bit);
    tcase_add_test(t, other_channels_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
