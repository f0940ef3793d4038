/* Parameter tables: defaults, every way to be wrong, help, and round trips. */
#include "base/json.h"
#include "base/nearest.h"
#include "core/module.h"
#include "core/params.h"
#include "model/input.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

typedef struct thing {
    int depths[4];
    float eps;
    double rate;
    bool flip;
    char name[8];
    int mode, scales, classes, untouched;
    float scale[3];
    bool axes[2];
} thing;

static const dp_param table[] = {
    DP_PARAM(thing, depths, "[3, 3, 9, 3]", 1, 64, "blocks in each stage"),
    DP_PARAM(thing, eps, "1e-6", 0, 1, "added to the variance"),
    DP_PARAM(thing, rate, "0.004", 0, 1, "not rounded to float32"),
    DP_PARAM(thing, flip, "false", 0, 0, "mirrored too"),
    DP_PARAM(thing, name, "\"none\"", 0, 0, "what it is called"),
    DP_PARAM_CHOICE(thing, mode, "slide|whole", "\"whole\"", "windows or all at once"),
    DP_PARAM_LIST(thing, scale, scales, "[1]", 0.25, 4, "of the input"),
    DP_PARAM(thing, axes, "[true, false]", 0, 0, "across, down"),
    DP_PARAM(thing, classes, NULL, 1, 1000, "how many there are"),
    DP_PARAM_END,
};

static dp_error err;

static dp_status parse(thing *t, const char *text)
{
    cJSON *object;
    ck_assert_msg(dp_json_parse(&err, &object, text, strlen(text), "t") == DP_OK, "%s",
                  err.text);
    const dp_status st = dp_params_parse(&err, table, t, object, NULL, "part");
    cJSON_Delete(object);
    return st;
}

START_TEST(defaults_fill_what_is_not_given)
{
    thing t = {.untouched = 7};
    ck_assert_msg(parse(&t, "{\"classes\": 80}") == DP_OK, "%s", err.text);
    static const int depths[] = {3, 3, 9, 3};
    ck_assert_mem_eq(t.depths, depths, sizeof depths);
    ck_assert(t.eps == 1e-6f);
    ck_assert_double_eq(t.rate, 0.004);
    ck_assert(!t.flip && t.axes[0] && !t.axes[1]);
    ck_assert_str_eq(t.name, "none");
    ck_assert_int_eq(t.mode, 1);
    ck_assert_int_eq(t.scales, 1);
    ck_assert(t.scale[0] == 1.0f && t.scale[1] == 0.0f);
    ck_assert_int_eq(t.classes, 80);
    ck_assert_int_eq(t.untouched, 7);
}
END_TEST

START_TEST(given_values_replace_defaults)
{
    thing t = {0};
    ck_assert_msg(
        parse(&t, "{\"type\": \"any\", \"depths\": [1, 2, 3.0, 64], "
                  "\"eps\": 0.1, \"rate\": 0.1, \"flip\": true, \"name\": \"1234567\", "
                  "\"mode\": \"slide\", \"scale\": [0.25, 4, 1.5], "
                  "\"axes\": [false, true], \"classes\": 1}") == DP_OK,
        "%s", err.text);
    static const int depths[] = {1, 2, 3, 64};
    ck_assert_mem_eq(t.depths, depths, sizeof depths);
    ck_assert_double_eq(t.rate, 0.1);
    ck_assert(t.eps == 0.1f && t.flip && !t.axes[0] && t.axes[1]);
    ck_assert_str_eq(t.name, "1234567");
    ck_assert_int_eq(t.mode, 0);
    ck_assert_int_eq(t.scales, 3);
    ck_assert(t.scale[0] == 0.25f && t.scale[1] == 4.0f && t.scale[2] == 1.5f);
}
END_TEST

static const struct {
    const char *text, *sentence;
} wrong[] = {
    {"{}", "part.classes: missing; give an integer: how many there are"},
    {"{\"clases\": 3}", "part.clases: unknown key, did you mean \"classes\"?"},
    {"{\"depth\": 3}", "part.depth: unknown key, did you mean \"depths\"?"},
    {"{\"comment\": \"\"}", "part.comment: unknown key; the keys are: depths, eps, "
                            "rate, flip, name, mode, scale, axes, classes"},
    {"{\"depths\": [1, 2, 3]}",
     "part.depths: found a list of 3, expected a list of 4 integers"},
    {"{\"depths\": 3}", "part.depths: found 3, expected a list of 4 integers"},
    {"{\"depths\": [1, 2, 3, 65]}",
     "part.depths[3]: found 65, expected an integer from 1 to 64"},
    {"{\"depths\": [1, 2.5, 3, 4]}",
     "part.depths[1]: found 2.5, expected an integer from 1 to 64"},
    {"{\"depths\": [\"a\", 2, 3, 4]}",
     "part.depths[0]: found \"a\", expected an integer from 1 to 64"},
    {"{\"eps\": [1]}", "part.eps: found a list of 1, expected a number from 0 to 1"},
    {"{\"eps\": -1e-9}", "part.eps: found -1e-09, expected a number from 0 to 1"},
    {"{\"eps\": 1e999}", "part.eps: found inf, expected a number from 0 to 1"},
    {"{\"rate\": 2}", "part.rate: found 2, expected a number from 0 to 1"},
    {"{\"flip\": 1}", "part.flip: found 1, expected true or false"},
    {"{\"flip\": null}", "part.flip: found null, expected true or false"},
    {"{\"name\": \"12345678\"}",
     "part.name: found \"12345678\", expected a text of at most 7 bytes"},
    {"{\"name\": {}}",
     "part.name: found an object, expected a text of at most 7 bytes"},
    {"{\"mode\": \"slid\"}", "part.mode: found \"slid\", expected one of slide|whole"},
    {"{\"mode\": \"slide|whole\"}",
     "part.mode: found \"slide|whole\", expected one of slide|whole"},
    {"{\"scale\": []}",
     "part.scale: found a list of 0, expected a list of 1 to 3 numbers"},
    {"{\"scale\": [1, 1, 1, 1]}",
     "part.scale: found a list of 4, expected a list of 1 to 3 numbers"},
    {"{\"classes\": 1e300}",
     "part.classes: found 1e+300, expected an integer from 1 to 1000"},
};

START_TEST(wrong_values_name_what_was_found_and_expected)
{
    thing t = {0};
    const dp_status st = parse(&t, wrong[_i].text);
    ck_assert_str_eq(err.text, wrong[_i].sentence);
    ck_assert_int_eq(st, DP_ECONFIG);
}
END_TEST

START_TEST(help_names_every_key_with_its_range)
{
    dp_text text = {.err = &err};
    dp_params_explain(&text, table);
    for (const dp_param *p = table; p->key; p++) {
        ck_assert_ptr_nonnull(strstr(dp_text_get(&text), p->key));
        ck_assert_ptr_nonnull(strstr(dp_text_get(&text), p->help));
    }
    ck_assert_ptr_nonnull(strstr(dp_text_get(&text),
                                 "list of 4 integers, 1 to 64, default [3, 3, 9, 3]"));
    ck_assert_ptr_nonnull(strstr(dp_text_get(&text), "integer, 1 to 1000, required"));
    ck_assert_ptr_nonnull(
        strstr(dp_text_get(&text), "choice of slide|whole, default \"whole\""));
    dp_text_done(&text);
}
END_TEST

/* ---- tables ---------------------------------------------------------------- */

static void check_table(const char *part, const char *name, const dp_param *params,
                        size_t size)
{
    char problem[256];
    ck_assert_msg(!dp_params_check_table(params, size, problem, sizeof problem),
                  "%s %s: %s", part, name, problem);
}

START_TEST(every_registered_table_is_sound)
{
    check_table("test", "thing", table, sizeof(thing));
    for (const dp_module *const *m = dp_modules; *m; m++)
        check_table(dp_module_kind_name((*m)->kind), (*m)->name, (*m)->params,
                    (*m)->size);
    check_table("model", "input", dp_input_params, sizeof(dp_input));
}
END_TEST

static const dp_param out_of_range[] = {
    DP_PARAM(thing, classes, "0", 1, 9, "a default below its range"), DP_PARAM_END};
static const dp_param not_json[] = {
    DP_PARAM(thing, depths, "3 3 9 3", 1, 9, "a default that is not JSON"),
    DP_PARAM_END};
static const dp_param no_help[] = {DP_PARAM(thing, classes, "1", 1, 9, ""),
                                   DP_PARAM_END};
static const dp_param twice[] = {DP_PARAM(thing, classes, "1", 1, 9, "first"),
                                 DP_PARAM(thing, classes, "1", 1, 9, "second"),
                                 DP_PARAM_END};
static const dp_param shared_count[] = {
    DP_PARAM_LIST(thing, scale, scales, "[1]", 0, 9, "a list"),
    DP_PARAM(thing, scales, "1", 0, 9, "its own count"), DP_PARAM_END};
static const dp_param no_such_choice[] = {
    DP_PARAM_CHOICE(thing, mode, "slide|whole", "\"half\"", "a wrong default"),
    DP_PARAM_END};

static const struct {
    const dp_param *table;
    size_t size;
    const char *problem;
} unsound[] = {
    {out_of_range, sizeof(thing),
     "default.classes: found 0, expected an integer from 1 to 9"},
    {not_json, sizeof(thing), "depths:1:3: found '3', expected the end of the text"},
    {no_help, sizeof(thing), "classes has no help"},
    {twice, sizeof(thing), "classes is there twice"},
    {shared_count, sizeof(thing), "scales overlaps another field"},
    {no_such_choice, sizeof(thing),
     "default.mode: found \"half\", expected one of slide|whole"},
    {table, sizeof(int), "depths lies outside the instance"},
};

START_TEST(unsound_tables_are_seen)
{
    char problem[256] = "";
    ck_assert_ptr_nonnull(dp_params_check_table(unsound[_i].table, unsound[_i].size,
                                                problem, sizeof problem));
    ck_assert_str_eq(problem, unsound[_i].problem);
}
END_TEST

/* ---- the nearest word ------------------------------------------------------ */

static const struct {
    const char *a, *b;
    int distance;
} distances[] = {
    {"", "", 0},         {"abc", "abc", 0},
    {"abc", "", 3},      {"depth", "depths", 1},
    {"dims", "dmis", 1}, {"kitten", "sitting", 3},
    {"abcd", "badc", 2}, {"flaw", "lawn", 2},
    {"a", "b", 1},
};

START_TEST(edit_distances_are_those_worked_by_hand)
{
    ck_assert_int_eq(dp_edit_distance(distances[_i].a, distances[_i].b),
                     distances[_i].distance);
    ck_assert_int_eq(dp_edit_distance(distances[_i].b, distances[_i].a),
                     distances[_i].distance);
}
END_TEST

START_TEST(the_nearest_is_the_first_of_equals_or_nobody)
{
    dp_nearest n = {.word = "modle"};
    dp_nearest_offer(&n, "models");
    dp_nearest_offer(&n, "model");
    dp_nearest_offer(&n, "modal");
    ck_assert_str_eq(n.best, "model");
    dp_nearest far = {.word = "zebra"};
    dp_nearest_offer(&far, "models");
    ck_assert_ptr_null(far.best);
    dp_nearest beginning = {.word = "conf"};
    dp_nearest_offer(&beginning, "configuration");
    ck_assert_str_eq(beginning.best, "configuration");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("params");
    TCase *tc = tcase_create("params");
    tcase_add_test(tc, defaults_fill_what_is_not_given);
    tcase_add_test(tc, given_values_replace_defaults);
    tcase_add_loop_test(tc, wrong_values_name_what_was_found_and_expected, 0,
                        COUNT(wrong));
    tcase_add_test(tc, help_names_every_key_with_its_range);
    tcase_add_test(tc, every_registered_table_is_sound);
    tcase_add_loop_test(tc, unsound_tables_are_seen, 0, COUNT(unsound));
    tcase_add_loop_test(tc, edit_distances_are_those_worked_by_hand, 0,
                        COUNT(distances));
    tcase_add_test(tc, the_nearest_is_the_first_of_equals_or_nobody);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
