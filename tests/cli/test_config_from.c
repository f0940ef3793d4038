/* densepred config --from: a config for a checkpoint that comes without one. */
#include "base/json.h"
#include "tests/support/hollow_checkpoint.h"
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const pth_options openmmlab = {.layout = PTH_STATE_DICT};

static const program_result *from(const char *file)
{
    return program_run("densepred config --from '%s' --out own.json", file);
}

/* The config that was written. */
static cJSON *written(const char *name)
{
    dp_error err = {0};
    cJSON *root;
    ck_assert_msg(dp_json_load(&err, &root, scratch_path(name)) == DP_OK, "%s",
                  err.text);
    return root;
}

/* Whether the written config takes every tensor of the file. */
static void check_fit(const char *file)
{
    const program_result *r = program_run("densepred inspect '%s' own.json", file);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
}

/* ---- shipped models -------------------------------------------------------------------- */

static const char *const shipped[] = {
    "coco/mask_rcnn_convnext_tiny",
    "coco/cascade_mask_rcnn_convnext_small",
    "coco/mask_rcnn_swin_small",
    "coco/cascade_mask_rcnn_swin_base",
    "coco/mask_rcnn_resnet50",
    "coco/cascade_mask_rcnn_resnext101_32x4d",
    "coco/torchvision_mask_rcnn_resnet50_v2",
    "ade20k/upernet_convnext_small_512",
    "ade20k/upernet_swin_base_512",
    "imagenet/convnext_large_1k_224",
    "imagenet/convnextv2_atto_1k_224",
    "imagenet/swin_small_1k_224",
    "imagenet/convnext_iso_small_1k_224",
    "imagenet/convnext_tiny_22k_224",
    "roadmap/r50_step05",
};

START_TEST(a_shipped_model_is_recognised)
{
    char config[200], line[200];
    snprintf(config, sizeof config, "configs/%s.json", shipped[_i]);
    hollow_checkpoint_write(scratch_path("x.pth"), config, NULL, &openmmlab);
    const program_result *r = from("x.pth");
    ck_assert_msg(r->status == 0, "%s", r->err);
    snprintf(line, sizeof line, "own.json: %s\n", shipped[_i]);
    ck_assert_msg(strncmp(r->out, line, strlen(line)) == 0, "%s", r->out);
    ck_assert_ptr_null(strstr(r->out, "other than the base"));
    check_fit("x.pth");
    ck_assert_int_ne(access(scratch_path("own_classes.json"), F_OK), 0);
}
END_TEST

/* ---- what differs ----------------------------------------------------------------------- */

static const char *const fruits[] = {"apple", "pear", "plum", NULL};
static const char *const some_of_coco[] = {"car", "Person", "dog", NULL};

static const struct {
    const char *config, *changes, *base, *other;
} own[] = {
    {"coco/mask_rcnn_convnext_tiny",
     "\"bbox_head\": {\"num_classes\": 3}, \"mask_head\": {\"num_classes\": 3}",
     "coco/mask_rcnn_convnext_tiny", "bbox_head.num_classes, mask_head.num_classes\n"},
    {"coco/mask_rcnn_convnext_tiny",
     "\"backbone\": {\"depths\": [3, 3, 27, 3]}, \"bbox_head\": {\"num_classes\": 3}, "
     "\"mask_head\": {\"num_classes\": 3}",
     "coco/mask_rcnn_convnext_tiny", ", backbone.depths\n"},
    {"coco/cascade_mask_rcnn_swin_tiny",
     "\"backbone\": {\"embed_dim\": 48, \"num_heads\": [1, 2, 3, 6]}, "
     "\"neck\": {\"out_channels\": 64}, \"bbox_head\": {\"num_classes\": 3}, "
     "\"mask_head\": {\"num_classes\": 3}",
     "coco/cascade_mask_rcnn_swin_tiny",
     ", backbone.embed_dim, backbone.num_heads, neck.out_channels\n"},
    {"coco/mask_rcnn_resnet50",
     "\"backbone\": {\"groups\": 32, \"base_width\": 4}, \"bbox_head\": "
     "{\"num_classes\": "
     "3}, \"mask_head\": {\"num_classes\": 3}",
     "coco/mask_rcnn_resnet50", ", backbone.groups\n"},
    {"ade20k/upernet_convnext_tiny_512", "\"decode_head\": {\"num_classes\": 3}",
     "ade20k/upernet_convnext_tiny_512",
     "decode_head.num_classes, auxiliary_head.num_classes\n"},
    {"imagenet/swin_tiny_1k_224", "\"cls_head\": {\"num_classes\": 3}",
     "imagenet/swin_tiny_1k_224", "cls_head.num_classes\n"},
};

START_TEST(what_differs_from_the_base_is_written)
{
    char config[200], changes[1000], line[200];
    scratch_text("three.json", "{\"name\": \"three\", \"count\": 3}");
    snprintf(config, sizeof config, "configs/%s.json", own[_i].config);
    snprintf(changes, sizeof changes, "{\"dataset\": \"%s\", %s}",
             scratch_path("three.json"), own[_i].changes);
    hollow_checkpoint_write(
        scratch_path("x.pth"), config, changes,
        &(pth_options){.layout = PTH_STATE_DICT, .classes = fruits, .later = _i % 2});
    const program_result *r = from("x.pth");
    ck_assert_msg(r->status == 0, "%s", r->err);
    snprintf(line, sizeof line, "own.json: %s, 3 classes (own_classes.json)\n",
             own[_i].base);
    ck_assert_msg(strncmp(r->out, line, strlen(line)) == 0, "%s", r->out);
    ck_assert_msg(strstr(r->out, own[_i].other) != NULL, "%s", r->out);
    check_fit("x.pth");

    cJSON *root = written("own_classes.json");
    const cJSON *classes = cJSON_GetObjectItem(root, "classes");
    ck_assert_int_eq(cJSON_GetArraySize(classes), 3);
    const int first = strncmp(own[_i].base, "coco", 4) == 0;
    for (int i = 0; i < 3; i++) {
        const cJSON *c = cJSON_GetArrayItem(classes, i);
        ck_assert_str_eq(cJSON_GetObjectItem(c, "name")->valuestring, fruits[i]);
        ck_assert_int_eq(cJSON_GetObjectItem(c, "id")->valueint, first + i);
    }
    cJSON_Delete(root);
}
END_TEST

static void write_three(const char *config, const pth_options *options)
{
    char changes[400];
    scratch_text("three.json", "{\"name\": \"three\", \"count\": 3}");
    snprintf(
        changes, sizeof changes,
        "{\"dataset\": \"%s\", \"bbox_head\": {\"num_classes\": 3}, \"mask_head\": "
        "{\"num_classes\": 3}}",
        scratch_path("three.json"));
    hollow_checkpoint_write(scratch_path("x.pth"), config, changes, options);
}

START_TEST(classes_of_coco_keep_their_numbers)
{
    write_three("configs/coco/mask_rcnn_convnext_tiny.json",
                &(pth_options){.layout = PTH_STATE_DICT, .classes = some_of_coco});
    ck_assert_int_eq(from("x.pth")->status, 0);
    cJSON *root = written("own_classes.json");
    const int ids[] = {3, 1, 18};
    for (int i = 0; i < 3; i++) {
        const cJSON *c = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "classes"), i);
        ck_assert_str_eq(cJSON_GetObjectItem(c, "name")->valuestring, some_of_coco[i]);
        ck_assert_int_eq(cJSON_GetObjectItem(c, "id")->valueint, ids[i]);
    }
    cJSON_Delete(root);
}
END_TEST

/* The published numbers of the base are not the checkpoint's, which is found without -w. */
START_TEST(the_config_names_its_weights_and_no_foreign_numbers)
{
    write_three("configs/coco/mask_rcnn_convnext_tiny.json", &openmmlab);
    const program_result *r = from("x.pth");
    ck_assert_ptr_nonnull(strstr(r->out, "the checkpoint names no classes; write their "
                                         "names into the class file\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "class ids are 1 to 3; change them in "
                                         "own_classes.json"));
    r = program_run("densepred config --dump own.json");
    ck_assert_ptr_null(strstr(r->out, "box_AP"));
    ck_assert_ptr_nonnull(strstr(r->out, "/x.pth\""));
    r = program_run(
        "densepred detect own.json '%s/tests/toytown/images/000000.jpg' --set "
        "input.scale=[64,32]",
        program_root());
    ck_assert_msg(r->status == 0, "%s", r->err);
}
END_TEST

/* ---- the training's own settings ---------------------------------------------------------- */

static const char mmdet2[] =
    "model = dict(\n    backbone=dict(type='ResNet', style='caffe'),\n"
    "    rpn_head=dict(bbox_coder=dict(target_stds=[1.0, 1.0, 1.0, 1.0])),\n"
    "    train_cfg=dict(rcnn=dict(assigner=dict(score_thr=0.9))),\n"
    "    test_cfg=dict(rpn=dict(max_per_img=1000, nms=dict(iou_threshold=0.7)),\n"
    "        rcnn=dict(score_thr=0.001, nms=dict(type='nms', iou_threshold=0.6),\n"
    "            max_per_img=300, mask_thr_binary=0.5)))\n"
    "img_norm_cfg = dict(\n    mean=[103.53, 116.28, 123.675], std=[1.0, 1.0, 1.0], "
    "to_rgb=False)\n"
    "train_pipeline = [dict(type='Resize', img_scale=[(1333, 640), (1333, 800)])]\n"
    "test_pipeline = [dict(type='MultiScaleFlipAug', img_scale=(1000, 600))]\n";

static const char mmdet3[] =
    "model = dict(\n    backbone=dict(style='pytorch', type='ResNet'),\n"
    "    data_preprocessor=dict(bgr_to_rgb=True, mean=[123.675, 116.28, 103.53], "
    "std=[58.395, 57.12, 57.375]),\n"
    "    test_cfg=dict(rcnn=dict(mask_thr_binary=0.5, max_per_img=100, "
    "nms=dict(iou_threshold=0.5, type='nms'), score_thr=0.05), "
    "rpn=dict(max_per_img=9)),\n"
    "    train_cfg=dict(rcnn=dict(mask_size=28)))\n"
    "test_cfg = dict(type='TestLoop')\n"
    "test_pipeline = [dict(keep_ratio=True, scale=(1333, 800), type='Resize')]\n";

START_TEST(the_text_of_the_training_decides_between_equal_shapes)
{
    write_three(
        "configs/coco/mask_rcnn_resnet50.json",
        &(pth_options){.layout = PTH_STATE_DICT, .classes = fruits, .config = mmdet2});
    const program_result *r = from("x.pth");
    ck_assert_msg(strncmp(r->out, "own.json: coco/mask_rcnn_resnet50_caffe, 3", 42) ==
                      0,
                  "%s", r->out);
    r = program_run("densepred config --dump own.json --origins");
    ck_assert_ptr_nonnull(strstr(r->out, "\ninput.scale = [1000,600] (own.json)\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "\ntest.score_thr = 0.001 (own.json)\n"));
    ck_assert_ptr_nonnull(
        strstr(r->out, "\ntest.nms_iou_threshold = 0.6 (own.json)\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "\ntest.max_per_img = 300 (own.json)\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "\nbackbone.style = \"caffe\""));
    check_fit("x.pth");
}
END_TEST

START_TEST(a_later_text_is_read_too)
{
    write_three("configs/coco/mask_rcnn_resnet50_caffe.json",
                &(pth_options){.layout = PTH_STATE_DICT,
                               .classes = fruits,
                               .config = mmdet3,
                               .later = true});
    const program_result *r = from("x.pth");
    ck_assert_msg(strncmp(r->out, "own.json: coco/mask_rcnn_resnet50, 3", 36) == 0,
                  "%s", r->out);
    ck_assert_msg(
        strstr(r->out, "base: bbox_head.num_classes, mask_head.num_classes\n") != NULL,
        "%s", r->out);
}
END_TEST

START_TEST(without_a_text_the_other_candidates_are_named)
{
    write_three("configs/coco/mask_rcnn_resnet50_caffe.json", &openmmlab);
    const program_result *r = from("x.pth");
    ck_assert_msg(strstr(r->out, "    coco/mask_rcnn_resnet50_caffe: input.mean, "
                                 "input.std, input.to_rgb, backbone.style\n") != NULL,
                  "%s", r->out);
}
END_TEST

/* ---- real weights --------------------------------------------------------------------------- */

/* The files of tests/golden have configs of their own, which say more than shapes can. */
START_TEST(a_written_config_finds_what_the_known_one_finds)
{
    const char *root = program_root();
    const program_result *r = program_run(
        "G='%s/tests/golden/mask_rcnn_tiny'; densepred config --from $G/model.pth && "
        "densepred detect model.json --set input.scale=[128,96] $G/000000000101.png "
        ">found && densepred detect $G/config.json -w $G/model.pth $G/000000000101.png "
        ">wanted && diff found wanted",
        root);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
    r = program_run("G='%s/tests/golden/upernet_tiny'; densepred config --from "
                    "$G/model.safetensors -o seg.json && densepred inspect "
                    "$G/model.safetensors seg.json",
                    root);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
}
END_TEST

/* ---- what cannot be -------------------------------------------------------------------------- */

START_TEST(what_no_config_fits_is_said_part_by_part)
{
    hollow_checkpoint_write(scratch_path("x.pth"),
                            "configs/coco/mask_rcnn_convnext_tiny.json",
                            "{\"rpn_head\": {\"anchor_ratios\": [1.0]}}", &openmmlab);
    const program_result *r = from("x.pth");
    ck_assert_int_eq(r->status, 3);
    ck_assert_str_eq(r->out, "");
    ck_assert_msg(
        strcmp(r->err,
               "densepred: x.pth: no shipped config fits; the backbone is "
               "convnext, depths [3,3,9,3], dims [96,192,384,768]; the nearest "
               "is coco/mask_rcnn_convnext_tiny\n"
               "  not known: rpn_head: 0 tensors missing, 4 of another shape, 0 "
               "unexpected\n") == 0,
        "%s", r->err);
    ck_assert_int_ne(access(scratch_path("own.json"), F_OK), 0);
}
END_TEST

START_TEST(another_kind_of_file_is_said_so)
{
    const float value = 1;
    const dp_named_tensor t = {
        .name = "lstm.bias", .rank = 1, .shape = {1}, .stride = {1}, .data = &value};
    ck_assert(pth_write(scratch_path("x.pth"), &t, 1, &openmmlab));
    const program_result *r = from("x.pth");
    ck_assert_int_eq(r->status, 3);
    ck_assert_ptr_nonnull(strstr(r->err, "x.pth: no shipped config fits"));
    r = from("none.pth");
    ck_assert_int_eq(r->status, 3);
    ck_assert_str_eq(r->err, "densepred: none.pth: No such file or directory\n");
}
END_TEST

START_TEST(no_file_is_overwritten)
{
    hollow_checkpoint_write(scratch_path("x.pth"),
                            "configs/imagenet/convnextv2_atto_1k_224.json", NULL,
                            &openmmlab);
    scratch_text("own.json", "mine");
    const program_result *r = from("x.pth");
    ck_assert_int_eq(r->status, 2);
    ck_assert_str_eq(r->err,
                     "densepred: config: own.json is there already; give another "
                     "name (--out FILE)\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/config_from");
    TCase *tc = tcase_create("config_from");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, a_shipped_model_is_recognised, 0, COUNT(shipped));
    tcase_add_loop_test(tc, what_differs_from_the_base_is_written, 0, COUNT(own));
    tcase_add_test(tc, classes_of_coco_keep_their_numbers);
    tcase_add_test(tc, the_config_names_its_weights_and_no_foreign_numbers);
    tcase_add_test(tc, the_text_of_the_training_decides_between_equal_shapes);
    tcase_add_test(tc, a_later_text_is_read_too);
    tcase_add_test(tc, without_a_text_the_other_candidates_are_named);
    tcase_add_test(tc, a_written_config_finds_what_the_known_one_finds);
    tcase_add_test(tc, what_no_config_fits_is_said_part_by_part);
    tcase_add_test(tc, another_kind_of_file_is_said_so);
    tcase_add_test(tc, no_file_is_overwritten);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
