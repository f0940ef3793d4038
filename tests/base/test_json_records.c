/* Long arrays read in pieces by several threads: always what one thread would read. */
#include "base/json_records.h"
#include "base/memory.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record is {"n": NUMBER, "s": STRING, ...}; kept are number and size of the string, and
 * its bytes as payload. */
typedef struct item {
    int64_t number;
    size_t size, at;
} item;

typedef struct list {
    item *items;
    size_t count, room;
    unsigned char *bytes;
    size_t byte_count, byte_room;
    size_t seen;
    const char *passed;
} list;

static bool read_record(void *arg, dp_json_slot *slot, dp_json_stream *s)
{
    dp_json_slice key, text = {0};
    dp_json_number n = {0};
    (void)arg;
    if (slot->item_count == slot->item_room)
        return false;
    dp_json_stream_object(s);
    while (dp_json_stream_member(s, &key))
        if (dp_json_slice_is(key, "n"))
            dp_json_stream_number(s, &n);
        else if (dp_json_slice_is(key, "s"))
            dp_json_stream_string(s, &text);
        else
            dp_json_stream_skip(s);
    if (s->expected) {
        slot->seen++;
        return true;
    }
    if (slot->payload_room - slot->payload_size < text.size)
        return false;
    if (text.size > 0)
        memcpy(slot->payload + slot->payload_size, text.text, text.size);
    ((item *)(void *)slot->items)[slot->item_count++] =
        (item){n.integer, text.size, slot->payload_size};
    slot->payload_size += text.size;
    slot->seen++;
    return true;
}

static dp_status take(dp_error *err, void *arg, const dp_json_slot *slot)
{
    list *l = arg;
    void *memory = l->items;
    dp_status st = dp_grow(err, &memory, &l->room, l->count + slot->item_count,
                           sizeof(item), "items");
    l->items = memory;
    memory = l->bytes;
    if (st == DP_OK)
        st = dp_grow(err, &memory, &l->byte_room, l->byte_count + slot->payload_size, 1,
                     "bytes");
    l->bytes = memory;
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < slot->item_count; i++) {
        l->items[l->count] = ((const item *)(const void *)slot->items)[i];
        l->items[l->count++].at += l->byte_count;
    }
    if (slot->payload_size > 0)
        memcpy(l->bytes + l->byte_count, slot->payload, slot->payload_size);
    l->byte_count += slot->payload_size;
    l->seen += slot->seen;
    return DP_OK;
}

static void passed(void *arg, const char *place)
{
    list *l = arg;
    ck_assert(!l->passed || place >= l->passed);
    l->passed = place;
}

static void done(list *l)
{
    dp_free(l->items);
    dp_free(l->bytes);
}

/* Read `text`; whether it was JSON. */
static bool read_all(list *l, const char *text, size_t size, int threads)
{
    dp_error err = {0};
    dp_pool *pool;
    dp_json_stream s;
    *l = (list){0};
    ck_assert_int_eq(dp_pool_new(&err, &pool, threads), DP_OK);
    dp_json_stream_init(&s, text, size);
    const dp_json_reader reader = {.item_size = sizeof(item),
                                   .item_text = 4,
                                   .note_size = 1,
                                   .read = read_record,
                                   .take = take,
                                   .passed = passed,
                                   .arg = l};
    ck_assert_int_eq(dp_json_records_read(&err, &s, &reader, pool), DP_OK);
    dp_json_stream_finish(&s);
    dp_pool_free(pool);
    return dp_json_stream_status(&err, &s, "t") == DP_OK;
}

/* What a string of a record holds: nothing special, or what looks like records, or more
 * than several pieces. */
static size_t put_string(char *out, int kind, int number)
{
    static const char *const traps[] = {"plain",    "},{", "}, {\\\"n\\\": 5}, {",
                                        "\\\\\\\\", "],[", ""};
    if (kind == 0 && number % 5000 == 4999) { /* longer than a piece and its payload */
        memset(out, 'x', 3 << 20);
        return 3 << 20;
    }
    const char *trap = traps[(number * 7 + kind) % 6];
    memcpy(out, trap, strlen(trap));
    return strlen(trap);
}

enum { RECORDS = 60000 };

static size_t make_text(char *text, int kind)
{
    static const char *const separators[] = {",", ", ", " ,\n\t", "\n,\n"};
    size_t n = (size_t)sprintf(text, " [ ");
    for (int i = 0; i < RECORDS; i++) {
        if (i)
            n += (size_t)sprintf(text + n, "%s", separators[kind]);
        n += (size_t)sprintf(text + n,
                             "{\"n\":%d,\"o\":[{\"a\":{}},{\"b\":[]}],\"s\":\"", i);
        n += put_string(text + n, kind, i);
        n += (size_t)sprintf(text + n, "\"}");
    }
    n += (size_t)sprintf(text + n, "] ");
    return n;
}

START_TEST(any_number_of_threads_reads_the_same)
{
    char *text = malloc(64 << 20), *expected = malloc(4 << 20);
    const size_t size = make_text(text, _i);
    for (int threads = 1; threads <= 5; threads += 2) {
        list l;
        ck_assert(read_all(&l, text, size, threads));
        ck_assert_uint_eq(l.count, RECORDS);
        ck_assert_uint_eq(l.seen, RECORDS);
        for (int i = 0; i < RECORDS; i++) {
            const size_t n = put_string(expected, _i, i);
            ck_assert_int_eq(l.items[i].number, i);
            ck_assert_uint_eq(l.items[i].size, n);
            ck_assert(n == 0 || memcmp(l.bytes + l.items[i].at, expected, n) == 0);
        }
        done(&l);
    }
    free(text);
    free(expected);
}
END_TEST

START_TEST(a_broken_place_is_found_wherever_it_is)
{
    char *text = malloc(64 << 20);
    const size_t size = make_text(text, 1);
    for (size_t part = 1; part < 12; part++) {
        char *place = memchr(text + size * part / 12, ':', size / 12);
        *place = ';';
        list l;
        ck_assert(!read_all(&l, text, size, 3));
        /* What stands before it was read, and nothing behind it. */
        size_t before = 0;
        for (const char *p = text; p < place; p++)
            before += memcmp(p, "{\"n\"", 4) == 0;
        ck_assert(l.count + 1 == before);
        done(&l);
        *place = ':';
    }
    free(text);
}
END_TEST

START_TEST(short_arrays_are_arrays_too)
{
    list l;
    ck_assert(read_all(&l, "[]", 2, 2));
    ck_assert_uint_eq(l.count, 0);
    ck_assert(read_all(&l, "[{\"n\":4}]", 9, 2));
    ck_assert(l.count == 1 && l.items[0].number == 4);
    done(&l);
    ck_assert(!read_all(&l, "[{\"n\":4},]", 10, 2));
    done(&l);
    ck_assert(!read_all(&l, "[{\"n\":4}", 8, 2));
    done(&l);
    ck_assert(!read_all(&l, "[", 1, 2));
    ck_assert(!read_all(&l, "{}", 2, 2));
    ck_assert(!read_all(&l, "", 0, 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_records");
    TCase *tc = tcase_create("json_records");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, any_number_of_threads_reads_the_same, 0, 4);
    tcase_add_test(tc, a_broken_place_is_found_wherever_it_is);
    tcase_add_test(tc, short_arrays_are_arrays_too);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
