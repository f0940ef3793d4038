/* Where weights come from and what becomes of them; raw tensors that are kept. */
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
    dp_builder_keep(&f.b, &f.parameters);
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
    dp_builder_keep(&f.b, &f.parameters);
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

START_TEST(counting_has_numbers_only)
{
    fixture f;
    start(&f, NULL, 0);
    dp_builder_count(&f.b);
    ck_assert_ptr_null(dp_builder_vector(&f.b, "bias", 2));
    ck_assert_ptr_null(dp_builder_buffer(&f.b, "mean", 3));
    ck_assert_ptr_null(dp_builder_scratch(&f.b, 4));
    ck_assert_ptr_null(dp_builder_floats(&f.b, 5));
    ck_assert(f.b.params == 2 && f.b.packed == 5);
    ck_assert_int_eq(dp_builder_finish(&f.b), DP_OK);
    dp_builder_done(&f.b);
    done(&f);
}
END_TEST

START_TEST(ready_weights_are_handed_out_in_order)
{
    enum { LINES = 64 };
    static float ready[LINES];
    fixture f;
    start(&f, NULL, 0);
    dp_builder_use_ready(&f.b, ready, LINES);
    ck_assert_ptr_null(dp_builder_vector(&f.b, "bias", 2));
    ck_assert_ptr_eq(dp_builder_floats(&f.b, 5), ready);
    ck_assert_ptr_eq(dp_builder_floats(&f.b, 16), ready + dp_builder_piece_size(5));
    /* Too few are used, then too many. */
    const size_t rest = LINES - f.b.sink.ready_used;
    ck_assert_int_eq(dp_builder_finish(&f.b), rest ? DP_EFORMAT : DP_OK);
    ck_assert_ptr_null(dp_builder_floats(&f.b, LINES));
    ck_assert_int_eq(dp_builder_finish(&f.b), DP_EFORMAT);
    dp_builder_done(&f.b);
    done(&f);
}
END_TEST

START_TEST(a_partial_checkpoint_is_filled_up)
{
    fixture f;
    start(&f, tensors, 2);
    f.b.source.partial = true;
    dp_builder_keep(&f.b, &f.parameters);
    const asked a = ask(&f);
    ck_assert_mem_eq(a.mean, mean, sizeof mean);
    ck_assert(a.weight && a.weight[0] != a.weight[1]);
    done(&f);
}
END_TEST

START_TEST(a_name_twice_is_refused)
{
    static const dp_kernels none;
    const dp_named_tensor twice[] = {tensors[0], tensors[1], tensors[0]};
    dp_store store = {0};
    dp_error err = {0};
    dp_builder b;
    ck_assert_int_eq(dp_builder_init(&err, &b, &store, &none, twice, 3), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "a.mean twice"));
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
    t = tcase_create("sources and sinks");
    tcase_add_test(t, counting_has_numbers_only);
    tcase_add_test(t, ready_weights_are_handed_out_in_order);
    tcase_add_test(t, a_partial_checkpoint_is_filled_up);
    tcase_add_test(t, a_name_twice_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
