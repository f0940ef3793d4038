/* Every tensor of the published checkpoints is what the model asks for, and there is no
 * other: names, shapes and types of ../shared/docs/tensor-lists. */
#define _XOPEN_SOURCE 700 /* strtok_r */
#include "model/model.h"
#include "model/names.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWIN(model, training) model "_patch4_window7_mstrain_480-800_" training

static const struct {
    const char *list, *config;
    uint64_t params; /* trained values */
} cases[] = {
    {"mask_rcnn_r50_fpn_1x_coco", "coco/mask_rcnn_resnet50", 44396336},
    {"mask_rcnn_r50_caffe_fpn_1x_coco", "coco/mask_rcnn_resnet50_caffe", 44396336},
    {"mask_rcnn_r101_fpn_1x_coco", "coco/mask_rcnn_resnet101", 63388464},
    {"mask_rcnn_x101_32x4d_fpn_1x_coco", "coco/mask_rcnn_resnext101_32x4d", 63017008},
    {"mask_rcnn_x101_32x8d_fpn_1x_coco", "coco/mask_rcnn_resnext101_32x8d", 107630640},
    {"mask_rcnn_x101_64x4d_fpn_1x_coco", "coco/mask_rcnn_resnext101_64x4d", 102294576},
    {"cascade_mask_rcnn_r50_fpn_1x_coco", "coco/cascade_mask_rcnn_resnet50", 77324606},
    {"cascade_mask_rcnn_r101_fpn_1x_coco", "coco/cascade_mask_rcnn_resnet101",
     96316734},
    {"cascade_mask_rcnn_x101_32x4d_fpn_1x_coco",
     "coco/cascade_mask_rcnn_resnext101_32x4d", 95945278},
    {"cascade_mask_rcnn_x101_64x4d_fpn_1x_coco",
     "coco/cascade_mask_rcnn_resnext101_64x4d", 135222846},
    {SWIN("mask_rcnn_swin_tiny", "adamw_1x_coco"), "coco/mask_rcnn_swin_tiny_1x",
     47794602},
    {SWIN("mask_rcnn_swin_tiny", "adamw_3x_coco"), "coco/mask_rcnn_swin_tiny",
     47794602},
    {SWIN("mask_rcnn_swin_small", "adamw_3x_coco"), "coco/mask_rcnn_swin_small",
     69112506},
    {SWIN("cascade_mask_rcnn_swin_tiny", "giou_4conv1f_adamw_1x_coco"),
     "coco/cascade_mask_rcnn_swin_tiny_1x", 85629804},
    {SWIN("cascade_mask_rcnn_swin_tiny", "giou_4conv1f_adamw_3x_coco"),
     "coco/cascade_mask_rcnn_swin_tiny", 85629804},
    {SWIN("cascade_mask_rcnn_swin_small", "giou_4conv1f_adamw_3x_coco"),
     "coco/cascade_mask_rcnn_swin_small", 106947708},
    {SWIN("cascade_mask_rcnn_swin_base", "giou_4conv1f_adamw_3x_coco"),
     "coco/cascade_mask_rcnn_swin_base", 144977002},
    {"upernet_swin_tiny", "ade20k/upernet_swin_tiny_512", 59941862},
    {"upernet_swin_small", "ade20k/upernet_swin_small_512", 81259766},
    {"upernet_swin_base", "ade20k/upernet_swin_base_512", 121279716},
    /* Published as 44401393: weights and biases of frozen norms are not counted there. */
    {"torchvision_maskrcnn_resnet50_fpn_oldnames",
     "coco/torchvision_mask_rcnn_resnet50", 44454513},
    {"torchvision_maskrcnn_resnet50_fpn_v2", "coco/torchvision_mask_rcnn_resnet50_v2",
     46359409},
    {"ms_swin_T_224", "imagenet/swin_tiny_1k_224", 28288354},
    {"ms_swin_S_224", "imagenet/swin_small_1k_224", 49606258},
    {"ms_swin_B_384", "imagenet/swin_base_1k_384", 87903584},
};

/* The values do not matter: one is repeated by strides of 0. */
static const float one = 1;
static const int64_t number;

static dp_named_tensor *parse_list(char *text, size_t *count)
{
    size_t lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    dp_named_tensor *list = calloc(lines + 1, sizeof *list);
    *count = 0;
    for (char *save, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *fields;
        dp_named_tensor *t = &list[(*count)++];
        t->name = strtok_r(line, "\t", &fields);
        char *shape = strtok_r(NULL, "\t", &fields);
        const bool whole = strcmp(strtok_r(NULL, "\t", &fields), "int64") == 0;
        t->dtype = whole ? DP_DTYPE_I64 : DP_DTYPE_F32;
        t->data = whole ? (const void *)&number : &one;
        if (strcmp(shape, "scalar") == 0)
            continue;
        char *extents;
        for (char *x = strtok_r(shape, "x", &extents); x;
             x = strtok_r(NULL, "x", &extents))
            t->shape[t->rank++] = (int)strtol(x, NULL, 10);
    }
    return list;
}

/* Values of a head that is only for training: it is counted, and not built. */
static uint64_t count_auxiliary(const dp_named_tensor *list, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        if (strncmp(list[i].name, "auxiliary_head.", 15) == 0 &&
            !strstr(list[i].name, "running_") && list[i].dtype == DP_DTYPE_F32)
            sum += dp_named_tensor_count(&list[i]);
    return sum;
}

static void check_fit(const dp_named_tensor *list, size_t count, const char *name,
                      uint64_t params)
{
    char path[128];
    dp_context *ctx;
    dp_config *config;
    dp_renamed renamed;
    dp_model *m;
    dp_mismatches off;
    snprintf(path, sizeof path, "configs/%s.json", name);
    ck_assert_int_eq(dp_context_new(&ctx, NULL), DP_OK);
    ck_assert_msg(dp_config_load(&ctx->err, &config, path) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_msg(dp_names_apply(&ctx->err, &renamed, config, list, count) == DP_OK,
                  "%s", dp_context_error(ctx));
    const dp_model_weights weights = {.tensors = renamed.tensors,
                                      .count = renamed.count};
    const dp_status st = dp_model_build(ctx, &m, config, &weights, &off);
    ck_assert_msg(off.count == 0, "%s: %s", off.count ? off.list[0].name : "",
                  off.count ? off.list[0].detail : "");
    ck_assert_msg(st == DP_OK, "%s", dp_context_error(ctx));
    ck_assert_uint_eq(m->params + count_auxiliary(list, count), params);
    dp_mismatches_done(&off);
    dp_model_free(m);
    dp_names_done(&renamed);
    dp_config_free(config);
    dp_context_free(ctx);
}

START_TEST(the_model_asks_for_what_the_checkpoint_has)
{
    size_t count;
    char *text =
        file_load(shared_path("docs/tensor-lists/%s.tsv", cases[_i].list), NULL);
    dp_named_tensor *list = parse_list(text, &count);
    ck_assert_uint_gt(count, 180);
    check_fit(list, count, cases[_i].config, cases[_i].params);
    free(list);
    free(text);
}
END_TEST

/* What release 0.14 of torchvision calls the tensors of its published Mask R-CNN: of the
 * file's names, the first part of a row becomes the second. */
static const char *const newer[][2] = {
    {"backbone.fpn.inner_blocks.0.", "backbone.fpn.inner_blocks.0.0."},
    {"backbone.fpn.inner_blocks.1.", "backbone.fpn.inner_blocks.1.0."},
    {"backbone.fpn.inner_blocks.2.", "backbone.fpn.inner_blocks.2.0."},
    {"backbone.fpn.inner_blocks.3.", "backbone.fpn.inner_blocks.3.0."},
    {"backbone.fpn.layer_blocks.0.", "backbone.fpn.layer_blocks.0.0."},
    {"backbone.fpn.layer_blocks.1.", "backbone.fpn.layer_blocks.1.0."},
    {"backbone.fpn.layer_blocks.2.", "backbone.fpn.layer_blocks.2.0."},
    {"backbone.fpn.layer_blocks.3.", "backbone.fpn.layer_blocks.3.0."},
    {"rpn.head.conv.", "rpn.head.conv.0.0."},
    {"roi_heads.mask_head.mask_fcn1.", "roi_heads.mask_head.0.0."},
    {"roi_heads.mask_head.mask_fcn2.", "roi_heads.mask_head.1.0."},
    {"roi_heads.mask_head.mask_fcn3.", "roi_heads.mask_head.2.0."},
    {"roi_heads.mask_head.mask_fcn4.", "roi_heads.mask_head.3.0."},
};

START_TEST(newer_names_of_torchvision_fit_too)
{
    enum { RENAMED = 26, LONGEST = 64 };
    static char names[RENAMED][LONGEST];
    size_t count, renamed = 0;
    char *text = file_load(
        shared_path("docs/tensor-lists/torchvision_maskrcnn_resnet50_fpn_oldnames.tsv"),
        NULL);
    dp_named_tensor *list = parse_list(text, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof newer / sizeof newer[0]; k++) {
            const size_t n = strlen(newer[k][0]);
            if (strncmp(list[i].name, newer[k][0], n) != 0)
                continue;
            ck_assert_uint_lt(renamed, RENAMED);
            snprintf(names[renamed], LONGEST, "%s%s", newer[k][1], list[i].name + n);
            list[i].name = names[renamed++];
            break;
        }
    ck_assert_uint_eq(renamed, RENAMED);
    check_fit(list, count, "coco/torchvision_mask_rcnn_resnet50", 44454513);
    free(list);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tensor lists");
    TCase *t = tcase_create("published checkpoints");
    tcase_set_timeout(t, 120);
    tcase_set_tags(t, "slow");
    if (shared_has("docs/tensor-lists")) {
        tcase_add_loop_test(t, the_model_asks_for_what_the_checkpoint_has, 0,
                            sizeof cases / sizeof cases[0]);
        tcase_add_test(t, newer_names_of_torchvision_fit_too);
    }
    suite_add_tcase(s, t);
    return suite_run(s);
}
