/* UTF-8: what is text, and what is fit for a name. */
#include "base/utf8.h"
#include "tests/support/suite.h"

#include <check.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BYTES(text)  (text), sizeof(text) - 1

static const struct {
    const char *text;
    size_t size;
    bool valid, name;
} cases[] = {
    {BYTES(""), true, true},
    {BYTES("layers.0.weight"), true, true},
    {BYTES("\xc2\x80"), true, true},     /* the first of two bytes   */
    {BYTES("\xdf\xbf"), true, true},     /* the last                 */
    {BYTES("\xe0\xa0\x80"), true, true}, /* of three                 */
    {BYTES("\xed\x9f\xbf"), true, true}, /* before the surrogates    */
    {BYTES("\xee\x80\x80"), true, true}, /* behind them              */
    {BYTES("\xef\xbf\xbf"), true, true},
    {BYTES("\xf0\x90\x80\x80"), true, true}, /* of four                  */
    {BYTES("\xf4\x8f\xbf\xbf"), true, true}, /* U+10FFFF                 */
    {BYTES("a\0b"), true, false},
    {BYTES("a\nb"), true, false},
    {BYTES("\x1b[0m"), true, false},
    {BYTES("\x7f"), true, false},
    {BYTES("\x80"), false, false},     /* a byte that continues    */
    {BYTES("\xc0\x80"), false, false}, /* longer than needed       */
    {BYTES("\xc1\xbf"), false, false},
    {BYTES("\xe0\x9f\xbf"), false, false},
    {BYTES("\xf0\x8f\xbf\xbf"), false, false},
    {BYTES("\xed\xa0\x80"), false, false}, /* surrogates               */
    {BYTES("\xed\xbf\xbf"), false, false},
    {BYTES("\xf4\x90\x80\x80"), false, false}, /* beyond U+10FFFF          */
    {BYTES("\xf5\x80\x80\x80"), false, false},
    {BYTES("\xff"), false, false},
    {BYTES("\xc2"), false, false}, /* cut                      */
    {BYTES("\xe0\xa0"), false, false},
    {BYTES("\xf0\x90\x80"), false, false},
    {BYTES("\xc2\x41"), false, false}, /* broken off               */
    {BYTES("\xe0\xa0\x41"), false, false},
    {BYTES("\xf0\x90\x80\x41"), false, false},
};

START_TEST(bytes_are_text_or_not)
{
    ck_assert_int_eq(dp_utf8_is_valid(cases[_i].text, cases[_i].size), cases[_i].valid);
    ck_assert_int_eq(dp_utf8_is_name(cases[_i].text, cases[_i].size), cases[_i].name);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/utf8");
    TCase *t = tcase_create("utf8");
    tcase_add_loop_test(t, bytes_are_text_or_not, 0, COUNT(cases));
    suite_add_tcase(s, t);
    return suite_run(s);
}
