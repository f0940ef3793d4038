/* ZIP archives: the directory and the members, and everything that contradicts them. */
#include "io/checkpoint/zip.h"
#include "tests/support/pth_writer.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Sizes of the records as the writer makes them, and places in them. */
enum {
    END = 22,
    LOCATOR = 20,
    END64 = 56,
    MEMBERS = 3,
    ENTRY_FLAGS = 8,
    ENTRY_METHOD = 10,
    ENTRY_CRC = 16,
    ENTRY_SIZE = 20,
    ENTRY_AT = 42,
};

static const struct {
    const char *name, *content;
} members[MEMBERS] = {{"r/data.pkl", "first"}, {"r/data/0", ""}, {"r/version", "3\n"}};

static dp_error err;
static dp_zip zip;
static memory_file file;
static unsigned char *bytes; /* of the archive, a block of exactly its size */
static size_t size;
static size_t entries[MEMBERS], headers[MEMBERS]; /* where they are */

/* A block of exactly `length` bytes, so that a sanitizer sees a byte read too far. */
static unsigned char *exact(const void *data, size_t length)
{
    unsigned char *block = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(block);
    memcpy(block, data, length);
    return block;
}

static size_t find_after(size_t from, const char *mark)
{
    while (memcmp(bytes + from, mark, 4) != 0)
        from++;
    return from;
}

static void setup(void)
{
    zip_writer z;
    memory_file_open(&file);
    zip_begin(&z, file.stream);
    for (int i = 0; i < MEMBERS; i++)
        zip_add(&z, members[i].name, members[i].content, strlen(members[i].content));
    zip_end(&z);
    memory_file_close(&file);
    bytes = exact(file.data, file.size);
    size = file.size;
    size_t header = 0, entry = 0;
    for (int i = 0; i < MEMBERS; i++) {
        headers[i] = find_after(header, "PK\3\4");
        entries[i] = find_after(entry, "PK\1\2");
        header = headers[i] + 1;
        entry = entries[i] + 1;
    }
}

static void teardown(void)
{
    dp_zip_done(&zip);
    free(bytes);
    free(file.data);
}

static dp_status open_zip(void)
{
    err = (dp_error){0};
    return dp_zip_init(&err, &zip, "a.zip", bytes, size);
}

/* Open, and locate all; the first failure. */
static dp_status read_all(void)
{
    dp_status st = open_zip();
    for (size_t i = 0; st == DP_OK && i < zip.count; i++) {
        const unsigned char *content;
        size_t length;
        st = dp_zip_locate(&err, &zip, i, &content, &length);
        /* What was located can be read. */
        for (size_t k = 0; st == DP_OK && k < length; k++)
            ck_assert(content >= bytes && content + k < bytes + size);
    }
    dp_zip_done(&zip);
    return st;
}

START_TEST(members_are_found_and_read)
{
    ck_assert_int_eq(open_zip(), DP_OK);
    ck_assert_uint_eq(zip.count, MEMBERS);
    for (int i = 0; i < MEMBERS; i++) {
        const unsigned char *content;
        size_t length;
        ck_assert_int_eq(dp_zip_find(&zip, dp_name_from(members[i].name)), i);
        ck_assert_int_eq(dp_zip_locate(&err, &zip, (size_t)i, &content, &length),
                         DP_OK);
        ck_assert_uint_eq(length, strlen(members[i].content));
        ck_assert_int_eq(memcmp(content, members[i].content, length), 0);
        ck_assert_uint_eq((uintptr_t)(content - bytes) % 64, 0); /* as torch aligns */
        ck_assert_int_eq(dp_zip_verify(&err, &zip, (size_t)i), DP_OK);
    }
    ck_assert_int_eq(dp_zip_find(&zip, dp_name_from("r/data")), DP_NAME_NONE);
    ck_assert_int_eq(dp_zip_find(&zip, dp_name_from("")), DP_NAME_NONE);
}
END_TEST

START_TEST(a_changed_content_is_seen_by_its_checksum_only_when_asked)
{
    ck_assert_int_eq(open_zip(), DP_OK);
    const unsigned char *content;
    size_t length;
    ck_assert_int_eq(dp_zip_locate(&err, &zip, 0, &content, &length), DP_OK);
    bytes[content - bytes] ^= 1;
    ck_assert_int_eq(dp_zip_locate(&err, &zip, 0, &content, &length), DP_OK);
    ck_assert_int_eq(dp_zip_verify(&err, &zip, 0), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "r/data.pkl: found CRC-32"));
}
END_TEST

START_TEST(an_archive_cut_anywhere_is_refused)
{
    unsigned char *whole = bytes;
    const size_t length = size;
    for (size = 0; size < length; size++) {
        bytes = exact(whole, size);
        ck_assert_int_eq(read_all(), DP_EFORMAT);
        free(bytes);
    }
    bytes = whole;
}
END_TEST

START_TEST(an_empty_archive_has_no_members)
{
    static const unsigned char end[END] = "PK\5\6";
    free(bytes);
    bytes = exact(end, END);
    size = END;
    ck_assert_int_eq(open_zip(), DP_OK);
    ck_assert_uint_eq(zip.count, 0);
}
END_TEST

START_TEST(a_comment_at_the_end_is_allowed)
{
    static const char comment[] = "made by hand";
    unsigned char *longer = malloc(size + sizeof comment);
    ck_assert_ptr_nonnull(longer);
    memcpy(longer, bytes, size);
    memcpy(longer + size, comment, sizeof comment);
    longer[size - 2] = sizeof comment;
    free(bytes);
    bytes = longer;
    size += sizeof comment;
    ck_assert_int_eq(read_all(), DP_OK);
}
END_TEST

static void put_number(unsigned char *at, uint64_t value, int width)
{
    for (int i = 0; i < width; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

START_TEST(an_archive_without_zip64_records_is_read)
{
    /* Cut the two records out. */
    const size_t end64 = size - END - LOCATOR - END64;
    memmove(bytes + end64, bytes + size - END, END);
    size = end64 + END;
    ck_assert_int_eq(read_all(), DP_OK);

    /* Then nothing but the directory's own end tells where it is. */
    static const int wrong[] = {-1, 1, 1000, INT32_MAX - 1000};
    const uint64_t right = entries[0];
    for (int i = 0; i < COUNT(wrong); i++) {
        put_number(bytes + size - END + 16, right + (uint64_t)(int64_t)wrong[i], 4);
        ck_assert_int_eq(read_all(), DP_EFORMAT);
        ck_assert_ptr_nonnull(strstr(err.text, "the ZIP directory of"));
    }
    put_number(bytes + size - END + 16, right, 4);
    put_number(bytes + size - END + 12, UINT32_MAX, 4);
    ck_assert_int_eq(read_all(), DP_EFORMAT);
}
END_TEST

START_TEST(sizes_and_places_are_taken_from_zip64_records)
{
    /* The end record points to the wide one. */
    put_number(bytes + size - END + 8, UINT16_MAX, 2);
    put_number(bytes + size - END + 10, UINT16_MAX, 2);
    put_number(bytes + size - END + 12, UINT32_MAX, 4);
    put_number(bytes + size - END + 16, UINT32_MAX, 4);
    ck_assert_int_eq(read_all(), DP_OK);

    /* The last entry of the directory points to an extra field of its own. */
    static const char mark[] = "\1\0\x18\0";
    enum { EXTRA = 4 + 3 * 8 };
    const size_t at = size - END - LOCATOR - END64;
    unsigned char *longer = malloc(size + EXTRA);
    ck_assert_ptr_nonnull(longer);
    memcpy(longer, bytes, at);
    memcpy(longer + at, mark, 4);
    put_number(longer + at + 4, strlen(members[MEMBERS - 1].content), 8);
    put_number(longer + at + 12, strlen(members[MEMBERS - 1].content), 8);
    put_number(longer + at + 20, headers[MEMBERS - 1], 8);
    memcpy(longer + at + EXTRA, bytes + at, size - at);
    unsigned char *entry = longer + entries[MEMBERS - 1];
    put_number(entry + ENTRY_SIZE, UINT32_MAX, 4);
    put_number(entry + ENTRY_SIZE + 4, UINT32_MAX, 4);
    put_number(entry + ENTRY_AT, UINT32_MAX, 4);
    put_number(entry + 30, EXTRA, 2);
    put_number(longer + at + EXTRA + 40, at + EXTRA - entries[0], 8);
    put_number(longer + at + EXTRA + END64 + 8, at + EXTRA, 8);
    free(bytes);
    bytes = longer;
    size += EXTRA;
    ck_assert_msg(read_all() == DP_OK, "%s", err.text);

    /* Without one of the three numbers it is wrong. */
    put_number(bytes + at + 2, 16, 2);
    put_number(bytes + at + 20, 0, 4); /* an empty field behind it */
    put_number(bytes + at + 24, 0, 4);
    ck_assert_int_eq(read_all(), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "no ZIP64 sizes"));
}
END_TEST

/* ---- lies ---- */

typedef enum base {
    AT_END,   /* offset from the end record */
    AT_END64, /* ... */
    AT_LOCATOR,
    AT_ENTRY, /* of the first member */
    AT_ENTRY2,
    AT_LOCAL,
    AT_LOCAL2
} base;

static size_t place_of(base b)
{
    switch (b) {
    case AT_END:
        return size - END;
    case AT_LOCATOR:
        return size - END - LOCATOR;
    case AT_END64:
        return size - END - LOCATOR - END64;
    case AT_ENTRY:
        return entries[0];
    case AT_ENTRY2:
        return entries[1];
    case AT_LOCAL:
        return headers[0];
    case AT_LOCAL2:
        return headers[1];
    }
    return 0;
}

static const struct {
    base from;
    int offset, width;
    uint64_t value;
    dp_status status;
    const char *sentence;
} lies[] = {
    {AT_END, 4, 2, 1, DP_EUNSUPPORTED, "several disks"},
    {AT_END, 8, 2, 2, DP_EUNSUPPORTED, "several disks"},
    {AT_END, 12, 4, 5, DP_EFORMAT, "contradict"},
    {AT_END, 16, 4, 5, DP_EFORMAT, "contradict"},
    {AT_END, 20, 2, 9, DP_EFORMAT, "no end record"},
    {AT_END64, 0, 4, 0, DP_EFORMAT, "no ZIP64 end record"},
    {AT_END64, 4, 8, 43, DP_EFORMAT, "no ZIP64 end record"},
    {AT_END64, 16, 4, 1, DP_EUNSUPPORTED, "several disks"},
    {AT_END64, 24, 8, 2, DP_EUNSUPPORTED, "several disks"},
    {AT_END64, 40, 8, 5, DP_EFORMAT, "contradict"},
    {AT_LOCATOR, 8, 8, 5, DP_EFORMAT, "no ZIP64 end record"},
    {AT_LOCATOR, 8, 8, UINT64_MAX, DP_EFORMAT, "no ZIP64 end record"},
    {AT_LOCATOR, 16, 4, 2, DP_EUNSUPPORTED, "several disks"},
    {AT_ENTRY, 0, 4, 0, DP_EFORMAT, "damaged"},
    {AT_ENTRY, 28, 2, 60000, DP_EFORMAT, "damaged"},
    {AT_ENTRY, 30, 2, 1, DP_EFORMAT, "damaged"},
    {AT_ENTRY, 32, 2, 60000, DP_EFORMAT, "damaged"},
    {AT_ENTRY, ENTRY_FLAGS, 2, 0x0809, DP_EUNSUPPORTED, "is encrypted"},
    {AT_ENTRY, ENTRY_FLAGS, 2, 0x0848, DP_EUNSUPPORTED, "is encrypted"},
    {AT_ENTRY, ENTRY_FLAGS, 2, 0, DP_EFORMAT, "local header"},
    {AT_ENTRY, ENTRY_METHOD, 2, 8, DP_EUNSUPPORTED, "is compressed"},
    {AT_ENTRY, ENTRY_SIZE, 4, 6, DP_EFORMAT, "two sizes"},
    {AT_ENTRY, ENTRY_SIZE + 4, 4, 6, DP_EFORMAT, "two sizes"},
    {AT_ENTRY, ENTRY_SIZE, 4, 60000, DP_EFORMAT, "overlap"},
    {AT_ENTRY, ENTRY_SIZE, 4, UINT32_MAX, DP_EFORMAT, "no ZIP64 sizes"},
    {AT_ENTRY, ENTRY_AT, 4, 1, DP_EFORMAT, "before the first ZIP member"},
    {AT_ENTRY, ENTRY_AT, 4, 60000, DP_EFORMAT, "overlap"},
    {AT_ENTRY, ENTRY_AT, 4, UINT32_MAX, DP_EFORMAT, "no ZIP64 sizes"},
    {AT_ENTRY2, ENTRY_AT, 4, 0, DP_EFORMAT, "overlap"},
    {AT_ENTRY2, ENTRY_AT, 4, 10, DP_EFORMAT, "overlap"},
    {AT_ENTRY2, ENTRY_AT, 4, 66, DP_EFORMAT, "overlap"},
    {AT_ENTRY2, ENTRY_AT, 4, 70, DP_EFORMAT, "local header"},
    {AT_LOCAL, 0, 4, 0, DP_EFORMAT, "local header"},
    {AT_LOCAL, 6, 2, 0, DP_EFORMAT, "local header"},
    {AT_LOCAL, 8, 2, 8, DP_EFORMAT, "local header"},
    {AT_LOCAL, 18, 4, 4, DP_EFORMAT, "local header"},
    {AT_LOCAL, 22, 4, 6, DP_EFORMAT, "local header"},
    {AT_LOCAL, 18, 4, UINT32_MAX, DP_EFORMAT, "local header"},
    {AT_LOCAL, 26, 2, 9, DP_EFORMAT, "local header"},
    {AT_LOCAL, 26, 2, 60000, DP_EFORMAT, "overlap"},
    {AT_LOCAL, 28, 2, 60000, DP_EFORMAT, "overlap"},
    {AT_LOCAL, 30, 1, 'x', DP_EFORMAT, "local header"},
    {AT_LOCAL2, 28, 2, 200, DP_EFORMAT, "overlap"},
};

START_TEST(a_lying_record_is_refused_in_words)
{
    ck_assert_int_eq(read_all(), DP_OK);
    put_number(bytes + place_of(lies[_i].from) + lies[_i].offset, lies[_i].value,
               lies[_i].width);
    ck_assert_msg(read_all() == lies[_i].status, "%d: %s", _i, err.text);
    ck_assert_msg(strstr(err.text, lies[_i].sentence) != NULL,
                  "%d: found \"%s\", expected \"...%s...\"", _i, err.text,
                  lies[_i].sentence);
}
END_TEST

START_TEST(a_count_that_the_directory_cannot_hold_is_refused)
{
    static const uint64_t counts[] = {MEMBERS + 1, 1000, 1 << 20, 1 << 30, UINT64_MAX};
    for (int i = 0; i < COUNT(counts); i++) {
        put_number(bytes + place_of(AT_END64) + 24, counts[i], 8);
        put_number(bytes + place_of(AT_END64) + 32, counts[i], 8);
        put_number(bytes + place_of(AT_END) + 8, UINT16_MAX, 2);
        put_number(bytes + place_of(AT_END) + 10, UINT16_MAX, 2);
        ck_assert_int_eq(read_all(), DP_EFORMAT);
    }
    put_number(bytes + place_of(AT_END64) + 24, MEMBERS - 1, 8);
    put_number(bytes + place_of(AT_END64) + 32, MEMBERS - 1, 8);
    ck_assert_int_eq(read_all(), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "follow the last entry"));
}
END_TEST

START_TEST(a_name_twice_is_refused)
{
    /* Both in the directory and in the local header, so nothing else contradicts. */
    zip_writer z;
    free(bytes);
    free(file.data);
    memory_file_open(&file);
    zip_begin(&z, file.stream);
    zip_add(&z, "r/data.pkl", "one", 3);
    zip_add(&z, "r/data.pkl", "two", 3);
    zip_end(&z);
    memory_file_close(&file);
    bytes = exact(file.data, file.size);
    size = file.size;
    ck_assert_int_eq(read_all(), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "r/data.pkl: stands twice"));
}
END_TEST

START_TEST(bytes_in_front_of_the_archive_are_refused)
{
    unsigned char *shifted = malloc(size + 1);
    ck_assert_ptr_nonnull(shifted);
    shifted[0] = 'x';
    memcpy(shifted + 1, bytes, size);
    free(bytes);
    bytes = shifted;
    size++;
    ck_assert_int_eq(read_all(), DP_EFORMAT);
}
END_TEST

START_TEST(every_changed_byte_is_refused_or_read_in_bounds)
{
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            const dp_status st = read_all();
            ck_assert(st == DP_OK || st == DP_EFORMAT || st == DP_EUNSUPPORTED);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    ck_assert_int_eq(read_all(), DP_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/zip");
    TCase *t = tcase_create("zip");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, members_are_found_and_read);
    tcase_add_test(t, a_changed_content_is_seen_by_its_checksum_only_when_asked);
    tcase_add_test(t, an_archive_cut_anywhere_is_refused);
    tcase_add_test(t, an_empty_archive_has_no_members);
    tcase_add_test(t, a_comment_at_the_end_is_allowed);
    tcase_add_test(t, an_archive_without_zip64_records_is_read);
    tcase_add_test(t, sizes_and_places_are_taken_from_zip64_records);
    tcase_add_loop_test(t, a_lying_record_is_refused_in_words, 0, COUNT(lies));
    tcase_add_test(t, a_count_that_the_directory_cannot_hold_is_refused);
    tcase_add_test(t, a_name_twice_is_refused);
    tcase_add_test(t, bytes_in_front_of_the_archive_are_refused);
    tcase_add_test(t, every_changed_byte_is_refused_or_read_in_bounds);
    suite_add_tcase(s, t);
    return suite_run(s);
}
