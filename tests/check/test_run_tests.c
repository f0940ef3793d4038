/* tools/run-tests.sh, on programs that pass, fail and leave tests out. */
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static void add_program(const char *name, const char *body)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "b/tests/base/test_%s", name);
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", body);
    scratch_text(path, text);
    ck_assert_int_eq(chmod(scratch_path(path), 0755), 0);
}

/* Programs by the letters of their names, and what the last line is. */
static const struct {
    const char *names, *last;
    int status;
} runs[] = {
    {"a", "1 passed, 0 failed, 0 skipped", 0},
    {"ab", "2 passed, 0 failed, 1 skipped (no bf16)", 0},
    {"abcd",
     "4 passed, 0 failed, 5 skipped (2 x no bf16; 2 x ../shared/... is not there; it "
     "is "
     "late)",
     0},
    {"be", "1 passed, 1 failed, 2 skipped (2 x no bf16)", 1},
    {"", "0 passed, 0 failed, 0 skipped", 1},
};

START_TEST(the_last_line_counts_what_was_left_out)
{
    char line[200];
    const char *names = runs[_i].names;
    if (strchr(names, 'a'))
        add_program("a", "echo fine");
    if (strchr(names, 'b'))
        add_program("b", "echo skipped: no bf16; echo x; echo x; echo x");
    if (strchr(names, 'c')) /* one reason counts once for a program */
        add_program("c", "echo skipped: no bf16; echo skipped: no bf16; echo skipped: "
                         "../shared/golden is not there");
    if (strchr(names, 'd'))
        add_program("d",
                    "echo skipped: ../shared/golden2/x is not there; echo skipped: "
                    "it is late");
    if (strchr(names, 'e'))
        add_program("e", "echo skipped: no bf16; exit 1");
    snprintf(line, sizeof line,
             "env -u CK_EXCLUDE_TAGS '%s/tools/run-tests.sh' b | tail -n 1",
             program_root());
    const program_result *r = program_run("%s", line);
    snprintf(line, sizeof line, "%s\n", runs[_i].last);
    ck_assert_str_eq(r->out, line);
    ck_assert_int_eq(program_run("'%s/tools/run-tests.sh' b", program_root())->status,
                     runs[_i].status);
}
END_TEST

START_TEST(a_quick_run_says_that_it_is_one)
{
    add_program("a", "true");
    const program_result *r =
        program_run("CK_EXCLUDE_TAGS=slow '%s/tools/run-tests.sh' b", program_root());
    ck_assert_ptr_nonnull(strstr(r->out, "1 skipped (tests tagged slow (QUICK=1))\n"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("run-tests");
    TCase *t = tcase_create("run-tests");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_loop_test(t, the_last_line_counts_what_was_left_out, 0, COUNT(runs));
    tcase_add_test(t, a_quick_run_says_that_it_is_one);
    suite_add_tcase(s, t);
    return suite_run(s);
}
