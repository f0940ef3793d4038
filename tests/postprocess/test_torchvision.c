/* torchvision's rules for boxes: worked values. */
#include "postprocess/anchors.h"
#include "postprocess/box_coder.h"
#include "postprocess/pyramid_level.h"
#include "postprocess/select_detections.h"
#include "tests/support/forward.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>

static const dp_detector_rules *const tv = &dp_rules_torchvision;
static const float ones[4] = {1, 1, 1, 1};
static const dp_size image = {200, 300};

static void check_box(dp_box b, float x1, float y1, float x2, float y2)
{
    ck_assert_msg(b.x1 == x1 && b.y1 == y1 && b.x2 == x2 && b.y2 == y2,
                  "%.9g %.9g %.9g %.9g", (double)b.x1, (double)b.y1, (double)b.x2,
                  (double)b.y2);
}

START_TEST(deltas_are_divided_and_boxes_clipped)
{
    const dp_box box = {100, 50, 140, 70};
    const float std[4] = {0.1f, 0.1f, 0.2f, 0.2f}; /* divided by 10 and 5 */
    check_box(dp_box_coder_decode(tv, box, (float[]){0, 0, 0, 0}, ones, image), 100, 50,
              140, 70);
    check_box(dp_box_coder_decode(tv, box, (float[]){5, -10, 0, 0}, std, image), 120,
              30, 160, 50);
    check_box(dp_box_coder_decode(tv, box, (float[]){-4, 9, 0, 0}, ones, image), 0, 200,
              0, 200);
}
END_TEST

START_TEST(a_side_grows_at_most_62_times_and_may_vanish)
{
    const dp_box box = {140, 100, 142, 102};
    const dp_box wide =
        dp_box_coder_decode(tv, box, (float[]){0, 0, 50, 0}, ones, image);
    ck_assert(fabsf((wide.x2 - wide.x1) - 125) < 1e-3f); /* 2 * 1000 / 16 */
    const dp_box thin =
        dp_box_coder_decode(tv, box, (float[]){0, 0, -50, 0}, ones, image);
    ck_assert(thin.x1 == thin.x2 && thin.x1 == 141);
    ck_assert(thin.y1 == 100 && thin.y2 == 102);
}
END_TEST

START_TEST(both_sides_count)
{
    ck_assert(dp_box_is_large((dp_box){0, 0, 1, 1}, 1));
    ck_assert(!dp_box_is_large((dp_box){0, 0, 1, 0.5f}, 1));
    ck_assert(!dp_box_is_large((dp_box){0, 0, 0.5f, 1}, 1));
    ck_assert(!dp_box_is_large((dp_box){0, NAN, 1, 1}, 1e-3f));
}
END_TEST

START_TEST(larger_regions_read_coarser_maps)
{
    const struct {
        float side;
        int level;
    } rows[] = {{1, 0},   {111.9f, 0}, {112, 1}, {223.9f, 1},
                {224, 2}, {447.9f, 2}, {448, 3}, {5000, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_int_eq(
            dp_pyramid_level_get(tv, (dp_box){0, 0, rows[i].side, rows[i].side}, 4),
            rows[i].level);
    ck_assert_int_eq(dp_pyramid_level_get(tv, (dp_box){5, 5, 5, 9}, 4), 0);
    ck_assert_int_eq(dp_pyramid_level_get(tv, (dp_box){5, 5, NAN, 9}, 4), 0);
    ck_assert_int_eq(dp_pyramid_level_get(tv, (dp_box){0, 0, 500, 500}, 2), 1);
}
END_TEST

START_TEST(anchors_are_rounded_and_spread_over_the_image)
{
    static const float ratios[] = {0.5f}, scales[] = {1};
    dp_anchors a;
    dp_anchors_init(tv, &a, 32, ratios, 1, scales, 1);
    const dp_size step = dp_anchors_step(tv, &a, (dp_size){70, 99}, (dp_size){2, 3});
    ck_assert(step.h == 35 && step.w == 33);
    /* 32 * sqrt(2) / 2 is 22.6, half of that to either side the other way */
    check_box(dp_anchors_get(&a, step, 1, 2, 0), 66 - 23, 35 - 11, 66 + 23, 35 + 11);
}
END_TEST

typedef struct selection {
    dp_selection wanted;
    dp_box_predictions p;
    dp_frame frame;
    dp_detection *out;
    int count;
} selection;

static void select_detections(dp_run *r, void *arg)
{
    selection *s = arg;
    s->count = dp_select_detections(r, tv, s->out, &s->wanted, s->p, &s->frame);
}

static void to_image(dp_run *r, void *arg)
{
    selection *s = arg;
    dp_detections_to_image(r, tv, s->out, s->count, &s->frame);
}

START_TEST(detections_stay_at_the_networks_size)
{
    enum { R = 4, K = 2 };
    /* The second overlaps the first by 81 / 119; the last is too thin. */
    dp_box rois[R] = {
        {10, 10, 20, 20}, {11, 11, 21, 21}, {50, 10, 60, 20}, {80, 5, 80.009f, 15}};
    float scores[R * (K + 1)] = {0.6f, 0.3f,  0.1f, 0.7f, 0.2f, 0.1f,
                                 0,    0.05f, 0.9f, 0.9f, 0.1f, 0};
    float deltas[R * K * 4] = {0};
    dp_detection out[R * K];
    forward f;
    selection s = {.wanted = {0.05f, 0.5f, 100},
                   .p = {.count = R,
                         .rois = rois,
                         .logits = {scores, R, 1, 1, K + 1},
                         .deltas = {deltas, R, 1, 1, 4 * K},
                         .stds = {0.1f, 0.1f, 0.2f, 0.2f}},
                   .frame = {.original = {400, 600},
                             .resized = image,
                             .scale_x = 0.5f,
                             .scale_y = 0.5f},
                   .out = out};
    forward_init(&f, 1, ~0u);
    forward_run_within(&f, select_detections, &s);
    ck_assert_int_eq(s.count, 2);
    check_box(out[0].box, 11, 11, 21, 21);
    ck_assert(out[0].label == 0 && out[0].score == 0.7f);
    check_box(out[1].box, 10, 10, 20, 20);
    ck_assert(out[1].label == 1 && out[1].score == 0.3f);
    forward_run(&f, to_image, &s);
    check_box(out[0].box, 22, 22, 42, 42);
    s.wanted.max_per_img = 1;
    forward_run_within(&f, select_detections, &s);
    ck_assert_int_eq(s.count, 1);
    ck_assert(out[0].score == 0.7f);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("torchvision");
    TCase *t = tcase_create("rules");
    tcase_add_test(t, deltas_are_divided_and_boxes_clipped);
    tcase_add_test(t, a_side_grows_at_most_62_times_and_may_vanish);
    tcase_add_test(t, both_sides_count);
    tcase_add_test(t, larger_regions_read_coarser_maps);
    tcase_add_test(t, anchors_are_rounded_and_spread_over_the_image);
    tcase_add_test(t, detections_stay_at_the_networks_size);
    suite_add_tcase(s, t);
    return suite_run(s);
}
