/* BMP, GIF, PPM, TIFF and WebP: two pixels written by hand, cut, claimed large, damaged. */
#include "io/image/image.h"
#include "io/image/stored_pixels.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 200 };

static dp_error err;

/* A file of 2 x 1 pixels of red, green, blue (10, 20, 30), (200, 100, 50). */
typedef struct sample {
    const char *format, *needs; /* "": nothing but this project */
    bool is_read;
    int spare;         /* bytes at its end that no pixel needs        */
    int width, height; /* where these numbers stand, little endian    */
    int bytes;         /* of each                                     */
    size_t size;
    unsigned char data[FILE_MAX];
} sample;

#define W16(v)                       (v) & 255, (v) >> 8
#define W32(v)                       (v) & 255, (v) >> 8, 0, 0
#define TAG(tag, type, count, value) W16(tag), W16(type), W32(count), W32(value)

static const sample samples[] = {
    {"BMP", "", true, 2, 18, 22, 4, 62, {'B',     'M',    W32(62), W32(0), W32(54),
                                         W32(40), W32(2), W32(1),  W16(1), W16(24),
                                         W32(0),  W32(0), W32(0),  W32(0), W32(0),
                                         W32(0),  30,     20,      10,     50,
                                         100,     200,    0,       0}},
    {"PPM", "", true, 0, 0, 0, 0, 17, "P6 2 1 255\n\x0a\x14\x1e\xc8\x64\x32"},
    {"GIF", "giflib", DP_WITH_GIF, 3, 24, 26, 2, 35, {'G',    'I',    'F',    '8',
                                                      '7',    'a',    W16(2), W16(1),
                                                      0x80,   0,      0,      200,
                                                      100,    50,     10,     20,
                                                      30,     0x2c,   W16(0), W16(0),
                                                      W16(2), W16(1), 0,      2,
                                                      2,      0x0c,   0x0a,   0,
                                                      0x3b}},
    {"TIFF",
     "libtiff",
     DP_WITH_TIFF,
     0,
     18,
     30,
     4,
     122,
     {'I',
      'I',
      W16(42),
      W32(8),
      W16(8),
      TAG(256, 4, 1, 2),
      TAG(257, 4, 1, 1),
      TAG(258, 3, 1, 8),
      TAG(262, 3, 1, 2),
      TAG(273, 4, 1, 116),
      TAG(277, 3, 1, 3),
      TAG(278, 4, 1, 1),
      TAG(279, 4, 1, 6),
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      10,
      20,
      30,
      200,
      100,
      50}},
    {"WebP", "libwebp", DP_WITH_WEBP, 0, 0, 0, 0, 42, {0x52, 0x49, 0x46, 0x46, 0x22,
                                                       0x00, 0x00, 0x00, 0x57, 0x45,
                                                       0x42, 0x50, 0x56, 0x50, 0x38,
                                                       0x4c, 0x16, 0x00, 0x00, 0x00,
                                                       0x2f, 0x01, 0x00, 0x00, 0x00,
                                                       0x0f, 0x70, 0x0a, 0xa8, 0x2b,
                                                       0xf8, 0x9e, 0xc2, 0x63, 0xfe,
                                                       0x83, 0x07, 0x15, 0x88, 0xe8,
                                                       0x7f, 0x00}},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

static const uint8_t bgr[] = {30, 20, 10, 50, 100, 200};

/* Decode an exact copy, so that a sanitizer sees a byte too many. */
static dp_status decode(dp_pixels *p, const unsigned char *bytes, size_t size)
{
    unsigned char *exact = malloc(size ? size : 1);
    memcpy(exact, bytes, size);
    err = (dp_error){0};
    const dp_status st = dp_pixels_decode(&err, p, exact, size, "a");
    free(exact);
    ck_assert_int_eq(st == DP_OK, p->data != NULL);
    ck_assert_msg(st == DP_OK || strncmp(err.text, "a: ", 3) == 0, "%s", err.text);
    return st;
}

START_TEST(two_pixels_are_read_or_the_library_is_named)
{
    const sample *s = &samples[_i];
    dp_pixels p;
    const dp_status st = decode(&p, s->data, s->size);
    if (s->is_read) {
        ck_assert_msg(st == DP_OK, "%s", err.text);
        ck_assert(p.h == 1 && p.w == 2);
        ck_assert_mem_eq(p.data, bgr, sizeof bgr);
    } else {
        ck_assert_int_eq(st, DP_EUNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(err.text, "is not read: this build is without"));
        ck_assert_ptr_nonnull(strstr(err.text, s->needs));
    }
    dp_pixels_done(&p);
}
END_TEST

START_TEST(a_file_that_is_cut_is_refused)
{
    const sample *s = &samples[_i];
    for (size_t size = 0; size < s->size && s->is_read; size++) {
        dp_pixels p;
        const dp_status st = decode(&p, s->data, size);
        if (size + (size_t)s->spare < s->size)
            ck_assert_msg(st == DP_EFORMAT, "%s: %zu bytes: %d %s", s->format, size, st,
                          err.text);
        dp_pixels_done(&p);
    }
}
END_TEST

static void put(unsigned char *bytes, int at, int count, unsigned value)
{
    for (int i = 0; i < count; i++)
        bytes[at + i] = (unsigned char)(value >> 8 * i);
}

/* 65535 pixels are beyond the limit of a side; 60000 x 4000 are not, but no such file is
 * that short. */
START_TEST(a_short_file_that_claims_a_large_image_is_refused)
{
    const sample *s = &samples[_i];
    unsigned char bytes[FILE_MAX];
    dp_pixels p;
    if (!s->is_read || !s->bytes)
        return;
    memcpy(bytes, s->data, s->size);
    put(bytes, s->width, s->bytes, 65535);
    ck_assert_int_eq(decode(&p, bytes, s->size), DP_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "65535 x 1 pixels; at most 65500 a side"));
    put(bytes, s->width, s->bytes, 60000);
    put(bytes, s->height, s->bytes, 4000);
    ck_assert_int_eq(decode(&p, bytes, s->size), DP_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "cut short"));
    put(bytes, s->width, s->bytes, 0);
    ck_assert_int_ne(decode(&p, bytes, s->size), DP_OK);
}
END_TEST

START_TEST(damage_is_refused_or_decoded_and_nothing_else)
{
    const sample *s = &samples[_i];
    uint64_t seed = 11;
    for (int k = 0; k < 400 && s->is_read; k++) {
        unsigned char bytes[FILE_MAX];
        dp_pixels p;
        memcpy(bytes, s->data, s->size);
        for (int i = 0; i < 1 + k % 3; i++)
            bytes[random_int(&seed, (int)s->size)] =
                (unsigned char)random_int(&seed, 256);
        (void)decode(&p, bytes, s->size);
        dp_pixels_done(&p);
    }
}
END_TEST

START_TEST(what_bmp_does_not_read_is_named)
{
    static const struct {
        int at, value;
        const char *words;
    } wrong[] = {
        {14, 41 + 100, "a BMP header of 141 bytes"}, /* longer than the file's rest */
        {28, 2, "a BMP of 2 bits with compression 0 is not read"},
        {30, 4, "a BMP of 24 bits with compression 4 is not read"},
        {30, 1, "a BMP of 24 bits with compression 1 is not read"},
    };
    unsigned char bytes[FILE_MAX] = {0};
    dp_pixels p;
    memcpy(bytes, samples[0].data, samples[0].size);
    bytes[wrong[_i].at] = (unsigned char)wrong[_i].value;
    ck_assert_int_eq(decode(&p, bytes, FILE_MAX), DP_EUNSUPPORTED);
    ck_assert_msg(strstr(err.text, wrong[_i].words) != NULL, "%s", err.text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/formats");
    TCase *t = tcase_create("io/formats");
    tcase_set_timeout(t, 20);
    tcase_add_loop_test(t, two_pixels_are_read_or_the_library_is_named, 0, SAMPLES);
    tcase_add_loop_test(t, a_file_that_is_cut_is_refused, 0, SAMPLES);
    tcase_add_loop_test(t, a_short_file_that_claims_a_large_image_is_refused, 0,
                        SAMPLES);
    tcase_add_loop_test(t, damage_is_refused_or_decoded_and_nothing_else, 0, SAMPLES);
    tcase_add_loop_test(t, what_bmp_does_not_read_is_named, 0, 4);
    suite_add_tcase(s, t);
    for (int i = 0; i < SAMPLES; i++)
        if (!samples[i].is_read)
            suite_skip("%s: this build is without %s", samples[i].format,
                       samples[i].needs);
    return suite_run(s);
}
