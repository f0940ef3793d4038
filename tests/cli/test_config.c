/* Configs as a user of the program meets them: keys changed by --set, bases that ship. */
#include "base/json.h"
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

#define DETECTOR  "toytown/mask_rcnn_convnext_toytown"
#define SEGMENTOR "toytown/upernet_convnext_toytown"
#define IMAGE     "\"$R/tests/toytown/images/000000.jpg\""

/* ---- --set ------------------------------------------------------------------------- */

START_TEST(set_changes_keys_and_says_so)
{
    const program_result *r =
        program_run("densepred config --dump " DETECTOR " --origins"
                    " --set test.score_thr=0.125 --set input.scale=[64,48]"
                    " --set=names=null --set neck.type=fpn --set test.score_thr=0.25");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "\ntest.score_thr = 0.25 (--set)\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "\ninput.scale = [64,48] (--set)\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "\nneck.type = \"fpn\" (--set)\n"));
    ck_assert_ptr_null(strstr(r->out, "\nnames"));
    ck_assert_ptr_null(strstr(r->out, "0.125"));
}
END_TEST

/* Each of these commands would print or write something else without --set. */
static const struct {
    const char *line, *found;
} heeded[] = {
    {"densepred detect " DETECTOR " --set test.max_per_img=1 " IMAGE, ": 1 object\n"},
    {"densepred detect " DETECTOR " --set input.scale=[64,2] " IMAGE, ": 0 objects\n"},
    {"densepred info " DETECTOR " --set neck.out_channels=32", "1,699,020\n"},
    {"densepred inspect \"$R/configs/toytown/mask_rcnn_convnext_toytown.safetensors\" "
     "" DETECTOR " --set neck.out_channels=32; echo is $?",
     "is 3\n"},
    {"densepred bench " DETECTOR
     " --size 64x64 --runs 1 --json --set type=x || echo no",
     "no\n"},
    {"densepred segment " SEGMENTOR " --set type=x " IMAGE " || echo no", "no\n"},
    {"densepred features " SEGMENTOR " -o f --set type=x " IMAGE " || echo no", "no\n"},
    {"densepred classify imagenet/convnext_tiny_1k_224 --set type=x -w x " IMAGE
     " || echo no",
     "no\n"},
};

START_TEST(every_command_with_a_model_heeds_set)
{
    const program_result *r =
        program_run("R='%s'; %s", program_root(), heeded[_i].line);
    ck_assert_msg(strstr(r->out, heeded[_i].found) != NULL, "%s%s", r->out, r->err);
    ck_assert_ptr_null(strstr(r->err, "unknown option"));
}
END_TEST

static const struct {
    const char *set, *sentence;
    int status;
} refused[] = {
    {"test.score_th=1",
     "--set: test.score_th: unknown key, did you mean \"score_thr\"?", 3},
    {"tests.score_thr=1", "--set: tests: unknown key, did you mean \"test\"?", 3},
    {"test.score_thr=low", "--set: test.score_thr: found \"low\", expected a number",
     3},
    {"test.score_thr=7", "--set: test.score_thr: found 7", 3},
    {"test=1", "--set: test: must be an object", 3},
    {"base=x", "--set: base: only a file has one", 3},
    {"test", "--set test: expected KEY=VALUE, such as test.score_thr=0.1", 2},
    {"=1", "--set =1: expected KEY=VALUE, keys joined with points", 2},
    {"test..x=1", "--set test..x=1: expected KEY=VALUE, keys joined with points", 2},
    {"input.scale=[1", "--set:1:3: found the end of the text", 2},
};

START_TEST(wrong_values_of_set_are_refused_like_those_of_a_file)
{
    const program_result *r =
        program_run("R='%s'; densepred detect " DETECTOR " " IMAGE " --set '%s'",
                    program_root(), refused[_i].set);
    ck_assert_msg(strstr(r->err, refused[_i].sentence) != NULL, "%s", r->err);
    ck_assert_int_eq(r->status, refused[_i].status);
    ck_assert_str_eq(r->out, "");
}
END_TEST

/* The paths of a file are relative to its folder, those of --set to the current one. */
START_TEST(a_path_that_set_names_is_of_the_current_folder)
{
    scratch_text("ten.json", "{\"name\":\"ten\",\"count\":10}");
    const program_result *r = program_run("R='%s'; densepred detect " DETECTOR
                                          " --set dataset=ten.json " IMAGE,
                                          program_root());
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "  class "));
}
END_TEST

static int lines_of(const char *options)
{
    const program_result *r = program_run(
        "R='%s'; densepred detect " DETECTOR " %s " IMAGE, program_root(), options);
    ck_assert_msg(r->status == 0, "%s", r->err);
    int lines = 0;
    for (const char *p = r->out; *p; p++)
        lines += *p == '\n';
    return lines;
}

START_TEST(conf_and_iou_are_names_of_the_thresholds)
{
    const int usual = lines_of("");
    ck_assert_int_lt(lines_of("--conf 0.99"), usual);
    ck_assert_int_eq(lines_of("--conf 0.99"), lines_of("--score-thr 0.99"));
    ck_assert_int_gt(lines_of("--iou 0.95"), usual);
    ck_assert_int_eq(lines_of("--iou 0.95"),
                     lines_of("--set test.nms_iou_threshold=0.95"));
    ck_assert_int_eq(lines_of("--conf 0.99 --score-thr 0.3"), usual);
}
END_TEST

/* ---- bases --------------------------------------------------------------------------- */

static const char *const bases[] = {"toytown/mask_rcnn_convnext_toytown",
                                    "toytown/mask_rcnn_convnext_toytown.json"};

START_TEST(a_base_may_be_a_shipped_config)
{
    char text[200];
    snprintf(text, sizeof text, "{\"base\": \"%s\", \"test\": {\"max_per_img\": 1}}",
             bases[_i]);
    scratch_text("mine/own.json", text);
    const program_result *r = program_run(
        "R='%s'; densepred detect mine/own.json -w "
        "\"$R/configs/toytown/mask_rcnn_convnext_toytown.safetensors\" " IMAGE,
        program_root());
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, ": 1 object\n"));
}
END_TEST

START_TEST(a_base_beside_the_config_comes_before_a_shipped_one)
{
    scratch_text("coco/mask_rcnn_convnext_tiny", "{\"type\": \"mine\"}");
    scratch_text("own.json", "{\"base\": \"coco/mask_rcnn_convnext_tiny\"}");
    const program_result *r = program_run("densepred config --dump own.json");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "\"mine\""));
}
END_TEST

START_TEST(a_base_that_is_nowhere_is_said_with_the_nearest)
{
    scratch_text("own.json", "{\"base\": \"coco/mask_rcnn_convnext_tin\"}");
    const program_result *r = program_run("densepred config --dump own.json");
    ck_assert_int_eq(r->status, 3);
    ck_assert_str_eq(r->err, "densepred: own.json: base: unknown model "
                             "'coco/mask_rcnn_convnext_tin'; did you mean "
                             "'coco/mask_rcnn_convnext_tiny'?\n");
    scratch_text("own.json", "{\"base\": \"coco/none.json\"}");
    r = program_run("densepred config --dump own.json");
    ck_assert_str_eq(r->err, "densepred: coco/none.json: No such file or directory\n");
}
END_TEST

/* ---- upstream's names ------------------------------------------------------------------ */

static const char *const upstream[][2] = {
    {"mask_rcnn_convnext_tiny_patch4_window7_mstrain_480-800_adamw_3x_coco_in1k",
     "coco/mask_rcnn_convnext_tiny"},
    {"cascade_mask_rcnn_convnext_base_patch4_window7_mstrain_480-800_giou_4conv1f_"
     "adamw_"
     "3x_coco_in22k",
     "coco/cascade_mask_rcnn_convnext_base_22k"},
    {"upernet_convnext_xlarge_640_160k_ade20k_ss",
     "ade20k/upernet_convnext_xlarge_22k_640"},
    {"mask_rcnn_swin_small_patch4_window7_mstrain_480-800_adamw_3x_coco",
     "coco/mask_rcnn_swin_small"},
    {"mask_rcnn_r50_caffe_fpn_mstrain-poly_3x_coco",
     "coco/mask_rcnn_resnet50_caffe_3x"},
    {"cascade-mask-rcnn_x101-64x4d_fpn_20e_coco",
     "coco/cascade_mask_rcnn_resnext101_64x4d_20e"},
    {"upernet_swin_tiny_patch4_window7_512x512_160k_ade20k_pretrain_224x224_1K",
     "ade20k/upernet_swin_tiny_512"},
    {"convnext_tiny.fb_in22k_ft_in1k_384", "imagenet/convnext_tiny_22k_1k_384"},
};

START_TEST(upstream_names_find_ours)
{
    const program_result *r =
        program_run("densepred config --dump %s >a && densepred config --dump %s >b && "
                    "cmp a b && wc -c <a",
                    upstream[_i][0], upstream[_i][1]);
    ck_assert_msg(r->status == 0, "%s", r->err);
    scratch_text("own.json", "{}");
    r = program_run(
        "echo '{\"base\": \"%s\"}' >own.json; densepred config --dump own.json "
        ">a && cmp a b",
        upstream[_i][0]);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
}
END_TEST

/* Those of the ConvNeXt paper's own baselines, of its isotropic models and of two at 384. */
static bool has_no_upstream_name(const char *model)
{
    return strstr(model, "_4conv1fc") || strstr(model, "_iso_") ||
           strcmp(model, "imagenet/convnext_base_1k_384") == 0 ||
           strcmp(model, "imagenet/convnext_large_1k_384") == 0 ||
           strncmp(model, "roadmap/", 8) == 0 || strncmp(model, "toytown/", 8) == 0;
}

START_TEST(every_published_model_has_an_upstream_name)
{
    dp_error err = {0};
    cJSON *table;
    ck_assert_int_eq(dp_json_load(&err, &table, "configs/_upstream.json"), DP_OK);
    const program_result *r = program_run("densepred models");
    static char models[sizeof r->out];
    memcpy(models, r->out, sizeof models);
    for (const char *m = strtok(models, "\n"); m; m = strtok(NULL, "\n")) {
        bool named = false;
        for (const cJSON *v = table->child; v; v = v->next)
            named = named || strcmp(v->valuestring, m) == 0;
        ck_assert_msg(named != has_no_upstream_name(m), "%s", m);
    }
    for (const cJSON *v = table->child; v; v = v->next) {
        char path[200];
        snprintf(path, sizeof path, "configs/%s.json", v->valuestring);
        ck_assert_msg(access(path, R_OK) == 0, "%s", path);
    }
    cJSON_Delete(table);
}
END_TEST

START_TEST(a_python_config_is_named_as_such)
{
    scratch_text("mask_rcnn_r50_fpn_1x_coco.py", "model = dict()\n");
    const program_result *r =
        program_run("densepred info ./mask_rcnn_r50_fpn_1x_coco.py");
    ck_assert_int_eq(r->status, 3);
    ck_assert_str_eq(
        r->err, "densepred: ./mask_rcnn_r50_fpn_1x_coco.py: a Python config, which is "
                "not read; the model of that name is 'coco/mask_rcnn_resnet50' here: "
                "give that name, and with --set what you changed\n");
    r = program_run("densepred info my.py");
    ck_assert_int_eq(r->status, 3);
    ck_assert_ptr_nonnull(strstr(r->err,
                                 "my.py: a Python config, which is not read; "
                                 "'densepred config --from CHECKPOINT' writes"));
    r = program_run("densepred info mask_rcnn_r5_fpn_1x_coco");
    ck_assert_ptr_nonnull(strstr(r->err, "did you mean 'mask_rcnn_r50_fpn_1x_coco'?"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/config");
    TCase *tc = tcase_create("config");
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_test(tc, set_changes_keys_and_says_so);
    tcase_add_loop_test(tc, every_command_with_a_model_heeds_set, 0, COUNT(heeded));
    tcase_add_loop_test(tc, wrong_values_of_set_are_refused_like_those_of_a_file, 0,
                        COUNT(refused));
    tcase_add_test(tc, a_path_that_set_names_is_of_the_current_folder);
    tcase_add_test(tc, conf_and_iou_are_names_of_the_thresholds);
    tcase_add_loop_test(tc, a_base_may_be_a_shipped_config, 0, COUNT(bases));
    tcase_add_test(tc, a_base_beside_the_config_comes_before_a_shipped_one);
    tcase_add_test(tc, a_base_that_is_nowhere_is_said_with_the_nearest);
    tcase_add_loop_test(tc, upstream_names_find_ours, 0, COUNT(upstream));
    tcase_add_test(tc, every_published_model_has_an_upstream_name);
    tcase_add_test(tc, a_python_config_is_named_as_such);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
