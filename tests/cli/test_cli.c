/* The program's contract: exit statuses, messages, help, where configs are found. */
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const char *const commands[] = {
#define COMMAND(name, summary) #name,
#include "cli/commands.def"
#undef COMMAND
};

static const struct {
    const char *line;
    int status;
    const char *err; /* all of standard error; NULL: a usage */
} mistakes[] = {
    {"densepred", 2, NULL},
    {"densepred modles", 2,
     "densepred: modles: unknown command, did you mean models?\n"},
    {"densepred xyzzy", 2, "densepred: xyzzy: unknown command, see densepred help\n"},
    {"densepred help modles", 2,
     "densepred: modles: unknown command, did you mean models?\n"},
    {"densepred models --config x", 2,
     "densepred: --config: unknown option, did you mean --configs?\n"},
    {"densepred models --zzz", 2,
     "densepred: --zzz: unknown option, see densepred models --help\n"},
    {"densepred models -z", 2,
     "densepred: -z: unknown option, see densepred models --help\n"},
    {"densepred models --configs", 2, "densepred: --configs needs a value: DIR\n"},
    {"densepred models x y", 2,
     "densepred: models: found 2 arguments, expected none; see densepred models "
     "--help\n"},
    {"densepred models -- --help", 2,
     "densepred: models: found 1 argument, expected none; see densepred models "
     "--help\n"},
    {"densepred config", 2,
     "densepred: config needs one of --dump MODEL, --explain TYPE, --types or --from "
     "CHECKPOINT\n"},
    {"densepred config --dump a --explain b", 2,
     "densepred: config needs only one of --dump MODEL, --explain TYPE, --types or "
     "--from "
     "CHECKPOINT\n"},
    {"densepred config --dump a --origins=1", 2,
     "densepred: --origins takes no value\n"},
    {"densepred config --explain convnex", 2,
     "densepred: --explain: convnex: unknown type, did you mean convnext?\n"},
    {"densepred models --configs none", 3,
     "densepred: none: no such folder of configs\n"},
    {"DENSEPRED_CONFIGS=none densepred models", 3,
     "densepred: none: no such folder of configs\n"},
    {"densepred config --dump coco/mask_rcnn_convnext_tin", 3,
     "densepred: unknown model 'coco/mask_rcnn_convnext_tin'; did you mean "
     "'coco/mask_rcnn_convnext_tiny'?\n"},
    {"echo '{\"a\": }' >bad.json; densepred config --dump bad.json", 3,
     "densepred: bad.json:1:7: found '}', expected a value\n"},
    {"printf 'x' >'a\nb'; densepred config --dump 'a\nb'", 3,
     "densepred: a?b:1:1: found 'x', expected a value\n"},
    {"densepred models >/dev/full", 4,
     "densepred: standard output: cannot write: No space left on device\n"},
};

START_TEST(mistakes_have_a_status_and_one_line)
{
    const program_result *r = program_run("%s", mistakes[_i].line);
    if (mistakes[_i].err)
        ck_assert_str_eq(r->err, mistakes[_i].err);
    else
        ck_assert_ptr_nonnull(strstr(r->err, "usage: densepred COMMAND"));
    ck_assert_int_eq(r->status, mistakes[_i].status);
    ck_assert_str_eq(r->out, "");
}
END_TEST

START_TEST(help_lists_every_command)
{
    static const char *const ways[] = {"densepred help", "densepred --help",
                                       "densepred -h"};
    for (int w = 0; w < COUNT(ways); w++) {
        const program_result *r = program_run("%s", ways[w]);
        ck_assert_int_eq(r->status, 0);
        ck_assert_str_eq(r->err, "");
        for (int i = 0; i < COUNT(commands); i++) {
            char row[64];
            snprintf(row, sizeof row, "\n  %s ", commands[i]);
            ck_assert_ptr_nonnull(strstr(r->out, row));
        }
    }
}
END_TEST

START_TEST(every_command_has_help)
{
    const char *name = commands[_i];
    char usage[64];
    snprintf(usage, sizeof usage, "usage: densepred %s", name);
    for (int way = 0; way < 3; way++) {
        const program_result *r = way == 0   ? program_run("densepred %s --help", name)
                                  : way == 1 ? program_run("densepred %s -h", name)
                                             : program_run("densepred help %s", name);
        ck_assert_msg(r->status == 0, "%s: %s", name, r->err);
        ck_assert_str_eq(r->err, "");
        ck_assert_ptr_nonnull(strstr(r->out, usage));
        ck_assert_ptr_nonnull(strstr(r->out, "--help"));
    }
}
END_TEST

START_TEST(version_is_one_line)
{
    const program_result *r = program_run("densepred --version");
    ck_assert_int_eq(r->status, 0);
    ck_assert_str_eq(r->err, "");
    int major, minor, patch;
    ck_assert_int_eq(sscanf(r->out, "densepred %d.%d.%d\n", &major, &minor, &patch), 3);
}
END_TEST

START_TEST(a_build_tree_finds_its_configs)
{
    const program_result *r = program_run("densepred models");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "coco/mask_rcnn_convnext_tiny\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "ade20k/upernet_convnext_xlarge_22k_640\n"));
    ck_assert_ptr_null(strstr(r->out, "golden/"));
    ck_assert_ptr_null(strstr(r->out, "_base_/"));
    ck_assert_ptr_null(strstr(r->out, "datasets/"));
}
END_TEST

START_TEST(configs_are_where_the_option_or_else_the_environment_says)
{
    scratch_text("option/b.json", "{\"from\": \"option\"}");
    scratch_text("option/a/a.json", "{}");
    scratch_text("option/_base_/x.json", "{}");
    scratch_text("option/datasets/y.json", "{}");
    scratch_text("option/notes.txt", "");
    scratch_text("environment/c.json", "{}");
    const program_result *r = program_run("DENSEPRED_CONFIGS=environment densepred "
                                          "models");
    ck_assert_str_eq(r->out, "c\n");
    r = program_run("DENSEPRED_CONFIGS=environment densepred models --configs=option");
    ck_assert_str_eq(r->out, "a/a\nb\n");
    r = program_run("densepred config --configs option --dump b");
    ck_assert_str_eq(r->out, "{\n\t\"from\":\t\"option\"\n}\n");
}
END_TEST

START_TEST(a_folder_that_holds_itself_ends)
{
    scratch_text("loop/a.json", "{}");
    const program_result *r =
        program_run("ln -s . loop/again && densepred models --configs loop");
    ck_assert_int_eq(r->status, 0);
    ck_assert_ptr_nonnull(strstr(r->out, "\nagain/again/a\n"));
}
END_TEST

START_TEST(a_config_may_come_from_a_pipe)
{
    const program_result *r =
        program_run("mkfifo p; echo '{\"a\": 1}' >p & densepred config --dump p");
    ck_assert_str_eq(r->err, "");
    ck_assert_str_eq(r->out, "{\n\t\"a\":\t1\n}\n");
}
END_TEST

START_TEST(a_section_is_explained_with_all_its_types)
{
    const program_result *r = program_run("densepred config --explain test");
    ck_assert_int_eq(r->status, 0);
    ck_assert_ptr_nonnull(strstr(r->out, "test of mask_rcnn: "));
    ck_assert_ptr_nonnull(strstr(r->out, "\ntest of upernet: "));
    ck_assert_ptr_nonnull(strstr(r->out, "\n  score_thr "));
    r = program_run("densepred config --explain backbone");
    ck_assert_ptr_nonnull(strstr(r->out, "\nbackbone swin: "));
}
END_TEST

START_TEST(help_goes_to_an_evaluator)
{
    static char wanted[1 << 17];
    memcpy(wanted, program_run("densepred eval coco --help")->out, sizeof wanted);
    const program_result *r = program_run("densepred help eval coco");
    ck_assert_int_eq(r->status, 0);
    ck_assert_str_eq(r->out, wanted);
    ck_assert_ptr_nonnull(strstr(r->out, "usage: densepred eval coco "));
    r = program_run("densepred help eval cocoo");
    ck_assert_str_eq(r->err,
                     "densepred: eval cocoo: unknown kind; did you mean coco?\n");
}
END_TEST

START_TEST(types_are_listed)
{
    const program_result *r = program_run("densepred config --types");
    ck_assert_int_eq(r->status, 0);
    ck_assert_ptr_nonnull(strstr(r->out, "backbone        convnext  "));
    ck_assert_ptr_nonnull(strstr(r->out, "\nbbox_head       shared_2fc "));
    ck_assert_ptr_nonnull(strstr(r->out, "\n(the config)    upernet "));
    r = program_run("densepred config --explain test --origins");
    ck_assert_str_eq(r->err, "densepred: --origins needs --dump MODEL\n");
}
END_TEST

START_TEST(explanations_come_from_the_tables)
{
    const program_result *r = program_run("densepred config --explain convnext");
    ck_assert_str_eq(r->err, "");
    ck_assert_ptr_nonnull(strstr(r->out, "backbone convnext: "));
    ck_assert_ptr_nonnull(strstr(r->out, "  depths "));
    ck_assert_ptr_nonnull(strstr(r->out, "list of 4 integers"));
}
END_TEST

/* No message is in a file that was opened while a standard descriptor was closed. */
START_TEST(closed_descriptors_damage_no_file)
{
    static const char *const closed[] = {">&-", "2>&-", "<&- >&- 2>&-"};
    const program_result *r = program_run(
        "densepred convert %s/configs/toytown/upernet_convnext_toytown.safetensors "
        "whole.safetensors && densepred convert "
        "%s/configs/toytown/upernet_convnext_toytown.safetensors other.safetensors %s; "
        "echo $?; cmp whole.safetensors other.safetensors && echo same",
        program_root(), program_root(), closed[_i]);
    ck_assert_ptr_nonnull(strstr(r->out, "same"));
    if (_i != 1) /* its line could not be written */
        ck_assert_ptr_nonnull(strstr(r->out, "4\nsame"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *tc = tcase_create("cli");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, mistakes_have_a_status_and_one_line, 0, COUNT(mistakes));
    tcase_add_test(tc, help_lists_every_command);
    tcase_add_loop_test(tc, every_command_has_help, 0, COUNT(commands));
    tcase_add_test(tc, version_is_one_line);
    tcase_add_test(tc, a_build_tree_finds_its_configs);
    tcase_add_test(tc, configs_are_where_the_option_or_else_the_environment_says);
    tcase_add_test(tc, a_folder_that_holds_itself_ends);
    tcase_add_test(tc, a_config_may_come_from_a_pipe);
    tcase_add_test(tc, a_section_is_explained_with_all_its_types);
    tcase_add_test(tc, help_goes_to_an_evaluator);
    tcase_add_test(tc, types_are_listed);
    tcase_add_loop_test(tc, closed_descriptors_damage_no_file, 0, 3);
    tcase_add_test(tc, explanations_come_from_the_tables);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
