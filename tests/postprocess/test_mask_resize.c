/* Masks pasted as torchvision does it, against the rule pixel by pixel in float64. */
#include "core/rle.h"
#include "postprocess/mask_resize.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { M = 28, H = 40, W = 50 };

static const dp_mask_paste usual = {.side = M, .threshold = 0.5f, .image = {H, W}};

/* The pixels of a pasted mask, column by column. */
static size_t paste(uint8_t *pixels, const dp_mask_paste *p, const float *mask,
                    dp_box box)
{
    uint32_t counts[H * W + 2];
    void *scratch = malloc(dp_mask_resize_scratch(p));
    const size_t runs = dp_paste_resized.run(counts, H * W + 2, p, mask, box, scratch);
    /* With little room the same runs are counted. */
    ck_assert_uint_eq(dp_mask_resize_run(NULL, 0, p, mask, box, scratch), runs);
    free(scratch);
    uint64_t sum = 0;
    for (size_t i = 0; i < runs; i++) {
        ck_assert(i == 0 || counts[i] > 0);
        memset(pixels + sum, i % 2, counts[i]);
        sum += counts[i];
    }
    ck_assert_uint_eq(sum, H * W);
    return runs;
}

/* The cell at (y, x) of the mask with its border. */
static double cell(const float *mask, int y, int x)
{
    const bool inside = x > 0 && y > 0 && x <= M && y <= M;
    return inside ? (double)mask[(y - 1) * M + x - 1] : 0;
}

static double place(int i, int size)
{
    return fmax((double)((float)(M + 2) / (float)size) * (i + 0.5) - 0.5, 0);
}

/* The value of the pixel that is (v, u) in a box of h x w pixels. */
static double value(const float *mask, int v, int u, int h, int w)
{
    const double y = place(v, h), x = place(u, w);
    const int y0 = (int)y, x0 = (int)x;
    const int y1 = y0 < M + 1 ? y0 + 1 : y0, x1 = x0 < M + 1 ? x0 + 1 : x0;
    const double b = y - y0, a = x - x0;
    return (1 - b) * ((1 - a) * cell(mask, y0, x0) + a * cell(mask, y0, x1)) +
           b * ((1 - a) * cell(mask, y1, x0) + a * cell(mask, y1, x1));
}

/* Boxes, and the whole pixels that they become: 15/14 as large, cut toward zero. */
static const struct {
    dp_box box;
    int x0, y0, x1, y1;
} cases[] = {
    {{7, 6, 35, 34}, 6, 5, 36, 35},      /* grows by one on each side        */
    {{-14, 6, 14, 34}, -15, 5, 15, 35},  /* partly outside                   */
    {{20, 20, 20, 20}, 20, 20, 20, 20},  /* without area: one pixel          */
    {{0.5f, 0, 4.7f, 39}, 0, -1, 4, 40}, /* 0.35 and -1.39 are cut to 0, -1 */
    {{45, 35, 73, 63}, 44, 34, 74, 64},
    {{10, 10, 5, 30}, 10, 9, 10, 30}, /* turned over: a column         */
};

START_TEST(pixels_follow_the_rule)
{
    uint8_t pixels[H * W];
    uint64_t seed = 3;
    float *mask = random_floats(&seed, M * M, 0, 1);
    paste(pixels, &usual, mask, cases[_i].box);
    const int x0 = cases[_i].x0, y0 = cases[_i].y0;
    const int w = cases[_i].x1 - x0 + 1, h = cases[_i].y1 - y0 + 1;
    for (int x = 0; x < W; x++)
        for (int y = 0; y < H; y++) {
            const bool inside = x >= x0 && x < x0 + w && y >= y0 && y < y0 + h;
            const double v = inside ? value(mask, y - y0, x - x0, h, w) : 0;
            if (fabs(v - 0.5) > 1e-6)
                ck_assert_msg(pixels[x * H + y] == (v > 0.5), "pixel %d %d: %d of %g",
                              x, y, pixels[x * H + y], v);
        }
    free(mask);
}
END_TEST

START_TEST(a_pixel_at_the_threshold_is_not_set)
{
    uint8_t pixels[H * W];
    float mask[M * M];
    for (int i = 0; i < M * M; i++)
        mask[i] = 0.5f;
    ck_assert_uint_eq(paste(pixels, &usual, mask, (dp_box){7, 6, 35, 34}), 1);
    for (int i = 0; i < M * M; i++)
        mask[i] = nextafterf(0.5f, 1);
    ck_assert_uint_gt(paste(pixels, &usual, mask, (dp_box){7, 6, 35, 34}), 1);
}
END_TEST

START_TEST(useless_boxes_give_empty_masks)
{
    const dp_box boxes[] = {{NAN, 0, 10, 10}, {0, 0, INFINITY, 10}, {0, -1e30f, 5, 5},
                            {60, 50, 80, 70}, {-30, -30, -10, -10}, {0, 0, 3e7f, 10},
                            {0, NAN, 10, 10}};
    uint8_t pixels[H * W];
    float mask[M * M];
    for (int i = 0; i < M * M; i++)
        mask[i] = 1;
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        ck_assert_uint_eq(paste(pixels, &usual, mask, boxes[i]), 1);
}
END_TEST

START_TEST(what_is_no_number_is_not_set)
{
    uint8_t pixels[H * W];
    float mask[M * M];
    for (int i = 0; i < M * M; i++)
        mask[i] = NAN;
    ck_assert_uint_eq(paste(pixels, &usual, mask, (dp_box){7, 6, 35, 34}), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mask_resize");
    TCase *t = tcase_create("rule");
    tcase_add_loop_test(t, pixels_follow_the_rule, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(t, a_pixel_at_the_threshold_is_not_set);
    tcase_add_test(t, useless_boxes_give_empty_masks);
    tcase_add_test(t, what_is_no_number_is_not_set);
    suite_add_tcase(s, t);
    return suite_run(s);
}
