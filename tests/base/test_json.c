/* Strict JSON: what is refused, where, and the same texts as others use. */
#include "base/json.h"
#include "base/limits.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))
#define SUITE    "data/hostile/json/test_parsing"

static const char *const good[] = {
    "{}",
    "[]",
    " [ 1 , -0 , 0.5e-3 , 1E+2 ] \r\n",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud834\\udd1e\"",
    "\"\xc3\xa9 \xe2\x82\xac \xf0\x9d\x84\x9e\"",
    "{\"a\":{\"b\":[true,false,null]}}",
    "\xef\xbb\xbf{}",
    "42",
};

START_TEST(good_text_parses)
{
    dp_error err = {0};
    cJSON *document;
    const char *text = good[_i];
    ck_assert_msg(dp_json_parse(&err, &document, text, strlen(text), "t") == DP_OK,
                  "%s", err.text);
    cJSON_Delete(document);
}
END_TEST

static const struct {
    const char *text;
    dp_status code;
    const char *sentence;
} bad[] = {
    {"", DP_EFORMAT, "t:1:1: found the end of the text, expected a value"},
    {"{\"a\": 1,\n \"b\" 2}", DP_EFORMAT, "t:2:6: found '2', expected ':'"},
    {"[1 2]", DP_EFORMAT, "t:1:4: found '2', expected ',' or ']'"},
    {"[1,]", DP_EFORMAT, "t:1:4: found ']', expected a value"},
    {"{\"a\":1,}", DP_EFORMAT, "t:1:8: found '}', expected a key"},
    {"{} x", DP_EFORMAT, "t:1:4: found 'x', expected the end of the text"},
    {"1.", DP_EFORMAT, "t:1:1: found '1', expected a number as JSON has it"},
    {"NaN", DP_EFORMAT, "t:1:1: found 'N', expected a value"},
    {"\"\\ud800\"", DP_EFORMAT, "t:1:2: found '\\', expected an escape"},
    {"[\"a\\n\\u0000\"]", DP_EUNSUPPORTED,
     "t:1:6: found '\\', expected a text without \\u0000"},
    {"{\"\\u0000\":1}", DP_EUNSUPPORTED,
     "t:1:3: found '\\', expected a text without \\u0000"},
    {"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", DP_EFORMAT, "t: key \"a.b\" stands twice"},
    {"{\"a\":1,\"\\u0061\":2}", DP_EFORMAT, "t: key \"a\" stands twice"},
    {"1234567890123456789012345678901234567890123456789012345678901234",
     DP_EUNSUPPORTED, "t:1:1: found '1', expected a number of at most 63 characters"},
};

START_TEST(bad_text_is_refused_where_it_is_bad)
{
    dp_error err = {0};
    cJSON *document;
    const dp_status st =
        dp_json_parse(&err, &document, bad[_i].text, strlen(bad[_i].text), "t");
    ck_assert_str_eq(err.text, bad[_i].sentence);
    ck_assert_int_eq(st, bad[_i].code);
    ck_assert_ptr_null(document);
}
END_TEST

START_TEST(a_zero_byte_is_not_a_blank)
{
    dp_error err = {0};
    cJSON *document;
    ck_assert_int_eq(dp_json_parse(&err, &document, "[1\0]", 4, "t"), DP_EFORMAT);
    ck_assert_str_eq(err.text, "t:1:3: found byte 0x00, expected ',' or ']'");
}
END_TEST

START_TEST(limits_of_depth_and_keys_hold)
{
    static char text[4 * DP_MAX_JSON_DEPTH];
    dp_error err = {0};
    cJSON *document;
    const size_t deepest = DP_MAX_JSON_DEPTH;
    memset(text, '[', deepest + 1);
    memset(text + deepest, ']', deepest);
    ck_assert_int_eq(dp_json_parse(&err, &document, text, 2 * deepest, "t"), DP_OK);
    cJSON_Delete(document);

    memset(text, '[', deepest + 1);
    memset(text + deepest + 1, ']', deepest + 1);
    ck_assert_int_eq(dp_json_parse(&err, &document, text, 2 * deepest + 2, "t"),
                     DP_EFORMAT);
    ck_assert_str_eq(err.text, "t:1:501: found '[', expected at most 500 levels "
                               "of nesting");

    static char keys[16 * DP_MAX_JSON_KEYS];
    for (int extra = 0; extra < 2; extra++) {
        size_t n = 0;
        for (int i = 0; i < DP_MAX_JSON_KEYS + extra; i++)
            n += (size_t)sprintf(keys + n, "%s\"k%d\":1", i ? "," : "{", i);
        n += (size_t)sprintf(keys + n, "}");
        ck_assert_int_eq(dp_json_parse(&err, &document, keys, n, "t"),
                         extra ? DP_EFORMAT : DP_OK);
        cJSON_Delete(document);
    }
}
END_TEST

START_TEST(every_beginning_of_a_text_is_refused)
{
    static const char text[] = "{\"a\": [1.5e3, true, null, \"\\u00e9\xc3\xa9\"]}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *copy = malloc(n + 1); /* exact, so that a sanitizer sees an overrun */
        memcpy(copy, text, n);
        dp_error err = {0};
        cJSON *document;
        ck_assert_int_eq(dp_json_parse(&err, &document, copy, n, "t"), DP_EFORMAT);
        free(copy);
    }
}
END_TEST

START_TEST(files_load_or_say_why_not)
{
    dp_error err = {0};
    cJSON *document;
    scratch_text("a.json", "{\"a\": 1}");
    ck_assert_int_eq(dp_json_load(&err, &document, scratch_path("a.json")), DP_OK);
    cJSON_Delete(document);
    ck_assert_int_eq(dp_json_load(&err, &document, scratch_path("none.json")), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
    ck_assert_int_eq(dp_json_load(&err, &document, scratch_path("")), DP_EIO);
    ck_assert_int_eq(dp_json_load(&err, &document, "/dev/zero"), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "longer than the limit of 16777216 bytes"));
}
END_TEST

/* y_ must parse, n_ must be refused, i_ may do either. Legal and yet refused here: a key
 * twice, and what a cJSON document cannot hold. */
START_TEST(the_public_suite_agrees)
{
    DIR *dir = opendir(shared_path(SUITE));
    ck_assert_ptr_nonnull(dir);
    int parsed = 0, refused = 0, unsupported = 0;
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (name[0] == '.')
            continue;
        dp_error err = {0};
        cJSON *document;
        const dp_status st =
            dp_json_load(&err, &document, shared_path(SUITE "/%s", name));
        cJSON_Delete(document);
        ck_assert_msg(st == DP_OK || st == DP_EFORMAT || st == DP_EUNSUPPORTED,
                      "%s: %s", name, err.text);
        ck_assert_msg(name[0] != 'n' || st != DP_OK, "%s was taken", name);
        if (name[0] == 'y' && st == DP_EFORMAT)
            ck_assert_msg(strstr(err.text, "stands twice"), "%s: %s", name, err.text);
        parsed += st == DP_OK;
        refused += st == DP_EFORMAT;
        unsupported += st == DP_EUNSUPPORTED;
    }
    closedir(dir);
    printf("%d parsed, %d refused, %d unsupported\n", parsed, refused, unsupported);
    ck_assert_int_eq(parsed + refused + unsupported, 318);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tc = tcase_create("json");
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, good_text_parses, 0, COUNT(good));
    tcase_add_loop_test(tc, bad_text_is_refused_where_it_is_bad, 0, COUNT(bad));
    tcase_add_test(tc, a_zero_byte_is_not_a_blank);
    tcase_add_test(tc, limits_of_depth_and_keys_hold);
    tcase_add_test(tc, every_beginning_of_a_text_is_refused);
    tcase_add_test(tc, files_load_or_say_why_not);
    if (shared_has(SUITE))
        tcase_add_test(tc, the_public_suite_agrees);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
