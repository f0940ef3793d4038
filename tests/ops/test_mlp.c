/* The second half of a transformer's block against its definition in float64. */
#include "ops/mlp.h"
#include "tests/support/bounded.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHTS = 6 };
enum { NORM, NORM_BIAS, FC1, FC1_BIAS, FC2, FC2_BIAS };

static const double eps = 1e-5;

struct shape {
    int H, W, C;
};

static const struct shape shapes[] = {
    {1, 1, 4},
    {3, 5, 8},
    {17, 16, 6},
    {19, 31, 20},
};

struct layer {
    forward f;
    dp_store store;
    dp_mlp mlp;
    struct shape s;
    float *weight[WEIGHTS];
    float *x;    /* the input (H, W, C) */
    dp_tensor y; /* the output          */
};

static void build(struct layer *l)
{
    static const char *const names[WEIGHTS] = {"norm2.weight",   "norm2.bias",
                                               "mlp.fc1.weight", "mlp.fc1.bias",
                                               "mlp.fc2.weight", "mlp.fc2.bias"};
    const int C = l->s.C;
    const int shape[WEIGHTS][2] = {{C, 0},     {C, 0},     {4 * C, C},
                                   {4 * C, 0}, {C, 4 * C}, {C, 0}};
    dp_named_tensor tensors[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++)
        tensors[i] = (dp_named_tensor){.name = names[i],
                                       .dtype = DP_DTYPE_F32,
                                       .rank = shape[i][1] ? 2 : 1,
                                       .shape = {shape[i][0], shape[i][1]},
                                       .stride = {shape[i][1] ? shape[i][1] : 1, 1},
                                       .data = l->weight[i]};
    dp_builder b;
    ck_assert_int_eq(
        dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors, WEIGHTS),
        DP_OK);
    dp_mlp_build(&b, &l->mlp, C, (float)eps);
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", l->f.err.text);
    dp_builder_done(&b);
}

static void layer_init(struct layer *l, const struct shape *s, int threads)
{
    uint64_t seed = 83;
    const size_t C = (size_t)s->C;
    const float wide = 2 / sqrtf((float)s->C);
    *l = (struct layer){.s = *s};
    forward_init(&l->f, threads, ~0u);
    l->weight[NORM] = random_floats(&seed, C, 0.5f, 1.5f);
    l->weight[NORM_BIAS] = random_floats(&seed, C, -1, 1);
    l->weight[FC1] = random_floats(&seed, 4 * C * C, -wide, wide);
    l->weight[FC1_BIAS] = random_floats(&seed, 4 * C, -1, 1);
    l->weight[FC2] = random_floats(&seed, 4 * C * C, -wide, wide);
    l->weight[FC2_BIAS] = random_floats(&seed, C, -1, 1);
    l->x = random_floats(&seed, (size_t)s->H * (size_t)s->W * C, -3, 3);
    build(l);
}

static void layer_done(struct layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    for (int i = 0; i < WEIGHTS; i++)
        free(l->weight[i]);
    free(l->x);
}

static void run(dp_run *r, void *arg)
{
    struct layer *l = arg;
    l->y = dp_run_tensor(r, 1, l->s.H, l->s.W, l->s.C);
    if (!r->dry)
        memcpy(l->y.data, l->x, dp_tensor_size(l->y) * sizeof *l->x);
    dp_mlp_run(r, &l->mlp, l->y);
}

START_TEST(it_adds_two_layers_of_the_normed_cell)
{
    struct layer l;
    layer_init(&l, &shapes[_i], 2);
    forward_run(&l.f, run, &l);
    const int C = l.s.C;
    bounded *normed = calloc((size_t)C, sizeof *normed);
    bounded *hidden = calloc(4 * (size_t)C, sizeof *hidden);
    for (int i = 0; i < l.s.H * l.s.W * C; i += C) {
        for (int c = 0; c < C; c++)
            normed[c] = bounded_exact(l.x[i + c]);
        bounded_norm(normed, normed, l.weight[NORM], l.weight[NORM_BIAS], C, eps);
        for (int k = 0; k < 4 * C; k++)
            hidden[k] = bounded_gelu(bounded_product(l.weight[FC1_BIAS][k],
                                                     l.weight[FC1] + k * C, normed, C));
        for (int c = 0; c < C; c++) {
            const bounded branch = bounded_product(
                l.weight[FC2_BIAS][c], l.weight[FC2] + c * 4 * C, hidden, 4 * C);
            bounded_check(bounded_add(branch, bounded_exact(l.x[i + c])),
                          l.y.data[i + c], i + c);
        }
    }
    free(normed);
    free(hidden);
    layer_done(&l);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static const struct shape s = {33, 29, 12};
    enum { SIZE = 33 * 29 * 12 };
    float want[SIZE];
    for (int k = 0; k < FORWARD_THREADS; k++) {
        struct layer l;
        layer_init(&l, &s, forward_threads[k]);
        forward_run(&l.f, run, &l);
        if (k == 0)
            memcpy(want, l.y.data, sizeof want);
        ck_assert_mem_eq(l.y.data, want, sizeof want);
        layer_done(&l);
    }
}
END_TEST

START_TEST(a_map_of_other_channels_is_refused)
{
    struct layer l;
    layer_init(&l, &shapes[0], 1);
    l.s.C++;
    forward_expect_shape_error(&l.f, run, &l);
    l.s.C--;
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/mlp");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, it_adds_two_layers_of_the_normed_cell, 0,
                        sizeof shapes / sizeof shapes[0]);
    tcase_add_test(t, threads_do_not_change_a_bit);
    tcase_add_test(t, a_map_of_other_channels_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
