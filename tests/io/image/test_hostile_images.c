/* Files made to break image readers: none does, and each is read or refused as its
 * makers say. */
#define _XOPEN_SOURCE 700
#include "base/memory.h"
#include "io/image/image.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "tests/support/walk.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <zlib.h>

static dp_error err;
static int read_count, refused_count;

/* None of these files is a large image, so none may take much memory. The address
 * sanitizer reserves too much itself for such a limit. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
#endif
}

static dp_status load(dp_pixels *p, const char *path)
{
    err = (dp_error){0};
    const dp_status st = dp_pixels_load(&err, p, path);
    ck_assert_msg((st == DP_OK) == (p->data != NULL), "%s", path);
    ck_assert_msg((st == DP_OK) == (err.text[0] == '\0'), "%s", path);
    ck_assert_msg(st == DP_OK || st == DP_EFORMAT || st == DP_EUNSUPPORTED, "%s",
                  err.text);
    ck_assert_msg(st == DP_OK || strncmp(err.text, path, strlen(path)) == 0, "%s",
                  err.text);
    read_count += st == DP_OK;
    refused_count += st != DP_OK;
    return st;
}

static const char *base_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

static bool ends_in(const char *path, const char *end)
{
    const size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

/* Every byte of the pixels is looked at, so that the sanitizers see them all. */
static void read_any(const char *path)
{
    dp_pixels p;
    if (load(&p, path) == DP_OK)
        (void)crc32(0, p.data, (uInt)(p.h * p.w * 3));
    dp_pixels_done(&p);
}

static const struct {
    const char *folder;
    int reads, refuses; /* at least */
} fuzzed[] = {
    {"data/hostile/png/fuzz", 0, 1000},
    {"data/hostile/jpeg/fuzz-afl", 5, 80},
    {"data/hostile/jpeg/tests/crashtest", 5, 80},
    {"data/hostile/json", 0, 300},
    {"data/hostile/pickle", 0, 100},
};
enum { FUZZED = sizeof fuzzed / sizeof fuzzed[0] };

START_TEST(files_found_by_fuzzers_are_read_or_refused)
{
    (void)walk_files(shared_path("%s", fuzzed[_i].folder), read_any);
    ck_assert_int_ge(read_count, fuzzed[_i].reads);
    ck_assert_int_ge(refused_count, fuzzed[_i].refuses);
}
END_TEST

static void must_read(const char *path)
{
    dp_pixels p;
    if (!ends_in(path, ".png") && !ends_in(path, ".jpg") && !ends_in(path, ".jpeg"))
        return;
    ck_assert_msg(load(&p, path) == DP_OK, "%s", err.text);
    dp_pixels_done(&p);
}

static void must_refuse(const char *path)
{
    dp_pixels p;
    ck_assert_msg(load(&p, path) == DP_EFORMAT, "%s: read, or %s", path, err.text);
}

static void must_not_support(const char *path)
{
    dp_pixels p;
    if (ends_in(path, ".jpg") || ends_in(path, ".png"))
        ck_assert_msg(load(&p, path) == DP_EUNSUPPORTED, "%s: read, or %s", path,
                      err.text);
}

/* In these two sets the names of broken files start with an x. */
static void must_do_as_its_name_says(const char *path)
{
    if (base_name(path)[0] == 'x')
        must_refuse(path);
    else
        must_read(path);
}

static const struct {
    const char *folder;
    walk_visit *visit;
    int files; /* at least */
} folders[] = {
    {"data/hostile/png/tests/pngsuite", must_do_as_its_name_says, 170},
    {"data/hostile/png/tests/bugfixes", must_do_as_its_name_says, 15},
    {"data/hostile/png/tests/benches", must_read, 10},
    {"data/hostile/png/tests/pngsuite-extra", must_read, 1},
    {"data/hostile/png/tests/animated", must_read, 1},
    {"data/hostile/png/tests/sbit", must_read, 5},
    {"data/hostile/png/tests/iccp", must_read, 1},
    {"data/hostile/png_stb/tests/pngsuite/16bit", must_read, 20},
    {"data/hostile/png_stb/tests/pngsuite/unused", must_read, 50},
    {"data/hostile/png_stb/tests/pngsuite/corrupt", must_refuse, 14},
    {"data/hostile/png_stb/tests/pngsuite/iphone", must_not_support, 5},
    {"data/hostile/jpeg/tests/icc", must_read, 5},
    {"data/hostile/jpeg/tests/reftest/images/mozilla", must_read, 40},
    {"data/hostile/jpeg_libjpegturbo/testimages/monkey16.png", must_read, 1},
    {"data/hostile/jpeg_libjpegturbo/testimages/monkey12.jpg", must_not_support, 1},
};
enum { FOLDERS = sizeof folders / sizeof folders[0] };

START_TEST(files_are_read_or_refused_as_their_makers_say)
{
    const int files =
        walk_files(shared_path("%s", folders[_i].folder), folders[_i].visit);
    ck_assert_int_ge(files, folders[_i].files);
}
END_TEST

static void check_same(const char *path, const char *other, int worst)
{
    dp_pixels p, q;
    ck_assert_msg(load(&p, path) == DP_OK, "%s", err.text);
    ck_assert_msg(load(&q, other) == DP_OK, "%s", err.text);
    ck_assert_int_eq(p.h, q.h);
    ck_assert_int_eq(p.w, q.w);
    for (int i = 0; i < p.h * p.w * 3; i++)
        ck_assert_msg(abs(p.data[i] - q.data[i]) <= worst, "%s: byte %d is %d, not %d",
                      path, i, p.data[i], q.data[i]);
    dp_pixels_done(&p);
    dp_pixels_done(&q);
}

/* These were decoded to 8-bit RGB(A) by another reader. */
static void check_against_another_reader(const char *path)
{
    check_same(
        shared_path("data/hostile/png_stb/tests/pngsuite/primary/%s", base_name(path)),
        path, 0);
}

START_TEST(png_pixels_are_those_of_another_reader)
{
    const int files =
        walk_files(shared_path("data/hostile/png_stb/tests/pngsuite/primary_check"),
                   check_against_another_reader);
    ck_assert_int_ge(files, 70);
}
END_TEST

static const struct {
    const char *name;
    dp_status code;
} exceptions[] = {
    /* The data of a scan end early; the other reader takes what there is. */
    {"partial_progressive.jpg", DP_EFORMAT},
};

static dp_status expected_status(const char *path)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (strcmp(base_name(path), exceptions[i].name) == 0)
            return exceptions[i].code;
    return strstr(path, "/lossless/") ? DP_EUNSUPPORTED : DP_OK;
}

/* The PNG beside a JPEG is another reader's, whose DCT, chroma filter and CMYK are not
 * quite libjpeg-turbo's: by 4 levels at most. */
static void check_against_png(const char *path)
{
    char png[512];
    dp_pixels p;
    if (!ends_in(path, ".jpg"))
        return;
    snprintf(png, sizeof png, "%.*s.png", (int)strlen(path) - 4, path);
    const dp_status want = expected_status(path);
    if (want == DP_OK)
        check_same(path, png, 4);
    else
        ck_assert_msg(load(&p, path) == want, "%s: read, or %s", path, err.text);
}

START_TEST(jpeg_pixels_are_near_those_of_another_reader)
{
    const char *folder = shared_path("data/hostile/jpeg/tests/reftest/images");
    ck_assert_int_ge(walk_files(folder, check_against_png), 90);
    ck_assert_int_ge(read_count, 2 * 30);
}
END_TEST

START_TEST(arithmetic_and_huffman_coding_of_an_image_are_the_same)
{
    check_same(shared_path("data/hostile/jpeg_libjpegturbo/testimages/testimgari.jpg"),
               shared_path("data/hostile/jpeg_libjpegturbo/testimages/testimgint.jpg"),
               0);
}
END_TEST

/* ---- checksums of pixels ------------------------------------------------------ */

/* CRC-32 of the first channel, or of all in the order red, green, blue. */
static unsigned long pixel_crc(const dp_pixels *p, bool grey)
{
    unsigned long crc = 0;
    for (int i = 0; i < p->h * p->w; i++) {
        const uint8_t *from = p->data + 3 * i, rgb[3] = {from[2], from[1], from[0]};
        crc = crc32(crc, rgb, grey ? 1 : 3);
    }
    return crc;
}

/* The list's checksums include alpha where there is any, and know no orientation. */
static bool is_comparable(const char *path)
{
    size_t size;
    char *bytes = file_load(path, &size);
    bool opaque = bytes[25] != 4 && bytes[25] != 6;
    for (size_t i = 0; i + 4 <= size; i++)
        opaque = opaque && memcmp(bytes + i, "tRNS", 4) != 0 &&
                 memcmp(bytes + i, "eXIf", 4) != 0;
    free(bytes);
    return opaque;
}

START_TEST(png_pixels_have_the_checksums_of_another_reader)
{
    char *list = file_load(shared_path("data/hostile/png/tests/results.txt"), NULL);
    int compared = 0;
    for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n")) {
        char *colon = strstr(line, ": ");
        ck_assert_ptr_nonnull(colon);
        *colon = '\0';
        const unsigned long want = strtoul(colon + 2, NULL, 10);
        const char *path = shared_path("data/hostile/png/%s", line);
        dp_pixels p;
        if (base_name(path)[0] == 'x' || dp_pixels_load(&err, &p, path) == DP_EIO)
            continue;
        ck_assert_msg(p.data != NULL, "%s", err.text);
        if (is_comparable(path)) {
            ck_assert_msg(pixel_crc(&p, false) == want || pixel_crc(&p, true) == want,
                          "%s", path);
            compared++;
        }
        dp_pixels_done(&p);
    }
    ck_assert_int_ge(compared, 130);
    free(list);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, files_found_by_fuzzers_are_read_or_refused, 0, FUZZED);
    tcase_add_loop_test(t, files_are_read_or_refused_as_their_makers_say, 0, FOLDERS);
    tcase_add_test(t, png_pixels_are_those_of_another_reader);
    tcase_add_test(t, png_pixels_have_the_checksums_of_another_reader);
    tcase_add_test(t, jpeg_pixels_are_near_those_of_another_reader);
    tcase_add_test(t, arithmetic_and_huffman_coding_of_an_image_are_the_same);
}

int main(void)
{
    Suite *s = suite_create("io/hostile images");
    TCase *t = tcase_create("hostile");
    tcase_set_timeout(t, 300); /* the sanitizers are slow */
    tcase_add_checked_fixture(t, limit_memory, NULL);
    if (shared_has("data/hostile"))
        add_tests(t);
    suite_add_tcase(s, t);
    return suite_run(s);
}
