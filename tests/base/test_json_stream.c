/* The pull reader: its walk, its numbers, its sentences, and hostile texts. */
#include "base/file.h"
#include "base/json_stream.h"
#include "base/limits.h"
#include "tests/support/suite.h"

#include <check.h>
#include <dirent.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTILE "../shared/data/hostile/json/test_parsing"
#define CHANGED "../shared/data/hostile/json/test_transform"

static unsigned long long seed = 7;

static unsigned long long next(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 11;
}

/* Whether the text is one JSON value; the sentence when it is not. */
static bool accepts(dp_error *err, const char *text, size_t size)
{
    dp_json_stream s;
    dp_json_stream_init(&s, text, size);
    dp_json_stream_skip(&s);
    dp_json_stream_finish(&s);
    return dp_json_stream_status(err, &s, "t") == DP_OK;
}

START_TEST(values_are_pulled_in_the_order_of_the_text)
{
    static const char text[] =
        "\xef\xbb\xbf {\"a\": [1, -2.5e1 ,\"x\\ny\"], \"b\\u0062\":"
        "{}, \"c\": null , \"d\":[ ]} ";
    dp_json_stream s;
    dp_json_slice key, string;
    dp_json_number n;
    char copy[8];
    dp_error err = {0};
    dp_json_stream_init(&s, text, sizeof text - 1);
    ck_assert_int_eq(dp_json_stream_peek(&s), DP_JSON_OBJECT);
    ck_assert(dp_json_stream_object(&s));
    ck_assert(dp_json_stream_member(&s, &key) && dp_json_slice_is(key, "a"));
    ck_assert(!dp_json_slice_is(key, "ab") && !dp_json_slice_is(key, ""));
    ck_assert(dp_json_stream_array(&s));
    ck_assert(dp_json_stream_item(&s) && dp_json_stream_number(&s, &n));
    ck_assert(n.value == 1 && n.is_integer && n.integer == 1);
    ck_assert(dp_json_stream_item(&s) && dp_json_stream_number(&s, &n));
    ck_assert(n.value == -25 && n.is_integer && n.integer == -25);
    ck_assert(dp_json_stream_item(&s) && dp_json_stream_string(&s, &string));
    ck_assert_uint_eq(dp_json_slice_copy(string, copy), 3);
    ck_assert_mem_eq(copy, "x\ny", 3);
    ck_assert(!dp_json_stream_item(&s));
    ck_assert(dp_json_stream_member(&s, &key) && dp_json_slice_is(key, "bb"));
    ck_assert(dp_json_stream_object(&s) && !dp_json_stream_member(&s, &key));
    ck_assert(dp_json_stream_member(&s, &key) && dp_json_slice_is(key, "c"));
    ck_assert_int_eq(dp_json_stream_peek(&s), DP_JSON_LITERAL);
    ck_assert(dp_json_stream_skip(&s));
    ck_assert(dp_json_stream_member(&s, &key) && dp_json_slice_is(key, "d"));
    ck_assert(dp_json_stream_array(&s) && !dp_json_stream_item(&s));
    ck_assert(!dp_json_stream_member(&s, &key));
    ck_assert(dp_json_stream_finish(&s));
    ck_assert_int_eq(dp_json_stream_status(&err, &s, "t"), DP_OK);
}
END_TEST

START_TEST(a_failure_sticks)
{
    static const char text[] = "[1, x, 2]";
    dp_json_stream s;
    dp_json_number n;
    dp_error err = {0};
    dp_json_stream_init(&s, text, sizeof text - 1);
    ck_assert(dp_json_stream_array(&s) && dp_json_stream_item(&s));
    ck_assert(dp_json_stream_number(&s, &n));
    ck_assert(!dp_json_stream_item(&s));
    ck_assert(!dp_json_stream_item(&s) && !dp_json_stream_number(&s, &n));
    ck_assert(!dp_json_stream_skip(&s) && !dp_json_stream_finish(&s));
    ck_assert_int_eq(dp_json_stream_peek(&s), DP_JSON_NOTHING);
    ck_assert_int_eq(dp_json_stream_status(&err, &s, "f.json"), DP_EFORMAT);
    ck_assert_str_eq(err.text, "f.json:1:5: found 'x', expected a value");
}
END_TEST

static const struct {
    const char *text;
    const char *sentence;
} sentences[] = {
    {"", "t:1:1: found the end of the text, expected a value"},
    {"[1,\n2\n3]", "t:3:1: found '3', expected ',' or ']'"},
    {"{\"a\" 1}", "t:1:6: found '1', expected ':'"},
    {"{\"a\":1,}", "t:1:8: found '}', expected a key"},
    {"[1] \n\n x", "t:3:2: found 'x', expected the end of the text"},
    {"[\"\x01\"]", "t:1:3: found byte 0x01, expected the end of a string"},
    {"[\"\\x\"]", "t:1:3: found '\\', expected an escape"},
    {"[\"\\ud800\"]", "t:1:3: found '\\', expected an escape"},
    {"[\"\\udc00\\ud800\"]", "t:1:3: found '\\', expected an escape"},
    {"[\"\xff\"]", "t:1:2: found '\"', expected a string in UTF-8"},
    {"[01]", "t:1:2: found '0', expected a number as JSON has it"},
    {"[NaN]", "t:1:2: found 'N', expected a value"},
    {"[-NaN]", "t:1:2: found '-', expected a number as JSON has it"},
    {"[1.]", "t:1:2: found '1', expected a number as JSON has it"},
    {"[1e+]", "t:1:2: found '1', expected a number as JSON has it"},
    {"[tru]", "t:1:2: found 't', expected a value"},
};

START_TEST(sentences_name_line_and_what_is_wrong)
{
    dp_error err = {0};
    const char *text = sentences[_i].text;
    ck_assert(!accepts(&err, text, strlen(text)));
    ck_assert_str_eq(err.text, sentences[_i].sentence);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
    static char text[2 * DP_MAX_JSON_DEPTH + 4];
    dp_error err = {0};
    memset(text, '[', DP_MAX_JSON_DEPTH);
    memset(text + DP_MAX_JSON_DEPTH, ']', DP_MAX_JSON_DEPTH);
    ck_assert(accepts(&err, text, 2 * DP_MAX_JSON_DEPTH));
    memset(text, '[', DP_MAX_JSON_DEPTH + 1);
    memset(text + DP_MAX_JSON_DEPTH + 1, ']', DP_MAX_JSON_DEPTH + 1);
    ck_assert(!accepts(&err, text, 2 * DP_MAX_JSON_DEPTH + 2));
    ck_assert(strstr(err.text, "levels of nesting") != NULL);
}
END_TEST

START_TEST(nonfinite_numbers_are_read_where_asked_for)
{
    static const char text[] = "[NaN, Infinity, -Infinity]";
    dp_json_stream s;
    dp_json_number n[3];
    dp_json_stream_init(&s, text, sizeof text - 1);
    s.nonfinite = true;
    ck_assert(dp_json_stream_array(&s));
    for (int i = 0; i < 3; i++)
        ck_assert(dp_json_stream_item(&s) && dp_json_stream_number(&s, &n[i]));
    ck_assert(!dp_json_stream_item(&s) && dp_json_stream_finish(&s));
    ck_assert(isnan(n[0].value) && n[1].value > DBL_MAX && n[2].value < -DBL_MAX);
    ck_assert(!n[0].is_integer && !n[1].is_integer);
}
END_TEST

static double parse(const char *text)
{
    dp_json_stream s;
    dp_json_number n = {0};
    dp_json_stream_init(&s, text, strlen(text));
    ck_assert_msg(dp_json_stream_number(&s, &n) && dp_json_stream_finish(&s), "%s",
                  text);
    return n.value;
}

static void check_number(const char *text)
{
    const double got = parse(text), want = strtod(text, NULL);
    ck_assert_msg(memcmp(&got, &want, sizeof got) == 0, "%s: %.17g, expected %.17g",
                  text, got, want);
}

static const char *const hard_numbers[] = {
    "0",
    "-0",
    "-0.0",
    "0e5",
    "1e22",
    "1e23",
    "123456789012345678",
    "9007199254740993",
    "9007199254740992.5",
    "9007199254740993.0000000000000000000000000001",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "2.2250738585072011e-308",
    "2.2250738585072014e-308",
    "4.9406564584124654e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "1e400",
    "-1e400",
    "1e-400",
    "1e99999999999999999999",
    "0.000000000000000000000000000000000000000000000000000000000000001e70",
    "8.5e-1",
    "434.2599792480469",
    "0.9876543283462524",
    "5e-27",
    "9223372036854775799e-27",
    "0.500000000000000166533453693773481063544750213623046875",
    "3.518437208883201171875e13",
    "1.00000000000000011102230246251565404236316680908203125",
    "1.00000000000000011102230246251565404236316680908203124",
    "1.00000000000000011102230246251565404236316680908203126"};

START_TEST(hard_numbers_are_rounded_correctly)
{
    check_number(hard_numbers[_i]);
}
END_TEST

START_TEST(endless_digits_are_rounded_correctly)
{
    static char text[3000];
    /* A tie of two doubles, and one digit a thousand places later that breaks it. */
    memset(text, '0', 2000);
    const char *tie = "1.00000000000000011102230246251565404236316680908203125";
    memcpy(text, tie, strlen(tie));
    text[2000] = '\0';
    ck_assert(parse(text) == 1.0);
    text[1999] = '1';
    ck_assert(parse(text) == 1.0 + DBL_EPSILON);
    memset(text, '9', 2000);
    check_number(text);
    memset(text + 300, '.', 1);
    check_number(text);
}
END_TEST

START_TEST(random_numbers_are_rounded_correctly)
{
    char text[64];
    for (int i = 0; i < 300000; i++) {
        const unsigned long long bits = next() << 11 ^ next();
        double any;
        memcpy(&any, &bits, sizeof any);
        if (isfinite(any)) {
            snprintf(text, sizeof text, "%.17g", any);
            ck_assert(parse(text) == any);
            snprintf(text, sizeof text, "%.*e", (int)(bits % 25), any);
            check_number(text);
        }
        const double usual = (double)(float)((double)(next() % 1000000007) / 1e6);
        snprintf(text, sizeof text, "%.17g", usual);
        ck_assert(parse(text) == usual);
        snprintf(text, sizeof text, "%llu.%0*llu", next() % 2000,
                 1 + (int)(next() % 16), next() % 10000000);
        check_number(text);
    }
}
END_TEST

START_TEST(integers_are_told_from_fractions)
{
    static const struct {
        const char *text;
        bool is_integer;
        int64_t integer;
    } cases[] = {{"42", true, 42},
                 {"-7", true, -7},
                 {"42.0", true, 42},
                 {"1e3", true, 1000},
                 {"9007199254740993", true, 9007199254740993},
                 {"1.5", false, 0},
                 {"1e30", false, 0},
                 {"-0.0", true, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dp_json_stream s;
        dp_json_number n;
        dp_json_stream_init(&s, cases[i].text, strlen(cases[i].text));
        ck_assert(dp_json_stream_number(&s, &n));
        ck_assert_int_eq(n.is_integer, cases[i].is_integer);
        if (n.is_integer)
            ck_assert_int_eq(n.integer, cases[i].integer);
    }
}
END_TEST

START_TEST(escapes_become_utf8)
{
    static const char text[] =
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud834\\uDD1E\\u0000.\"";
    static const char want[] = "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\0.";
    char copy[sizeof text];
    dp_json_stream s;
    dp_json_slice slice;
    dp_json_stream_init(&s, text, sizeof text - 1);
    ck_assert(dp_json_stream_string(&s, &slice) && slice.escaped);
    ck_assert_uint_eq(dp_json_slice_copy(slice, copy), sizeof want - 1);
    ck_assert_mem_eq(copy, want, sizeof want - 1);
}
END_TEST

/* Every cut of a text is refused, and reads nothing beyond it (with the sanitizers). */
START_TEST(cut_texts_are_refused)
{
    static const char text[] =
        "{\"k\\u00e9y\":[1.5e3,true,false,null,\"\xc3\xa9 text of some length\",{}]}";
    dp_error err = {0};
    ck_assert(accepts(&err, text, sizeof text - 1));
    for (size_t size = 0; size < sizeof text - 1; size++) {
        char *copy = malloc(size ? size : 1);
        memcpy(copy, text, size);
        ck_assert(!accepts(&err, copy, size));
        free(copy);
    }
}
END_TEST

static int read_folder(const char *folder, int counts[3], bool by_name)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        suite_skip("%s is not there", folder);
        return 0;
    }
    int files = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[512];
        dp_error err = {0};
        unsigned char *data;
        size_t size;
        if (!strstr(entry->d_name, ".json"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        ck_assert_int_eq(dp_file_load(&err, &data, &size, path, 1 << 24), DP_OK);
        const bool ok = accepts(&err, (char *)data, size);
        if (by_name && entry->d_name[0] != 'i')
            ck_assert_msg(ok == (entry->d_name[0] == 'y'), "%s: %s", entry->d_name,
                          ok ? "accepted" : err.text);
        counts[entry->d_name[0] == 'y' ? 0 : entry->d_name[0] == 'n' ? 1 : 2]++;
        files++;
        free(data);
    }
    closedir(dir);
    return files;
}

START_TEST(hostile_texts_are_taken_and_refused_as_their_names_say)
{
    int counts[3] = {0};
    const int files = read_folder(HOSTILE, counts, true);
    if (files == 0)
        return;
    printf("hostile JSON: %d must parse, %d must not, %d either\n", counts[0],
           counts[1], counts[2]);
    ck_assert_int_eq(files, 318);
    ck_assert_int_eq(counts[0], 95);
    ck_assert_int_eq(counts[1], 188);
    memset(counts, 0, sizeof counts);
    ck_assert_int_eq(read_folder(CHANGED, counts, false), 22);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_stream");
    TCase *tc = tcase_create("json_stream");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, values_are_pulled_in_the_order_of_the_text);
    tcase_add_test(tc, a_failure_sticks);
    tcase_add_loop_test(tc, sentences_name_line_and_what_is_wrong, 0,
                        sizeof sentences / sizeof *sentences);
    tcase_add_test(tc, nesting_has_a_limit);
    tcase_add_test(tc, nonfinite_numbers_are_read_where_asked_for);
    tcase_add_loop_test(tc, hard_numbers_are_rounded_correctly, 0,
                        sizeof hard_numbers / sizeof *hard_numbers);
    tcase_add_test(tc, endless_digits_are_rounded_correctly);
    tcase_add_test(tc, random_numbers_are_rounded_correctly);
    tcase_add_test(tc, integers_are_told_from_fractions);
    tcase_add_test(tc, escapes_become_utf8);
    tcase_add_test(tc, cut_texts_are_refused);
    tcase_add_test(tc, hostile_texts_are_taken_and_refused_as_their_names_say);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
