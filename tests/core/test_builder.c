/* Raw tensors that are kept: by name, in order, for as long as the model. */
#include "core/builder.h"
#include "ops/kernels/kernels.h"
#include "tests/support/suite.h"

#include <check.h>
#include <string.h>

static const float weight[6] = {0, 1, 2, 3, 4, 5}, mean[3] = {7, 8, 9};
static const uint16_t half[2] = {0x3c00, 0x4000}; /* 1 and 2 */

static const dp_named_tensor tensors[] = {
    {"a.mean", DP_DTYPE_F32, 1, {3}, {1}, mean},
    {"a.bias", DP_DTYPE_F16, 1, {2}, {1}, half},
    {"a.weight", DP_DTYPE_F32, 2, {2, 3}, {3, 1}, weight},
};

typedef struct asked {
    const float *weight, *bias, *mean, *again, *scratch;
} asked;

typedef struct fixture {
    dp_error err;
    dp_store store;
    dp_parameters parameters;
    dp_builder b;
} fixture;

static void start(fixture *f, const dp_named_tensor *list, size_t count)
{
    static const dp_kernels none;
    *f = (fixture){.err = {0}};
    ck_assert_int_eq(dp_builder_init(&f->err, &f->b, &f->store, &none, list, count),
                     DP_OK);
}

/* As an operator does it: ask, note what is kept, release. */
static asked ask(fixture *f)
{
    asked a;
    const size_t outer = dp_builder_enter(&f->b, "a.");
    const float *w = dp_builder_tensor(&f->b, "weight", 2, (int[]){2, 3});
    a.weight = dp_builder_kept(&f->b, w);
    a.bias = dp_builder_kept(&f->b, dp_builder_vector(&f->b, "bias", 2));
    a.mean = dp_builder_kept(&f->b, dp_builder_buffer(&f->b, "mean", 3));
    w = dp_builder_tensor(&f->b, "weight", 2, (int[]){2, 3});
    a.again = dp_builder_kept(&f->b, w);
    a.scratch = dp_builder_kept(&f->b, dp_builder_scratch(&f->b, 4));
    dp_builder_release(&f->b);
    dp_builder_leave(&f->b, outer);
    ck_assert_msg(dp_builder_finish(&f->b) == DP_OK, "%s", f->err.text);
    dp_builder_done(&f->b);
    return a;
}

static void done(fixture *f)
{
    dp_parameters_done(&f->parameters);
    dp_store_done(&f->store);
}

START_TEST(tensors_are_kept_in_the_order_of_the_calls)
{
    static const char *const names[] = {"a.weight", "a.bias", "a.mean"};
    fixture f;
    start(&f, tensors, 3);
    f.b.parameters = &f.parameters;
    const asked a = ask(&f);
    const dp_parameter *list = f.parameters.list;
    ck_assert_uint_eq(f.parameters.count, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(list[i].name, names[i]);
        ck_assert(list[i].buffer == (i == 2));
        ck_assert_ptr_eq(dp_parameters_find(&f.parameters, names[i]), &list[i]);
    }
    ck_assert_ptr_null(dp_parameters_find(&f.parameters, "weight"));
    ck_assert(list[0].rank == 2 && list[0].shape[0] == 2 && list[0].shape[1] == 3);
    ck_assert_uint_eq(list[0].count, 6);
    ck_assert_uint_eq(list[1].count, 2);
    ck_assert(a.weight == list[0].value && a.again == a.weight);
    ck_assert(a.bias == list[1].value && a.mean == list[2].value);
    ck_assert(a.weight != weight && memcmp(a.weight, weight, sizeof weight) == 0);
    ck_assert(a.bias[0] == 1 && a.bias[1] == 2);
    ck_assert_mem_eq(a.mean, mean, sizeof mean);
    ck_assert_ptr_null(a.scratch);
    done(&f);
}
END_TEST

START_TEST(random_weights_are_kept_too)
{
    fixture f;
    start(&f, NULL, 0);
    f.b.parameters = &f.parameters;
    const asked a = ask(&f);
    ck_assert_uint_eq(f.parameters.count, 3);
    ck_assert(a.weight && a.bias && a.mean && a.again == a.weight && !a.scratch);
    ck_assert(a.weight[0] != a.weight[1]);
    done(&f);
}
END_TEST

START_TEST(nothing_is_kept_unless_it_is_to_be)
{
    fixture f;
    start(&f, tensors, 3);
    const asked a = ask(&f);
    ck_assert(!a.weight && !a.bias && !a.mean && !a.again && !a.scratch);
    ck_assert_uint_eq(f.store.bytes, 0);
    done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("core/builder");
    TCase *t = tcase_create("kept");
    tcase_add_test(t, tensors_are_kept_in_the_order_of_the_calls);
    tcase_add_test(t, random_weights_are_kept_too);
    tcase_add_test(t, nothing_is_kept_unless_it_is_to_be);
    suite_add_tcase(s, t);
    return suite_run(s);
}
