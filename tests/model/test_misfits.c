/* Parts and checkpoints that do not fit each other are called by their names. */
#include "model/model.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static dp_context *ctx;

static void setup(void)
{
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
}

static void teardown(void)
{
    dp_context_free(ctx);
}

static const struct {
    const char *config, *weights, *found, *expected;
} strangers[] = {
    {"configs/golden/mask_rcnn_a.json", "golden2/swin_mask_rcnn/model.pth", "of swin",
     "of convnext"},
    {"configs/golden/swin_mask_rcnn.json", "golden/mask_rcnn_a/model.pth",
     "of convnext", "of swin"},
    {"configs/golden/mask_rcnn_a.json", "golden2/resnet_mask_rcnn/model.pth",
     "of resnet", "of convnext"},
};

START_TEST(a_checkpoint_of_another_backbone_is_called_by_its_name)
{
    dp_model *m;
    ck_assert_int_eq(dp_model_load(ctx, &m, strangers[_i].config,
                                   shared_path("%s", strangers[_i].weights), NULL),
                     DP_ESHAPE);
    ck_assert_msg(strstr(ctx->err.text, strangers[_i].found) != NULL, "%s",
                  ctx->err.text);
    ck_assert_msg(strstr(ctx->err.text, strangers[_i].expected) != NULL, "%s",
                  ctx->err.text);
}
END_TEST

static const struct {
    const char *config, *changes, *part, *other;
} misfits[] = {
    {"configs/ade20k/upernet_convnext_tiny_512.json",
     "{\"backbone\": {\"type\": \"convnext_iso\", \"depths\": null, \"dims\": null}}",
     "decode head upernet", "stage1"},
    {"configs/coco/mask_rcnn_convnext_tiny.json", "{\"neck\": {\"num_outs\": 3}}",
     "neck.num_outs: found 3", "4 maps"},
    {"configs/coco/mask_rcnn_convnext_tiny.json",
     "{\"mask_head\": {\"num_classes\": 79}}", "mask_head.num_classes: found 79",
     "bbox_head's 80"},
    {"configs/coco/mask_rcnn_convnext_tiny.json",
     "{\"mask_head\": {\"num_classes\": 7}, \"bbox_head\": {\"num_classes\": 7}}",
     "found 7", "80 classes of data set coco"},
};

START_TEST(parts_that_do_not_fit_are_named_with_their_numbers)
{
    dp_model *m;
    const dp_load_options options = {.random = 1, .changes = misfits[_i].changes};
    ck_assert_int_eq(dp_model_load(ctx, &m, misfits[_i].config, NULL, &options),
                     DP_ECONFIG);
    ck_assert_msg(strstr(ctx->err.text, misfits[_i].part) != NULL, "%s", ctx->err.text);
    ck_assert_msg(strstr(ctx->err.text, misfits[_i].other) != NULL, "%s",
                  ctx->err.text);
}
END_TEST

static const struct {
    const char *changes, *sentence;
} strange_keys[] = {
    {"{\"tests\": {\"score_thr\": 0.9}}",
     ": tests: unknown key, did you mean \"test\"?"},
    {"{\"foo\": 1}", ": foo: unknown key; docs/configs.md"},
    {"{\"neks\": {\"num_outs\": 3}}", ": neks: unknown key, did you mean \"neck\"?"},
    {"{\"clases\": 80}", ": clases: unknown key"},
};

START_TEST(an_unknown_key_at_the_top_is_refused_with_origin_and_nearest_key)
{
    static const char *const config = "configs/coco/mask_rcnn_convnext_tiny.json";
    dp_model *m;
    const dp_load_options options = {.random = 1, .changes = strange_keys[_i].changes};
    ck_assert_int_eq(dp_model_load(ctx, &m, config, NULL, &options), DP_ECONFIG);
    ck_assert_msg(strncmp(ctx->err.text, "changes: ", 9) == 0, "%s", ctx->err.text);
    ck_assert_msg(strstr(ctx->err.text, strange_keys[_i].sentence) != NULL, "%s",
                  ctx->err.text);
}
END_TEST

/* Sections that are known, in a config whose model does not use them. */
static const struct {
    const char *config, *changes, *sentence;
} strange_sections[] = {
    {"configs/ade20k/upernet_convnext_tiny_512.json", "{\"rpn_head\": {}}",
     "changes: rpn_head: a model of type \"upernet\" has no proposal head; remove the "
     "section"},
    {"configs/ade20k/upernet_convnext_tiny_512.json",
     "{\"mask_head\": {\"num_classes\": 80}}", "changes: mask_head: a model of type"},
    {"configs/ade20k/upernet_convnext_tiny_512.json", "{\"neck\": {\"type\": \"fpn\"}}",
     "changes: neck: a model of type \"upernet\" has no neck"},
    {"configs/coco/mask_rcnn_convnext_tiny.json",
     "{\"decode_head\": {\"type\": \"uper\"}}",
     "changes: decode_head: a model of type"},
    {"configs/coco/mask_rcnn_convnext_tiny.json", "{\"cls_head\": {}}",
     "changes: cls_head: a model of type \"mask_rcnn\" has no class head"},
    {"configs/coco/mask_rcnn_convnext_tiny.json",
     "{\"test_ms_flip\": {\"mode\": \"whole\"}}",
     "changes: test_ms_flip: only segmentors have it"},
};

START_TEST(a_section_that_the_model_does_not_use_is_refused)
{
    dp_model *m;
    const dp_load_options options = {.random = 1,
                                     .changes = strange_sections[_i].changes};
    ck_assert_int_eq(
        dp_model_load(ctx, &m, strange_sections[_i].config, NULL, &options),
        DP_ECONFIG);
    ck_assert_msg(strstr(ctx->err.text, strange_sections[_i].sentence) != NULL, "%s",
                  ctx->err.text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("misfits");
    TCase *t = tcase_create("misfits");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, parts_that_do_not_fit_are_named_with_their_numbers, 0,
                        COUNT(misfits));
    tcase_add_loop_test(
        t, an_unknown_key_at_the_top_is_refused_with_origin_and_nearest_key, 0,
        COUNT(strange_keys));
    tcase_add_loop_test(t, a_section_that_the_model_does_not_use_is_refused, 0,
                        COUNT(strange_sections));
    if (shared_has("golden2"))
        tcase_add_loop_test(t, a_checkpoint_of_another_backbone_is_called_by_its_name,
                            0, COUNT(strangers));
    suite_add_tcase(s, t);
    return suite_run(s);
}
