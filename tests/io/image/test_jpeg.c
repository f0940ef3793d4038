/* JPEG: the pixels of libjpeg's defaults, CMYK by hand, orientation, damage, limits. */
#include "base/memory.h"
#include "core/limits.h"
#include "io/image/exif.h"
#include "io/image/jpeg.h"
#include "tests/support/encoded.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#ifdef C_ARITH_CODING_SUPPORTED
enum { ARITHMETIC = true };
#else
enum { ARITHMETIC = false };
#endif
enum { W = 37, H = 21, QUALITY = 90, COUNT_KINDS = 10 };

static dp_error err;
static uint8_t image[W * H * 4];

/* Slopes and edges in all four channels. */
static void setup(void)
{
    scratch_setup();
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 4; c++)
                image[(y * W + x) * 4 + c] =
                    (uint8_t)((x * (3 + c) + y * (7 - c)) + (x > 20 && y > 5 ? 90 : 0));
}

static const jpeg_kind kinds[COUNT_KINDS] = {
    {W, H, 1, image, QUALITY, .progressive = false},
    {W, H, 1, image, QUALITY, .progressive = true},
    {W, H, 3, image, QUALITY, .full_chroma = true},
    {W, H, 3, image, QUALITY, .full_chroma = false},
    {W, H, 3, image, QUALITY, .restart_rows = 1},
    {W, H, 3, image, QUALITY, .progressive = true},
    {W, H, 3, image, QUALITY, .arithmetic = ARITHMETIC},
    {1, 1, 3, image, QUALITY, .progressive = true},
    {W, H, 4, image, QUALITY, .progressive = false},
    {W, H, 4, image, QUALITY, .progressive = true, .inverted_adobe = true},
};

static dp_pixels decode(const encoded *file)
{
    dp_pixels p;
    ck_assert_msg(dp_jpeg_decode(&err, &p, file->data, file->size, "a.jpg") == DP_OK,
                  "%s", err.text);
    return p;
}

static void check_refused(const encoded *file, size_t size, dp_status code,
                          const char *words)
{
    dp_pixels p;
    err = (dp_error){0};
    const dp_status st = dp_jpeg_decode(&err, &p, file->data, size, "a.jpg");
    ck_assert_msg(st == code && strstr(err.text, words), "%d %s", st, err.text);
    ck_assert_int_eq(strncmp(err.text, "a.jpg: ", 7), 0);
    ck_assert_ptr_null(p.data);
}

/* As libjpeg decodes it when nothing is set but the colour space: RGB, or CMYK. */
static uint8_t *decode_plainly(const encoded *file, int channels)
{
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr manager;
    c.err = jpeg_std_error(&manager);
    jpeg_create_decompress(&c);
    jpeg_mem_src(&c, file->data, file->size);
    (void)jpeg_read_header(&c, TRUE);
    c.out_color_space = channels == 4 ? JCS_CMYK : JCS_RGB;
    (void)jpeg_start_decompress(&c);
    const size_t row = c.output_width * (size_t)channels;
    uint8_t *pixels = malloc(row * c.output_height);
    while (c.output_scanline < c.output_height) {
        JSAMPROW to = pixels + row * c.output_scanline;
        (void)jpeg_read_scanlines(&c, &to, 1);
    }
    (void)jpeg_finish_decompress(&c);
    jpeg_destroy_decompress(&c);
    return pixels;
}

START_TEST(pixels_are_those_of_libjpegs_defaults_blue_first)
{
    const jpeg_kind *kind = &kinds[_i];
    encoded file = encode_jpeg(kind);
    dp_pixels p = decode(&file);
    const int channels = kind->channels == 4 ? 4 : 3;
    uint8_t *plain = decode_plainly(&file, channels);
    ck_assert_int_eq(p.h, kind->h);
    ck_assert_int_eq(p.w, kind->w);
    for (int i = 0; i < p.h * p.w; i++)
        for (int c = 0; c < 3; c++) {
            const uint8_t *from = plain + i * channels;
            const int k = channels == 4 ? from[3] : 255;
            const int want =
                channels == 4 ? k - ((255 - from[2 - c]) * k >> 8) : from[2 - c];
            ck_assert_int_eq(p.data[3 * i + c], want);
        }
    free(plain);
    free(file.data);
    dp_pixels_done(&p);
}
END_TEST

/* A flat image of quality 100 comes back exactly. Inks are stored inverted. */
static const struct {
    uint8_t cmyk[4], bgr[3], pillow[3];
} inks[] = {
    {{255, 255, 255, 255}, {255, 255, 255}, {255, 255, 255}}, /* no ink */
    {{255, 255, 255, 0}, {0, 0, 0}, {0, 0, 0}},               /* black  */
    /* cyan: red is 255 - (255 * 255 >> 8), with Pillow 255 - 255 * 255 / 255 */
    {{0, 255, 255, 255}, {255, 255, 1}, {255, 255, 0}},
    {{255, 0, 255, 255}, {255, 1, 255}, {255, 0, 255}},
    {{255, 255, 0, 255}, {1, 255, 255}, {0, 255, 255}},
    /* 128 - (55, 155, 205) * 128 >> 8, with Pillow / 255 and rounded */
    {{200, 100, 50, 128}, {26, 51, 101}, {25, 50, 100}},
};

START_TEST(inks_become_colours_as_opencv_and_pillow_do_it)
{
    uint8_t flat[8 * 8 * 4];
    for (int i = 0; i < 64; i++)
        memcpy(flat + 4 * i, inks[_i].cmyk, 4);
    encoded file = encode_jpeg(&(jpeg_kind){8, 8, 4, flat, 100, .full_chroma = true});
    dp_pixels p = decode(&file);
    for (int i = 0; i < 64; i++)
        ck_assert_mem_eq(p.data + 3 * i, inks[_i].bgr, 3);
    for (int i = 0; i < 64; i++)
        ck_assert_mem_eq(p.pillow + 3 * i, inks[_i].pillow, 3);
    dp_pixels_done(&p);
    free(file.data);
}
END_TEST

/* ---- orientation ----------------------------------------------------------- */

enum { EXIF_SIZE = 6 + TIFF_SIZE };

static void make_exif(uint8_t exif[EXIF_SIZE], int orientation, bool big_endian)
{
    memcpy(exif, "Exif\0", 6);
    make_tiff(exif + 6, orientation, big_endian);
}

START_TEST(orientation_is_applied)
{
    for (int big = 0; big <= 1; big++) {
        uint8_t exif[EXIF_SIZE];
        make_exif(exif, _i, big);
        jpeg_kind kind = kinds[3];
        encoded plain = encode_jpeg(&kind);
        kind.app1 = exif;
        kind.app1_size = sizeof exif;
        encoded turned = encode_jpeg(&kind);
        dp_pixels want = decode(&plain), got = decode(&turned);
        ck_assert_int_eq(dp_exif_turn(&err, &want, _i), DP_OK);
        ck_assert_int_eq(got.h, want.h);
        ck_assert_int_eq(got.w, want.w);
        ck_assert_mem_eq(got.data, want.data, W * H * 3);
        dp_pixels_done(&want);
        dp_pixels_done(&got);
        free(plain.data);
        free(turned.data);
    }
}
END_TEST

static void check_size_with(encoded *file, int h, int w)
{
    dp_pixels p = decode(file);
    ck_assert_int_eq(p.h, h);
    ck_assert_int_eq(p.w, w);
    dp_pixels_done(&p);
    free(file->data);
}

/* An APP1 segment behind SOI. */
static void insert_app1(encoded *file, const void *data, size_t size)
{
    const uint8_t head[4] = {0xff, 0xe1, (uint8_t)((size + 2) >> 8),
                             (uint8_t)(size + 2)};
    insert_bytes(file, 2, head, 4);
    insert_bytes(file, 6, data, size);
}

START_TEST(orientation_is_found_behind_another_app1)
{
    static const char other[] = "http://ns.adobe.com/xap/1.0/";
    uint8_t exif[EXIF_SIZE];
    make_exif(exif, 6, true);
    encoded file = encode_jpeg(&kinds[0]);
    insert_app1(&file, exif, sizeof exif);
    insert_app1(&file, other, sizeof other);
    check_size_with(&file, W, H);
}
END_TEST

START_TEST(the_first_exif_segment_wins)
{
    uint8_t exif[EXIF_SIZE];
    encoded file = encode_jpeg(&kinds[0]);
    make_exif(exif, 6, true);
    insert_app1(&file, exif, sizeof exif);
    make_exif(exif, 1, true);
    insert_app1(&file, exif, sizeof exif);
    check_size_with(&file, H, W);
}
END_TEST

START_TEST(broken_exif_is_no_reason_to_refuse)
{
    uint8_t exif[EXIF_SIZE];
    for (size_t size = 0; size <= sizeof exif; size++) {
        make_exif(exif, 6, false);
        encoded file = encode_jpeg(&kinds[0]);
        insert_app1(&file, exif, size);
        const bool told = size >= 6 + 20;
        check_size_with(&file, told ? W : H, told ? H : W);
    }
}
END_TEST

/* ---- damage ---------------------------------------------------------------- */

START_TEST(a_file_cut_anywhere_is_refused)
{
    encoded file = encode_jpeg(&kinds[_i]);
    for (size_t size = 0; size < file.size; size++) {
        encoded cut = {malloc(size ? size : 1), size};
        memcpy(cut.data, file.data, size);
        check_refused(&cut, size, DP_EFORMAT, "JPEG is damaged or not complete");
        free(cut.data);
    }
    free(file.data);
}
END_TEST

/* Every byte in turn takes three other values: no crash, and pixels or a sentence. */
START_TEST(a_wrong_byte_anywhere_gives_pixels_or_a_sentence)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    encoded file = encode_jpeg(&kinds[_i]);
    int refused = 0;
    for (size_t i = 0; i < file.size; i++)
        for (size_t j = 0; j < sizeof flips; j++) {
            dp_pixels p;
            file.data[i] ^= flips[j];
            err = (dp_error){0};
            const dp_status st =
                dp_jpeg_decode(&err, &p, file.data, file.size, "a.jpg");
            ck_assert_int_eq(st == DP_OK, p.data != NULL);
            ck_assert_int_eq(st == DP_OK, err.text[0] == '\0');
            refused += st != DP_OK;
            dp_pixels_done(&p);
            file.data[i] ^= flips[j];
        }
    ck_assert_int_gt(refused, 0);
    free(file.data);
}
END_TEST

static size_t find_marker(const encoded *file, uint8_t marker)
{
    for (size_t i = 0; i + 1 < file->size; i++)
        if (file->data[i] == 0xff && file->data[i + 1] == marker)
            return i;
    ck_abort_msg("no marker %02x", marker);
    return 0;
}

static void check_same_pixels(const encoded *file, const jpeg_kind *kind)
{
    encoded plain = encode_jpeg(kind);
    dp_pixels want = decode(&plain), got = decode(file);
    ck_assert_mem_eq(got.data, want.data, (size_t)kind->w * (size_t)kind->h * 3);
    dp_pixels_done(&want);
    dp_pixels_done(&got);
    free(plain.data);
}

START_TEST(bytes_before_the_end_marker_are_harmless)
{
    encoded file = encode_jpeg(&kinds[3]);
    insert_bytes(&file, file.size - 2, "\0\1\2\3", 4);
    check_same_pixels(&file, &kinds[3]);
    free(file.data);
}
END_TEST

START_TEST(bytes_behind_the_end_marker_are_not_looked_at)
{
    encoded file = encode_jpeg(&kinds[3]);
    insert_bytes(&file, file.size, "\xff\xd8\xff more", 8);
    check_same_pixels(&file, &kinds[3]);
    free(file.data);
}
END_TEST

START_TEST(an_unknown_jfif_version_is_harmless)
{
    encoded file = encode_jpeg(&kinds[3]);
    ck_assert_mem_eq(file.data + 6, "JFIF", 5);
    file.data[11] = 9;
    check_same_pixels(&file, &kinds[3]);
    free(file.data);
}
END_TEST

START_TEST(a_missing_restart_marker_is_damage)
{
    encoded file = encode_jpeg(&kinds[4]);
    file.data[find_marker(&file, 0xd0) + 1] = 0xd5;
    check_refused(&file, file.size, DP_EFORMAT, "instead of RST0");
    free(file.data);
}
END_TEST

START_TEST(data_that_end_before_the_image_are_damage)
{
    encoded file = encode_jpeg(&kinds[3]);
    static const uint8_t end[] = {0xff, 0xd9};
    insert_bytes(&file, file.size - 200, end, sizeof end);
    check_refused(&file, file.size, DP_EFORMAT, "premature end of data segment");
    free(file.data);
}
END_TEST

START_TEST(what_is_no_jpeg_is_refused)
{
    static uint8_t text[] = "Hello";
    check_refused(&(encoded){text, 5}, 5, DP_EFORMAT, "Not a JPEG file");
    check_refused(&(encoded){text, 0}, 0, DP_EFORMAT, "Empty input file");
}
END_TEST

/* ---- limits and kinds not read ------------------------------------------------ */

/* Marker, length, precision, height, width. */
static void set_size(encoded *file, size_t sof, unsigned h, unsigned w)
{
    uint8_t *at = file->data + sof + 5;
    at[0] = (uint8_t)(h >> 8);
    at[1] = (uint8_t)h;
    at[2] = (uint8_t)(w >> 8);
    at[3] = (uint8_t)w;
}

static const struct {
    unsigned h, w;
    dp_status code;
    const char *words;
} sizes[] = {
    {65501, 16, DP_EUNSUPPORTED, "Maximum supported image dimension is 65500 pixels"},
    {65500, 65500, DP_EUNSUPPORTED, "a JPEG of 65500 x 65500 pixels"},
    {16385, 16384, DP_EUNSUPPORTED, "268435456 in all"},
    {16384, 16384, DP_EFORMAT, "1572864 are the least for 16384 x 16384 pixels"},
    {0, 16, DP_EFORMAT, "Empty JPEG image"},
};

START_TEST(sizes_are_checked_before_room_is_taken)
{
    encoded file = encode_jpeg(&kinds[3]);
    set_size(&file, find_marker(&file, 0xc0), sizes[_i].h, sizes[_i].w);
    check_refused(&file, file.size, sizes[_i].code, sizes[_i].words);
    free(file.data);
}
END_TEST

/* 64 x 64 pixels of 4:2:0 have 64 + 16 + 16 blocks: 24 bytes at two bits each. */
START_TEST(the_shortest_image_is_read)
{
    static uint8_t flat[64 * 64 * 3];
    encoded file =
        encode_jpeg(&(jpeg_kind){64, 64, 3, flat, QUALITY, .progressive = false});
    dp_pixels p = decode(&file);
    dp_pixels_done(&p);
    free(file.data);
}
END_TEST

START_TEST(lossless_and_twelve_bit_files_are_not_supported)
{
    encoded file = encode_jpeg(&kinds[3]);
    const size_t sof = find_marker(&file, 0xc0);
    file.data[sof + 4] = 12;
    check_refused(&file, file.size, DP_EUNSUPPORTED,
                  "Unsupported JPEG data precision 12");
    file.data[sof + 4] = 8;
    file.data[sof + 1] = 0xc3;
    check_refused(&file, file.size, DP_EUNSUPPORTED, "Unsupported JPEG process");
    free(file.data);
}
END_TEST

START_TEST(two_components_are_not_supported)
{
    encoded file =
        encode_jpeg(&(jpeg_kind){8, 8, 2, image, QUALITY, .full_chroma = true});
    check_refused(&file, file.size, DP_EUNSUPPORTED, "it needs 8 bits and 1, 3 or 4");
    free(file.data);
}
END_TEST

/* The first scan of a progressive file, DC only, can be said again and again. */
static encoded repeat_first_scan(int scans)
{
    encoded file = encode_jpeg(&kinds[1]);
    const size_t first = find_marker(&file, 0xda);
    size_t next = first + 2;
    while (file.data[next] != 0xff || file.data[next + 1] == 0)
        next++;
    int have = 0;
    for (size_t i = 0; i + 1 < file.size; i++)
        have += file.data[i] == 0xff && file.data[i + 1] == 0xda;
    const size_t size = next - first;
    uint8_t *scan = malloc(size);
    memcpy(scan, file.data + first, size);
    for (; have < scans; have++)
        insert_bytes(&file, first, scan, size);
    free(scan);
    return file;
}

START_TEST(as_many_scans_as_the_limit_are_read)
{
    encoded file = repeat_first_scan(DP_MAX_JPEG_SCANS);
    check_same_pixels(&file, &kinds[1]);
    free(file.data);
}
END_TEST

START_TEST(a_scan_beyond_the_limit_is_refused)
{
    encoded file = repeat_first_scan(DP_MAX_JPEG_SCANS + 1);
    check_refused(&file, file.size, DP_EUNSUPPORTED, "more than 500 scans");
    free(file.data);
}
END_TEST

/* ---- writing --------------------------------------------------------------- */

static dp_pixels make_pixels(void)
{
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_init(&err, &p, H, W), DP_OK);
    for (int i = 0; i < H * W; i++)
        for (int c = 0; c < 3; c++)
            p.data[3 * i + c] = (uint8_t)(i % W * (c + 1) + 2 * (i / W));
    return p;
}

static encoded load(const char *path)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    encoded file = {malloc(1 << 20), 0};
    file.size = fread(file.data, 1, 1 << 20, f);
    fclose(f);
    return file;
}

/* At quality 100 each DCT coefficient is off by half at most, so a pixel by a few. */
START_TEST(what_is_written_reads_back)
{
    const char *path = scratch_path("out.jpg");
    dp_pixels p = make_pixels();
    ck_assert_int_eq(dp_jpeg_save(&err, path, &p, 100), DP_OK);
    encoded file = load(path);
    dp_pixels q = decode(&file);
    ck_assert_int_eq(q.h, H);
    ck_assert_int_eq(q.w, W);
    for (int i = 0; i < H * W * 3; i++)
        ck_assert_int_le(abs(p.data[i] - q.data[i]), 4);
    ck_assert_int_eq(scratch_count(), 1);
    free(file.data);
    dp_pixels_done(&p);
    dp_pixels_done(&q);
}
END_TEST

START_TEST(a_lower_quality_is_a_shorter_file)
{
    const char *path = scratch_path("out.jpg");
    dp_pixels p = make_pixels();
    ck_assert_int_eq(dp_jpeg_save(&err, path, &p, 95), DP_OK);
    encoded large = load(path);
    ck_assert_int_eq(dp_jpeg_save(&err, path, &p, 10), DP_OK);
    encoded small = load(path);
    ck_assert_uint_lt(small.size, large.size);
    free(small.data);
    free(large.data);
    dp_pixels_done(&p);
}
END_TEST

START_TEST(what_cannot_be_written_is_refused)
{
    dp_pixels p = make_pixels();
    const dp_pixels none = {0};
    const char *path = scratch_path("out.jpg");
    ck_assert_int_eq(dp_jpeg_save(&err, path, &p, 0), DP_EARG);
    ck_assert_int_eq(dp_jpeg_save(&err, path, &p, 101), DP_EARG);
    ck_assert_ptr_nonnull(strstr(err.text, "quality: found 101, expected 1 to 100"));
    ck_assert_int_eq(dp_jpeg_save(&err, path, &none, 90), DP_EARG);
    ck_assert_int_eq(dp_jpeg_save(&err, scratch_path("none/out.jpg"), &p, 90), DP_EIO);
    ck_assert_int_eq(scratch_count(), 0);
    dp_pixels_done(&p);
}
END_TEST

/* A small file fails when it is closed, a large one while libjpeg is at work. */
START_TEST(a_full_disk_is_an_error)
{
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_init(&err, &p, 8 + 600 * _i, 600), DP_OK);
    for (uint32_t i = 0; i < (uint32_t)(p.h * p.w * 3); i++)
        p.data[i] = (uint8_t)(i * i >> 3);
    scratch_limit_writes(100);
    ck_assert_int_eq(dp_jpeg_save(&err, scratch_path("out"), &p, 95), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "out: cannot write: File too large"));
    ck_assert_int_eq(scratch_count(), 0);
    dp_pixels_done(&p);
}
END_TEST

static void add_reading(TCase *t)
{
    tcase_add_loop_test(t, pixels_are_those_of_libjpegs_defaults_blue_first, 0,
                        COUNT_KINDS);
    tcase_add_loop_test(t, inks_become_colours_as_opencv_and_pillow_do_it, 0,
                        (int)(sizeof inks / sizeof inks[0]));
    tcase_add_loop_test(t, orientation_is_applied, 1, 9);
    tcase_add_test(t, orientation_is_found_behind_another_app1);
    tcase_add_test(t, the_first_exif_segment_wins);
    tcase_add_test(t, broken_exif_is_no_reason_to_refuse);
}

static void add_damage(TCase *t)
{
    tcase_add_loop_test(t, a_file_cut_anywhere_is_refused, 0, COUNT_KINDS);
    tcase_add_loop_test(t, a_wrong_byte_anywhere_gives_pixels_or_a_sentence, 0,
                        COUNT_KINDS);
    tcase_add_test(t, bytes_before_the_end_marker_are_harmless);
    tcase_add_test(t, bytes_behind_the_end_marker_are_not_looked_at);
    tcase_add_test(t, an_unknown_jfif_version_is_harmless);
    tcase_add_test(t, a_missing_restart_marker_is_damage);
    tcase_add_test(t, data_that_end_before_the_image_are_damage);
    tcase_add_test(t, what_is_no_jpeg_is_refused);
    tcase_add_loop_test(t, sizes_are_checked_before_room_is_taken, 0,
                        (int)(sizeof sizes / sizeof sizes[0]));
    tcase_add_test(t, the_shortest_image_is_read);
    tcase_add_test(t, lossless_and_twelve_bit_files_are_not_supported);
    tcase_add_test(t, two_components_are_not_supported);
    tcase_add_test(t, as_many_scans_as_the_limit_are_read);
    tcase_add_test(t, a_scan_beyond_the_limit_is_refused);
}

static void add_writing(TCase *t)
{
    tcase_add_test(t, what_is_written_reads_back);
    tcase_add_test(t, a_lower_quality_is_a_shorter_file);
    tcase_add_test(t, what_cannot_be_written_is_refused);
    tcase_add_loop_test(t, a_full_disk_is_an_error, 0, 2);
}

int main(void)
{
    Suite *s = suite_create("io/jpeg");
    TCase *t = tcase_create("jpeg");
    tcase_set_timeout(t, 120); /* the sanitizers are slow */
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    add_reading(t);
    add_damage(t);
    add_writing(t);
    suite_add_tcase(s, t);
    return suite_run(s);
}
