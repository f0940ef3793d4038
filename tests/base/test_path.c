/* Paths: how one folder finds a file in another. */
#define _POSIX_C_SOURCE 200809L /* symlink */
#include "base/memory.h"
#include "base/path.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *folder, *file, *want;
} ways[] = {
    {"out", "out/a.jpg", "a.jpg"},
    {"out", "a.jpg", "../a.jpg"},
    {".", "out/a.jpg", "out/a.jpg"},
    {"out", "out2/a.jpg", "../out2/a.jpg"},
    {"out/deep/er", "in/x/a.jpg", "../../../in/x/a.jpg"},
    {"out/deep", "out/deep/er/a.jpg", "er/a.jpg"},
    {"out/deep/er", "out/./deep/../a.jpg", "../../a.jpg"},
    {"link", "in/x/a.jpg", "../../in/x/a.jpg"}, /* to out/deep */
    {"/", "/a.jpg", "a.jpg"},
};

START_TEST(way_from_a_folder_to_a_file)
{
    dp_error err = {0};
    char *got;
    static const char *const folders[] = {"out/deep/er", "out2", "in/x"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        ck_assert_int_eq(dp_path_make_folders(&err, scratch_path(folders[i])), DP_OK);
    ck_assert_int_eq(chdir(scratch_path(".")), 0);
    ck_assert_int_eq(symlink("out/deep", "link"), 0);
    ck_assert_msg(dp_path_relative(&err, &got, ways[_i].folder, ways[_i].file) == DP_OK,
                  "%s", err.text);
    ck_assert_str_eq(got, ways[_i].want);
    dp_free(got);
}
END_TEST

START_TEST(no_way_from_nowhere)
{
    dp_error err = {0};
    char *got;
    ck_assert_int_eq(dp_path_relative(&err, &got, "/nowhere", "/a.jpg"), DP_EIO);
    ck_assert_ptr_null(got);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere: "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("path");
    TCase *t = tcase_create("path");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_loop_test(t, way_from_a_folder_to_a_file, 0, sizeof ways / sizeof *ways);
    tcase_add_test(t, no_way_from_nowhere);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
