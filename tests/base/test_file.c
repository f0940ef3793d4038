/* Files read whole and mapped: what is there comes back, and nothing beyond a limit. */
#define _XOPEN_SOURCE 700
#include "base/file.h"
#include "base/memory.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 300000, NO_LIMIT = 1 << 30 };

static dp_error err;
static unsigned char large[LARGE];

static void setup(void)
{
    scratch_setup();
    for (int i = 0; i < LARGE; i++)
        large[i] = (unsigned char)(i * 7 + i / 251);
}

static const size_t sizes[] = {0, 1, 2, 65535, 65536, 65537, LARGE};

START_TEST(a_file_is_read_whole_and_closed_by_a_zero)
{
    const size_t size = sizes[_i];
    const char *path = scratch_file("file", large, size);
    unsigned char *data;
    size_t got;
    ck_assert_int_eq(dp_file_load(&err, &data, &got, path, NO_LIMIT), DP_OK);
    ck_assert_uint_eq(got, size);
    ck_assert(memcmp(data, large, size) == 0);
    ck_assert_uint_eq(data[size], 0);
    dp_free(data);
}
END_TEST

START_TEST(a_stream_is_read_from_where_it_stands)
{
    const size_t size = sizes[_i];
    FILE *f = fopen(scratch_file("file", large, size), "rb");
    ck_assert_ptr_nonnull(f);
    const size_t skipped = size > 0 && fgetc(f) != EOF;
    unsigned char *data;
    size_t got;
    ck_assert_int_eq(dp_file_load_stream(&err, &data, &got, f, "stream", NO_LIMIT),
                     DP_OK);
    ck_assert_uint_eq(got, size - skipped);
    ck_assert(memcmp(data, large + skipped, got) == 0);
    ck_assert_uint_eq(data[got], 0);
    dp_free(data);
    fclose(f);
}
END_TEST

START_TEST(a_pipe_is_read_to_its_end)
{
    const char *path = scratch_path("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    if (fork() == 0) {
        const int fd = open(path, O_WRONLY);
        size_t done = 0;
        while (done < LARGE) {
            const ssize_t n = write(fd, large + done, LARGE - done);
            if (n <= 0)
                _exit(1);
            done += (size_t)n;
        }
        _exit(0);
    }
    unsigned char *data;
    size_t got;
    ck_assert_int_eq(dp_file_load(&err, &data, &got, path, NO_LIMIT), DP_OK);
    ck_assert_uint_eq(got, LARGE);
    ck_assert_mem_eq(data, large, LARGE);
    dp_free(data);
}
END_TEST

START_TEST(the_limit_is_a_length_still_allowed)
{
    const char *path = scratch_file("file", large, 1000);
    unsigned char *data;
    size_t got;
    ck_assert_int_eq(dp_file_load(&err, &data, &got, path, 1000), DP_OK);
    dp_free(data);
    ck_assert_int_eq(dp_file_load(&err, &data, &got, path, 999), DP_EFORMAT);
    ck_assert_ptr_null(data);
    for (size_t limit = 999; limit <= 1000; limit++) {
        FILE *f = fopen(path, "rb");
        ck_assert_int_eq(dp_file_load_stream(&err, &data, &got, f, path, limit),
                         limit < 1000 ? DP_EFORMAT : DP_OK);
        dp_free(data);
        fclose(f);
    }
    ck_assert_int_eq(dp_file_load(&err, &data, &got, path, 999), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "longer than the limit of 999 bytes"));
    ck_assert_ptr_nonnull(strstr(err.text, path));
}
END_TEST

START_TEST(an_endless_device_is_cut_off_by_the_limit)
{
    unsigned char *data;
    size_t got;
    ck_assert_int_eq(dp_file_load(&err, &data, &got, "/dev/zero", LARGE), DP_EFORMAT);
    ck_assert_ptr_null(data);
}
END_TEST

START_TEST(a_sparse_giant_is_refused_by_its_length)
{
    const char *path = scratch_file("file", large, 1);
    ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0);
    unsigned char *data;
    size_t got;
    ck_assert_int_eq(dp_file_load(&err, &data, &got, path, NO_LIMIT), DP_EFORMAT);
}
END_TEST

static const struct {
    const char *name, *words;
} refused[] = {
    {"missing", "No such file or directory"},
    {".", "a directory"},
    {"file/below", "Not a directory"},
};

START_TEST(what_cannot_be_read_is_refused_in_words)
{
    unsigned char *data;
    size_t got;
    dp_file_map map;
    scratch_file("file", "x", 1);
    const char *path = scratch_path(refused[_i].name);
    ck_assert_int_eq(dp_file_load(&err, &data, &got, path, NO_LIMIT), DP_EIO);
    ck_assert_msg(strstr(err.text, refused[_i].words), "%s", err.text);
    ck_assert_int_eq(dp_file_map_open(&err, &map, path), DP_EIO);
    ck_assert_msg(strstr(err.text, refused[_i].words), "%s", err.text);
    ck_assert_ptr_null(map.data);
    dp_file_map_close(&map);
}
END_TEST

START_TEST(a_map_shows_the_bytes_of_the_file)
{
    dp_file_map map;
    const char *path = scratch_file("file", large, sizes[_i]);
    ck_assert_int_eq(dp_file_map_open(&err, &map, path), DP_OK);
    ck_assert_uint_eq(map.size, sizes[_i]);
    ck_assert_int_eq(map.data == NULL, sizes[_i] == 0);
    if (map.size > 0)
        ck_assert_mem_eq(map.data, large, map.size);
    dp_file_map_close(&map);
    ck_assert_ptr_null(map.data);
    ck_assert_uint_eq(map.size, 0);
    dp_file_map_close(&map);
}
END_TEST

START_TEST(a_pipe_and_a_device_are_not_mapped)
{
    dp_file_map map;
    const char *path = scratch_path("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(dp_file_map_open(&err, &map, path), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "a pipe, not a regular file"));
    ck_assert_int_eq(dp_file_map_open(&err, &map, "/dev/zero"), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "a device, not a regular file"));
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
    const struct rlimit few = {32, 32};
    unsigned char *data;
    size_t got;
    dp_file_map map;
    const char *path = scratch_file("file", large, 100), *folder = scratch_path(".");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < 64; i++) {
        ck_assert_int_eq(dp_file_load(&err, &data, &got, path, NO_LIMIT), DP_OK);
        dp_free(data);
        ck_assert_int_eq(dp_file_load(&err, &data, &got, path, 99), DP_EFORMAT);
        ck_assert_int_eq(dp_file_map_open(&err, &map, path), DP_OK);
        dp_file_map_close(&map);
        ck_assert_int_eq(dp_file_map_open(&err, &map, folder), DP_EIO);
        ck_assert_ptr_nonnull(strstr(err.text, "a directory"));
    }
}
END_TEST

int main(void)
{
    const int n = (int)(sizeof sizes / sizeof sizes[0]);
    Suite *s = suite_create("base/file");
    TCase *t = tcase_create("file");
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_add_loop_test(t, a_file_is_read_whole_and_closed_by_a_zero, 0, n);
    tcase_add_loop_test(t, a_stream_is_read_from_where_it_stands, 0, n);
    tcase_add_test(t, a_pipe_is_read_to_its_end);
    tcase_add_test(t, the_limit_is_a_length_still_allowed);
    tcase_add_test(t, an_endless_device_is_cut_off_by_the_limit);
    tcase_add_test(t, a_sparse_giant_is_refused_by_its_length);
    tcase_add_loop_test(t, what_cannot_be_read_is_refused_in_words, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_loop_test(t, a_map_shows_the_bytes_of_the_file, 0, n);
    tcase_add_test(t, a_pipe_and_a_device_are_not_mapped);
    tcase_add_test(t, no_descriptor_is_left_open);
    suite_add_tcase(s, t);
    return suite_run(s);
}
