/* A network that is trained: what is frozen, what a step keeps and allocates, and that a
 * prediction is what a recorded pass gives without skipped branches. */
#include "io/checkpoint/safetensors.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "train/freeze.h"
#include "train/network.h"

#include <check.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3, SIDE = 64, K = 5 };

static dp_context *context;
static dp_config *config;

static void start(void)
{
    scratch_setup();
    scratch_text(
        "classes.json",
        "{\"name\": \"five\", \"classes\": [{\"name\": \"a\", \"id\": 0}, "
        "{\"name\": \"b\", \"id\": 1}, {\"name\": \"c\", \"id\": 2}, {\"name\": "
        "\"d\", \"id\": 3}, {\"name\": \"e\", \"id\": 4}]}");
    const char *path = scratch_text(
        "config.json",
        "{\"type\": \"classifier\", \"dataset\": \"classes.json\", \"input\": "
        "{\"resize\": \"warp\", \"scale\": [64, 64], \"mean\": [0, 0, 0], \"std\": [1, "
        "1, 1], \"to_rgb\": true, \"size_divisor\": 1}, \"backbone\": {\"type\": "
        "\"convnext\", \"output_norms\": false, \"depths\": [1, 1, 2, 1], \"dims\": "
        "[4, "
        "8, 12, 16]}, \"cls_head\": {\"type\": \"pooled_linear\", \"num_classes\": 5}, "
        "\"test\": {\"top_k\": 1}}");
    ck_assert_int_eq(dp_context_new(&context, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_int_eq(dp_config_load(&context->err, &config, path), DP_OK);
}

static void stop(void)
{
    dp_config_free(config);
    dp_context_free(context);
    scratch_teardown();
}

static dp_network *make(const char *const *freeze, int count)
{
    dp_network *n;
    const dp_network_options o = {.seed = 5,
                                  .layer_scale = 0.5,
                                  .head_scale = 1,
                                  .freeze = freeze,
                                  .freeze_count = count};
    const dp_status st = dp_network_new(context, &n, config, &o);
    ck_assert_msg(st == DP_OK, "%s", context->err.text);
    return n;
}

static dp_tensor make_batch(void)
{
    uint64_t seed = 9;
    dp_tensor t = {NULL, N, SIDE, SIDE, 3};
    t.data = random_floats(&seed, dp_tensor_size(t), -2, 2);
    return t;
}

static void step(dp_network *n, dp_tensor batch)
{
    float gradient[N * K];
    const float *logits;
    for (int i = 0; i < N * K; i++)
        gradient[i] = (float)(i % 7) / 7 - 0.4f;
    dp_network_clear_gradients(n);
    dp_status st = dp_network_forward(&context->err, n, batch, NULL, NULL, &logits);
    ck_assert_msg(st == DP_OK, "%s", context->err.text);
    st = dp_network_backward(&context->err, n, gradient);
    ck_assert_msg(st == DP_OK, "%s", context->err.text);
}

START_TEST(frozen_parts_change_no_other_gradient_and_keep_nothing)
{
    const char *const freeze[] = {"downsample_layers.0-1", "stages.0-1"};
    const dp_tensor batch = make_batch();
    dp_network *all = make(NULL, 0), *some = make(freeze, 2);
    step(some, batch); /* first: the context's memory only grows */
    const dp_network_memory part = dp_network_measure(some);
    step(all, batch);
    const dp_network_memory whole = dp_network_measure(all);
    const dp_parameters *p = dp_network_parameters(all);
    size_t frozen = 0, trained = 0;
    for (size_t i = 0; i < p->count; i++) {
        const bool first = dp_freeze_matches(freeze[0], p->list[i].name) ||
                           dp_freeze_matches(freeze[1], p->list[i].name);
        const float *got = dp_network_gradients(some)[i];
        ck_assert_int_eq(got == NULL, first);
        ++*(first ? &frozen : &trained);
        if (got)
            ck_assert_msg(memcmp(got, dp_network_gradients(all)[i],
                                 p->list[i].count * sizeof *got) == 0,
                          "%s", p->list[i].name);
    }
    ck_assert_uint_gt(frozen, 20);
    ck_assert_uint_gt(trained, 20);
    ck_assert_uint_lt(part.values, whole.values);
    ck_assert_uint_lt(part.backward, whole.backward / 2);
    dp_network_free(all);
    dp_network_free(some);
    free(batch.data);
}
END_TEST

START_TEST(patterns_that_name_nothing_are_refused)
{
    dp_network *n;
    const char *const freeze[] = {"backbone", "stage.1"};
    const dp_network_options o = {.freeze = freeze, .freeze_count = 2};
    ck_assert_int_eq(dp_network_new(context, &n, config, &o), DP_EARG);
    ck_assert_ptr_nonnull(strstr(context->err.text, "'stage.1'"));
    ck_assert_ptr_null(n);
}
END_TEST

START_TEST(the_backbone_is_all_but_the_head)
{
    const char *const freeze[] = {"backbone"};
    dp_network *n = make(freeze, 1);
    const dp_parameters *p = dp_network_parameters(n);
    for (size_t i = 0; i < p->count; i++)
        ck_assert_int_eq(dp_network_gradients(n)[i] != NULL,
                         strncmp(p->list[i].name, "head.", 5) == 0 ||
                             strncmp(p->list[i].name, "norm.", 5) == 0);
    dp_network_free(n);
}
END_TEST

START_TEST(patterns_match_parts_of_names)
{
    ck_assert(dp_freeze_matches("stages.0-1", "stages.1.0.dwconv.weight"));
    ck_assert(dp_freeze_matches("stages.1", "stages.1.0.gamma"));
    ck_assert(dp_freeze_matches("head.bias", "head.bias"));
    ck_assert(!dp_freeze_matches("stages.1", "stages.10.0.gamma"));
    ck_assert(!dp_freeze_matches("stages.0-1", "stages.2.0.gamma"));
    ck_assert(!dp_freeze_matches("stages.0-", "stages.0.0.gamma"));
    ck_assert(!dp_freeze_matches("stages.0.0.gamma.x", "stages.0.0.gamma"));
    ck_assert(!dp_freeze_matches("", "stages.0.0.gamma"));
}
END_TEST

START_TEST(a_prediction_is_a_pass_without_skipped_branches)
{
    const dp_tensor batch = make_batch();
    dp_network *n = make(NULL, 0);
    const float *logits;
    float recorded[N * K];
    ck_assert_int_eq(dp_network_branches(n), 5);
    ck_assert_int_eq(dp_network_forward(&context->err, n, batch, NULL, NULL, &logits),
                     DP_OK);
    memcpy(recorded, logits, sizeof recorded);
    ck_assert_int_eq(dp_network_predict(&context->err, n, batch, &logits), DP_OK);
    for (int i = 0; i < N * K; i++)
        ck_assert(recorded[i] == logits[i]);
    dp_network_free(n);
    free(batch.data);
}
END_TEST

static bool skip_first_image(void *arg, int branch, int images, float *factors)
{
    ck_assert_int_lt(branch, 5);
    ck_assert_int_eq(images, N);
    ++*(int *)arg;
    for (int i = 0; factors && i < images; i++)
        factors[i] = i > 0 ? 1 : 0;
    return true;
}

START_TEST(skipped_branches_of_an_image_leave_the_others_alone)
{
    const dp_tensor batch = make_batch();
    dp_network *n = make(NULL, 0);
    const float *logits;
    float kept[N * K];
    int calls = 0;
    ck_assert_int_eq(dp_network_predict(&context->err, n, batch, &logits), DP_OK);
    memcpy(kept, logits, sizeof kept);
    ck_assert_int_eq(
        dp_network_forward(&context->err, n, batch, skip_first_image, &calls, &logits),
        DP_OK);
    ck_assert_int_eq(calls, 10);
    for (int i = 0; i < N * K; i++)
        ck_assert_int_eq(kept[i] == logits[i], i >= K);
    dp_network_free(n);
    free(batch.data);
}
END_TEST

START_TEST(a_second_step_allocates_nothing)
{
#ifndef DP_ARENA_MALLOC
    const dp_tensor batch = make_batch();
    dp_network *n = make(NULL, 0);
    step(n, batch);
    const dp_network_memory once = dp_network_measure(n);
    const size_t before = mallinfo2().uordblks;
    step(n, batch);
    ck_assert_uint_eq(mallinfo2().uordblks, before);
    const dp_network_memory twice = dp_network_measure(n);
    ck_assert_int_eq(memcmp(&once, &twice, sizeof once), 0);
    dp_network_free(n);
    free(batch.data);
#endif
}
END_TEST

START_TEST(small_batches_are_refused_by_size)
{
    dp_network *n = make(NULL, 0);
    float pixels[2 * 2 * 3] = {0};
    const float *logits;
    const dp_tensor batch = {pixels, 1, 2, 2, 3};
    ck_assert_int_eq(dp_network_forward(&context->err, n, batch, NULL, NULL, &logits),
                     DP_ESHAPE);
    ck_assert_ptr_nonnull(strstr(context->err.text, "2 x 2"));
    dp_network_free(n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/network");
    TCase *t = tcase_create("network");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, frozen_parts_change_no_other_gradient_and_keep_nothing);
    tcase_add_test(t, patterns_that_name_nothing_are_refused);
    tcase_add_test(t, the_backbone_is_all_but_the_head);
    tcase_add_test(t, patterns_match_parts_of_names);
    tcase_add_test(t, a_prediction_is_a_pass_without_skipped_branches);
    tcase_add_test(t, skipped_branches_of_an_image_leave_the_others_alone);
    tcase_add_test(t, a_second_step_allocates_nothing);
    tcase_add_test(t, small_batches_are_refused_by_size);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
