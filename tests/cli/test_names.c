/* densepred inspect and convert on a checkpoint under other names. */
#include "tests/support/program.h"
#include "tests/support/renamed.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const struct {
    const char *map, *config, *weights, *whose;
} cases[] = {
    {"huggingface_swin", "swin_cls_224", "swin_cls", "Hugging Face"},
    {"openmmlab_swin_classifier", "swin_cls_224", "swin_cls", "OpenMMLab"},
    {"huggingface_swin_upernet", "swin_upernet", "swin_upernet", "Hugging Face"},
    {"openmmlab_swin", "swin_upernet", "swin_upernet", "OpenMMLab"},
    {"openmmlab_swin", "swin_mask_rcnn", "swin_mask_rcnn", "OpenMMLab"},
};

static const char *weights_of(int i)
{
    return shared_path("golden2/%s/model.pth", cases[i].weights);
}

static void write_copy(int i)
{
    char map[100];
    snprintf(map, sizeof map, "configs/names/%s.json", cases[i].map);
    renamed_write(scratch_path("copy.safetensors"), weights_of(i), map);
}

START_TEST(inspect_says_whose_names_they_are)
{
    char line[60];
    write_copy(_i);
    const program_result *r =
        program_run("densepred inspect copy.safetensors '%s/configs/golden/%s.json'",
                    program_root(), cases[_i].config);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
    snprintf(line, sizeof line, "\nnames: %s's\n", cases[_i].whose);
    ck_assert_ptr_nonnull(strstr(r->out, line));
    ck_assert_ptr_nonnull(strstr(r->out, ": every tensor has its place\n"));
    r = program_run("densepred inspect copy.safetensors");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, line));
    r = program_run("densepred inspect '%s/%s'", program_root(), weights_of(_i));
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_null(strstr(r->out, "\nnames: "));
}
END_TEST

START_TEST(inspect_needs_no_configs)
{
    write_copy(0);
    const program_result *r =
        program_run("DENSEPRED_CONFIGS=nowhere densepred inspect copy.safetensors");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "  swin.layernorm.bias\n"));
    ck_assert_ptr_null(strstr(r->out, "\nnames: "));
    r = program_run("densepred inspect copy.safetensors --configs nowhere");
    ck_assert_int_eq(r->status, 3);
    ck_assert_ptr_nonnull(strstr(r->err, "nowhere: no such folder of configs"));
}
END_TEST

START_TEST(convert_writes_upstream_names)
{
    char told[60];
    write_copy(_i);
    const program_result *r =
        program_run("densepred convert copy.safetensors original.safetensors "
                    "--configs '%s/configs'",
                    program_root());
    ck_assert_msg(r->status == 0, "%s", r->err);
    snprintf(told, sizeof told, " tensors, renamed from %s's names\n", cases[_i].whose);
    ck_assert_msg(strstr(r->out, told), "%s", r->out);
    renamed_check(scratch_path("original.safetensors"), NULL, weights_of(_i));
}
END_TEST

START_TEST(another_backbone_is_called_by_its_name_under_other_names_too)
{
    write_copy(COUNT(cases) - 1);
    const program_result *r = program_run(
        "densepred detect '%s/tests/golden/mask_rcnn_tiny/config.json' "
        "-w copy.safetensors '%s/tests/golden/mask_rcnn_tiny/000000000101.png'",
        program_root(), program_root());
    ck_assert_int_eq(r->status, 3);
    ck_assert_msg(
        strstr(r->err, "found a checkpoint of swin, expected one of convnext"), "%s",
        r->err);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("names of the program");
    TCase *tc = tcase_create("names");
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_set_timeout(tc, 60);
    if (shared_has("golden2/swin_cls")) {
        tcase_add_loop_test(tc, inspect_says_whose_names_they_are, 0, COUNT(cases));
        tcase_add_test(tc, inspect_needs_no_configs);
        tcase_add_loop_test(tc, convert_writes_upstream_names, 0, COUNT(cases));
        tcase_add_test(tc,
                       another_backbone_is_called_by_its_name_under_other_names_too);
    }
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
