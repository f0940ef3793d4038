/* Orientation: found in a TIFF block of either byte order, ignored when broken,
 * applied. */
#include "base/memory.h"
#include "io/image/exif.h"
#include "io/image/image.h"
#include "tests/support/encoded.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static dp_error err;

START_TEST(every_orientation_is_found_in_both_byte_orders)
{
    uint8_t tiff[TIFF_SIZE];
    for (int big = 0; big <= 1; big++) {
        make_tiff(tiff, _i, big);
        ck_assert_int_eq(dp_exif_orientation(tiff, sizeof tiff), _i);
    }
}
END_TEST

START_TEST(numbers_that_mean_nothing_are_ignored)
{
    static const int numbers[] = {9, 255, 256, 0x0600, 65535};
    uint8_t tiff[TIFF_SIZE];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (int big = 0; big <= 1; big++) {
            make_tiff(tiff, numbers[i], big);
            ck_assert_int_eq(dp_exif_orientation(tiff, sizeof tiff), DP_EXIF_NONE);
        }
}
END_TEST

/* Each block is cut at every length, in memory of just that length. */
START_TEST(a_block_that_is_cut_is_never_read_beyond)
{
    uint8_t tiff[TIFF_SIZE];
    make_tiff(tiff, 6, _i);
    for (size_t size = 0; size <= sizeof tiff; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, tiff, size);
        const int want = size < 20 ? DP_EXIF_NONE : 6; /* value at 18 and 19 */
        ck_assert_int_eq(dp_exif_orientation(copy, size), want);
        free(copy);
    }
}
END_TEST

static const struct {
    const char *what;
    size_t at;
    uint8_t bytes[4];
} broken[] = {
    {"no byte order", 0, {'X', 'X', 42, 0}},
    {"two byte orders", 0, {'I', 'M', 42, 0}},
    {"not 42", 2, {43, 0, 8, 0}},
    {"directory beyond the end", 4, {200, 0, 0, 0}},
    {"directory at the end of the number range", 4, {0xff, 0xff, 0xff, 0xff}},
    {"directory on the last byte", 4, {TIFF_SIZE - 1, 0, 0, 0}},
    {"no entries", 8, {0, 0, 0x12, 1}},
    {"another tag", 10, {0x13, 1, 3, 0}},
};

START_TEST(a_broken_block_tells_nothing)
{
    uint8_t tiff[TIFF_SIZE];
    make_tiff(tiff, 6, false);
    memcpy(tiff + broken[_i].at, broken[_i].bytes, 4);
    ck_assert_msg(dp_exif_orientation(tiff, sizeof tiff) == DP_EXIF_NONE, "%s",
                  broken[_i].what);
}
END_TEST

START_TEST(entries_before_the_orientation_are_stepped_over)
{
    static const uint8_t tiff[] = {
        'I',  'I',  42,   0,    8,    0,    0, 0, 2, 0, 0x0f, 1, 2, 0, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0x12, 1, 3, 0, 1, 0,    0, 0, 8, 0,    0,    0};
    ck_assert_int_eq(dp_exif_orientation(tiff, sizeof tiff), 8);
}
END_TEST

START_TEST(a_count_that_promises_too_much_ends_with_the_data)
{
    uint8_t tiff[TIFF_SIZE];
    make_tiff(tiff, 6, false);
    tiff[8] = tiff[9] = 0xff;
    ck_assert_int_eq(dp_exif_orientation(tiff, sizeof tiff), 6);
    tiff[10] = 0x0e;
    ck_assert_int_eq(dp_exif_orientation(tiff, sizeof tiff), DP_EXIF_NONE);
}
END_TEST

/* The stored image is, in letters,   abc
 *                                      def   and each orientation's upright one: */
static const struct {
    int h, w;
    const char *letters;
} upright[] = {
    {2, 3, "abcdef"}, {2, 3, "abcdef"}, {2, 3, "cbafed"}, {2, 3, "fedcba"},
    {2, 3, "defabc"}, {3, 2, "adbecf"}, {3, 2, "daebfc"}, {3, 2, "fcebda"},
    {3, 2, "cfbead"}, {2, 3, "abcdef"},
};

START_TEST(an_image_is_turned_upright)
{
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_init(&err, &p, 2, 3), DP_OK);
    for (int i = 0; i < 6; i++)
        for (int c = 0; c < 3; c++)
            p.data[3 * i + c] = (uint8_t)('a' + i + 40 * c);
    ck_assert_int_eq(dp_exif_turn(&err, &p, _i), DP_OK);
    ck_assert_int_eq(p.h, upright[_i].h);
    ck_assert_int_eq(p.w, upright[_i].w);
    for (int i = 0; i < 6; i++)
        for (int c = 0; c < 3; c++)
            ck_assert_int_eq(p.data[3 * i + c], upright[_i].letters[i] + 40 * c);
    dp_pixels_done(&p);
}
END_TEST

/* Sides beyond one tile of the transpose. The turns that bring each one back: */
static const int back[] = {0, 1, 2, 3, 4, 5, 8, 7, 6};

START_TEST(turning_there_and_back_changes_nothing)
{
    dp_pixels p, q;
    ck_assert_int_eq(dp_pixels_init(&err, &p, 67, 101), DP_OK);
    ck_assert_int_eq(dp_pixels_init(&err, &q, 67, 101), DP_OK);
    for (int i = 0; i < 67 * 101 * 3; i++)
        p.data[i] = q.data[i] = (uint8_t)(i * 31 + i / 253);
    ck_assert_int_eq(dp_exif_turn(&err, &p, _i), DP_OK);
    ck_assert_int_eq(dp_exif_turn(&err, &p, back[_i]), DP_OK);
    ck_assert_int_eq(p.h, 67);
    ck_assert_mem_eq(p.data, q.data, 67 * 101 * 3);

    ck_assert_int_eq(dp_exif_turn(&err, &p, _i), DP_OK);
    ck_assert_int_eq(p.turned, _i > 1 ? _i : 0);
    ck_assert_int_eq(dp_exif_turn_back(&err, &p), DP_OK);
    ck_assert_int_eq(p.turned, 0);
    ck_assert_int_eq(p.h, 67);
    ck_assert_mem_eq(p.data, q.data, 67 * 101 * 3);
    dp_pixels_done(&p);
    dp_pixels_done(&q);
}
END_TEST

static void load(dp_pixels *p, const char *folder, int number)
{
    const char *path = shared_path("data/exif_orientation/%s_%d.jpg", folder, number);
    ck_assert_msg(dp_pixels_load(&err, p, path) == DP_OK, "%s", err.text);
}

static double mean_difference(const dp_pixels *a, const dp_pixels *b)
{
    const int n = a->h * a->w * 3;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += abs(a->data[i] - b->data[i]);
    return sum / n;
}

/* The images were turned after decoding and compressed again; that loss is 0.4 to 4
 * levels on average. An image turned the wrong way differs by more than 40. */
START_TEST(photographs_stored_in_all_orientations_are_the_same_image)
{
    static const char *const folders[] = {"Landscape", "Portrait"};
    dp_pixels first, other;
    load(&first, folders[_i], 1);
    for (int number = 0; number <= 8; number++) {
        load(&other, folders[_i], number);
        ck_assert_int_eq(other.h, first.h);
        ck_assert_int_eq(other.w, first.w);
        const double mean = mean_difference(&first, &other);
        ck_assert_msg(mean < 5, "%s_%d: %g", folders[_i], number, mean);
        dp_pixels_done(&other);
    }
    dp_pixels_done(&first);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/exif");
    TCase *t = tcase_create("exif");
    tcase_add_loop_test(t, every_orientation_is_found_in_both_byte_orders, 1, 9);
    tcase_add_test(t, numbers_that_mean_nothing_are_ignored);
    tcase_add_loop_test(t, a_block_that_is_cut_is_never_read_beyond, 0, 2);
    tcase_add_loop_test(t, a_broken_block_tells_nothing, 0,
                        (int)(sizeof broken / sizeof broken[0]));
    tcase_add_test(t, entries_before_the_orientation_are_stepped_over);
    tcase_add_test(t, a_count_that_promises_too_much_ends_with_the_data);
    tcase_add_loop_test(t, an_image_is_turned_upright, 0,
                        (int)(sizeof upright / sizeof upright[0]));
    tcase_add_loop_test(t, turning_there_and_back_changes_nothing, 1, 9);
    if (shared_has("data/exif_orientation"))
        tcase_add_loop_test(
            t, photographs_stored_in_all_orientations_are_the_same_image, 0, 2);
    suite_add_tcase(s, t);
    return suite_run(s);
}
