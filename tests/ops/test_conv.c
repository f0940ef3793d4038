/* Convolutions by patches. Values are small integers, so that every sum is exact in
 * float32, in any order: results are compared for equality. */
#include "ops/conv.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape {
    int N, H, W, in, out;
    int kernel, stride, padding, groups;
    bool relu, add, norm;
} shape;

static const shape shapes[] = {
    {2, 5, 7, 3, 5, 1, 1, 0, 0, false, false, false}, /* rows are the patches        */
    {1, 9, 8, 3, 17, 7, 2, 3, 1, true, false, false}, /* a stem                      */
    {1, 6, 7, 4, 6, 3, 2, 1, 1, false, false, true},
    {1, 6, 7, 8, 20, 1, 2, 0, 1, false, false, true}, /* a strided shortcut          */
    {1, 5, 5, 6, 9, 1, 1, 0, 1, true, true, true},    /* added, then the activation  */
    {2, 4, 5, 8, 8, 3, 1, 1, 4, false, false, false}, /* groups                      */
    {1, 7, 6, 64, 64, 3, 1, 1, 2, true, false, true}, /* wide ones: still by patches */
    {1, 9, 9, 12, 24, 3, 2, 1, 12, true, true, true}, /* a channel a group           */
    {1, 3, 4, 6, 4, 1, 1, 0, 2, false, true, false},
};

typedef struct layer {
    const shape *s;
    forward f;
    dp_store store;
    dp_conv conv;
    float *weight;  /* (out, in / groups, k, k) */
    float *offsets; /* bias; of a batch norm, with `factors` */
    float *factors;
    dp_tensor x, y;
    float *before; /* of y, when it is added to */
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
    const int in = s->in / (s->groups > 0 ? s->groups : 1), k = s->kernel;
    float *mean = filled((size_t)s->out, 2), *var = filled((size_t)s->out, 3);
    const dp_named_tensor tensors[] = {
        {"conv.weight",
         DP_DTYPE_F32,
         4,
         {s->out, in, k, k},
         {in * k * k, k * k, k, 1},
         l->weight},
        {s->norm ? "bn.bias" : "conv.bias", DP_DTYPE_F32, 1, {s->out}, {1}, l->offsets},
        {"bn.weight", DP_DTYPE_F32, 1, {s->out}, {1}, l->factors},
        {"bn.running_mean", DP_DTYPE_F32, 1, {s->out}, {1}, mean},
        {"bn.running_var", DP_DTYPE_F32, 1, {s->out}, {1}, var},
    };
    dp_builder b;
    ck_assert_int_eq(dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors,
                                     s->norm ? 5 : 2),
                     DP_OK);
    dp_conv_build(&b, &l->conv,
                  &(dp_conv_spec){.in = s->in,
                                  .out = s->out,
                                  .kernel = k,
                                  .stride = s->stride,
                                  .padding = s->padding,
                                  .groups = s->groups,
                                  .name = "conv.",
                                  .norm = s->norm ? "bn." : NULL,
                                  .norm_eps = 1,
                                  .activation = s->relu ? DP_ACTIVATION_RELU
                                                        : DP_ACTIVATION_NONE});
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", l->f.err.text);
    dp_builder_done(&b);
    ck_assert(!l->conv.by_tiles);
    free(mean);
    free(var);
}

static void layer_init(layer *l, const shape *s, int threads, unsigned cpu)
{
    uint64_t seed = 21;
    const int groups = s->groups > 0 ? s->groups : 1;
    *l = (layer){.s = s};
    forward_init(&l->f, threads, cpu);
    l->x = (dp_tensor){NULL, s->N, s->H, s->W, s->in};
    l->x.data = integers(&seed, dp_tensor_size(l->x));
    l->weight = integers(&seed, (size_t)(s->out * (s->in / groups)) *
                                    (size_t)(s->kernel * s->kernel));
    l->offsets = integers(&seed, (size_t)s->out);
    l->factors = integers(&seed, (size_t)s->out);
    for (int o = 0; o < s->out; o++)
        l->factors[o] *= 2;
    build(l);
    int H, W;
    dp_conv_output(&l->conv, s->H, s->W, &H, &W);
    l->before = integers(&seed, (size_t)(s->N * H) * (size_t)(W * s->out));
}

static void layer_done(layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    free(l->x.data);
    free(l->weight);
    free(l->offsets);
    free(l->factors);
    free(l->before);
}

static void run(dp_run *r, void *arg)
{
    layer *l = arg;
    if (!l->s->add) {
        l->y = dp_conv_run(r, &l->conv, l->x);
        return;
    }
    int H, W;
    dp_conv_output(&l->conv, l->x.H, l->x.W, &H, &W);
    l->y = dp_run_tensor(r, l->x.N, H, W, l->conv.out);
    if (!r->dry)
        memcpy(l->y.data, l->before, dp_tensor_size(l->y) * sizeof(float));
    dp_conv_run_add(r, &l->conv, l->y, l->x);
}

/* Output o of cell (n, row, col), by the definition. */
static float convolve(const layer *l, int n, int row, int col, int o)
{
    const shape *s = l->s;
    const int groups = s->groups > 0 ? s->groups : 1;
    const int in = s->in / groups, first = o / (s->out / groups) * in;
    const int k = s->kernel;
    float sum = 0;
    for (int i = 0; i < in * k * k; i++) {
        const int y = row * s->stride - s->padding + i / k % k;
        const int x = col * s->stride - s->padding + i % k;
        if (y >= 0 && y < s->H && x >= 0 && x < s->W)
            sum += l->weight[o * in * k * k + i] *
                   l->x.data[((n * s->H + y) * s->W + x) * s->in + first + i / k / k];
    }
    if (s->norm)
        sum = (sum - 2) / 2 * l->factors[o];
    return sum + l->offsets[o];
}

START_TEST(it_is_the_convolution)
{
    for (int k = 0; k < FORWARD_THREADS; k++) {
        layer l;
        layer_init(&l, &shapes[_i], forward_threads[k], k % 2 ? ~0u : 0u);
        forward_run(&l.f, run, &l);
        const int C = l.y.C;
        for (int i = 0; i < (int)dp_tensor_size(l.y); i++) {
            const int cell = i / C;
            float want = convolve(&l, cell / l.y.W / l.y.H, cell / l.y.W % l.y.H,
                                  cell % l.y.W, i % C);
            if (l.s->add)
                want += l.before[i];
            if (l.s->relu && want < 0)
                want = 0;
            ck_assert_msg(l.y.data[i] == want, "element %d is %g, expected %g", i,
                          (double)l.y.data[i], (double)want);
        }
        layer_done(&l);
    }
}
END_TEST

/* A group does not read the others' channels: what is not finite there stays there. */
START_TEST(groups_are_apart)
{
    layer l;
    layer_init(&l, &shapes[5], 1, ~0u);
    for (size_t i = 0; i < dp_tensor_size(l.x); i += 8)
        l.x.data[i] = NAN;
    forward_run(&l.f, run, &l);
    for (size_t i = 0; i < dp_tensor_size(l.y); i++)
        ck_assert_int_eq(isnan(l.y.data[i]) != 0, i % 8 < 2);
    layer_done(&l);
}
END_TEST

static const shape tiled = {1, 8, 8, 32, 32, 3, 1, 1, 1, false, true, false};

static void add_tiled(dp_run *r, void *arg)
{
    layer *l = arg;
    dp_conv_run_add(r, &l->conv, l->x, l->x);
}

START_TEST(a_convolution_by_tiles_is_not_added)
{
    layer l = {.s = &tiled};
    forward_init(&l.f, 1, ~0u);
    dp_builder b;
    ck_assert_int_eq(dp_builder_init(&l.f.err, &b, &l.store, &l.f.kernels, NULL, 0),
                     DP_OK);
    dp_conv_build(&b, &l.conv,
                  &(dp_conv_spec){.in = 32,
                                  .out = 32,
                                  .kernel = 3,
                                  .stride = 1,
                                  .padding = 1,
                                  .name = "conv."});
    ck_assert_int_eq(dp_builder_finish(&b), DP_OK);
    dp_builder_done(&b);
    l.x = (dp_tensor){NULL, 1, 8, 8, 32};
    forward_expect_shape_error(&l.f, add_tiled, &l);
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/conv");
    TCase *t = tcase_create("conv");
    tcase_add_loop_test(t, it_is_the_convolution, 0, sizeof shapes / sizeof shapes[0]);
    tcase_add_test(t, groups_are_apart);
    tcase_add_test(t, a_convolution_by_tiles_is_not_added);
    suite_add_tcase(s, t);
    return suite_run(s);
}
