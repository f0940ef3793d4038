/* INPUT arguments as lists of files, and the bar that counts them. */
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/progress.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static dp_inputs in;
static dp_error err;

static void setup(void)
{
    scratch_setup();
    in = (dp_inputs){0};
    err = (dp_error){0};
}

static void teardown(void)
{
    dp_inputs_done(&in);
    scratch_teardown();
}

/* The list's names after the folder, each followed by a bar. */
static const char *names(void)
{
    static char text[1024];
    size_t n = 0;
    text[0] = '\0';
    const size_t folder = strlen(scratch_path(""));
    for (size_t i = 0; i < in.count; i++) {
        const char *path = in.path[i];
        if (strncmp(path, scratch_path(""), folder) == 0)
            path += folder;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s|", path);
    }
    return text;
}

START_TEST(a_directory_gives_its_images_by_name)
{
    static const char *const files[] = {
        "b.jpg",  "a.PNG", "B.jpeg", "10.jpg",     "9.jpg", ".hid.jpg",
        "x.txt",  "jpg",   ".jpg",   "deep/c.jpg", "c.TIF", "d.tiff",
        "e.webp", "f.bmp", "g.gif",  "h.ppm",      "i.svg"};
    for (int i = 0; i < COUNT(files); i++)
        scratch_text(files[i], "");
    ck_assert_int_eq(dp_inputs_add(&err, &in, scratch_path("")), DP_OK);
    ck_assert_str_eq(names(), "10.jpg|9.jpg|B.jpeg|a.PNG|b.jpg|c.TIF|d.tiff|"
                              "e.webp|f.bmp|g.gif|h.ppm|");
}
END_TEST

START_TEST(a_list_gives_its_lines_in_order)
{
    char argument[600];
    snprintf(argument, sizeof argument, "@%s",
             scratch_text("list.txt", "b.jpg\r\n\n a b.jpg\n-\n#x.jpg\nlast"));
    ck_assert_int_eq(dp_inputs_add(&err, &in, argument), DP_OK);
    ck_assert_str_eq(names(), "b.jpg| a b.jpg|-|#x.jpg|last|");
}
END_TEST

START_TEST(files_stand_for_themselves_even_when_missing)
{
    ck_assert_int_eq(dp_inputs_add(&err, &in, "missing.jpg"), DP_OK);
    ck_assert_int_eq(dp_inputs_add(&err, &in, "-"), DP_OK);
    ck_assert_int_eq(dp_inputs_add(&err, &in, "missing.jpg"), DP_OK);
    ck_assert_str_eq(names(), "missing.jpg|-|missing.jpg|");
}
END_TEST

START_TEST(standard_input_holds_one_image)
{
    ck_assert_int_eq(dp_inputs_add(&err, &in, "-"), DP_OK);
    ck_assert_int_eq(dp_inputs_add(&err, &in, "-"), DP_EARG);
    ck_assert_str_eq(err.text, "-: standard input holds one image; give - once");
}
END_TEST

START_TEST(empty_folders_and_lists_are_failures)
{
    char argument[600];
    scratch_text("inside/x.txt", "");
    ck_assert_int_eq(dp_inputs_add(&err, &in, scratch_path("inside")), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "inside: the folder has no images (.jpg"));
    snprintf(argument, sizeof argument, "@%s", scratch_text("list.txt", "\n\r\n"));
    ck_assert_int_eq(dp_inputs_add(&err, &in, argument), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "list.txt: the list has no paths"));
    snprintf(argument, sizeof argument, "@%s", scratch_path("none.txt"));
    ck_assert_int_eq(dp_inputs_add(&err, &in, argument), DP_EIO);
    snprintf(argument, sizeof argument, "@%s", scratch_path(""));
    ck_assert_int_eq(dp_inputs_add(&err, &in, argument), DP_EIO);
    ck_assert_uint_eq(in.count, 0);
}
END_TEST

START_TEST(what_fails_is_left_out_and_the_rest_goes_on)
{
    char none[] = "@none.txt", a[] = "a.jpg", in_only[] = "-";
    char *arguments[] = {none, a, in_only, in_only};
    ck_assert_int_eq(dp_inputs_add_all(&in, arguments, 3), DP_EXIT_SOME);
    ck_assert_str_eq(names(), "a.jpg|-|");
    ck_assert_int_eq(dp_inputs_add_all(&in, arguments + 3, 1), DP_EXIT_USAGE);
}
END_TEST

static const struct {
    size_t done, total;
    double seconds;
    const char *text;
} bars[] = {
    {0, 10, 1, "[                              ] 0/10"},
    {5, 10, 10, "[###############               ] 5/10 0.5/s 0:10 left"},
    {1, 3, 61, "[##########                    ] 1/3 0.0164/s 2:02 left"},
    {3, 5, 2, "[##################            ] 3/5 1.5/s 0:01 left"},
    {10, 10, 2, "[##############################] 10/10 5/s 0:00 left"},
    {1, 5000, 2, "[                              ] 1/5000 0.5/s 2:46:38 left"},
    {0, 0, 0, "[##############################] 0/0"},
};

START_TEST(a_bar_has_count_rate_and_time_left)
{
    char text[160];
    dp_progress_format(text, sizeof text, bars[_i].done, bars[_i].total,
                       bars[_i].seconds);
    ck_assert_str_eq(text, bars[_i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inputs");
    TCase *tc = tcase_create("inputs");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_directory_gives_its_images_by_name);
    tcase_add_test(tc, a_list_gives_its_lines_in_order);
    tcase_add_test(tc, files_stand_for_themselves_even_when_missing);
    tcase_add_test(tc, standard_input_holds_one_image);
    tcase_add_test(tc, empty_folders_and_lists_are_failures);
    tcase_add_test(tc, what_fails_is_left_out_and_the_rest_goes_on);
    tcase_add_loop_test(tc, a_bar_has_count_rate_and_time_left, 0, COUNT(bars));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
