/* Every allocation of starting a training run may fail: a sentence, and nothing is lost. */
#include "tests/alloc/heap.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/tiny_images.h"
#include "train/trainer.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const char config_text[] =
    "{\"type\": \"classifier\", \"dataset\": \"none.json\", "
    "\"input\": {\"resize\": \"crop\", \"scale\": [32, 32], \"crop_ratio\": 1, "
    "\"mean\": [0.485, 0.456, 0.406], \"std\": [0.229, 0.224, 0.225], "
    "\"size_divisor\": 1}, \"backbone\": {\"type\": \"convnext\", "
    "\"output_norms\": false, \"depths\": [1, 1, 1, 1], \"dims\": [2, 2, 4, 4]}, "
    "\"cls_head\": {\"type\": \"pooled_linear\", \"num_classes\": 2}, "
    "\"test\": {\"top_k\": 2}}";

static dp_status train(dp_error *err, dp_context *ctx, dp_trainer_options *o,
                       const char *config, const char *images)
{
    dp_image_lists lists;
    dp_trainer *t = NULL;
    const dp_image_lists_options from = {.path = images, .set_aside = 0.5};
    dp_status st = dp_image_lists_load(err, &lists, &from);
    o->images = &lists;
    if (st == DP_OK)
        st = dp_config_load(err, &o->config, config);
    if (st == DP_OK) {
        o->ctx = ctx;
        st = dp_trainer_new(err, &t, o);
        dp_trainer_free(t);
        dp_config_free(o->config);
    }
    dp_image_lists_done(&lists);
    return st;
}

START_TEST(every_allocation_may_fail)
{
    dp_training training = {.seed = 1,
                            .epochs = 1,
                            .batch = 2,
                            .accumulate = 1,
                            .adamw = dp_adamw_recipe,
                            .groups = {.rate = 1},
                            .rate = {.base = 0.01},
                            .decay = {.base = 0.05, .last = 0.05},
                            .mixup = dp_mixup_recipe,
                            .average_decay = 0.9,
                            .layer_scale = 0.1,
                            .head_scale = 1,
                            .evaluate_every = 1};
    char config[256], images[256], work[256], name[32];
    dp_image_transform_build(&training.transform, 32);
    tiny_images_write("set", 2, 4, 1, 32);
    snprintf(config, sizeof config, "%s", scratch_text("config.json", config_text));
    snprintf(images, sizeof images, "%s", scratch_path("set/train"));
    long allocations = 0;
    for (long k = -1; k <= allocations; k++) {
        /* No assertion until the books are closed: Check allocates too. The first run takes
         * what the C library keeps, the second counts. */
        dp_error err = {0};
        dp_context *ctx;
        dp_trainer_options o = {.training = &training, .workers = 1};
        snprintf(name, sizeof name, "run%ld", k);
        snprintf(work, sizeof work, "%s", scratch_path(name));
        o.work = work;
        const long live = heap_live();
        dp_status st = dp_context_new(&ctx, &(dp_options){.threads = 1});
        heap_reset(k < 0 ? 0 : k);
        if (st == DP_OK)
            st = train(&err, ctx, &o, config, images);
        const long count = heap_count();
        heap_reset(0);
        dp_context_free(ctx);
        const long left = k < 0 ? 0 : heap_live() - live;
        if (k <= 0) {
            ck_assert_msg(st == DP_OK, "%s", err.text);
            allocations = count;
        } else {
            ck_assert_msg(st == DP_ENOMEM, "allocation %ld: status %d, %s", k, (int)st,
                          err.text);
            ck_assert_msg(strstr(err.text, "memory") != NULL, "allocation %ld: %s", k,
                          err.text);
        }
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks leaked", k, left);
    }
    ck_assert_int_gt(allocations, 100);
    printf("%ld allocations of the start of a training run, each failed once\n",
           allocations);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alloc/training");
    TCase *t = tcase_create("start");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    if (heap_is_watched())
        tcase_add_test(t, every_allocation_may_fail);
    else
        suite_skip(
            "failing allocations; the sanitizers have an allocator of their own");
    suite_add_tcase(s, t);
    return suite_run(s);
}
