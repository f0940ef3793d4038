/* Class files: what is wrong with them is said. */
#include "core/dataset.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const struct {
    const char *text, *sentence; /* after "FILE: " */
} wrong[] = {
    {"[]", "must be an object"},
    {"{}", "name: must be a text, the data set's name"},
    {"{\"name\":\"x\"}", "classes: found a list of 0, expected 1 to 65535"},
    {"{\"name\":\"x\",\"classes\":[]}",
     "classes: found a list of 0, expected 1 to 65535"},
    {"{\"name\":\"x\",\"class\":[]}",
     "class: unknown key; the keys are name, comment, classes and count"},
    {"{\"name\":\"x\",\"count\":0}",
     "count: found 0, expected an integer of 1 to 65535"},
    {"{\"name\":\"x\",\"count\":65536}",
     "count: found 65536, expected an integer of 1 to 65535"},
    {"{\"name\":\"x\",\"count\":2.5}",
     "count: found 2.5, expected an integer of 1 to 65535"},
    {"{\"name\":\"x\",\"count\":\"2\"}",
     "count: found 0, expected an integer of 1 to 65535"},
    {"{\"name\":\"x\",\"count\":1,\"classes\":[{\"name\":\"a\",\"id\":1}]}",
     "count: stands beside classes; give one of them"},
    {"{\"name\":\"x\",\"classes\":[1]}", "classes[0]: must be an object"},
    {"{\"name\":\"x\",\"classes\":[{\"id\":1,\"colour\":[0,0,0]}]}",
     "classes[0].name: missing; give a text: what images and reports call it"},
    {"{\"name\":\"x\",\"classes\":[{\"name\":\"a\",\"id\":1,\"color\":[0,0,0]}]}",
     "classes[0].color: unknown key, did you mean \"colour\"?"},
    {"{\"name\":\"x\",\"classes\":[{\"name\":\"a\",\"id\":1,\"colour\":[0,256,0]}]}",
     "classes[0].colour[1]: found 256, expected an integer from 0 to 255"},
    {"{\"name\":\"x\",\"classes\":[{\"name\":\"a\",\"id\":7,\"colour\":[0,0,0]},"
     "{\"name\":\"b\",\"id\":8,\"colour\":[0,0,0]},"
     "{\"name\":\"c\",\"id\":7,\"colour\":[0,0,0]}]}",
     "classes: id 7 stands twice"},
};

START_TEST(wrong_class_files_are_refused)
{
    dp_error err = {0};
    dp_dataset d;
    const char *path = scratch_text("classes.json", wrong[_i].text);
    char want[1024];
    snprintf(want, sizeof want, "%s: %s", path, wrong[_i].sentence);
    ck_assert_int_eq(dp_dataset_load(&err, &d, path), DP_ECONFIG);
    ck_assert_str_eq(err.text, want);
    ck_assert_ptr_null(d.list);
}
END_TEST

START_TEST(a_class_has_name_number_and_colour)
{
    dp_error err = {0};
    dp_dataset d;
    const char *path =
        scratch_text("classes.json",
                     "{\"name\":\"x\",\"comment\":\"c\",\"classes\":[{\"name\":\"a b\","
                     "\"id\":0,\"colour\":[1,2,255]}]}");
    ck_assert_msg(dp_dataset_load(&err, &d, path) == DP_OK, "%s", err.text);
    ck_assert_str_eq(d.name, "x");
    ck_assert_int_eq(d.count, 1);
    ck_assert_str_eq(d.list[0].name, "a b");
    ck_assert_int_eq(d.list[0].id, 0);
    ck_assert_int_eq(d.list[0].colour[2], 255);
    dp_dataset_done(&d);
    ck_assert_int_eq(d.count, 0);
}
END_TEST

START_TEST(classes_may_have_no_names_and_no_colours)
{
    dp_error err = {0};
    dp_dataset d;
    const unsigned char grey[] = {128, 128, 128};
    const char *path = scratch_text("classes.json", "{\"name\":\"x\",\"count\":12}");
    ck_assert_msg(dp_dataset_load(&err, &d, path) == DP_OK, "%s", err.text);
    ck_assert_int_eq(d.count, 12);
    ck_assert_str_eq(d.list[11].name, "class 11");
    ck_assert_int_eq(d.list[11].id, 11);
    ck_assert_mem_eq(d.list[11].colour, grey, 3);
    dp_dataset_done(&d);

    path = scratch_text("classes.json",
                        "{\"name\":\"x\",\"classes\":[{\"name\":\"a\",\"id\":4}]}");
    ck_assert_msg(dp_dataset_load(&err, &d, path) == DP_OK, "%s", err.text);
    ck_assert_mem_eq(d.list[0].colour, grey, 3);
    dp_dataset_done(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dataset");
    TCase *tc = tcase_create("dataset");
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, wrong_class_files_are_refused, 0, COUNT(wrong));
    tcase_add_test(tc, a_class_has_name_number_and_colour);
    tcase_add_test(tc, classes_may_have_no_names_and_no_colours);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
