/* Patch merging against its definition in float64. */
#include "ops/patch_merging.h"
#include "tests/support/bounded.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const double eps = 1e-5;

struct shape {
    int H, W, C;
};

static const struct shape shapes[] = {
    {2, 2, 1}, {4, 6, 3}, {5, 6, 4}, {6, 5, 4},
    {7, 9, 8}, {1, 1, 5}, {1, 8, 2}, {33, 20, 6},
};

struct layer {
    forward f;
    dp_store store;
    dp_patch_merging merging;
    struct shape s;
    float *norm_weight, *norm_bias, *weight;
    dp_tensor x, y;
};

static void layer_init(struct layer *l, const struct shape *s, int threads)
{
    uint64_t seed = 57;
    const int C = s->C;
    const size_t in = 4 * (size_t)C;
    *l = (struct layer){.s = *s, .x = {NULL, 1, s->H, s->W, C}};
    forward_init(&l->f, threads, ~0u);
    l->norm_weight = random_floats(&seed, in, 0.5f, 1.5f);
    l->norm_bias = random_floats(&seed, in, -1, 1);
    l->weight = random_floats(&seed, in * in / 2, -1, 1);
    l->x.data = random_floats(&seed, dp_tensor_size(l->x), -3, 3);
    const dp_named_tensor tensors[] = {
        {"norm.weight", DP_DTYPE_F32, 1, {4 * C}, {1}, l->norm_weight},
        {"norm.bias", DP_DTYPE_F32, 1, {4 * C}, {1}, l->norm_bias},
        {"reduction.weight", DP_DTYPE_F32, 2, {2 * C, 4 * C}, {4 * C, 1}, l->weight}};
    dp_builder b;
    ck_assert_int_eq(
        dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors, 3), DP_OK);
    dp_patch_merging_build(&b, &l->merging, C, (float)eps);
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", l->f.err.text);
    dp_builder_done(&b);
}

static void layer_done(struct layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    free(l->norm_weight);
    free(l->norm_bias);
    free(l->weight);
    free(l->x.data);
}

static void run(dp_run *r, void *arg)
{
    struct layer *l = arg;
    l->y = dp_run_tensor(r, 1, (l->s.H + 1) / 2, (l->s.W + 1) / 2, 2 * l->s.C);
    dp_patch_merging_run(r, &l->merging, l->y, l->x);
}

static float cell(const struct layer *l, int row, int column, int c)
{
    return row < l->s.H && column < l->s.W
               ? l->x.data[(row * l->s.W + column) * l->s.C + c]
               : 0.0f;
}

START_TEST(it_is_the_product_of_normed_fours)
{
    static const int order[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    struct layer l;
    layer_init(&l, &shapes[_i], 2);
    forward_run(&l.f, run, &l);
    const int C = l.s.C;
    bounded *four = calloc(4 * (size_t)C, sizeof *four);
    for (int i = 0; i < l.y.H * l.y.W; i++) {
        const int row = i / l.y.W * 2, column = i % l.y.W * 2;
        for (int k = 0; k < 4 * C; k++)
            four[k] = bounded_exact(
                cell(&l, row + order[k / C][0], column + order[k / C][1], k % C));
        bounded_norm(four, four, l.norm_weight, l.norm_bias, 4 * C, eps);
        for (int o = 0; o < 2 * C; o++)
            bounded_check(bounded_product(0, l.weight + o * 4 * C, four, 4 * C),
                          l.y.data[i * 2 * C + o], i * 2 * C + o);
    }
    free(four);
    layer_done(&l);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static const struct shape s = {61, 43, 8};
    enum { SIZE = 31 * 22 * 16 };
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

START_TEST(a_map_of_other_extents_is_refused)
{
    struct layer l;
    layer_init(&l, &shapes[1], 1);
    l.x.C++;
    forward_expect_shape_error(&l.f, run, &l);
    l.x.C--;
    l.x.H++;
    forward_expect_shape_error(&l.f, run, &l);
    l.x.H--;
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/patch_merging");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, it_is_the_product_of_normed_fours, 0,
                        sizeof shapes / sizeof shapes[0]);
    tcase_add_test(t, threads_do_not_change_a_bit);
    tcase_add_test(t, a_map_of_other_extents_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
