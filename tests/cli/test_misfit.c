/* Weights that do not fit: the summary first, not too many lines, and what would fit. */
#include "tests/support/hollow_checkpoint.h"
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const pth_options openmmlab = {.layout = PTH_STATE_DICT};

/* Each is given the weights x.pth, which are of another model. */
static const char *const commands[] = {
    "densepred detect coco/mask_rcnn_swin_tiny -w x.pth "
    "\"$R/tests/toytown/images/000000.jpg\"",
    "densepred features coco/mask_rcnn_swin_tiny -w x.pth -o f "
    "\"$R/tests/toytown/images/000000.jpg\"",
    "densepred bench coco/mask_rcnn_swin_tiny -w x.pth",
    "densepred test coco/mask_rcnn_swin_tiny -w x.pth --images "
    "\"$R/tests/toytown/images\" "
    "--annotations a.json --work w",
};

static void write_convnext(void)
{
    hollow_checkpoint_write(scratch_path("x.pth"),
                            "configs/coco/mask_rcnn_convnext_tiny.json", NULL,
                            &openmmlab);
    scratch_text("a.json", "{\"images\": [{\"id\": 1, \"file_name\": \"000000.jpg\", "
                           "\"height\": 192, \"width\": 256}], \"annotations\": [], "
                           "\"categories\": [{\"id\": 1, \"name\": \"person\"}]}");
}

static int lines_of(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

START_TEST(the_summary_comes_first_and_names_what_fits)
{
    write_convnext();
    const program_result *r = program_run("R='%s'; %s", program_root(), commands[_i]);
    ck_assert_int_eq(r->status, 3);
    ck_assert_msg(strncmp(r->err, "densepred: x.pth as weights of ", 31) == 0, "%s",
                  r->err);
    const char *line = strchr(r->err, '\n');
    const char fits[] = "; it fits coco/mask_rcnn_convnext_tiny\n";
    ck_assert_msg(strncmp(line + 2 - sizeof fits, fits, sizeof fits - 1) == 0, "%s",
                  r->err);
    ck_assert_ptr_nonnull(
        strstr(r->err, "\n  missing: backbone.layers.0.blocks.0.attn.proj.weight: "
                       "expected [96, 96]\n"));
    ck_assert_int_eq(lines_of(r->err), 22);
    ck_assert_msg(strstr(r->err, " more; --verbose shows all\n") != NULL, "%s", r->err);
}
END_TEST

START_TEST(verbose_shows_all)
{
    write_convnext();
    const program_result *r = program_run(
        "R='%s'; { %s --verbose 2>&1; echo is $?; } | tail -n +2 >all; grep -c . "
        "all; tail -2 all",
        program_root(), commands[_i]);
    ck_assert_int_gt(atoi(r->out), 100);
    ck_assert_ptr_nonnull(strstr(r->out, "\n  unexpected: backbone.stages."));
    ck_assert_ptr_nonnull(strstr(r->out, "is 3\n"));
}
END_TEST

START_TEST(what_fits_with_changes_is_said_with_the_command)
{
    scratch_text("three.json", "{\"name\": \"three\", \"count\": 3}");
    char changes[400];
    snprintf(changes, sizeof changes,
             "{\"dataset\": \"%s\", \"decode_head\": {\"num_classes\": 3}, "
             "\"auxiliary_head\": {\"num_classes\": 3}}",
             scratch_path("three.json"));
    hollow_checkpoint_write(scratch_path("x.pth"),
                            "configs/ade20k/upernet_convnext_tiny_512.json", changes,
                            &openmmlab);
    const program_result *r =
        program_run("densepred segment ade20k/upernet_convnext_tiny_512 -w x.pth "
                    "'%s/tests/toytown/images/000000.jpg'",
                    program_root());
    ck_assert_int_eq(r->status, 3);
    ck_assert_msg(strstr(r->err, "; with 3 classes it fits "
                                 "ade20k/upernet_convnext_tiny_512: densepred config "
                                 "--from x.pth writes that config\n") != NULL,
                  "%s", r->err);
}
END_TEST

START_TEST(a_partial_load_says_its_summary_first)
{
    hollow_checkpoint_write(scratch_path("x.pth"),
                            "configs/imagenet/convnextv2_atto_1k_224.json", NULL,
                            &openmmlab);
    const program_result *r = program_run(
        "densepred classify imagenet/convnext_tiny_1k_224 -w x.pth --partial "
        "'%s/tests/toytown/images/000000.jpg'",
        program_root());
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_msg(strncmp(r->err, "  loaded in part: ", 18) == 0, "%s", r->err);
    ck_assert_int_eq(lines_of(r->err), 21);
}
END_TEST

START_TEST(inspect_says_the_same_in_the_same_order)
{
    write_convnext();
    const program_result *r =
        program_run("densepred inspect x.pth coco/mask_rcnn_swin_tiny");
    ck_assert_int_eq(r->status, 3);
    const char *summary = strstr(r->out, "\ndoes not fit coco/mask_rcnn_swin_tiny: ");
    ck_assert_msg(summary != NULL, "%s", r->out);
    ck_assert_int_eq(lines_of(summary + 1), 23);
    ck_assert_ptr_nonnull(
        strstr(summary, "\nfits coco/mask_rcnn_convnext_tiny\nmissing: "));
    r = program_run("densepred inspect x.pth");
    ck_assert_int_eq(r->status, 0);
    ck_assert_ptr_nonnull(strstr(r->out, "\nfits coco/mask_rcnn_convnext_tiny\n"));
    r = program_run(
        "densepred inspect x.pth coco/mask_rcnn_swin_tiny --verbose | wc -l");
    ck_assert_int_gt(atoi(r->out), 400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/misfit");
    TCase *tc = tcase_create("misfit");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, the_summary_comes_first_and_names_what_fits, 0,
                        COUNT(commands));
    tcase_add_loop_test(tc, verbose_shows_all, 0, COUNT(commands));
    tcase_add_test(tc, what_fits_with_changes_is_said_with_the_command);
    tcase_add_test(tc, a_partial_load_says_its_summary_first);
    tcase_add_test(tc, inspect_says_the_same_in_the_same_order);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
