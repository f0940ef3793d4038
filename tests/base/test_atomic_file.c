/* Output files: whole or not there, whatever goes wrong. */
#define _XOPEN_SOURCE 700
#include "base/atomic_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 1 << 20 };

static dp_error err;
static dp_atomic_file file;
static char large[LARGE];

static void check_holds(const char *path, const char *text)
{
    unsigned char *data;
    size_t size;
    ck_assert_int_eq(dp_file_load(&err, &data, &size, path, LARGE), DP_OK);
    ck_assert_str_eq((const char *)data, text);
    dp_free(data);
}

static void put(const char *text)
{
    ck_assert_int_eq(dp_atomic_file_write(&err, &file, text, strlen(text)), DP_OK);
}

START_TEST(the_old_file_stays_until_commit)
{
    const char *path = scratch_file("out", "old", 3);
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_OK);
    put("ne");
    fprintf(file.stream, "%c", 'w');
    ck_assert_int_eq(fflush(file.stream), 0);
    check_holds(path, "old");
    ck_assert_int_eq(scratch_count(), 2);
    ck_assert_int_eq(dp_atomic_file_commit(&err, &file), DP_OK);
    check_holds(path, "new");
    ck_assert_int_eq(scratch_count(), 1);
    dp_atomic_file_abandon(&file);
    check_holds(path, "new");
}
END_TEST

START_TEST(an_abandoned_file_leaves_nothing)
{
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, scratch_path("out")), DP_OK);
    put("half");
    dp_atomic_file_abandon(&file);
    ck_assert_int_eq(scratch_count(), 0);
    dp_atomic_file_abandon(&file);
}
END_TEST

START_TEST(two_writers_of_one_place_do_not_meet)
{
    dp_atomic_file other;
    const char *path = scratch_path("out");
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_OK);
    ck_assert_int_eq(dp_atomic_file_open(&err, &other, path), DP_OK);
    put("first");
    ck_assert_int_eq(dp_atomic_file_write(&err, &other, "second", 6), DP_OK);
    ck_assert_int_eq(dp_atomic_file_commit(&err, &other), DP_OK);
    check_holds(path, "second");
    ck_assert_int_eq(dp_atomic_file_commit(&err, &file), DP_OK);
    check_holds(path, "first");
    ck_assert_int_eq(scratch_count(), 1);
}
END_TEST

START_TEST(a_new_file_has_the_permissions_of_the_umask)
{
    struct stat about;
    const mode_t old = umask(027);
    const char *path = scratch_path("out");
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_OK);
    ck_assert_int_eq(dp_atomic_file_commit(&err, &file), DP_OK);
    umask(old);
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_link_stays_and_its_file_is_replaced)
{
    struct stat about;
    const char *target = scratch_file("target", "old", 3);
    const char *link = scratch_path("link");
    ck_assert_int_eq(symlink(target, link), 0);
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, link), DP_OK);
    put("new");
    ck_assert_int_eq(dp_atomic_file_commit(&err, &file), DP_OK);
    check_holds(target, "new");
    ck_assert_int_eq(lstat(link, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
}
END_TEST

START_TEST(what_is_no_regular_file_is_written_directly)
{
    struct stat about;
    char got[8];
    const char *path = scratch_path("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const int reader = open(path, O_RDONLY | O_NONBLOCK);
    ck_assert_int_ge(reader, 0);
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_OK);
    put("text");
    ck_assert_int_eq(dp_atomic_file_commit(&err, &file), DP_OK);
    ck_assert_int_eq(read(reader, got, sizeof got), 4);
    ck_assert_mem_eq(got, "text", 4);
    ck_assert_int_eq(lstat(path, &about), 0);
    ck_assert(S_ISFIFO(about.st_mode));
    ck_assert_int_eq(scratch_count(), 1);
    close(reader);
}
END_TEST

static const struct {
    const char *name, *words;
} refused[] = {
    {"missing/out", "No such file or directory"},
    {".", "Is a directory"},
    {"file/out", "Not a directory"},
};

START_TEST(a_place_that_cannot_be_is_refused_in_words)
{
    scratch_file("file", "x", 1);
    const char *path = scratch_path(refused[_i].name);
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_EIO);
    ck_assert_msg(strstr(err.text, refused[_i].words), "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, path));
    ck_assert_ptr_null(file.stream);
    ck_assert_int_eq(scratch_count(), 1);
}
END_TEST

/* What cannot be written: a few bytes that stay in the buffer until the file is closed;
 * many, through dp_atomic_file_write; many, by the caller's own calls. */
enum { SMALL = 10 };

static void check_old_file_is_left(const char *words)
{
    const char *path = scratch_path("out");
    ck_assert_int_eq(dp_atomic_file_commit(&err, &file), DP_EIO);
    ck_assert_msg(strstr(err.text, words) && strstr(err.text, path), "%s", err.text);
    check_holds(path, "old");
    ck_assert_int_eq(scratch_count(), 1);
}

START_TEST(a_full_disk_is_noticed_when_the_last_bytes_go_out)
{
    scratch_limit_writes(SMALL);
    const char *path = scratch_file("out", "old", 3);
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_OK);
    put("few bytes stay in the buffer");
    check_old_file_is_left("cannot write: File too large");
}
END_TEST

START_TEST(a_full_disk_is_noticed_while_writing)
{
    scratch_limit_writes(SMALL);
    const char *path = scratch_file("out", "old", 3);
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_OK);
    ck_assert_int_eq(dp_atomic_file_write(&err, &file, large, LARGE), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot write: File too large"));
    ck_assert_int_eq(dp_atomic_file_write(&err, &file, large, 1), DP_EIO);
    err = (dp_error){0};
    check_old_file_is_left("cannot write: File too large");
}
END_TEST

START_TEST(a_failed_write_of_the_callers_own_is_noticed_too)
{
    scratch_limit_writes(SMALL);
    const char *path = scratch_file("out", "old", 3);
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_OK);
    ck_assert_uint_lt(fwrite(large, 1, LARGE, file.stream), LARGE);
    check_old_file_is_left("cannot write: ");
}
END_TEST

START_TEST(a_rename_that_fails_leaves_no_temporary)
{
    const char *path = scratch_path("out");
    ck_assert_int_eq(dp_atomic_file_open(&err, &file, path), DP_OK);
    put("text");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(dp_atomic_file_commit(&err, &file), DP_EIO);
    ck_assert_msg(strstr(err.text, "Is a directory"), "%s", err.text);
    ck_assert_int_eq(scratch_count(), 1);
}
END_TEST

START_TEST(tidying_removes_temporaries_and_nothing_else)
{
    static const char *const stay[] = {"a.tmp",         "a-1.tmp", "a.x-1.tmp",
                                       ".1-2.tmp",      "1-2.tmp", "a.12.tmp",
                                       "a.1-2.tmp.json"};
    const int count = (int)(sizeof stay / sizeof stay[0]);
    for (int i = 0; i < count; i++)
        scratch_file(stay[i], "x", 1);
    scratch_file("results.json.9660-0.tmp", "x", 1);
    dp_atomic_file left;
    ck_assert_int_eq(dp_atomic_file_open(&err, &left, scratch_path("out")), DP_OK);
    ck_assert_int_eq(scratch_count(), count + 2);

    ck_assert_int_eq(dp_atomic_file_tidy(&err, scratch_path("")), DP_OK);
    ck_assert_int_eq(scratch_count(), count);
    ck_assert_int_eq(dp_atomic_file_tidy(&err, scratch_path("nowhere")), DP_OK);
    ck_assert_int_eq(dp_atomic_file_tidy(&err, scratch_path("a.tmp")), DP_EIO);
    dp_atomic_file_abandon(&left);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/atomic_file");
    TCase *t = tcase_create("atomic_file");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, the_old_file_stays_until_commit);
    tcase_add_test(t, an_abandoned_file_leaves_nothing);
    tcase_add_test(t, two_writers_of_one_place_do_not_meet);
    tcase_add_test(t, a_new_file_has_the_permissions_of_the_umask);
    tcase_add_test(t, a_link_stays_and_its_file_is_replaced);
    tcase_add_test(t, what_is_no_regular_file_is_written_directly);
    tcase_add_loop_test(t, a_place_that_cannot_be_is_refused_in_words, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(t, a_full_disk_is_noticed_when_the_last_bytes_go_out);
    tcase_add_test(t, a_full_disk_is_noticed_while_writing);
    tcase_add_test(t, a_failed_write_of_the_callers_own_is_noticed_too);
    tcase_add_test(t, a_rename_that_fails_leaves_no_temporary);
    tcase_add_test(t, tidying_removes_temporaries_and_nothing_else);
    suite_add_tcase(s, t);
    return suite_run(s);
}
