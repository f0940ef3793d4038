/* What a classifier, a cascade and a name map allocate: every allocation may fail, and leaves the
 * heap as it was; a second run of an image's size costs none. */
#include "base/memory.h"
#include "io/checkpoint/name_map.h"
#include "io/image/exif.h"
#include "model/classifier.h"
#include "tests/alloc/heap.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/tiny_classifier.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const float logits[TINY_CLASSES] = {1, 2, 3, 4, 5, 6};

/* Of a classifier, and of an image that was turned upright. */
static dp_status classify(dp_context *ctx)
{
    dp_model *m = NULL;
    dp_pixels p = {0};
    dp_class_score best[3];
    int count;
    dp_status st = dp_pixels_init(&ctx->err, &p, 40, 24);
    if (st == DP_OK)
        st = dp_exif_turn(&ctx->err, &p, DP_EXIF_QUARTER_TURN);
    if (st == DP_OK)
        st = dp_model_load(ctx, &m, scratch_path("tiny/config.json"),
                           scratch_path("tiny/model.safetensors"), NULL);
    if (st == DP_OK)
        st = dp_classifier_run(ctx, m, &p, best, 3, &count);
    dp_model_free(m);
    dp_pixels_done(&p);
    return st;
}

/* A cascade on random weights, planned. */
static dp_status plan_cascade(dp_context *ctx)
{
    dp_model *m = NULL;
    dp_status st =
        dp_model_load(ctx, &m, "configs/golden/cascade_b.json", NULL,
                      &(dp_load_options){.random = 1,
                                         .changes = "{\"input\":{\"scale\":[64,64]},"
                                                    "\"rpn_head\":{\"nms_pre\":20,"
                                                    "\"max_per_img\":20}}"});
    if (st == DP_OK)
        st = dp_model_plan(ctx, m, 40, 50, NULL);
    dp_model_free(m);
    return st;
}

#define SELF "swin.encoder.layers.0.blocks.0.attention.self."

/* Three tensors become one. */
static dp_status join(dp_context *ctx)
{
    static const float values[4];
    static const char *const names[] = {SELF "query.bias", SELF "key.bias",
                                        SELF "value.bias"};
    dp_named_tensor in[3], *out = NULL;
    dp_name_map *map;
    size_t count;
    for (int i = 0; i < 3; i++)
        in[i] = (dp_named_tensor){
            .name = names[i], .rank = 1, .shape = {4}, .stride = {1}, .data = values};
    dp_status st =
        dp_name_map_load(&ctx->err, &map, "configs/names/huggingface_swin.json");
    if (st == DP_OK)
        st = dp_name_map_apply(&ctx->err, map, &out, &count, in, 3);
    dp_free(out);
    dp_name_map_free(map);
    return st;
}

static const struct {
    dp_status (*run)(dp_context *ctx);
    int least; /* allocations */
} subjects[] = {{classify, 50}, {plan_cascade, 50}, {join, 5}};
enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

START_TEST(every_allocation_may_fail)
{
    dp_context *ctx;
    tiny_classifier_write(logits, "crop");
    /* Once for what the C library keeps, and once to count. */
    long allocations = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
        heap_reset(0);
        const dp_status st = subjects[_i].run(ctx);
        allocations = heap_count();
        ck_assert_msg(st == DP_OK, "%s", dp_context_error(ctx));
        dp_context_free(ctx);
    }
    ck_assert_int_gt(allocations, subjects[_i].least);

    for (long k = 1; k <= allocations; k++) {
        /* No assertion until the books are closed: Check allocates too. */
        char text[256] = "";
        dp_status st = DP_OK;
        const long live = heap_live();
        if (dp_context_new(&ctx, &(dp_options){.threads = 1}) == DP_OK) {
            heap_reset(k);
            st = subjects[_i].run(ctx);
            heap_reset(0);
            snprintf(text, sizeof text, "%s", dp_context_error(ctx));
            dp_context_free(ctx);
        }
        const long left = heap_live() - live;
        ck_assert_msg(st == DP_ENOMEM, "allocation %ld: status %d, %s", k, (int)st,
                      text);
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks are left", k, left);
    }
}
END_TEST

START_TEST(a_second_image_of_the_size_allocates_nothing)
{
    dp_context *ctx;
    dp_model *m;
    dp_pixels p;
    dp_class_score best[3];
    int count;
    tiny_classifier_write(logits, _i ? "warp" : "crop");
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_int_eq(dp_pixels_init(&ctx->err, &p, 50, 37), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, scratch_path("tiny/config.json"),
                                scratch_path("tiny/model.safetensors"), NULL) == DP_OK,
                  "%s", dp_context_error(ctx));
    ck_assert_int_eq(dp_classifier_run(ctx, m, &p, best, 3, &count), DP_OK);
    heap_reset(0);
    const dp_status st = dp_classifier_run(ctx, m, &p, best, 3, &count);
    const long allocations = heap_count();
    ck_assert_int_eq(st, DP_OK);
    ck_assert_int_eq(allocations, 0);
    dp_model_free(m);
    dp_pixels_done(&p);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("allocations of the zoo");
    TCase *t = tcase_create("zoo");
    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    if (heap_is_watched()) {
        tcase_add_loop_test(t, every_allocation_may_fail, 0, SUBJECTS);
        tcase_add_loop_test(t, a_second_image_of_the_size_allocates_nothing, 0, 2);
    } else {
        suite_skip("the sanitizer's allocator is not watched");
    }
    suite_add_tcase(s, t);
    return suite_run(s);
}
