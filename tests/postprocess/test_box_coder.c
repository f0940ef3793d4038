/* Boxes: deltas, anchors, levels of a pyramid. */
#include "postprocess/anchors.h"
#include "postprocess/box_coder.h"
#include "postprocess/pyramid_level.h"
#include "tests/support/arrays.h"
#include "tests/support/random.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

static const dp_detector_rules *const mm = &dp_rules_mmdetection;

static const float ones[4] = {1, 1, 1, 1};
static const dp_size wide = {1000, 1000};

static void check_float(float got, float want, float bound)
{
    ck_assert_msg(fabsf(got - want) <= bound, "%.9g, expected %.9g", (double)got,
                  (double)want);
}

static const struct {
    const char *what;
    dp_box box;
    float delta[4], std[4];
    dp_box want;
} decodes[] = {
    {"no delta, no change",
     {10, 20, 30, 60},
     {0, 0, 0, 0},
     {1, 1, 1, 1},
     {10, 20, 30, 60}},
    {"half a width right, a quarter up",
     {10, 20, 30, 60},
     {0.5f, -0.25f, 0, 0},
     {1, 1, 1, 1},
     {20, 10, 40, 50}},
    {"deviations scale the delta",
     {10, 20, 30, 60},
     {5, -2.5f, 0, 0},
     {0.1f, 0.1f, 0.2f, 0.2f},
     {20, 10, 40, 50}},
    {"clipped on all sides",
     {0, 0, 1000, 1000},
     {0, 0, 1, 1},
     {1, 1, 1, 1},
     {0, 0, 1000, 1000}},
    {"wholly outside: no area",
     {-30, 5, -10, 9},
     {0, 0, 0, 0},
     {1, 1, 1, 1},
     {0, 5, 0, 9}},
};

START_TEST(delta_decode_case)
{
    const dp_box b = dp_box_coder_decode(mm, decodes[_i].box, decodes[_i].delta,
                                         decodes[_i].std, wide);
    const dp_box w = decodes[_i].want;
    ck_assert_msg(b.x1 == w.x1 && b.y1 == w.y1 && b.x2 == w.x2 && b.y2 == w.y2,
                  "%s: %g %g %g %g", decodes[_i].what, (double)b.x1, (double)b.y1,
                  (double)b.x2, (double)b.y2);
}
END_TEST

/* A box of side 16 grows to at most 1000, and one of 1000 shrinks to at least 16. */
START_TEST(delta_sides_are_clamped_both_ways)
{
    const float grow[4] = {0, 0, 50, 50}, shrink[4] = {0, 0, -50, -50};
    dp_box b = dp_box_coder_decode(mm, (dp_box){492, 492, 508, 508}, grow, ones, wide);
    check_float(b.x2 - b.x1, 1000, 1000 * 4 * FLT_EPSILON);
    b = dp_box_coder_decode(mm, (dp_box){0, 0, 1000, 1000}, shrink, ones, wide);
    check_float(b.y2 - b.y1, 16, 1000 * 4 * FLT_EPSILON);
}
END_TEST

START_TEST(delta_nan_stays_nan)
{
    const float delta[4] = {NAN, 0, 0, NAN};
    const dp_box b = dp_box_coder_decode(mm, (dp_box){1, 1, 2, 2}, delta, ones, wide);
    ck_assert(isnan(b.x1));
    ck_assert(isnan(b.x2));
    ck_assert(isnan(b.y1));
    ck_assert(isnan(b.y2));
}
END_TEST

/* The accepted difference: 1e-5 absolute or 2e-6 relative. */
static void check_near(const char *what, float got, float want)
{
    const float bound = fmaxf(1e-5f, 2e-6f * fabsf(want));
    ck_assert_msg(fabsf(got - want) <= bound, "%s: %.9g, expected %.9g", what,
                  (double)got, (double)want);
}

static void check_decode(const char *name, const float std[4])
{
    size_t n, count;
    dp_box *boxes = boxes_load(shared_path("golden/ops/decode_boxes.npy"), &n);
    float *deltas = floats_load(shared_path("golden/ops/decode_deltas.npy"), &count);
    float *want = floats_load(shared_path("golden/ops/%s.npy", name), &count);
    const size_t classes = count / n / 4;

    ck_assert_uint_eq(classes, 3);
    for (size_t i = 0; i < n * classes; i++) {
        const dp_box b = dp_box_coder_decode(mm, boxes[i / classes], deltas + 4 * i,
                                             std, (dp_size){797, 1203});
        check_near(name, b.x1, want[4 * i]);
        check_near(name, b.y1, want[4 * i + 1]);
        check_near(name, b.x2, want[4 * i + 2]);
        check_near(name, b.y2, want[4 * i + 3]);
    }
    free(boxes);
    free(deltas);
    free(want);
}

START_TEST(delta_golden)
{
    static const float s0[4] = {0.1f, 0.1f, 0.2f, 0.2f};
    static const float s2[4] = {0.033f, 0.033f, 0.067f, 0.067f};
    if (!shared_has("golden/ops/decode_boxes.npy"))
        return;
    check_decode("decode_rpn", ones);
    check_decode("decode_s0", s0);
    check_decode("decode_s2", s2);
}
END_TEST

/* Ratio 1, scale 8, stride 4: a square of 32 around the corner of the cell. Ratio 4: half
 * as wide and twice as high. */
START_TEST(anchors_are_centred_on_corners)
{
    static const float ratios[] = {1, 4}, scales[] = {8};
    dp_anchors a;
    dp_anchors_init(mm, &a, 4, ratios, 2, scales, 1);
    ck_assert_int_eq(a.count, 2);

    const dp_size step = dp_anchors_step(mm, &a, (dp_size){65, 97}, (dp_size){16, 24});
    ck_assert(step.h == 4 && step.w == 4);
    dp_box b = dp_anchors_get(&a, step, 0, 0, 0);
    check_float(b.x1, -16, 0);
    check_float(b.y2, 16, 0);
    b = dp_anchors_get(&a, step, 3, 10, 1);
    check_float(b.x1, 40 - 8, 0);
    check_float(b.y1, 12 - 32, 0);
    check_float(b.x2, 40 + 8, 0);
    check_float(b.y2, 12 + 32, 0);
}
END_TEST

START_TEST(anchors_run_through_scales_first)
{
    static const float ratios[] = {0.25f, 1}, scales[] = {1, 2};
    dp_anchors a;
    dp_anchors_init(mm, &a, 16, ratios, 2, scales, 2);
    ck_assert_int_eq(a.count, 4);
    static const float width[] = {32, 64, 16, 32};
    for (int i = 0; i < 4; i++) {
        const dp_box b = dp_anchors_get(&a, (dp_size){16, 16}, 1, 1, i);
        check_float(b.x2 - b.x1, width[i], 0);
    }
}
END_TEST

static const struct {
    float side;
    int level;
} sides[] = {
    {1, 0},    {56, 0},        {111, 0},    {112, 1},       {113, 1},
    {224, 2},  {223.9999f, 1}, {448, 3},    {447.9999f, 3}, {447.99f, 2},
    {5000, 3}, {0, 0},         {1e-20f, 0},
};

START_TEST(level_of_a_square)
{
    ck_assert_int_eq(
        dp_pyramid_level_get(mm, (dp_box){0, 0, sides[_i].side, sides[_i].side}, 4),
        sides[_i].level);
}
END_TEST

START_TEST(level_of_a_broken_box_is_the_finest)
{
    ck_assert_int_eq(dp_pyramid_level_get(mm, (dp_box){5, 5, 1, 9}, 4), 0);
    ck_assert_int_eq(dp_pyramid_level_get(mm, (dp_box){NAN, 5, 1, 9}, 4), 0);
    ck_assert_int_eq(dp_pyramid_level_get(mm, (dp_box){0, 0, INFINITY, 9}, 4), 3);
}
END_TEST

START_TEST(levels_golden_are_identical)
{
    if (!shared_has("golden/ops/levels.npy"))
        return;
    size_t n, count;
    int *want = ints_load(shared_path("golden/ops/levels.npy"), &n);
    float *rois = floats_load(shared_path("golden/ops/levels_rois.npy"), &count);
    ck_assert_uint_eq(count, 5 * n);
    for (size_t i = 0; i < n; i++) {
        const float *r = rois + 5 * i;
        ck_assert_int_eq(dp_pyramid_level_get(mm, (dp_box){r[1], r[2], r[3], r[4]}, 4),
                         want[i]);
    }
    free(want);
    free(rois);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("box coder");
    TCase *t = tcase_create("box coder");
    tcase_add_loop_test(t, delta_decode_case, 0, sizeof decodes / sizeof *decodes);
    tcase_add_test(t, delta_sides_are_clamped_both_ways);
    tcase_add_test(t, delta_nan_stays_nan);
    tcase_add_test(t, delta_golden);
    tcase_add_test(t, anchors_are_centred_on_corners);
    tcase_add_test(t, anchors_run_through_scales_first);
    tcase_add_loop_test(t, level_of_a_square, 0, sizeof sides / sizeof *sides);
    tcase_add_test(t, level_of_a_broken_box_is_the_finest);
    tcase_add_test(t, levels_golden_are_identical);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
