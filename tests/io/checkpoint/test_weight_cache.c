/* The file of packed weights: it reads back, and whatever happened to it, it is refused
 * before a number of it is used. */
#define _POSIX_C_SOURCE 200809L
#include "io/checkpoint/weight_cache.h"

#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = 1000, SECOND = 300000, PADDING = 24 };

static const uint8_t key[DP_SHA256_BYTES] = {1, 2, 3};
static float *first, *second; /* owned */
static dp_pool *pool;
static dp_error err;

static void setup(void)
{
    uint64_t seed = 5;
    scratch_setup();
    err = (dp_error){0};
    first = random_floats(&seed, FIRST, -1, 1);
    second = random_floats(&seed, SECOND, -1, 1);
    ck_assert_int_eq(dp_pool_new(&err, &pool, 3), DP_OK);
}

static void teardown(void)
{
    dp_pool_free(pool);
    free(first);
    free(second);
    scratch_teardown();
}

/* Two pieces, of more than a chunk together; FIRST with padding after it. */
static dp_status save(const char *path)
{
    const dp_weight_piece pieces[] = {{first, FIRST, PADDING}, {second, SECOND, 0}};
    return dp_weight_cache_save(&err, path, key, pieces, 2);
}

static dp_status load_by(const char *path, const uint8_t *by, bool *missing)
{
    dp_store store = {0};
    float *floats;
    size_t count = 0;
    err = (dp_error){0};
    const dp_status st =
        dp_weight_cache_load(&err, &floats, &count, &store, path, by, pool, missing);
    if (st == DP_OK) {
        const float zeros[PADDING] = {0};
        ck_assert_uint_eq(count, FIRST + PADDING + SECOND);
        ck_assert_mem_eq(floats, first, FIRST * sizeof *first);
        ck_assert_mem_eq(floats + FIRST, zeros, sizeof zeros);
        ck_assert_mem_eq(floats + FIRST + PADDING, second, SECOND * sizeof *second);
    }
    dp_store_done(&store);
    return st;
}

static dp_status load(const char *path)
{
    bool missing;
    const dp_status st = load_by(path, key, &missing);
    ck_assert(!missing);
    return st;
}

START_TEST(what_was_written_is_read)
{
    const char *path = scratch_path("a.dpcache");
    ck_assert_msg(save(path) == DP_OK, "%s", err.text);
    ck_assert_msg(load(path) == DP_OK, "%s", err.text);
    ck_assert_int_eq(save(path), DP_OK); /* over the old one */
    ck_assert_int_eq(load(path), DP_OK);
    ck_assert_int_eq(scratch_count(), 1);
}
END_TEST

START_TEST(no_file_is_told_apart)
{
    bool missing;
    ck_assert_int_eq(load_by(scratch_path("none"), key, &missing), DP_EIO);
    ck_assert(missing);
}
END_TEST

START_TEST(another_key_is_refused)
{
    bool missing;
    const char *path = scratch_path("a.dpcache");
    ck_assert_int_eq(save(path), DP_OK);
    for (int i = 0; i < DP_SHA256_BYTES; i++) {
        uint8_t other[DP_SHA256_BYTES];
        memcpy(other, key, sizeof other);
        other[i] ^= 1;
        ck_assert_int_eq(load_by(path, other, &missing), DP_EFORMAT);
        ck_assert(!missing);
        ck_assert_ptr_nonnull(strstr(err.text, "of another checkpoint"));
    }
}
END_TEST

/* ---- damage --------------------------------------------------------------------------- */

static unsigned char *bytes_of(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* Write one byte in place. */
static void poke(const char *path, size_t at, unsigned char byte)
{
    FILE *file = fopen(path, "r+b");
    fseek(file, (long)at, SEEK_SET);
    fputc(byte, file);
    fclose(file);
}

enum { HEAD = 56 + 2 * 8 + DP_SHA256_BYTES, FLOATS_AT = 4096 };

static void check_flip(const char *path, const unsigned char *bytes, size_t at, int bit)
{
    poke(path, at, (unsigned char)(bytes[at] ^ 1 << bit));
    ck_assert_msg(load(path) == DP_EFORMAT, "byte %zu, bit %d", at, bit);
    poke(path, at, bytes[at]);
}

START_TEST(every_flip_in_the_head_is_refused)
{
    size_t size;
    const char *path = scratch_path("a.dpcache");
    ck_assert_int_eq(save(path), DP_OK);
    unsigned char *bytes = bytes_of(path, &size);
    for (size_t at = 0; at < HEAD; at++)
        for (int bit = 0; bit < 8; bit++)
            check_flip(path, bytes, at, bit);
    ck_assert_int_eq(load(path), DP_OK);
    free(bytes);
}
END_TEST

START_TEST(flips_in_the_weights_are_refused)
{
    size_t size;
    uint64_t seed = 9;
    const char *path = scratch_path("a.dpcache");
    ck_assert_int_eq(save(path), DP_OK);
    unsigned char *bytes = bytes_of(path, &size);
    ck_assert_uint_eq(size, FLOATS_AT + 4 * (FIRST + PADDING + SECOND));
    check_flip(path, bytes, FLOATS_AT, 0);
    check_flip(path, bytes, size - 1, 7);
    for (int i = 0; i < 200; i++)
        check_flip(path, bytes,
                   FLOATS_AT + (size_t)random_int(&seed, (int)size - FLOATS_AT),
                   random_int(&seed, 8));
    ck_assert_int_eq(load(path), DP_OK);
    free(bytes);
}
END_TEST

START_TEST(a_file_of_another_length_is_refused)
{
    size_t size;
    uint64_t seed = 10;
    const char *path = scratch_path("a.dpcache");
    ck_assert_int_eq(save(path), DP_OK);
    free(bytes_of(path, &size));
    for (int i = 0; i < 300; i++) {
        const size_t length =
            i < 150 ? (size_t)i : (size_t)random_int(&seed, (int)size);
        ck_assert_int_eq(save(path), DP_OK);
        ck_assert_int_eq(truncate(path, (off_t)length), 0);
        ck_assert_msg(load(path) == DP_EFORMAT, "%zu bytes", length);
    }
    ck_assert_int_eq(save(path), DP_OK);
    ck_assert_int_eq(truncate(path, (off_t)size + 1), 0);
    ck_assert_int_eq(load(path), DP_EFORMAT);
}
END_TEST

/* A count that says there is far more than the file holds, or could ever. */
START_TEST(a_count_that_lies_is_refused)
{
    static const uint64_t counts[] = {0,          1,          1u << 20,  1ull << 36,
                                      1ull << 40, 1ull << 62, UINT64_MAX};
    const char *path = scratch_path("a.dpcache");
    ck_assert_int_eq(save(path), DP_OK);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (size_t k = 0; k < 8; k++)
            poke(path, 48 + k, (unsigned char)(counts[i] >> 8 * k));
        ck_assert_int_eq(load(path), DP_EFORMAT);
    }
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused)
{
    const char *folder = scratch_path("folder"), *pipe = scratch_path("pipe");
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    ck_assert_int_eq(load(folder), DP_EFORMAT);
    ck_assert_int_eq(load(pipe), DP_EFORMAT);
    ck_assert_int_eq(save(folder), DP_EIO);
    ck_assert_int_eq(save(scratch_path("none/a.dpcache")), DP_EIO);
}
END_TEST

START_TEST(a_full_disk_leaves_nothing)
{
    scratch_limit_writes(1 << 19);
    ck_assert_int_eq(save(scratch_path("a.dpcache")), DP_EIO);
    ck_assert_int_eq(scratch_count(), 0);
}
END_TEST

/* ---- checkpoints ------------------------------------------------------------------------ */

static void identify(uint8_t digest[DP_SHA256_BYTES], const char *path)
{
    dp_sha256 sum;
    dp_sha256_init(&sum);
    ck_assert_int_eq(dp_weight_cache_identify(&err, &sum, path), DP_OK);
    dp_sha256_finish(&sum, digest);
}

START_TEST(a_checkpoint_is_known_by_its_size_time_and_ends)
{
    uint8_t a[DP_SHA256_BYTES], b[DP_SHA256_BYTES];
    const size_t size = SECOND * sizeof *second;
    const char *path = scratch_file("w.pth", second, size);
    const struct timespec when[2] = {{1000, 5}, {1000, 5}},
                          later[2] = {{1000, 6}, {1000, 6}};
    utimensat(AT_FDCWD, path, when, 0);
    identify(a, path);
    identify(b, path);
    ck_assert_mem_eq(a, b, sizeof a);
    utimensat(AT_FDCWD, path, later, 0);
    identify(b, path);
    ck_assert(memcmp(a, b, sizeof a) != 0);
    const size_t places[] = {0, 60000, size - 60000, size - 1};
    for (int i = 0; i < 4; i++) {
        poke(path, places[i], 0xAA);
        utimensat(AT_FDCWD, path, when, 0);
        identify(b, path);
        ck_assert_msg(memcmp(a, b, sizeof a) != 0, "byte %zu", places[i]);
        memcpy(a, b, sizeof a);
    }
    ck_assert_int_eq(truncate(path, (off_t)size - 4), 0);
    utimensat(AT_FDCWD, path, when, 0);
    identify(b, path);
    ck_assert(memcmp(a, b, sizeof a) != 0);
    dp_sha256 sum;
    dp_sha256_init(&sum);
    ck_assert_int_eq(dp_weight_cache_identify(&err, &sum, scratch_path("none")),
                     DP_EIO);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/weight_cache");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_was_written_is_read);
    tcase_add_test(t, no_file_is_told_apart);
    tcase_add_test(t, another_key_is_refused);
    tcase_add_test(t, every_flip_in_the_head_is_refused);
    tcase_add_test(t, flips_in_the_weights_are_refused);
    tcase_add_test(t, a_file_of_another_length_is_refused);
    tcase_add_test(t, a_count_that_lies_is_refused);
    tcase_add_test(t, what_is_no_regular_file_is_refused);
    tcase_add_test(t, a_full_disk_leaves_nothing);
    tcase_add_test(t, a_checkpoint_is_known_by_its_size_time_and_ends);
    suite_add_tcase(s, t);
    return suite_run(s);
}
