/* Drawings: what is touched, what is not, and what colour it has. */
#include "core/limits.h"
#include "report/draw.h"
#include "report/draw_labels.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Of the leak checker, where it is built in: what fontconfig keeps for good is not ours. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static char apple[] = "apple", pear[] = "pear", odd[] = "\xff",
            umlaut[] = "\xc3\x84pfel";
static dp_class classes[] = {{apple, 1, {200, 0, 0}}, {pear, 2, {0, 0, 250}}};
static const dp_dataset dataset = {NULL, 2, classes};

static dp_pixels grey(int h, int w)
{
    dp_pixels p;
    dp_error err = {0};
    ck_assert_int_eq(dp_pixels_init(&err, &p, h, w), DP_OK);
    memset(p.data, 100, (size_t)h * (size_t)w * 3);
    return p;
}

static const uint8_t *at(const dp_pixels *p, int y, int x)
{
    return p->data + ((size_t)y * (size_t)p->w + (size_t)x) * 3;
}

static void check_pixel(const dp_pixels *p, int y, int x, int b, int g, int r)
{
    const uint8_t *v = at(p, y, x);
    ck_assert_msg(v[0] == b && v[1] == g && v[2] == r,
                  "pixel %d %d is %d %d %d, expected %d %d %d", y, x, v[0], v[1], v[2],
                  b, g, r);
}

static bool is_grey(const dp_pixels *p, int y, int x)
{
    const uint8_t *v = at(p, y, x);
    return v[0] == 100 && v[1] == 100 && v[2] == 100;
}

static void draw(dp_pixels *p, dp_detection *list, size_t count, uint32_t *runs,
                 float score_thr)
{
    const dp_detections d = {
        .image = {p->h, p->w}, .count = count, .list = list, .runs = runs};
    const dp_found f = {&d, &dataset, NULL, 0, score_thr, 0, false};
    dp_error err = {0};
    ck_assert_msg(dp_draw_detections(&err, p, &f) == DP_OK, "%s", err.text);
}

START_TEST(box_is_drawn_and_nothing_far_from_it)
{
    dp_pixels p = grey(200, 300);
    dp_detection d = {{100, 80, 180, 150}, 0.5f, 0, 0, 0};
    draw(&p, &d, 1, NULL, 0);

    check_pixel(&p, 149, 140, 0, 0, 200);
    check_pixel(&p, 150, 140, 0, 0, 200);
    ck_assert(!is_grey(&p, 110, 100) && !is_grey(&p, 110, 179));
    for (int y = 0; y < 200; y++)
        for (int x = 0; x < 300; x++) {
            const bool label = x >= 96 && x < 184 && y >= 55 && y < 84;
            const bool near = x >= 96 && x < 184 && y >= 76 && y < 154;
            const bool inside = x >= 104 && x < 176 && y >= 84 && y < 146;
            ck_assert(is_grey(&p, y, x) || label || (near && !inside));
        }
    dp_pixels_done(&p);
}
END_TEST

/* The label: the class's colour, and letters of black or white on it. */
START_TEST(label_is_filled_and_written_on)
{
    dp_pixels p = grey(400, 600);
    dp_detection d = {{100, 80, 180, 150}, 0.5f, 1, 0, 0};
    int filled = 0, letters = 0;
    draw(&p, &d, 1, NULL, 0);
    for (int y = 60; y < 78; y++)
        for (int x = 100; x < 180; x++) {
            const uint8_t *v = at(&p, y, x);
            filled += v[0] == 250 && v[1] == 0 && v[2] == 0;
            letters += v[0] > 200 && v[1] > 200 && v[2] > 200;
        }
    ck_assert_int_gt(filled, 200);
    ck_assert_int_gt(letters, 30);
    dp_pixels_done(&p);
}
END_TEST

/* 0.42 of the colour and 0.58 of the image: 100 becomes 142 of 200, and 58. */
START_TEST(mask_is_tinted)
{
    dp_pixels p = grey(200, 300);
    static uint32_t runs[] = {120 * 200 + 100,
                              40,
                              160,
                              40,
                              160,
                              40,
                              160,
                              40,
                              160,
                              40,
                              300 * 200 - 120 * 200 - 100 - 5 * 40 - 4 * 160};
    dp_detection d = {{100, 80, 180, 150}, 0.5f, 0, 0, 11};
    draw(&p, &d, 1, runs, 0);
    check_pixel(&p, 120, 122, 58, 58, 142);
    ck_assert(!is_grey(&p, 110, 119)); /* its outline */
    ck_assert(is_grey(&p, 120, 130));
    dp_pixels_done(&p);
}
END_TEST

/* Rows, and pixels, that are no longer grey. */
static void count_drawn(const dp_pixels *p, int *rows, int *pixels)
{
    *rows = *pixels = 0;
    for (int y = 0; y < p->h; y++) {
        int drawn = 0;
        for (int x = 0; x < p->w; x++)
            drawn += !is_grey(p, y, x);
        *rows += drawn > 0;
        *pixels += drawn;
    }
}

/* Twenty objects in one place: a tiny image is not covered by labels, and in a large one a
 * label is a line of text and no more. */
START_TEST(labels_suit_the_size_of_the_image)
{
    static const int sides[][2] = {{37, 50}, {480, 640}, {1536, 3072}};
    dp_pixels p = grey(sides[_i][0], sides[_i][1]);
    dp_detection list[20];
    int rows, pixels;
    for (int i = 0; i < 20; i++)
        list[i] = (dp_detection){{20, 20, 24, 24}, 0.5f, 0, 0, 0};
    draw(&p, list, 1, NULL, 0);
    count_drawn(&p, &rows, &pixels);
    ck_assert_msg(rows <= 50, "%d rows of one object", rows);
    dp_pixels_done(&p);
    p = grey(sides[_i][0], sides[_i][1]);
    draw(&p, list, 20, NULL, 0);
    count_drawn(&p, &rows, &pixels);
    ck_assert_msg(pixels < 0.4 * p.h * p.w, "%d pixels of %d x %d", pixels, p.h, p.w);
    dp_pixels_done(&p);
}
END_TEST

START_TEST(low_scores_are_not_drawn)
{
    dp_pixels p = grey(60, 80), untouched = grey(60, 80);
    dp_detection d = {{10, 10, 40, 40}, 0.29f, 0, 0, 0};
    draw(&p, &d, 1, NULL, 0.3f);
    ck_assert_mem_eq(p.data, untouched.data, 60 * 80 * 3);
    draw(&p, NULL, 0, NULL, 0);
    ck_assert_mem_eq(p.data, untouched.data, 60 * 80 * 3);
    dp_pixels_done(&p);
    dp_pixels_done(&untouched);
}
END_TEST

START_TEST(the_best_is_on_top)
{
    dp_pixels p = grey(200, 300);
    dp_detection d[] = {{{50, 60, 250, 180}, 0.9f, 0, 0, 0},
                        {{50, 60, 250, 180}, 0.8f, 1, 0, 0}};
    draw(&p, d, 2, NULL, 0);
    ck_assert_int_eq(at(&p, 120, 50)[2], 200);
    ck_assert_int_eq(at(&p, 120, 50)[0], 0);
    dp_pixels_done(&p);
}
END_TEST

/* Where two have the same box, their labels find different places. */
START_TEST(labels_make_room_for_each_other)
{
    dp_pixels p = grey(200, 300);
    dp_detection d[] = {{{50, 60, 250, 180}, 0.9f, 0, 0, 0},
                        {{50, 60, 250, 180}, 0.8f, 1, 0, 0}};
    int red = 0, blue = 0;
    draw(&p, d, 2, NULL, 0);
    for (int i = 0; i < 200 * 300; i++) {
        const uint8_t *v = p.data + 3 * i;
        red += v[2] == 200 && v[1] == 0 && v[0] == 0;
        blue += v[0] == 250 && v[1] == 0 && v[2] == 0;
    }
    ck_assert_int_gt(red, 300);
    ck_assert_int_gt(blue, 240); /* 300 x 0.9^2: letters of 9 pixels, not 10 */
    dp_pixels_done(&p);
}
END_TEST

START_TEST(drawing_twice_gives_the_same_bytes)
{
    dp_pixels p = grey(100, 150), q = grey(100, 150);
    dp_detection d = {{-20, 30, 170, 99.5f}, 0.123f, 0, 0, 0};
    draw(&p, &d, 1, NULL, 0);
    draw(&q, &d, 1, NULL, 0);
    ck_assert_mem_eq(p.data, q.data, 100 * 150 * 3);
    dp_pixels_done(&p);
    dp_pixels_done(&q);
}
END_TEST

/* A box longer than a tile, on an image wider than cairo can hold: the line goes on over
 * the tiles' borders with the same pixels. */
START_TEST(tiles_do_not_show)
{
    enum { H = 90, W = 40000 };
    dp_pixels p = grey(H, W);
    dp_detection d = {{100, 20.3f, 39900, 70.8f}, 0.5f, 0, 0, 0};
    draw(&p, &d, 1, NULL, 0);
    for (int x = 38000; x < 39800; x++)
        for (int y = 0; y < H; y++)
            ck_assert_mem_eq(at(&p, y, x), at(&p, y, 38000), 3);
    ck_assert(!is_grey(&p, 70, 38000));
    ck_assert_int_eq(at(&p, 70, 38000)[0], at(&p, 70, 20000)[0]);
    dp_pixels_done(&p);
}
END_TEST

START_TEST(tiny_images_are_drawn_on)
{
    for (int side = 1; side < 12; side++) {
        dp_pixels p = grey(side, 13 - side);
        dp_detection d = {{0, 0, (float)(13 - side), (float)side}, 0.5f, 0, 0, 0};
        draw(&p, &d, 1, NULL, 0);
        ck_assert(!is_grey(&p, 0, 0));
        dp_pixels_done(&p);
    }
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    dp_pixels p = grey(20, 30), out;
    dp_detection one = {{0, 0, 9, 9}, 0.5f, 0, 0, 0};
    dp_detections d = {.image = {30, 20}, .count = 1, .list = &one};
    dp_found f = {&d, &dataset, NULL, 0, 0, 0, false};
    uint8_t bytes[600] = {0};
    const dp_label_map labels = {30, 20, bytes, 600};
    dp_error err = {0};
    ck_assert_int_eq(dp_draw_detections(&err, &p, &f), DP_EARG);
    ck_assert_str_eq(err.text,
                     "a drawing: found an image of 20 x 30, expected 30 x 20");
    ck_assert_int_eq(dp_draw_labels(&err, &out, &p, &labels, &dataset), DP_EARG);
    ck_assert_ptr_null(out.data);

    dp_class bad[] = {{odd, 1, {0, 0, 0}}};
    const dp_dataset names = {NULL, 1, bad};
    d.image = (dp_size){20, 30};
    f.dataset = &names;
    ck_assert_int_eq(dp_draw_detections(&err, &p, &f), DP_EARG);
    dp_pixels_done(&p);
}
END_TEST

/* Letters beyond ASCII come from the machine's fonts. */
START_TEST(names_beyond_ascii_are_drawn)
{
    dp_pixels p = grey(60, 90), q = grey(60, 90);
    dp_detection one = {{10, 20, 80, 50}, 0.5f, 0, 0, 0};
    const dp_detections d = {.image = {60, 90}, .count = 1, .list = &one};
    dp_class named[] = {{umlaut, 1, {200, 0, 0}}};
    const dp_dataset names = {NULL, 1, named};
    dp_found f = {&d, &names, NULL, 0, 0, 0, false};
    dp_error err = {0};
    ck_assert_int_eq(dp_draw_detections(&err, &p, &f), DP_OK);
    f.dataset = &dataset;
    ck_assert_int_eq(dp_draw_detections(&err, &q, &f), DP_OK);
    ck_assert(memcmp(p.data, q.data, 60 * 90 * 3) != 0);
    dp_pixels_done(&p);
    dp_pixels_done(&q);
}
END_TEST

/* Left half apple, right half pear, but a corner of no class. */
START_TEST(labels_are_tinted_with_a_legend_below)
{
    enum { H = 300, W = 400 };
    dp_pixels p = grey(H, W), out;
    uint8_t *bytes = malloc(H * W);
    const dp_label_map m = {H, W, bytes, H * W};
    dp_error err = {0};
    int swatch[2] = {0, 0}, dark = 0;

    for (int i = 0; i < H * W; i++)
        bytes[i] = i % W >= W / 2;
    bytes[0] = 200;
    ck_assert_int_eq(dp_draw_labels(&err, &out, &p, &m, &dataset), DP_OK);
    ck_assert_int_eq(out.w, W);
    ck_assert_int_gt(out.h, H);
    check_pixel(&out, 0, 0, 100, 100, 100);
    check_pixel(&out, 50, 50, 40, 40, 160);        /* 0.4 * 100 + 0.6 * 200 */
    check_pixel(&out, 50, 300, 190, 40, 40);       /* 0.4 * 100 + 0.6 * 250 */
    check_pixel(&out, 50, W / 2 - 1, 25, 25, 100); /* 5 / 8 of it: the border */
    for (int y = H; y < out.h; y++)
        for (int x = 0; x < out.w; x++) {
            const uint8_t *v = at(&out, y, x);
            swatch[0] += v[2] == 200 && v[1] == 0 && v[0] == 0;
            swatch[1] += v[2] == 0 && v[1] == 0 && v[0] == 250;
            dark += v[0] < 80 && v[1] < 80 && v[2] < 80;
        }
    ck_assert_int_ge(swatch[0], 60);
    ck_assert_int_ge(swatch[1], 60);
    ck_assert_int_gt(dark, 50); /* letters */
    dp_pixels_done(&p);
    dp_pixels_done(&out);
    free(bytes);
}
END_TEST

START_TEST(legend_widens_a_narrow_image)
{
    dp_pixels p = grey(40, 3), out;
    uint8_t bytes[120] = {0};
    const dp_label_map m = {40, 3, bytes, 120};
    dp_error err = {0};
    ck_assert_int_eq(dp_draw_labels(&err, &out, &p, &m, &dataset), DP_OK);
    ck_assert_int_gt(out.w, 40);
    check_pixel(&out, 20, 1, 40, 40, 160);
    check_pixel(&out, 20, 30, 255, 255, 255);
    dp_pixels_done(&p);
    dp_pixels_done(&out);
}
END_TEST

START_TEST(legend_is_left_out_beyond_the_limits)
{
    dp_pixels p = grey(DP_MAX_IMAGE_SIDE, 2), out;
    uint8_t *bytes = calloc(DP_MAX_IMAGE_SIDE, 2);
    const dp_label_map m = {DP_MAX_IMAGE_SIDE, 2, bytes, 2 * DP_MAX_IMAGE_SIDE};
    dp_error err = {0};
    ck_assert_int_eq(dp_draw_labels(&err, &out, &p, &m, &dataset), DP_OK);
    ck_assert_int_eq(out.h, DP_MAX_IMAGE_SIDE);
    ck_assert_int_eq(out.w, 2);
    check_pixel(&out, 65000, 1, 40, 40, 160);
    dp_pixels_done(&p);
    dp_pixels_done(&out);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("draw");
    TCase *t = tcase_create("draw");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, box_is_drawn_and_nothing_far_from_it);
    tcase_add_test(t, label_is_filled_and_written_on);
    tcase_add_test(t, mask_is_tinted);
    tcase_add_loop_test(t, labels_suit_the_size_of_the_image, 0, 3);
    tcase_add_test(t, low_scores_are_not_drawn);
    tcase_add_test(t, the_best_is_on_top);
    tcase_add_test(t, labels_make_room_for_each_other);
    tcase_add_test(t, drawing_twice_gives_the_same_bytes);
    tcase_add_test(t, tiles_do_not_show);
    tcase_add_test(t, tiny_images_are_drawn_on);
    tcase_add_test(t, what_does_not_fit_is_refused);
    tcase_add_test(t, names_beyond_ascii_are_drawn);
    tcase_add_test(t, labels_are_tinted_with_a_legend_below);
    tcase_add_test(t, legend_widens_a_narrow_image);
    tcase_add_test(t, legend_is_left_out_beyond_the_limits);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
