#include "postprocess/select_detections.h"
#include "tests/support/forward.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Four regions, two classes and background; no deltas, so boxes are the regions. The
 * second overlaps the first by 81 / 119, the others are apart. */
enum { R = 4, K = 2 };
static dp_box rois[R] = {
    {10, 10, 20, 20}, {11, 11, 21, 21}, {50, 10, 60, 20}, {80, 0, 90, 0}};
static float zeros[R * K * 4];

static const dp_selection usual = {
    .score_thr = 0.05f, .nms_iou_threshold = 0.5f, .max_per_img = 100};

typedef struct expected {
    int roi, label;
} expected;

static const struct {
    const char *what;
    float scores[R * (K + 1)];
    int max_per_img;
    bool keep_padding;
    int count;
    expected want[6];
} cases[] = {
    {"suppressed within a class, not across",
     {0.6f, 0.3f, 0.1f, 0.7f, 0.2f, 0.1f, 0, 0.9f, 0.1f, 0, 0, 1},
     100,
     false,
     3,
     {{2, 1}, {1, 0}, {0, 1}}},
    {"the best of all",
     {0.6f, 0.3f, 0.1f, 0.7f, 0.2f, 0.1f, 0, 0.9f, 0.1f, 0, 0, 1},
     2,
     false,
     2,
     {{2, 1}, {1, 0}}},
    {"float32(0.05) is not above 0.05",
     {0.05f, 0.0500001f, 0.9f, 0, 0, 1, 0, 0, 1, 0, 0, 1},
     100,
     false,
     1,
     {{0, 1}}},
    {"equal scores go region by region, then class",
     {0, 0.4f, 0.6f, 0, 0, 1, 0.4f, 0.4f, 0.2f, 0, 0, 1},
     100,
     false,
     3,
     {{0, 1}, {2, 0}, {2, 1}}},
    {"background is no class",
     {0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1},
     100,
     false,
     0,
     {{0}}},
    {"a region that ends at y 0 is padding",
     {0, 0, 1, 0, 0, 1, 0, 0, 1, 0.9f, 0, 0.1f},
     100,
     false,
     0,
     {{0}}},
    {"unless told otherwise",
     {0, 0, 1, 0, 0, 1, 0, 0, 1, 0.9f, 0, 0.1f},
     100,
     true,
     1,
     {{3, 0}}},
    {"a NaN score is none",
     {NAN, 0.3f, NAN, 0, 0, 1, 0, 0, 1, 0, 0, 1},
     100,
     false,
     1,
     {{0, 1}}},
};

static void check_box(dp_box b, float x1, float y1, float x2, float y2)
{
    ck_assert_msg(b.x1 == x1 && b.y1 == y1 && b.x2 == x2 && b.y2 == y2,
                  "%.9g %.9g %.9g %.9g", (double)b.x1, (double)b.y1, (double)b.x2,
                  (double)b.y2);
}

typedef struct selection {
    const dp_selection *wanted;
    dp_box_predictions p;
    dp_frame frame;
    dp_detection *out;
    int count;
} selection;

static void select_detections(dp_run *r, void *arg)
{
    selection *s = arg;
    s->count = dp_select_detections(r, &dp_rules_mmdetection, s->out, s->wanted, s->p,
                                    &s->frame);
}

/* Predictions of `count` regions with K classes, and with `size` deltas each. */
static dp_box_predictions predict(dp_box *regions, const float *scores, float *deltas,
                                  int count, int classes, int size)
{
    static float copy[20000];
    ck_assert_int_le(count * (classes + 1), 20000);
    for (int i = 0; i < count * (classes + 1); i++)
        copy[i] = scores[i];
    return (dp_box_predictions){.count = count,
                                .rois = regions,
                                .logits = {copy, count, 1, 1, classes + 1},
                                .deltas = {deltas, count, 1, 1, size},
                                .stds = {0.1f, 0.1f, 0.2f, 0.2f},
                                .skip_padding = true};
}

static int run(dp_detection *out, const dp_selection *wanted, dp_box_predictions p,
               dp_size input, float scale_x, float scale_y)
{
    forward f;
    selection s = {
        wanted, p, {.resized = input, .scale_x = scale_x, .scale_y = scale_y}, out, 0};
    forward_init(&f, 1, ~0u);
    forward_run_within(&f, select_detections, &s);
    forward_done(&f);
    return s.count;
}

START_TEST(select_case)
{
    dp_detection out[R * K];
    dp_selection wanted = usual;
    wanted.max_per_img = cases[_i].max_per_img;
    dp_box_predictions p = predict(rois, cases[_i].scores, zeros, R, K, 4 * K);
    p.skip_padding = !cases[_i].keep_padding;
    const int n = run(out, &wanted, p, (dp_size){100, 100}, 1, 1);

    ck_assert_msg(n == cases[_i].count, "%s: found %d", cases[_i].what, n);
    for (int i = 0; i < n; i++) {
        const expected w = cases[_i].want[i];
        ck_assert_msg(out[i].label == w.label, "%s: label %d", cases[_i].what,
                      out[i].label);
        ck_assert(memcmp(&out[i].box, &rois[w.roi], sizeof(dp_box)) == 0);
        ck_assert(out[i].score == cases[_i].scores[w.roi * (K + 1) + w.label]);
        ck_assert_uint_eq(out[i].mask_count, 0);
    }
}
END_TEST

/* Each class has deltas of its own; clipping is before the scale. */
START_TEST(select_decodes_clips_and_scales)
{
    dp_box roi = {10, 10, 30, 50};
    const float scores[] = {0.5f, 0.4f, 0.1f};
    float deltas[] = {0, 0, 0, 0, 5, -5, 0, 0}; /* times 0.1: half a side */
    dp_detection out[2];
    const int n = run(out, &usual, predict(&roi, scores, deltas, 1, K, 4 * K),
                      (dp_size){40, 35}, 2, 4);

    ck_assert_int_eq(n, 2);
    check_box(out[0].box, 5, 2.5f, 15, 10); /* y2: 50 clipped to 40 */
    ck_assert_int_eq(out[1].label, 1);
    check_box(out[1].box, 10, 0, 17.5f, 7.5f); /* y1: -10 clipped to 0 */
}
END_TEST

/* All classes share a region's box. */
START_TEST(select_agnostic_deltas_serve_every_class)
{
    dp_box two[] = {{10, 10, 30, 50}, {60, 10, 80, 50}};
    const float scores[] = {0.5f, 0.3f, 0.2f, 0.4f, 0.2f, 0.4f};
    float deltas[] = {5, -2.5f, 0, 0, -5, 0, 0, 0};
    dp_detection out[4];
    ck_assert_int_eq(run(out, &usual, predict(two, scores, deltas, 2, K, 4),
                         (dp_size){100, 100}, 1, 1),
                     4);
    const int regions[] = {0, 1, 0, 1}, labels[] = {0, 0, 1, 1};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(out[i].label, labels[i]);
        if (regions[i] == 0)
            check_box(out[i].box, 20, 0, 40, 40);
        else
            check_box(out[i].box, 50, 10, 70, 50);
    }
}
END_TEST

START_TEST(select_drops_boxes_that_are_not_finite)
{
    dp_box roi = {10, 10, 30, 50};
    const float scores[] = {0.5f, 0.4f, 0.1f};
    float deltas[] = {NAN, 0, 0, 0, 0, 0, 0, 0};
    dp_detection out[2];
    ck_assert_int_eq(run(out, &usual, predict(&roi, scores, deltas, 1, K, 4 * K),
                         (dp_size){100, 100}, 1, 1),
                     1);
    ck_assert_int_eq(out[0].label, 1);
}
END_TEST

START_TEST(select_of_no_regions)
{
    ck_assert_int_eq(run(NULL, &usual, predict(NULL, NULL, NULL, 0, K, 4 * K),
                         (dp_size){100, 100}, 1, 1),
                     0);
}
END_TEST

/* 40 x 300 candidates, all above the threshold: the branch for 10,000 and more. */
START_TEST(select_with_every_score_high)
{
    enum { MANY = 40, CLASSES = 300 };
    float *scores = malloc(MANY * (CLASSES + 1) * sizeof *scores);
    float *deltas = calloc(MANY * CLASSES * 4, sizeof *deltas);
    dp_box boxes[MANY];
    dp_detection out[100];

    for (int i = 0; i < MANY; i++) {
        const float x =
            (float)(i / 2) * 20; /* pairs of equal boxes, the first better */
        boxes[i] = (dp_box){x, 0, x + 10, 10};
        for (int c = 0; c <= CLASSES; c++)
            scores[i * (CLASSES + 1) + c] =
                0.9f - 0.001f * (float)c - (i % 2 ? 0.0005f : 0);
    }
    ck_assert_int_eq(run(out, &usual,
                         predict(boxes, scores, deltas, MANY, CLASSES, 4 * CLASSES),
                         (dp_size){100, 1000}, 1, 1),
                     100);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(out[i].label, i / 20);
        check_box(out[i].box, (float)(i % 20) * 20, 0, (float)(i % 20) * 20 + 10, 10);
    }
    free(scores);
    free(deltas);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("select detections");
    TCase *t = tcase_create("select detections");
    tcase_add_loop_test(t, select_case, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, select_decodes_clips_and_scales);
    tcase_add_test(t, select_agnostic_deltas_serve_every_class);
    tcase_add_test(t, select_drops_boxes_that_are_not_finite);
    tcase_add_test(t, select_of_no_regions);
    tcase_add_test(t, select_with_every_score_high);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
