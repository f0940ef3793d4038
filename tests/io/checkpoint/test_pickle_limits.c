/* The pickle interpreter's memory: bounded by the bytes read, and by written limits. */
#include "core/limits.h"
#include "io/checkpoint/pickle.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Byte strings with their length: they hold zeros. */
#define BYTES(text) (text), sizeof(text) - 1

static dp_error err;
static dp_pickle_values values;
static dp_pickle_value root;

static dp_status read_bytes(const char *bytes, size_t size)
{
    size_t used;
    dp_pickle_values_done(&values);
    err = (dp_error){0};
    return dp_pickle_read(&err, &values, &root, &used, "p",
                          (const unsigned char *)bytes, size);
}

static void teardown(void)
{
    dp_pickle_values_done(&values);
}

static size_t value_bytes(void)
{
    return values.room * 16 + values.items_room * sizeof *values.items;
}

/* `head`, then `unit` many times over, then `tail`; the caller's to free. */
static char *repeat(size_t *size, const char *head, size_t head_size, const char *unit,
                    size_t unit_size, size_t times, const char *tail)
{
    *size = head_size + unit_size * times + strlen(tail);
    char *bytes = malloc(*size + 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, head, head_size);
    for (size_t i = 0; i < times; i++)
        memcpy(bytes + head_size + i * unit_size, unit, unit_size);
    memcpy(bytes + head_size + unit_size * times, tail, strlen(tail) + 1);
    return bytes;
}

static const struct {
    const char *head;
    size_t head_size;
    const char *unit;
    size_t unit_size;
    size_t times;
    const char *tail, *sentence;
} limits[] = {
    {BYTES("N"), BYTES("("), DP_MAX_PICKLE_DEPTH + 1, ".", "more than 200 nested"},
    {BYTES(""), BYTES("N"), DP_MAX_PICKLE_STACK + 1, ".", "values on the stack"},
    {BYTES("N"), BYTES("2"), DP_MAX_PICKLE_STACK, ".", "values on the stack"},
    {BYTES("K\x01"), BYTES("N0"), DP_MAX_PICKLE_VALUES, ".", "values"},
};

START_TEST(a_bomb_is_refused_before_it_grows)
{
    size_t size;
    char *bytes = repeat(&size, limits[_i].head, limits[_i].head_size, limits[_i].unit,
                         limits[_i].unit_size, limits[_i].times, limits[_i].tail);
    ck_assert_int_eq(read_bytes(bytes, size), DP_EFORMAT);
    ck_assert_msg(strstr(err.text, limits[_i].sentence) != NULL, "%s", err.text);
    ck_assert_uint_le(value_bytes(), 150 * size);
    free(bytes);
}
END_TEST

START_TEST(a_long_list_copied_by_many_calls_is_refused)
{
    size_t head_size, size;
    char *head = repeat(&head_size, BYTES("]"), BYTES("(NNla"), 1000,
                        "q\1ccollections\nOrderedDict\nq\2");
    char *bytes = repeat(&size, head, head_size, BYTES("h\2h\1\x85R0"), 100000, "0.");
    ck_assert_int_eq(read_bytes(bytes, size), DP_EFORMAT);
    ck_assert_msg(strstr(err.text, "items in containers") != NULL, "%s", err.text);
    ck_assert_uint_le(value_bytes(), 150 * size);
    free(head);
    free(bytes);
}
END_TEST

START_TEST(memory_stays_a_multiple_of_the_bytes_read)
{
    static const struct {
        const char *unit;
        size_t size;
    } units[] = {{BYTES("]")},
                 {BYTES(")")},
                 {BYTES("N")},
                 {BYTES("}")},
                 {BYTES("]Na")},
                 {BYTES("]h\x00"
                        "a")},
                 {BYTES("}NNs")},
                 {BYTES("NNN\x87")}};
    for (int i = 0; i < COUNT(units); i++) {
        size_t size;
        char *bytes =
            repeat(&size, BYTES("(Nq\x00"), units[i].unit, units[i].size, 100000, "t.");
        ck_assert_msg(read_bytes(bytes, size) == DP_OK, "%d: %s", i, err.text);
        ck_assert_uint_le(value_bytes(), 150 * size);
        free(bytes);
    }
}
END_TEST

START_TEST(many_appends_take_linear_memory_in_turns_too)
{
    /* Two lists that grow in turns, so neither is ever the last in memory. */
    size_t size;
    char *bytes = repeat(&size, BYTES("]q\x00]q\x01"), BYTES("h\x00Nah\x01Na00"),
                         100000, "\x86.");
    ck_assert_msg(read_bytes(bytes, size) == DP_OK, "%s", err.text);
    for (size_t i = 0; i < 2; i++) {
        const dp_pickle_value list = dp_pickle_value_item(&values, root, i);
        ck_assert_uint_eq(dp_pickle_value_count(&values, list), 100000);
        ck_assert_int_eq(
            dp_pickle_value_kind(&values, dp_pickle_value_item(&values, list, 99999)),
            DP_PICKLE_NONE);
    }
    ck_assert_uint_le(value_bytes(), 150 * size);
    free(bytes);
}
END_TEST

START_TEST(too_many_different_globals_are_refused)
{
    enum { EACH = 16 };
    const size_t count = DP_MAX_PICKLE_GLOBALS + 1;
    char *bytes = malloc(count * EACH + 1), *at = bytes;
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < count; i++)
        at += snprintf(at, EACH + 1, "cm\nname%08zu\n", i * 7919 % count);
    ck_assert_int_eq(read_bytes(bytes, (size_t)(at - bytes)), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "different globals"));
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/pickle_limits");
    TCase *t = tcase_create("limits");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_bomb_is_refused_before_it_grows, 0, COUNT(limits));
    tcase_add_test(t, a_long_list_copied_by_many_calls_is_refused);
    tcase_add_test(t, memory_stays_a_multiple_of_the_bytes_read);
    tcase_add_test(t, many_appends_take_linear_memory_in_turns_too);
    tcase_add_test(t, too_many_different_globals_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
