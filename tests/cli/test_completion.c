/* Completion scripts, run by the shells that they are for. */
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* A line, whose last word is being completed, and what must be offered and what not. */
static const struct {
    const char *line, *offered, *not_offered;
} cases[] = {
    {"densepred ", "detect\n", "coco\n"},
    {"densepred comp", "completion\n", "detect\n"},
    {"densepred help ", "segment\n", "coco/"},
    {"densepred eval ", "ade20k\n", "detect\n"},
    {"densepred eval coco --it", "", "--type\n"},
    {"densepred eval coco --iou", "--iou-thrs\n", "--weights\n"},
    {"densepred eval ade20k --off", "--offset\n", "--iou-thrs\n"},
    {"densepred detect --", "--weights\n", "--mode\n"},
    {"densepred detect --con", "--conf\n", "--weights\n"},
    {"densepred segment --mode ", "slide\n", "--mode\n"},
    {"densepred detect --cpu ", "avx512\n", "--cpu\n"},
    {"densepred detect ", "coco/mask_rcnn_convnext_tiny\n", "detect\n"},
    {"densepred detect -w x.pth coco/mask_rcnn_c", "coco/mask_rcnn_convnext_tiny\n",
     "ade20k/"},
    {"densepred detect -q coco/mask_rcnn_convnext_tiny ", "", "coco/mask_rcnn"},
    {"densepred inspect x.pth toy", "toytown/upernet_convnext_toytown\n", "coco/"},
    {"densepred config --dump toy", "toytown/upernet_convnext_toytown\n", "coco/"},
    {"densepred completion ", "fish\n", "detect\n"},
};

/* How each shell is asked what it would offer for the line $1, a word on a line each. zsh's
 * own functions belong to its line editor, so here they print what they are given. */
static const struct {
    const char *name, *script;
} shells[] = {
    {"bash", "source <(densepred completion bash)\n"
             "read -ra COMP_WORDS <<<\"$1\"\n"
             "[[ $1 == *' ' ]] && COMP_WORDS+=('')\n"
             "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
             "_densepred\n"
             "printf '%s\\n' \"${COMPREPLY[@]}\"\n"},
    {"zsh",
     "compdef() { :; }\n"
     "show() { for w; do [[ $w == ${words[CURRENT]}* ]] && print -r -- $w; done; }\n"
     "compadd() { shift; show \"$@\"; }\n"
     "_describe() { local all=(${(P)2}); show \"${all[@]%%:*}\"; }\n"
     "_files() { :; }\n"
     "densepred completion zsh >script; source ./script\n"
     "words=(${=1}); [[ $1 == *' ' ]] && words+=('')\n"
     "CURRENT=${#words}\n"
     "_densepred\n"},
    {"fish", "densepred completion fish | source\n"
             "complete -C \"$argv[1]\" | string replace -r '\\t.*' ''\n"},
};

static bool has_shell(const char *name)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", name);
    return system(command) == 0;
}

static void complete(const char *shell, const char *script)
{
    scratch_text("ask", script);
    for (int i = 0; i < COUNT(cases); i++) {
        const program_result *r =
            program_run("HOME=$PWD %s ask '%s'", shell, cases[i].line);
        const bool offered = strstr(r->out, cases[i].offered) != NULL;
        ck_assert_msg(offered && !strstr(r->out, cases[i].not_offered) && !r->err[0],
                      "%s: \"%s\": %s%s", shell, cases[i].line, r->out, r->err);
    }
}

START_TEST(shells_complete_commands_options_and_models)
{
    if (has_shell(shells[_i].name))
        complete(shells[_i].name, shells[_i].script);
}
END_TEST

START_TEST(another_shell_is_refused)
{
    const program_result *r = program_run("densepred completion tcsh");
    ck_assert_int_eq(r->status, 2);
    ck_assert_str_eq(r->err,
                     "densepred: completion: found tcsh, expected bash, zsh or fish\n");
}
END_TEST

int main(void)
{
    for (int i = 0; i < COUNT(shells); i++)
        if (!has_shell(shells[i].name))
            printf("skipped: completion in %s, which is not there\n", shells[i].name);
    Suite *suite = suite_create("cli/completion");
    TCase *tc = tcase_create("completion");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, shells_complete_commands_options_and_models, 0,
                        COUNT(shells));
    tcase_add_test(tc, another_shell_is_refused);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
