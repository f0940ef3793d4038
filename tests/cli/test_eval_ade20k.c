/* densepred eval ade20k, run as a user runs it: tables, JSON, page, and what is bad. */
#include "io/image/png.h"
#include "tests/support/program.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static void save(const char *name, int h, int w, const uint8_t *labels)
{
    dp_error err = {0};
    uint8_t copy[64];
    const dp_label_map m = {h, w, copy, 0};
    memcpy(copy, labels, (size_t)h * (size_t)w);
    ck_assert_int_eq(dp_png_save_labels(&err, scratch_path(name), &m, NULL, 0), DP_OK);
}

/* Folders t and p with a good pair, a.png. */
static void setup(void)
{
    static const uint8_t truth[] = {1, 1, 2, 2, 0, 3},
                         prediction[] = {1, 1, 2, 3, 3, 3};
    scratch_setup();
    ck_assert_int_eq(mkdir(scratch_path("t"), 0777), 0);
    ck_assert_int_eq(mkdir(scratch_path("p"), 0777), 0);
    save("t/a.png", 2, 3, truth);
    save("p/a.png", 2, 3, prediction);
}

static void add_bad_pairs(void)
{
    static const uint8_t map[] = {1, 1, 2, 2, 0, 3}, high[] = {1, 1, 2, 2, 0, 7};
    save("t/b.png", 2, 3, map); /* no prediction */
    save("t/c.png", 2, 3, map);
    save("p/c.png", 3, 2, map);
    save("t/d.png", 2, 3, high);
    save("p/d.png", 2, 3, map);
    save("t/e.png", 2, 3, map);
    save("p/e.png", 2, 3, high);
}

static void expect_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "found no \"%s\" in\n%s", part, text);
}

START_TEST(good_pairs_are_evaluated)
{
    const program_result *r = program_run(
        "densepred eval ade20k t p --classes 3 --json m.json --report page");
    ck_assert_int_eq(r->status, 0);
    ck_assert_str_eq(r->err, "");
    expect_in(r->out, "label values that are classes: 1 to 3 (3); ignored: 0, 255 "
                      "(reduce_zero_label)\n1 image, 5 pixels counted\n");
    expect_in(r->out, "| class 0 | 100.0 | 100.0 |\n"
                      "| class 1 |  50.0 |  50.0 |\n"
                      "| class 2 |  50.0 | 100.0 |\n");
    expect_in(r->out, "| 80.0 | 66.67 | 83.33 |\n");
    cJSON *j = json_load(scratch_path("m.json"));
    ck_assert(json_number(j, "aAcc") == .8 && json_number(j, "images") == 1 &&
              json_number(j, "pixels") == 5);
    const cJSON *second = cJSON_GetArrayItem(json_get(j, "classes"), 1);
    ck_assert(json_number(second, "label") == 2 && json_number(second, "IoU") == .5 &&
              json_number(second, "Acc") == .5 && json_number(second, "pixels") == 2);
    cJSON_Delete(j);
    size_t size;
    char *page = file_load(scratch_path("page/index.html"), &size);
    expect_in(page, "Confusion matrix");
    expect_in(page, "title=\"class 1 as class 2: 1\">1\n");
    expect_in(page, "a.png: 80.00 % of 5 pixels right");
    free(page);
}
END_TEST

START_TEST(bad_pairs_are_named_counted_and_an_error)
{
    add_bad_pairs();
    const program_result *r = program_run("densepred eval ade20k t p --classes 3");
    ck_assert_int_eq(r->status, 1);
    ck_assert_str_eq(r->out, "");
    expect_in(r->err, "p/b.png: there is no prediction for t/b.png");
    expect_in(r->err, "p/c.png: found 2 x 3 pixels (width x height), expected 3 x 2");
    expect_in(r->err, "t/d.png: label 7, of 1 pixels, is no class");
    expect_in(r->err, "p/e.png: label 7, of 1 pixels, is no class");
    expect_in(r->err, "missing prediction: 1 of 5 images");
    expect_in(r->err, "t: 4 broken images; --skip-bad leaves them out");
}
END_TEST

START_TEST(bad_pairs_can_be_left_out)
{
    add_bad_pairs();
    const program_result *r = program_run(
        "densepred eval ade20k t p --classes 3 --skip-bad --json - --report page");
    ck_assert_int_eq(r->status, 1);
    cJSON *j = cJSON_Parse(r->out);
    ck_assert_ptr_nonnull(j);
    ck_assert(json_number(j, "images") == 1 && json_number(j, "skipped") == 4);
    ck_assert_int_eq(cJSON_GetArraySize(json_get(j, "bad")), 4);
    cJSON_Delete(j);
    expect_in(r->err, "t: left out 4 broken images");
}
END_TEST

/* What a.png's truth is to predictions that count from 0, from 1, or from 2. */
START_TEST(predictions_counted_from_another_value_are_recognised)
{
    static const uint8_t truth[] = {1, 1, 2, 2, 0, 3, 3, 3};
    static const struct {
        uint8_t labels[8];
        const char *options, *says, *out;
        int status;
    } cases[] = {
        {{0, 0, 1, 1, 255, 2, 2, 1},
         "",
         "p: predictions look counted from 0 where the truth counts from 1: then about "
         "85.7 "
         "% of the pixels are right, not 0.0 %\ndensepred: give --pred-offset 0",
         "",
         1},
        {{0, 0, 1, 1, 255, 2, 2, 1}, "--skip-bad -q", "give --pred-offset 0", "", 1},
        {{0, 0, 1, 1, 255, 2, 2, 1},
         "--pred-offset 0",
         "",
         "ignored: 0, 255 (reduce_zero_label); classes in predictions: 0 to 2\n"
         "1 image, 7 pixels counted",
         0},
        {{0, 0, 1, 1, 255, 2, 2, 1}, "--pred-offset 1", "", "| 0.0 |", 0},
        {{0, 0, 1, 1, 255, 2, 2, 1},
         "--dataset c.json --pred-offset 0",
         "",
         "85.71",
         0},
        {{1, 1, 2, 2, 0, 3, 3, 2}, "", "", "| 85.71 |", 0},
        {{2, 2, 3, 3, 0, 3, 2, 2}, "", "p: predictions look counted from 2", "", 1},
        {{1, 1, 2, 2, 0, 3, 3, 2}, "--offset 0 --classes 4", "", "ignored: 255\n", 0},
        {{0, 0, 1, 1, 0, 2, 2, 1}, "--offset 1 --pred-offset 0", "", "85.71", 0},
        {{0, 0, 1, 1, 0, 2, 2, 1},
         "--pred-offset 254",
         "do not fit in 0 to 255",
         "",
         2},
        {{0, 0, 1, 1, 0, 2, 2, 1}, "--pred-offset -1", "--pred-offset", "", 2},
    };
    scratch_text("c.json", "{\"name\": \"x\", \"classes\": ["
                           "{\"name\": \"a\", \"id\": 1, \"colour\": [1, 2, 3]},"
                           "{\"name\": \"b\", \"id\": 2, \"colour\": [1, 2, 3]},"
                           "{\"name\": \"c\", \"id\": 3, \"colour\": [1, 2, 3]}]}");
    save("t/a.png", 2, 4, truth);
    for (int i = 0; i < COUNT(cases); i++) {
        const bool sized = strstr(cases[i].options, "--classes") ||
                           strstr(cases[i].options, "--dataset");
        save("p/a.png", 2, 4, cases[i].labels);
        const program_result *r =
            program_run("densepred eval ade20k t p %s %s", sized ? "" : "--classes 3",
                        cases[i].options);
        ck_assert_msg(r->status == cases[i].status, "%d: %d: %s", i, r->status, r->err);
        expect_in(r->err, cases[i].says);
        expect_in(r->out, cases[i].out);
        if (cases[i].status != 0)
            ck_assert_str_eq(r->out, "");
    }
}
END_TEST

START_TEST(a_prediction_of_nothing_is_a_warning)
{
    static const uint8_t map[] = {1};
    save("p/z.png", 1, 1, map);
    const program_result *r = program_run("densepred eval ade20k t p --classes 3");
    ck_assert_int_eq(r->status, 0);
    expect_in(r->err, "warning: p/z.png: there is no true label map for it");
    r = program_run("densepred eval ade20k t p --classes 3 -q");
    ck_assert_str_eq(r->err, "");
}
END_TEST

/* Options, and what is then said of a.png's labels 0 1 2 3. */
static const struct {
    const char *options, *out;
    int status;
} settings[] = {
    {"--classes 4 --offset 0", "classes: 0 to 3 (4); ignored: 255\n1 image, 6 pixels",
     0},
    {"--classes 4 --offset 0 --ignore 0,2",
     "classes: 1, 3 (4); ignored: 0, 2\n1 image, 3", 0},
    {"--classes 3 --ignore none", "", 1},
    {"--dataset classes.json", "classes: 1 to 3 (3); ignored: 0, 255", 0},
    {"--dataset classes.json --classes 3", "", 2},
    {"--classes 200 --offset 100", "", 2},
    {"--ignore 1,,2", "", 2},
    {"--ignore 256", "", 2},
    {"--ignore", "", 2},
    {"--images t", "", 2},
    {"--threads 3", "mIoU", 0},
    {"--json no/such/folder/m.json", "", 4},
    {"--report a/file/below", "mIoU", 4},
};

START_TEST(options_say_which_labels_count)
{
    scratch_text("classes.json",
                 "{\"name\": \"x\", \"classes\": ["
                 "{\"name\": \"one\", \"id\": 1, \"colour\": [1, 2, 3]},"
                 "{\"name\": \"three\", \"id\": 3, \"colour\": [1, 2, 3]},"
                 "{\"name\": \"two\", \"id\": 2, \"colour\": [1, 2, 3]}]}");
    scratch_text("a/file", "");
    const program_result *r =
        program_run("densepred eval ade20k t p %s", settings[_i].options);
    ck_assert_msg(r->status == settings[_i].status, "%d: %s", r->status, r->err);
    expect_in(r->out, settings[_i].out);
    ck_assert_int_eq(r->err[0] == '\0', settings[_i].status == 0);
}
END_TEST

START_TEST(folders_must_be_there)
{
    ck_assert_int_eq(program_run("densepred eval ade20k none p")->status, 1);
    ck_assert_int_eq(program_run("densepred eval ade20k t none")->status, 1);
    const program_result *r = program_run("mkdir n && densepred eval ade20k n p");
    ck_assert_int_eq(r->status, 1);
    expect_in(r->err, "n: there is no .png file in this folder");
    ck_assert_int_eq(program_run("densepred eval ade20k t")->status, 2);
}
END_TEST

START_TEST(one_hundred_and_fifty_classes_have_names)
{
    const program_result *r = program_run("densepred eval ade20k t p");
    ck_assert_int_eq(r->status, 0);
    expect_in(r->out, "|         wall        | 100.0 | 100.0 |");
    expect_in(r->out, "television receiver");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cli/eval_ade20k");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, good_pairs_are_evaluated);
    tcase_add_test(t, bad_pairs_are_named_counted_and_an_error);
    tcase_add_test(t, bad_pairs_can_be_left_out);
    tcase_add_test(t, predictions_counted_from_another_value_are_recognised);
    tcase_add_test(t, a_prediction_of_nothing_is_a_warning);
    tcase_add_loop_test(t, options_say_which_labels_count, 0, COUNT(settings));
    tcase_add_test(t, folders_must_be_there);
    tcase_add_test(t, one_hundred_and_fifty_classes_have_names);
    suite_add_tcase(s, t);
    return suite_run(s);
}
