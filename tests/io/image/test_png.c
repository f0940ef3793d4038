/* PNG: every kind to exact pixels, label maps as they are stored, damage, limits. */
#include "base/memory.h"
#include "core/limits.h"
#include "io/image/exif.h"
#include "io/image/image.h"
#include "io/image/png.h"
#include "tests/support/encoded.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { GREY, RGB = 2, PALETTE, GREY_ALPHA, RGBA = 6 };

static dp_error err;

static const uint8_t three_colours[] = {10, 20, 30, 40, 50, 60, 70, 80, 90};

/* A file, and its two pixels as blue, green, red. The four with alpha come last. */
static const struct {
    const char *what;
    png_kind kind;
    uint8_t row[16], bgr[6];
} kinds[] = {
    {"1 bit", {2, 1, 1, GREY, .colours = 0}, {0x40}, {0, 0, 0, 255, 255, 255}},
    {"2 bits", {2, 1, 2, GREY, .colours = 0}, {0x60}, {85, 85, 85, 170, 170, 170}},
    {"4 bits", {2, 1, 4, GREY, .colours = 0}, {0x3f}, {51, 51, 51, 255, 255, 255}},
    {"8 bits", {2, 1, 8, GREY, .colours = 0}, {7, 9}, {7, 7, 7, 9, 9, 9}},
    {"16 bits keep the high byte",
     {2, 1, 16, GREY, .colours = 0},
     {7, 255, 9, 0},
     {7, 7, 7, 9, 9, 9}},
    {"RGB", {2, 1, 8, RGB, .colours = 0}, {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}},
    {"RGB of 16 bits",
     {2, 1, 16, RGB, .colours = 0},
     {1, 255, 2, 255, 3, 255, 4, 0, 5, 0, 6, 0},
     {3, 2, 1, 6, 5, 4}},
    {"palette of 1 bit",
     {2, 1, 1, PALETTE, .palette = three_colours, .colours = 2},
     {0x40},
     {30, 20, 10, 60, 50, 40}},
    {"palette of 2 bits",
     {2, 1, 2, PALETTE, .palette = three_colours, .colours = 3},
     {0x90},
     {90, 80, 70, 60, 50, 40}},
    {"palette of 8 bits",
     {2, 1, 8, PALETTE, .palette = three_colours, .colours = 3},
     {2, 0},
     {90, 80, 70, 30, 20, 10}},
    {"an index without a colour is black",
     {2, 1, 2, PALETTE, .palette = three_colours, .colours = 3},
     {0xd0},
     {0, 0, 0, 60, 50, 40}},
    {"grey with alpha",
     {2, 1, 8, GREY_ALPHA, .colours = 0},
     {7, 0, 9, 128},
     {7, 7, 7, 9, 9, 9}},
    {"grey with alpha of 16 bits",
     {2, 1, 16, GREY_ALPHA, .colours = 0},
     {7, 255, 0, 0, 9, 0, 128, 0},
     {7, 7, 7, 9, 9, 9}},
    {"alpha is dropped, not blended",
     {2, 1, 8, RGBA, .colours = 0},
     {1, 2, 3, 0, 4, 5, 6, 128},
     {3, 2, 1, 6, 5, 4}},
    {"RGBA of 16 bits",
     {2, 1, 16, RGBA, .colours = 0},
     {1, 9, 2, 9, 3, 9, 0, 0, 4, 9, 5, 9, 6, 9, 1, 1},
     {3, 2, 1, 6, 5, 4}},
};
enum { KINDS = sizeof kinds / sizeof kinds[0], KINDS_WITHOUT_ALPHA = KINDS - 4 };

static encoded make(int i)
{
    png_kind kind = kinds[i].kind;
    kind.rows = kinds[i].row;
    return encode_png(&kind);
}

static void check_kind(const encoded *file, int i)
{
    dp_pixels p;
    ck_assert_msg(dp_png_decode(&err, &p, file->data, file->size, "a.png") == DP_OK,
                  "%s: %s", kinds[i].what, err.text);
    ck_assert(p.h == 1 && p.w == 2);
    ck_assert_msg(memcmp(p.data, kinds[i].bgr, 6) == 0, "%s: %d %d %d, %d %d %d",
                  kinds[i].what, p.data[0], p.data[1], p.data[2], p.data[3], p.data[4],
                  p.data[5]);
    dp_pixels_done(&p);
}

START_TEST(every_kind_becomes_these_pixels)
{
    encoded file = make(_i);
    check_kind(&file, _i);
    free(file.data);
}
END_TEST

START_TEST(what_pillow_reads_otherwise_is_kept_beside)
{
    struct {
        png_kind kind;
        uint8_t row[4], bgr[6], pillow[6];
    } both[] = {
        {{2, 1, 16, GREY, .colours = 0},
         {0, 7, 1, 0},
         {0, 0, 0, 1, 1, 1},
         {7, 7, 7, 255, 255, 255}},
        {{2, 1, 2, PALETTE, .palette = three_colours, .colours = 3},
         {0xd0},
         {0, 0, 0, 60, 50, 40},
         {3, 3, 3, 60, 50, 40}},
    };
    dp_pixels p;
    both[_i].kind.rows = both[_i].row;
    encoded file = encode_png(&both[_i].kind);
    ck_assert(dp_png_decode(&err, &p, file.data, file.size, "") == DP_OK);
    ck_assert(!memcmp(p.data, both[_i].bgr, 6) &&
              !memcmp(p.pillow, both[_i].pillow, 6));
    dp_pixels_done(&p);
    free(file.data);
}
END_TEST

/* Transparent: the grey 0, the colour of the first pixel, the first palette entries. */
START_TEST(transparency_by_colour_is_dropped_too)
{
    static const uint8_t shades[] = {0, 1, 0, 2, 0, 3};
    const int color = kinds[_i].kind.color;
    encoded file = make(_i);
    insert_chunk(&file, find_chunk(&file, "IDAT"), "tRNS", shades,
                 color == RGB ? 6 : 2);
    check_kind(&file, _i);
    free(file.data);
}
END_TEST

START_TEST(gamma_profile_and_text_change_nothing)
{
    static const uint8_t gamma[] = {0, 1, 0x86, 0xa0}, nonsense[3000] = {1, 2, 3};
    encoded file = make(_i);
    insert_chunk(&file, 33, "gAMA", gamma, 4);
    insert_chunk(&file, 33, "iCCP", nonsense, sizeof nonsense);
    insert_chunk(&file, 33, "zTXt", nonsense, sizeof nonsense);
    insert_chunk(&file, 33, "quUx", nonsense, sizeof nonsense);
    insert_chunk(&file, find_chunk(&file, "IEND"), "iTXt", nonsense, sizeof nonsense);
    check_kind(&file, _i);
    free(file.data);
}
END_TEST

START_TEST(a_large_chunk_that_is_skipped_takes_no_harm)
{
    enum { LARGE = 20 << 20 };
    uint8_t *large = calloc(LARGE, 1);
    encoded file = make(5);
    insert_chunk(&file, 33, "iTXt", large, LARGE);
    check_kind(&file, 5);
    free(large);
    free(file.data);
}
END_TEST

/* ---- larger images ------------------------------------------------------------ */

enum { W = 19, H = 13, ROOM = W * H * 8 };

static uint8_t rows[ROOM];

static void setup(void)
{
    scratch_setup();
    for (int i = 0; i < ROOM; i++)
        rows[i] = (uint8_t)(i * 37 + i / 41);
}

static const struct {
    int bits, color;
} depths[] = {
    {1, GREY},    {2, GREY}, {4, GREY},    {8, GREY},       {16, GREY},
    {8, RGB},     {16, RGB}, {1, PALETTE}, {2, PALETTE},    {4, PALETTE},
    {8, PALETTE}, {8, RGBA}, {16, RGBA},   {8, GREY_ALPHA}, {16, GREY_ALPHA},
};
enum { DEPTHS = sizeof depths / sizeof depths[0] };

static encoded make_large(int i, bool interlaced)
{
    static uint8_t palette[768];
    for (int j = 0; j < 768; j++)
        palette[j] = (uint8_t)(j * 59);
    png_kind kind = {W,          H,    depths[i].bits, depths[i].color,
                     interlaced, rows, palette,        0};
    if (kind.color == PALETTE)
        kind.colours = 1 << kind.bits;
    return encode_png(&kind);
}

static dp_pixels decode(const encoded *file)
{
    dp_pixels p;
    ck_assert_msg(dp_png_decode(&err, &p, file->data, file->size, "a.png") == DP_OK,
                  "%s", err.text);
    return p;
}

static void check_refused(const encoded *file, size_t size, dp_status code,
                          const char *words)
{
    dp_pixels p;
    err = (dp_error){0};
    const dp_status st = dp_png_decode(&err, &p, file->data, size, "a.png");
    ck_assert_msg(st == code && strstr(err.text, words), "%d %s", st, err.text);
    ck_assert_int_eq(strncmp(err.text, "a.png: ", 7), 0);
    ck_assert_ptr_null(p.data);
}

START_TEST(interlaced_files_have_the_same_pixels)
{
    encoded plain = make_large(_i, false), interlaced = make_large(_i, true);
    ck_assert_uint_ne(plain.size, interlaced.size);
    dp_pixels want = decode(&plain), got = decode(&interlaced);
    ck_assert_int_eq(got.h, H);
    ck_assert_int_eq(got.w, W);
    ck_assert_mem_eq(got.data, want.data, W * H * 3);
    dp_pixels_done(&want);
    dp_pixels_done(&got);
    free(plain.data);
    free(interlaced.data);
}
END_TEST

/* The chunk stands before the pixels or behind them. */
START_TEST(orientation_is_applied)
{
    uint8_t tiff[TIFF_SIZE];
    for (int behind = 0; behind <= 1; behind++) {
        make_tiff(tiff, _i, behind);
        encoded file = make_large(5, false);
        dp_pixels want = decode(&file);
        insert_chunk(&file, find_chunk(&file, behind ? "IEND" : "IDAT"), "eXIf", tiff,
                     sizeof tiff);
        dp_pixels got = decode(&file);
        ck_assert_int_eq(dp_exif_turn(&err, &want, _i), DP_OK);
        ck_assert_int_eq(got.h, want.h);
        ck_assert_int_eq(got.w, want.w);
        ck_assert_mem_eq(got.data, want.data, W * H * 3);
        dp_pixels_done(&want);
        dp_pixels_done(&got);
        free(file.data);
    }
}
END_TEST

START_TEST(broken_exif_is_no_reason_to_refuse)
{
    uint8_t tiff[TIFF_SIZE];
    make_tiff(tiff, 6, false);
    for (size_t size = 0; size <= sizeof tiff; size++) {
        encoded file = make_large(5, false);
        insert_chunk(&file, 33, "eXIf", tiff, size);
        dp_pixels p = decode(&file);
        ck_assert_int_eq(p.h, size >= 20 ? W : H);
        dp_pixels_done(&p);
        free(file.data);
    }
}
END_TEST

/* ---- damage ---------------------------------------------------------------- */

START_TEST(a_file_cut_anywhere_is_refused)
{
    encoded file = make_large(_i / 2, _i % 2);
    for (size_t size = 0; size < file.size; size++) {
        encoded cut = {malloc(size ? size : 1), size};
        memcpy(cut.data, file.data, size);
        check_refused(&cut, size, DP_EFORMAT, "PNG is damaged or not complete");
        free(cut.data);
    }
    free(file.data);
}
END_TEST

/* All chunks of these files tell pixels, and all bytes are under a checksum. */
START_TEST(a_wrong_byte_anywhere_is_noticed)
{
    encoded file = make_large(_i, false);
    for (size_t i = 0; i < file.size; i++) {
        file.data[i] ^= 0x10;
        check_refused(&file, file.size, DP_EFORMAT, "damaged");
        file.data[i] ^= 0x10;
    }
    free(file.data);
}
END_TEST

/* With right checksums the damage reaches the decompressor and the filters. */
START_TEST(a_wrong_byte_under_a_right_checksum_gives_pixels_or_a_sentence)
{
    encoded file = make_large(_i / 2, _i % 2);
    const size_t at = find_chunk(&file, "IDAT"), end = find_chunk(&file, "IEND") - 4;
    int refused = 0;
    for (size_t i = at + 8; i < end; i++) {
        dp_pixels p;
        file.data[i] ^= 0x24;
        fix_checksum(&file, at);
        err = (dp_error){0};
        const dp_status st = dp_png_decode(&err, &p, file.data, file.size, "a.png");
        ck_assert_int_eq(st == DP_OK, p.data != NULL);
        ck_assert_int_eq(st == DP_OK, err.text[0] == '\0');
        refused += st != DP_OK;
        dp_pixels_done(&p);
        file.data[i] ^= 0x24;
    }
    ck_assert_int_gt(refused, 0);
    free(file.data);
}
END_TEST

START_TEST(a_wrong_byte_in_a_chunk_that_is_skipped_is_harmless)
{
    encoded file = make(5);
    insert_chunk(&file, 33, "tEXt", "key\0value", 9);
    file.data[33 + 10] ^= 1;
    check_kind(&file, 5);
    free(file.data);
}
END_TEST

START_TEST(what_is_no_png_is_refused)
{
    static uint8_t text[] = "Hello, this is no PNG";
    check_refused(&(encoded){text, sizeof text}, sizeof text, DP_EFORMAT,
                  "Not a PNG file");
    check_refused(&(encoded){text, 0}, 0, DP_EFORMAT, "the data ends early");
}
END_TEST

/* ---- limits ----------------------------------------------------------------- */

static void put_u32(uint8_t *to, unsigned value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static const struct {
    unsigned w, h;
    dp_status code;
    const char *words;
} sizes[] = {
    {65501, 1, DP_EUNSUPPORTED, "a PNG of 65501 x 1 pixels"},
    {1, 65501, DP_EUNSUPPORTED, "at most 65500 a side"},
    {0x7fffffff, 0x7fffffff, DP_EUNSUPPORTED, "2147483647 x 2147483647"},
    {16385, 16384, DP_EUNSUPPORTED, "268435456 in all"},
    {16384, 16384, DP_EFORMAT, "780335 are the least for 16384 x 16384 pixels"},
    {0, 5, DP_EFORMAT, "Invalid IHDR data"},
    {0x80000000, 5, DP_EFORMAT, "the PNG is damaged"},
};

START_TEST(sizes_are_checked_before_room_is_taken)
{
    encoded file = make_large(5, _i % 2);
    put_u32(file.data + 16, sizes[_i].w);
    put_u32(file.data + 20, sizes[_i].h);
    fix_checksum(&file, 8);
    check_refused(&file, file.size, sizes[_i].code, sizes[_i].words);
    free(file.data);
}
END_TEST

/* Zeros are what deflate packs best: near 1032 to 1, the bound that is checked. */
START_TEST(the_shortest_image_is_read)
{
    enum { SIDE = 4000 };
    uint8_t *zeros = calloc(SIDE, SIDE);
    encoded file = encode_png(&(png_kind){SIDE, SIDE, 8, GREY, false, zeros, NULL, 0});
    ck_assert_uint_lt(file.size, SIDE * SIDE / 900);
    dp_pixels p = decode(&file);
    ck_assert_int_eq(p.w, SIDE);
    dp_pixels_done(&p);
    free(zeros);
    free(file.data);
}
END_TEST

/* ---- label maps -------------------------------------------------------------- */

START_TEST(labels_are_the_numbers_that_are_stored)
{
    const int bits = depths[_i].bits;
    const bool fits =
        bits <= 8 && (depths[_i].color == GREY || depths[_i].color == PALETTE);
    dp_label_map m = {0};
    for (int interlaced = 0; interlaced <= 1; interlaced++) {
        encoded file = make_large(_i, interlaced);
        const dp_status st =
            dp_png_decode_labels(&err, &m, file.data, file.size, "a.png");
        ck_assert_int_eq(st, fits ? DP_OK : DP_EUNSUPPORTED);
        free(file.data);
        if (!fits) {
            ck_assert_ptr_nonnull(
                strstr(err.text, "is no label map: that has 1 to 8 bits"));
            continue;
        }
        ck_assert_int_eq(m.h, H);
        ck_assert_int_eq(m.w, W);
        const int row = (W * bits + 7) / 8;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                const int byte = rows[y * row + x * bits / 8];
                const int want = byte >> (8 - bits - x * bits % 8) & ((1 << bits) - 1);
                ck_assert_int_eq(m.labels[y * W + x], want);
            }
    }
    dp_label_map_done(&m);
}
END_TEST

START_TEST(labels_keep_their_place_whatever_exif_says)
{
    uint8_t tiff[TIFF_SIZE];
    make_tiff(tiff, 6, true);
    encoded file = make_large(3, false);
    insert_chunk(&file, 33, "eXIf", tiff, sizeof tiff);
    dp_label_map m = {0};
    const char *path = scratch_file("labels.png", file.data, file.size);
    ck_assert_int_eq(dp_png_load_labels(&err, &m, path), DP_OK);
    ck_assert_int_eq(m.h, H);
    ck_assert_mem_eq(m.labels, rows, W * H);
    ck_assert_int_eq(dp_png_load_labels(&err, &m, scratch_path("none.png")), DP_EIO);
    dp_label_map_done(&m);
    free(file.data);
}
END_TEST

START_TEST(a_label_map_cut_anywhere_is_refused)
{
    encoded file = make_large(3, false);
    dp_label_map m = {0};
    for (size_t size = 0; size < file.size; size++)
        ck_assert_int_eq(dp_png_decode_labels(&err, &m, file.data, size, "a.png"),
                         DP_EFORMAT);
    dp_label_map_done(&m);
    free(file.data);
}
END_TEST

/* ---- writing --------------------------------------------------------------- */

START_TEST(pixels_written_read_back_exactly)
{
    const char *path = scratch_path("out.png");
    dp_pixels p = {.data = rows, .h = H, .w = W}, q;
    ck_assert_int_eq(dp_png_save(&err, path, &p), DP_OK);
    ck_assert_int_eq(dp_pixels_load(&err, &q, path), DP_OK);
    ck_assert_int_eq(q.h, H);
    ck_assert_int_eq(q.w, W);
    ck_assert_mem_eq(q.data, rows, H * W * 3);
    ck_assert_int_eq(scratch_count(), 1);
    dp_pixels_done(&q);
}
END_TEST

START_TEST(labels_written_read_back_exactly)
{
    static uint8_t palette[768];
    for (int i = 0; i < 768; i++)
        palette[i] = (uint8_t)(255 - i);
    const char *path = scratch_path("out.png");
    const dp_label_map m = {H, W, rows, 0};
    dp_label_map got = {0};
    ck_assert_int_eq(dp_png_save_labels(&err, path, &m, _i ? palette : NULL, 256),
                     DP_OK);
    ck_assert_int_eq(dp_png_load_labels(&err, &got, path), DP_OK);
    ck_assert_int_eq(got.h, H);
    ck_assert_int_eq(got.w, W);
    ck_assert_mem_eq(got.labels, rows, H * W);
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_load(&err, &p, path), DP_OK);
    for (int i = 0; i < H * W; i++)
        for (int c = 0; c < 3; c++)
            ck_assert_int_eq(p.data[3 * i + c],
                             _i ? palette[3 * rows[i] + 2 - c] : rows[i]);
    dp_pixels_done(&p);
    dp_label_map_done(&got);
}
END_TEST

START_TEST(labels_in_memory_are_those_of_the_file)
{
    const char *path = scratch_path("out.png");
    const dp_label_map m = {H, W, rows, 0};
    static uint8_t palette[768];
    uint8_t *bytes;
    size_t size, file_size;
    ck_assert_int_eq(dp_png_save_labels(&err, path, &m, _i ? palette : NULL, 256),
                     DP_OK);
    ck_assert_int_eq(
        dp_png_encode_labels(&err, &bytes, &size, &m, _i ? palette : NULL, 256), DP_OK);
    char *file = file_load(path, &file_size);
    ck_assert_uint_eq(size, file_size);
    ck_assert_mem_eq(bytes, file, size);
    free(file);
    dp_free(bytes);
    ck_assert_int_eq(dp_png_encode_labels(&err, &bytes, &size, &m, palette, 3),
                     DP_EARG);
    ck_assert_ptr_null(bytes);
}
END_TEST

START_TEST(what_cannot_be_written_is_refused)
{
    uint8_t labels[] = {0, 1, 2}, palette[9] = {0};
    const dp_label_map m = {1, 3, labels, 0}, none = {0};
    const dp_pixels empty = {0}, p = {.data = rows, .h = H, .w = W};
    const char *path = scratch_path("out.png");
    ck_assert_int_eq(dp_png_save_labels(&err, path, &m, palette, 3), DP_OK);
    remove(path);
    ck_assert_int_eq(dp_png_save_labels(&err, path, &m, palette, 2), DP_EARG);
    ck_assert_ptr_nonnull(strstr(err.text, "label 2 has no colour: the palette has 2"));
    ck_assert_int_eq(dp_png_save_labels(&err, path, &m, palette, 0), DP_EARG);
    ck_assert_int_eq(dp_png_save_labels(&err, path, &m, palette, 257), DP_EARG);
    ck_assert_int_eq(dp_png_save_labels(&err, path, &none, NULL, 0), DP_EARG);
    ck_assert_int_eq(dp_png_save(&err, path, &empty), DP_EARG);
    ck_assert_int_eq(dp_png_save(&err, scratch_path("none/out.png"), &p), DP_EIO);
    ck_assert_int_eq(scratch_count(), 0);
}
END_TEST

/* A small file fails when it is closed, a large one while libpng is at work. */
START_TEST(a_full_disk_is_an_error)
{
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_init(&err, &p, 8 + 600 * _i, 600), DP_OK);
    for (uint32_t i = 0; i < (uint32_t)(p.h * p.w * 3); i++)
        p.data[i] = (uint8_t)(i * (i >> 4) >> 3);
    scratch_limit_writes(100);
    ck_assert_int_eq(dp_png_save(&err, scratch_path("out"), &p), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "out: cannot write: File too large"));
    ck_assert_int_eq(scratch_count(), 0);
    dp_pixels_done(&p);
}
END_TEST

static void add_reading(TCase *t)
{
    tcase_add_loop_test(t, every_kind_becomes_these_pixels, 0, KINDS);
    tcase_add_loop_test(t, what_pillow_reads_otherwise_is_kept_beside, 0, 2);
    tcase_add_loop_test(t, transparency_by_colour_is_dropped_too, 0,
                        KINDS_WITHOUT_ALPHA);
    tcase_add_loop_test(t, gamma_profile_and_text_change_nothing, 0, KINDS);
    tcase_add_test(t, a_large_chunk_that_is_skipped_takes_no_harm);
    tcase_add_loop_test(t, interlaced_files_have_the_same_pixels, 0, DEPTHS);
    tcase_add_loop_test(t, orientation_is_applied, 1, 9);
    tcase_add_test(t, broken_exif_is_no_reason_to_refuse);
    tcase_add_loop_test(t, labels_are_the_numbers_that_are_stored, 0, DEPTHS);
    tcase_add_test(t, labels_keep_their_place_whatever_exif_says);
    tcase_add_test(t, a_label_map_cut_anywhere_is_refused);
}

static void add_damage(TCase *t)
{
    tcase_add_loop_test(t, a_file_cut_anywhere_is_refused, 0, 2 * DEPTHS);
    tcase_add_loop_test(t, a_wrong_byte_anywhere_is_noticed, 0, DEPTHS);
    tcase_add_loop_test(t,
                        a_wrong_byte_under_a_right_checksum_gives_pixels_or_a_sentence,
                        0, 2 * DEPTHS);
    tcase_add_test(t, a_wrong_byte_in_a_chunk_that_is_skipped_is_harmless);
    tcase_add_test(t, what_is_no_png_is_refused);
    tcase_add_loop_test(t, sizes_are_checked_before_room_is_taken, 0,
                        (int)(sizeof sizes / sizeof sizes[0]));
    tcase_add_test(t, the_shortest_image_is_read);
}

static void add_writing(TCase *t)
{
    tcase_add_test(t, pixels_written_read_back_exactly);
    tcase_add_loop_test(t, labels_written_read_back_exactly, 0, 2);
    tcase_add_loop_test(t, labels_in_memory_are_those_of_the_file, 0, 2);
    tcase_add_test(t, what_cannot_be_written_is_refused);
    tcase_add_loop_test(t, a_full_disk_is_an_error, 0, 2);
}

int main(void)
{
    Suite *s = suite_create("io/png");
    TCase *t = tcase_create("png");
    tcase_set_timeout(t, 120); /* the sanitizers are slow */
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    add_reading(t);
    add_damage(t);
    add_writing(t);
    suite_add_tcase(s, t);
    return suite_run(s);
}
