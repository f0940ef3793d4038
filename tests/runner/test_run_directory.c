#define _XOPEN_SOURCE 700 /* truncate */
/* Records that survive being cut anywhere, and the folder of a run made of them. */
#include "base/memory.h"
#include "base/path.h"
#include "runner/run_directory.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static dp_error err;
static const uint8_t key[DP_RECORD_KEY_BYTES] = "the key of this run", other[32] = "x";

/* What a file was found to hold: its records, one after another. */
static char seen[1000];

static dp_status note(dp_error *e, void *arg, const dp_record *r)
{
    const size_t at = strlen(seen);
    (void)arg;
    (void)e;
    snprintf(seen + at, sizeof seen - at, "%llu/%u:%.*s ", (unsigned long long)r->item,
             r->kind, (int)r->size, (const char *)r->payload);
    return DP_OK;
}

static dp_record_file open_file(const char *name)
{
    dp_record_file f;
    seen[0] = '\0';
    ck_assert_msg(dp_record_file_open(&err, &f, scratch_path(name), key, note, NULL) ==
                      DP_OK,
                  "%s", err.text);
    return f;
}

static void append(dp_record_file *f, uint64_t item, uint32_t kind, const char *text)
{
    ck_assert_msg(dp_record_file_append(&err, f, item, kind, text, strlen(text)) ==
                      DP_OK,
                  "%s", err.text);
}

static size_t size_of(const char *name)
{
    struct stat about;
    ck_assert_int_eq(stat(scratch_path(name), &about), 0);
    return (size_t)about.st_size;
}

static void write_three(const char *name)
{
    dp_record_file f = open_file(name);
    append(&f, 0, 2, "zero");
    append(&f, 7, 2, "");
    append(&f, 1ull << 40, 1, "far");
    dp_record_file_close(&f);
}

START_TEST(records_are_read_back_in_order)
{
    write_three("a");
    dp_record_file f = open_file("a");
    ck_assert_str_eq(seen, "0/2:zero 7/2: 1099511627776/1:far ");
    ck_assert_uint_eq(f.cut, 0);
    append(&f, 3, 2, "more");
    dp_record_file_close(&f);
    f = open_file("a");
    ck_assert_str_eq(seen, "0/2:zero 7/2: 1099511627776/1:far 3/2:more ");
    dp_record_file_close(&f);
}
END_TEST

/* Whatever is left of a file, what is whole is kept and what follows appends to it. */
START_TEST(a_file_cut_anywhere_goes_on)
{
    write_three("whole");
    const size_t ends[] = {40, 40 + 28 + 4, 40 + 28 + 4 + 28, size_of("whole")};
    static const char *const texts[] = {
        "", "0/2:zero ", "0/2:zero 7/2: ", "0/2:zero 7/2: 1099511627776/1:far "};
    char expected[200];
    for (size_t size = 0; size <= ends[3]; size++) {
        write_three("cut");
        ck_assert_int_eq(truncate(scratch_path("cut"), (off_t)size), 0);
        dp_record_file f = open_file("cut");
        int whole = 0;
        while (whole < 3 && ends[whole + 1] <= size)
            whole++;
        ck_assert_str_eq(seen, texts[whole]);
        ck_assert_uint_eq(f.cut, size < ends[0] ? size : size - ends[whole]);
        append(&f, 9, 2, ""); /* shorter than most that was cut off */
        dp_record_file_close(&f);
        f = open_file("cut");
        snprintf(expected, sizeof expected, "%s9/2: ", texts[whole]);
        ck_assert_str_eq(seen, expected);
        ck_assert_uint_eq(f.cut, 0);
        dp_record_file_close(&f);
        remove(scratch_path("cut"));
    }
}
END_TEST

/* A wrong bit is noticed wherever it is; records before it stay. */
START_TEST(a_wrong_bit_anywhere_is_noticed)
{
    write_three("whole");
    size_t size;
    char *bytes = file_load(scratch_path("whole"), &size);
    for (size_t at = 0; at < size; at++) {
        dp_record_file f;
        bytes[at] ^= 4;
        scratch_file("bad", bytes, size);
        bytes[at] ^= 4;
        seen[0] = '\0';
        const dp_status st =
            dp_record_file_open(&err, &f, scratch_path("bad"), key, note, NULL);
        if (at < 8)
            ck_assert_int_eq(st, DP_EFORMAT);
        else if (at < 40)
            ck_assert_int_eq(st, DP_EARG);
        else
            ck_assert_int_eq(st, DP_OK);
        ck_assert_ptr_null(strstr(seen, "far"));
        if (st == DP_OK)
            dp_record_file_close(&f);
    }
    free(bytes);
}
END_TEST

START_TEST(files_of_others_are_not_touched)
{
    dp_record_file f;
    scratch_text("text", "a text that somebody keeps here, long enough for a head");
    ck_assert_int_eq(
        dp_record_file_open(&err, &f, scratch_path("text"), key, note, NULL),
        DP_EFORMAT);
    ck_assert_uint_eq(size_of("text"), 55);
    write_three("ours");
    ck_assert_int_eq(
        dp_record_file_open(&err, &f, scratch_path("ours"), other, note, NULL),
        DP_EARG);
    ck_assert_ptr_nonnull(strstr(err.text, "another run"));
    ck_assert_int_eq(
        dp_record_file_open(&err, &f, scratch_path("no/where"), key, note, NULL),
        DP_EIO);
}
END_TEST

START_TEST(a_second_process_may_not_append)
{
    dp_record_file f = open_file("a");
    const pid_t child = fork();
    if (child == 0) {
        dp_record_file g;
        const dp_status st =
            dp_record_file_open(&err, &g, scratch_path("a"), key, note, NULL);
        _exit(st == DP_EIO && strstr(err.text, "another process") ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    dp_record_file_close(&f);
}
END_TEST

START_TEST(a_full_disk_leaves_whole_records)
{
    char large[5000];
    memset(large, 'x', sizeof large);
    dp_record_file f = open_file("a");
    append(&f, 1, 2, "one");
    scratch_limit_writes(3000);
    ck_assert_int_eq(dp_record_file_append(&err, &f, 2, 2, large, sizeof large),
                     DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot write"));
    append(&f, 3, 2, "three");
    dp_record_file_close(&f);
    f = open_file("a");
    ck_assert_str_eq(seen, "1/2:one 3/2:three ");
    ck_assert_uint_eq(f.cut, 0);
    dp_record_file_close(&f);
}
END_TEST

/* ---- folders --------------------------------------------------------------------------- */

static dp_run_directory open_folder(const char *own)
{
    dp_run_directory f;
    ck_assert_msg(dp_run_directory_open(&err, &f, scratch_path("work"), key, 6, own) ==
                      DP_OK,
                  "%s", err.text);
    return f;
}

static void put(dp_run_directory *f, size_t item, dp_item_state state, const char *text)
{
    ck_assert_int_eq(dp_run_directory_put(&err, f, item, state, text, strlen(text)),
                     DP_OK);
}

static void expect(const dp_run_directory *f, size_t item, dp_item_state state,
                   const char *text)
{
    size_t size;
    ck_assert_int_eq(f->items[item].state, state);
    const unsigned char *bytes = dp_run_directory_get(f, item, &size);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_mem_eq(bytes, text, size);
}

START_TEST(parts_are_put_together)
{
    ck_assert_int_eq(dp_path_make_folders(&err, scratch_path("work")), DP_OK);
    dp_run_directory a = open_folder("a"), b = open_folder("b");
    put(&a, 0, DP_ITEM_DONE, "zero");
    put(&b, 1, DP_ITEM_FAILED, "no file");
    put(&b, 1, DP_ITEM_FAILED, "still no file");
    put(&a, 2, DP_ITEM_FAILED, "bad");
    put(&b, 2, DP_ITEM_DONE, "two");
    put(&b, 4, DP_ITEM_DONE, "");
    ck_assert_uint_eq(dp_run_directory_tally(&b, DP_ITEM_DONE, 1, 1), 2);
    dp_run_directory_close(&b);
    dp_run_directory_close(&a);

    dp_run_directory f = open_folder("b");
    ck_assert_uint_eq(dp_run_directory_tally(&f, DP_ITEM_DONE, 1, 1), 3);
    put(&f, 5, DP_ITEM_DONE, "five");
    dp_run_directory_close(&f);

    f = open_folder(NULL);
    expect(&f, 0, DP_ITEM_DONE, "zero");
    expect(&f, 1, DP_ITEM_FAILED, "no file");
    expect(&f, 2, DP_ITEM_DONE, "two");
    ck_assert_int_eq(f.items[3].state, DP_ITEM_OPEN);
    expect(&f, 4, DP_ITEM_DONE, "");
    expect(&f, 5, DP_ITEM_DONE, "five");
    dp_run_directory_close(&f);
}
END_TEST

START_TEST(a_folder_of_a_smaller_run_is_refused)
{
    ck_assert_int_eq(dp_path_make_folders(&err, scratch_path("work")), DP_OK);
    dp_run_directory f = open_folder("a");
    put(&f, 5, DP_ITEM_DONE, "five");
    dp_run_directory_close(&f);
    ck_assert_int_eq(dp_run_directory_open(&err, &f, scratch_path("work"), key, 5, "b"),
                     DP_EFORMAT);
    ck_assert_int_eq(
        dp_run_directory_open(&err, &f, scratch_path("work"), other, 6, "b"), DP_EARG);
    ck_assert_int_eq(
        dp_run_directory_open(&err, &f, scratch_path("none"), key, 6, NULL), DP_EIO);
}
END_TEST

/* ---- paths ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool inside;
} names[] = {
    {"a.jpg", true},   {"a/b.jpg", true}, {"..a/b..", true}, {"a..b", true},
    {"", false},       {"/a", false},     {"..", false},     {"../a", false},
    {"a/../b", false}, {"a/b/..", false}, {".", true},       {"a//b", true},
    {"a/...", true},   {"a/../", false},
};

START_TEST(names_stay_inside_or_not)
{
    ck_assert_int_eq(dp_path_stays_inside(names[_i].name), names[_i].inside);
}
END_TEST

START_TEST(folders_are_made_on_the_way)
{
    ck_assert_int_eq(dp_path_make_folders(&err, scratch_path("a/b/c")), DP_OK);
    ck_assert_int_eq(dp_path_make_folders(&err, scratch_path("a/b/c/")), DP_OK);
    scratch_text("a/file", "");
    ck_assert_int_eq(dp_path_make_folders(&err, scratch_path("a/file")), DP_EIO);
    ck_assert_int_eq(dp_path_make_folders(&err, scratch_path("a/file/d")), DP_EIO);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("runner/run_directory");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, records_are_read_back_in_order);
    tcase_add_test(t, a_file_cut_anywhere_goes_on);
    tcase_add_test(t, a_wrong_bit_anywhere_is_noticed);
    tcase_add_test(t, files_of_others_are_not_touched);
    tcase_add_test(t, a_second_process_may_not_append);
    tcase_add_test(t, a_full_disk_leaves_whole_records);
    tcase_add_test(t, parts_are_put_together);
    tcase_add_test(t, a_folder_of_a_smaller_run_is_refused);
    tcase_add_loop_test(t, names_stay_inside_or_not, 0,
                        (int)(sizeof names / sizeof *names));
    tcase_add_test(t, folders_are_made_on_the_way);
    suite_add_tcase(s, t);
    return suite_run(s);
}
