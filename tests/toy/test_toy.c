/* docs/adding-a-module.md, followed: a backbone with a block of its own runs before the
 * detector's neck and heads and before UperNet; and a box head runs in a detector. */
#include "model/detector.h"
#include "model/segmentor.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/toy/toy_modules.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static dp_context *ctx;
static dp_pixels pixels;

static void setup(void)
{
    scratch_setup();
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_int_eq(dp_pixels_init(&ctx->err, &pixels, 70, 90), DP_OK);
    for (int i = 0; i < 70 * 90 * 3; i++)
        pixels.data[i] = (uint8_t)(i * 37 % 251);
}

static void teardown(void)
{
    dp_pixels_done(&pixels);
    dp_context_free(ctx);
    scratch_teardown();
}

/* A config over one that ships, with the toy behind its heads. */
static const char *config(const char *base, const char *dims, const char *rest)
{
    char folder[2000], text[3000];
    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    snprintf(
        text, sizeof text,
        "{\"base\": \"%s/configs/_base_/%s\", \"backbone\": {\"type\": \"toy\"%s}, "
        "\"input\": {\"scale\": [96, 64]}, %s}",
        folder, base, dims, rest);
    return scratch_file("toy.json", text, strlen(text));
}

static dp_model *load(const char *path)
{
    dp_model *m;
    ck_assert_msg(dp_model_load(ctx, &m, path, NULL, &(dp_load_options){.random = 1}) ==
                      DP_OK,
                  "%s", ctx->err.text);
    return m;
}

#define SMALL_HEADS                                                                  \
    "\"neck\": {\"out_channels\": 16}, \"rpn_head\": {\"feat_channels\": 16}, "      \
    "\"mask_head\": {\"conv_out_channels\": 16}, \"test\": {\"score_thr\": 0.001}, " \
    "\"bbox_head\": "

static const char *const box_heads[] = {
    SMALL_HEADS "{\"fc_out_channels\": 16}",
    SMALL_HEADS "{\"type\": \"mean\", \"fc_out_channels\": null, \"roi_feat_size\": "
                "null, \"target_stds\": null}",
};

START_TEST(new_modules_detect)
{
    dp_detections found = {0};
    dp_model *m = load(config("mask_rcnn_fpn.json", "", box_heads[_i]));
    ck_assert_ptr_eq(m->backbone.module, &dp_backbone_toy.module);
    ck_assert_msg(dp_detector_run(ctx, m, &pixels, &found) == DP_OK, "%s",
                  ctx->err.text);
    ck_assert_uint_gt(found.count, 0);
    dp_detections_done(&found);
    dp_model_free(m);
}
END_TEST

START_TEST(a_new_backbone_segments)
{
    dp_label_map map = {0};
    dp_model *m =
        load(config("upernet.json", "", "\"decode_head\": {\"channels\": 16}"));
    ck_assert_msg(dp_segmentor_run(ctx, m, &pixels, &map) == DP_OK, "%s",
                  ctx->err.text);
    ck_assert(map.h == 70 && map.w == 90);
    dp_label_map_done(&map);
    dp_model_free(m);
}
END_TEST

START_TEST(its_parameters_are_checked_with_file_and_key)
{
    dp_model *m;
    const char *path = config("upernet.json", ", \"dim\": [8, 8, 8, 8]",
                              "\"decode_head\": {\"channels\": 16}");
    ck_assert_int_eq(
        dp_model_load(ctx, &m, path, NULL, &(dp_load_options){.random = 1}),
        DP_ECONFIG);
    ck_assert_ptr_nonnull(strstr(ctx->err.text, "toy.json"));
    ck_assert_ptr_nonnull(strstr(ctx->err.text, "did you mean \"dims\""));
}
END_TEST

START_TEST(tables_are_well_formed)
{
    char problem[200];
    for (const dp_module *const *m = dp_modules; *m; m++)
        ck_assert_ptr_null(
            dp_params_check_table((*m)->params, (*m)->size, problem, sizeof problem));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("toy modules");
    TCase *t = tcase_create("toy");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, new_modules_detect, 0, 2);
    tcase_add_test(t, a_new_backbone_segments);
    tcase_add_test(t, its_parameters_are_checked_with_file_and_key);
    tcase_add_test(t, tables_are_well_formed);
    suite_add_tcase(s, t);
    return suite_run(s);
}
