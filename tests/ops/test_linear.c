/* Fully connected layers whose rows the checkpoint has in another order. */
#include "ops/linear.h"
#include "tests/support/forward.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>

enum { ROWS = 5, IN = 2 };

static const float weight[ROWS * IN] = {0, 1, 10, 11, 20, 21, 30, 31, 40, 41};
static const float bias[ROWS] = {0, 100, 200, 300, 400};

struct call {
    dp_linear layer;
    dp_tensor x, y;
};

static void run(dp_run *r, void *arg)
{
    struct call *c = arg;
    c->y = dp_linear_run(r, &c->layer, c->x, DP_ACTIVATION_NONE);
}

static const struct {
    int out, first;
    int rows[ROWS]; /* of the tensor */
} cases[] = {
    {5, 1, {1, 2, 3, 4, 0}}, /* the first comes last */
    {3, 2, {2, 3, 4}},       /* a part               */
    {5, 0, {0, 1, 2, 3, 4}},
};

START_TEST(outputs_are_the_rows_asked_for)
{
    const dp_named_tensor tensors[] = {
        {"fc.weight", DP_DTYPE_F32, 2, {ROWS, IN}, {IN, 1}, weight},
        {"fc.bias", DP_DTYPE_F32, 1, {ROWS}, {1}, bias}};
    float x[IN] = {1, 2};
    struct call c = {.x = {x, 1, 1, 1, IN}};
    forward f;
    dp_store store = {0};
    dp_builder b;
    forward_init(&f, 1, ~0u);
    ck_assert_int_eq(dp_builder_init(&f.err, &b, &store, &f.kernels, tensors, 2),
                     DP_OK);
    const dp_linear_spec spec = {.name = "fc.",
                                 .in = IN,
                                 .out = cases[_i].out,
                                 .rows = ROWS,
                                 .first = cases[_i].first};
    dp_linear_build(&b, &c.layer, &spec);
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", f.err.text);
    dp_builder_done(&b);
    forward_run(&f, run, &c);
    ck_assert_int_eq(c.y.C, cases[_i].out);
    for (int n = 0; n < cases[_i].out; n++) {
        const int k = cases[_i].rows[n];
        ck_assert(c.y.data[n] == weight[2 * k] + 2 * weight[2 * k + 1] + bias[k]);
    }
    forward_done(&f);
    dp_store_done(&store);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/linear");
    TCase *t = tcase_create("rows");
    tcase_add_loop_test(t, outputs_are_the_rows_asked_for, 0,
                        sizeof cases / sizeof cases[0]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
