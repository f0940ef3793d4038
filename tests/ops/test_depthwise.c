/* Depthwise convolutions. Values are small integers, so that every sum is exact in
 * float32, in any order: results are compared for equality. */
#include "ops/depthwise.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape {
    int N, H, W, C, kernel, stride;
    bool norm;
    dp_activation activation;
} shape;

static const shape shapes[] = {
    {1, 5, 7, 3, 3, 1, true, DP_ACTIVATION_RELU},
    {2, 6, 5, 4, 3, 2, true, DP_ACTIVATION_NONE},
    {1, 7, 7, 17, 5, 1, false, DP_ACTIVATION_NONE},
    {1, 19, 6, 9, 5, 2, true, DP_ACTIVATION_NONE},  /* more rows than an item has */
    {2, 18, 9, 20, 7, 1, true, DP_ACTIVATION_RELU}, /* the kernel               */
    {1, 9, 12, 33, 7, 2, false, DP_ACTIVATION_RELU},
    {1, 8, 8, 5, 9, 1, true, DP_ACTIVATION_NONE},
    {1, 3, 2, 5, 11, 1, true, DP_ACTIVATION_NONE}, /* taps on all sides outside */
    {1, 1, 1, 2, 11, 2, false, DP_ACTIVATION_NONE},
    {1, 4, 4, 6, 1, 1, false, DP_ACTIVATION_NONE},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

typedef struct layer {
    const shape *s;
    forward f;
    dp_store store;
    dp_depthwise op;
    float *weight;            /* (C, k, k)          */
    float *factors, *offsets; /* of the batch norm */
    dp_tensor x, y;
} layer;

/* Integers from -3 to 3. */
static float *integers(uint64_t *seed, size_t count)
{
    float *values = random_floats(seed, count, -3.4f, 3.4f);
    for (size_t i = 0; i < count; i++)
        values[i] = roundf(values[i]);
    return values;
}

static float *filled(size_t count, float value)
{
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = value;
    return values;
}

/* A batch norm of variance 3 and eps 1 halves, before it multiplies with an even weight;
 * its mean is 2. */
static void build(layer *l)
{
    const shape *s = l->s;
    const int C = s->C, k = s->kernel;
    float *mean = filled((size_t)C, 2), *var = filled((size_t)C, 3);
    const dp_named_tensor tensors[] = {
        {"conv.weight", DP_DTYPE_F32, 4, {C, 1, k, k}, {k * k, k * k, k, 1}, l->weight},
        {"bn.weight", DP_DTYPE_F32, 1, {C}, {1}, l->factors},
        {"bn.bias", DP_DTYPE_F32, 1, {C}, {1}, l->offsets},
        {"bn.running_mean", DP_DTYPE_F32, 1, {C}, {1}, mean},
        {"bn.running_var", DP_DTYPE_F32, 1, {C}, {1}, var},
    };
    dp_builder b;
    ck_assert_int_eq(dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors,
                                     s->norm ? 5 : 1),
                     DP_OK);
    dp_depthwise_build(&b, &l->op,
                       &(dp_depthwise_spec){.C = C,
                                            .kernel = k,
                                            .stride = s->stride,
                                            .name = "conv.",
                                            .norm = s->norm ? "bn." : NULL,
                                            .norm_eps = 1,
                                            .activation = s->activation});
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", l->f.err.text);
    dp_builder_done(&b);
    free(mean);
    free(var);
}

static void layer_init(layer *l, const shape *s, int threads, unsigned cpu)
{
    uint64_t seed = 31;
    *l = (layer){.s = s};
    forward_init(&l->f, threads, cpu);
    l->x = (dp_tensor){NULL, s->N, s->H, s->W, s->C};
    l->x.data = integers(&seed, dp_tensor_size(l->x));
    l->weight = integers(&seed, (size_t)s->C * (size_t)(s->kernel * s->kernel));
    l->factors = integers(&seed, (size_t)s->C);
    l->offsets = integers(&seed, (size_t)s->C);
    for (int c = 0; c < s->C; c++)
        l->factors[c] *= 2;
    build(l);
}

static void layer_done(layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    free(l->x.data);
    free(l->weight);
    free(l->factors);
    free(l->offsets);
}

static void run(dp_run *r, void *arg)
{
    layer *l = arg;
    l->y = dp_depthwise_run(r, &l->op, l->x);
}

/* Channel c of cell (n, row, col), by the definition. */
static float convolve(const layer *l, int n, int row, int col, int c)
{
    const shape *s = l->s;
    const int k = s->kernel;
    float sum = 0;
    for (int i = 0; i < k * k; i++) {
        const int y = row * s->stride - (k - 1) / 2 + i / k;
        const int x = col * s->stride - (k - 1) / 2 + i % k;
        if (y >= 0 && y < s->H && x >= 0 && x < s->W)
            sum += l->weight[c * k * k + i] *
                   l->x.data[((n * s->H + y) * s->W + x) * s->C + c];
    }
    if (s->norm)
        sum = (sum - 2) / 2 * l->factors[c] + l->offsets[c];
    return s->activation == DP_ACTIVATION_RELU && sum < 0 ? 0 : sum;
}

START_TEST(it_is_the_convolution)
{
    for (int k = 0; k < FORWARD_THREADS; k++) {
        layer l;
        layer_init(&l, &shapes[_i], forward_threads[k], k % 2 ? ~0u : 0u);
        forward_run(&l.f, run, &l);
        const int s = l.s->stride, C = l.y.C;
        ck_assert(l.y.N == l.s->N && C == l.s->C);
        ck_assert_int_eq(l.y.H, (l.s->H + s - 1) / s);
        ck_assert_int_eq(l.y.W, (l.s->W + s - 1) / s);
        for (int i = 0; i < (int)dp_tensor_size(l.y); i++) {
            const int cell = i / C;
            const float want = convolve(&l, cell / l.y.W / l.y.H, cell / l.y.W % l.y.H,
                                        cell % l.y.W, i % C);
            ck_assert_msg(l.y.data[i] == want, "element %d is %g, expected %g", i,
                          (double)l.y.data[i], (double)want);
        }
        layer_done(&l);
    }
}
END_TEST

/* By the plain loop and by the kernel. */
START_TEST(gelu_follows_the_convolution)
{
    shape s = {1, 6, 5, 7, _i ? 7 : 3, 1, false, DP_ACTIVATION_NONE};
    layer plain, active;
    layer_init(&plain, &s, 1, ~0u);
    forward_run(&plain.f, run, &plain);
    shape with = s;
    with.activation = DP_ACTIVATION_GELU;
    layer_init(&active, &with, 2, ~0u);
    forward_run(&active.f, run, &active);
    for (size_t i = 0; i < dp_tensor_size(plain.y); i++) {
        const double x = (double)plain.y.data[i];
        const double want = x * (1 + erf(x / sqrt(2))) / 2;
        /* absolute up to 8, as kernels.h has it, and the rounding of larger ones */
        ck_assert(fabs((double)active.y.data[i] - want) <= 3e-7 + 0x1p-23 * fabs(want));
    }
    layer_done(&plain);
    layer_done(&active);
}
END_TEST

/* A channel does not read the others: what is not finite there stays there. */
START_TEST(channels_are_apart)
{
    layer l;
    layer_init(&l, &shapes[_i], 1, ~0u);
    for (size_t i = 0; i < dp_tensor_size(l.x); i += (size_t)l.x.C)
        l.x.data[i] = NAN;
    forward_run(&l.f, run, &l);
    for (size_t i = 0; i < dp_tensor_size(l.y); i++)
        if (i % (size_t)l.y.C > 0)
            ck_assert(!isnan(l.y.data[i]));
    layer_done(&l);
}
END_TEST

START_TEST(multiplications_are_counted)
{
    layer l;
    layer_init(&l, &shapes[1], 1, ~0u);
    forward_run(&l.f, run, &l);
    /* twice, dry and real: 2 maps of 3 x 3 cells, 4 channels, 9 taps */
    ck_assert(l.f.run.macs == 2.0 * 2 * 3 * 3 * 4 * 9);
    layer_done(&l);
}
END_TEST

START_TEST(other_channels_are_refused)
{
    layer l;
    layer_init(&l, &shapes[0], 1, ~0u);
    l.x.C = 4;
    forward_expect_shape_error(&l.f, run, &l);
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/depthwise");
    TCase *t = tcase_create("depthwise");
    tcase_add_loop_test(t, it_is_the_convolution, 0, SHAPES);
    tcase_add_loop_test(t, gelu_follows_the_convolution, 0, 2);
    tcase_add_loop_test(t, channels_are_apart, 0, SHAPES);
    tcase_add_test(t, multiplications_are_counted);
    tcase_add_test(t, other_channels_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
