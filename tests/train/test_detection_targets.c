/* What a detector is trained to find, and its losses of boxes: assignment, sampling, encoding
 * and mask targets equal upstream's; losses and gradients are within the bounds of
 * ../shared/golden_train/README.md (1e-5 and 3e-5 of the largest value). */
#include "tests/support/golden.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "train/assign.h"
#include "train/box_loss.h"
#include "train/mask_target.h"
#include "train/sample.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static golden open_case(const char *name)
{
    return golden_open_path(shared_path("golden_train/ops/%s.safetensors", name));
}

static const char *key(const char *a, const char *b)
{
    static char text[2][80];
    static int turn;
    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "%s.%s", a, b);
    return text[turn];
}

/* The caller's to free. */
static dp_box *boxes_of(const golden *g, const char *name, int *count)
{
    size_t n;
    float *values = golden_floats(g, name, &n);
    dp_box *boxes = calloc(n / 4 + 1, sizeof *boxes);
    memcpy(boxes, values, n / 4 * sizeof *boxes);
    free(values);
    *count = (int)(n / 4);
    return boxes;
}

/* ---- assignment ------------------------------------------------------------------- */

static const struct {
    const char *name;
    dp_assigner assigner;
} assignments[] = {
    {"rpn_grid", {0.7f, 0.3f, 0.3f, true}},
    {"rpn_ties_duplicate_gt", {0.7f, 0.3f, 0.3f, true}},
    {"rcnn_ties", {0.5f, 0.5f, 0.5f, true}},
    {"cascade_0.7", {0.7f, 0.7f, 0.7f, false}},
    {"exact_half", {0.5f, 0.5f, 0.5f, true}},
    {"random_rcnn", {0.5f, 0.5f, 0.5f, true}},
    {"no_gt", {0.7f, 0.3f, 0.3f, true}},
    {"no_boxes", {0.7f, 0.3f, 0.3f, true}},
    {"degenerate", {0.5f, 0.5f, 0.5f, true}},
};

enum { ASSIGNMENTS = sizeof assignments / sizeof assignments[0] };

START_TEST(assignments_are_upstreams)
{
    const char *name = assignments[_i].name;
    golden g = open_case("assigner");
    int count, objects;
    dp_box *boxes = boxes_of(&g, key(name, "boxes"), &count);
    dp_box *truth = boxes_of(&g, key(name, "gts"), &objects);
    int *want = golden_ints(&g, key(name, "gt_inds"), NULL);
    float *want_iou = golden_floats(&g, key(name, "max_iou"), NULL);
    int *got = calloc((size_t)count + 1, sizeof *got);
    float *iou = calloc((size_t)count + 1, sizeof *iou);
    float *largest = calloc((size_t)objects + 1, sizeof *largest);
    dp_assign_run(&assignments[_i].assigner, got, iou, boxes, NULL, count, truth,
                  objects, largest);
    for (int i = 0; i < count; i++) {
        ck_assert_msg(got[i] == want[i], "%s: box %d: %d, not %d", name, i, got[i],
                      want[i]);
        ck_assert_msg(iou[i] == want_iou[i], "%s: box %d: IoU %.9g, not %.9g", name, i,
                      (double)iou[i], (double)want_iou[i]);
    }
    free(boxes);
    free(truth);
    free(want);
    free(want_iou);
    free(got);
    free(iou);
    free(largest);
    golden_close(&g);
}
END_TEST

START_TEST(boxes_that_take_no_part_set_no_objects_best)
{
    static const dp_box boxes[] = {{0, 0, 10, 10}, {0, 0, 10, 5}},
                        object = {0, 0, 10, 10};
    static const bool inside[] = {false, true};
    const dp_assigner a = {0.7f, 0.3f, 0.3f, true};
    int assigned[2];
    float iou[2], largest[1];
    dp_assign_run(&a, assigned, iou, boxes, inside, 2, &object, 1, largest);
    ck_assert_int_eq(assigned[0], DP_ASSIGN_IGNORED);
    ck_assert_int_eq(assigned[1], 1);
    ck_assert(largest[0] == 0.5f);
}
END_TEST

/* ---- sampling --------------------------------------------------------------------- */

static const struct {
    const char *name;
    dp_sampler sampler;
    bool with_objects; /* the objects' own boxes come first */
} samplings[] = {
    {"rpn", {64, 0.5f}, false},
    {"rcnn", {32, 0.25f}, true},
    {"few", {512, 0.25f}, true},
};

/* A permutation as the draws of dp_random_between that choose its first `wanted`. */
static int add_draws(dp_draw *draws, const golden *g, const char *name, int n,
                     int wanted)
{
    if (n <= wanted)
        return 0;
    int *permutation = golden_ints(g, name, NULL);
    int *place = malloc((size_t)n * sizeof *place);
    for (int i = 0; i < n; i++)
        place[i] = i;
    for (int i = 0; i < wanted; i++) {
        int k = i;
        while (place[k] != permutation[i])
            k++;
        place[k] = place[i];
        place[i] = permutation[i];
        draws[i] = (dp_draw){DP_DRAW_INTEGER, {i, n - 1}, k};
    }
    free(permutation);
    free(place);
    return wanted;
}

static void expect_list(const golden *g, const char *name, const int *got, int count)
{
    size_t n;
    int *want = golden_ints(g, name, &n);
    ck_assert_msg((int)n == count, "%s: %d, not %zu", name, count, n);
    for (int i = 0; i < count; i++)
        ck_assert_msg(want[i] == got[i], "%s: %d: %d, not %d", name, i, got[i],
                      want[i]);
    free(want);
}

START_TEST(samples_are_upstreams)
{
    const char *name = samplings[_i].name;
    const dp_sampler *s = &samplings[_i].sampler;
    golden g = open_case("sampler");
    size_t count, objects;
    free(golden_ints(&g, key(name, "gt_labels"), &objects));
    int *from = golden_ints(&g, key(name, "gt_inds"), &count), found[2] = {0};
    const int first = samplings[_i].with_objects ? (int)objects : 0;
    const int all = first + (int)count;
    int *assigned = malloc((size_t)all * sizeof *assigned);
    int *list = malloc((size_t)all * sizeof *list);
    for (int i = 0; i < all; i++) {
        assigned[i] = i < first ? i + 1 : from[i - first];
        found[0] += assigned[i] > 0;
        found[1] += assigned[i] == 0;
    }
    const int positives = dp_sample_positives(s, found[0]);
    dp_draw draws[1200];
    dp_replay replay = {.draws = draws};
    replay.count =
        (size_t)add_draws(draws, &g, key(name, "perm0"), found[0], positives);
    replay.count += (size_t)add_draws(
        draws + replay.count, &g, key(name, replay.count ? "perm1" : "perm0"), found[1],
        dp_sample_negatives(s, positives, found[1]));
    dp_random random;
    dp_random_init_replay(&random, &replay);
    const dp_samples got = dp_sample_run(s, &random, assigned, all, list);
    ck_assert(!replay.failed && replay.next == replay.count);
    expect_list(&g, key(name, "pos"), got.list, got.positives);
    expect_list(&g, key(name, "neg"), got.list + got.positives, got.negatives);
    free(from);
    free(assigned);
    free(list);
    golden_close(&g);
}
END_TEST

/* ---- boxes ------------------------------------------------------------------------ */

static void expect_near(const golden *g, const char *name, const float *got,
                        size_t count, double bound)
{
    size_t n;
    double most = 0;
    float *want = golden_floats(g, name, &n);
    ck_assert_uint_eq(n, count);
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)want[i]));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs((double)got[i] - (double)want[i]) <= bound * most,
                      "%s: value %zu: %.9g, not %.9g", name, i, (double)got[i],
                      (double)want[i]);
    free(want);
}

START_TEST(encodings_are_upstreams)
{
    static const struct {
        const char *name;
        float std[4];
    } cases[] = {{"delta_std1", {1, 1, 1, 1}},
                 {"delta_std.1.1.2.2", {0.1f, 0.1f, 0.2f, 0.2f}}};
    golden g = open_case("encode");
    int count;
    dp_box *boxes = boxes_of(&g, "proposal", &count),
           *truth = boxes_of(&g, "gt", &count);
    for (int k = 0; k < 2; k++) {
        float got[400];
        for (int i = 0; i < count; i++)
            dp_box_encode(got + 4 * i, boxes[i], truth[i], cases[k].std);
        expect_near(&g, cases[k].name, got, (size_t)count * 4, 1e-6);
    }
    free(boxes);
    free(truth);
    golden_close(&g);
}
END_TEST

/* |deltas - targets| over 13; with beta smooth. */
static void check_l1(const char *name, double beta)
{
    golden g = open_case(name);
    size_t n;
    float *p = golden_floats(&g, "in.p", &n), *q = golden_floats(&g, "in.q", NULL);
    float *gradient = malloc(n * sizeof *gradient);
    double loss = 0;
    for (size_t i = 0; i < n; i += 4)
        loss += dp_loss_l1(gradient + i, p + i, q + i, beta) / 13;
    for (size_t i = 0; i < n; i++)
        gradient[i] /= 13;
    expect_near(&g, "out.loss", &(float){(float)loss}, 1, 1e-5);
    expect_near(&g, "grad.p", gradient, n, 3e-5);
    free(p);
    free(q);
    free(gradient);
    golden_close(&g);
}

START_TEST(differences_of_deltas)
{
    check_l1("loss_l1", 0);
    check_l1("loss_smooth_l1", 1.0 / 9);
}
END_TEST

START_TEST(giou_of_boxes)
{
    golden g = open_case("loss_giou");
    int count;
    dp_box *truth = boxes_of(&g, "in.q", &count);
    double *p = golden_doubles(&g, "in.p", NULL), loss = 0;
    float gradient[400];
    for (int i = 0; i < count; i++) {
        double by[4];
        loss += 10 * (1 - dp_giou(by, p + 4 * i, truth[i])) / 20;
        for (int k = 0; k < 4; k++)
            gradient[4 * i + k] = (float)(-by[k] * 10 / 20);
    }
    expect_near(&g, "out.loss", &(float){(float)loss}, 1, 1e-5);
    expect_near(&g, "grad.p", gradient, (size_t)count * 4, 3e-5);
    free(truth);
    free(p);
    golden_close(&g);
}
END_TEST

START_TEST(giou_of_decoded_boxes)
{
    static const float std[4] = {0.1f, 0.1f, 0.2f, 0.2f};
    golden g = open_case("decode_giou");
    int count;
    dp_box *truth = boxes_of(&g, "in.gt", &count),
           *rois = boxes_of(&g, "in.roi", &count);
    float *delta = golden_floats(&g, "in.delta", NULL), gradient[400];
    double loss = 0;
    for (int i = 0; i < count; i++) {
        loss += 10 *
                dp_loss_giou(gradient + 4 * i, delta + 4 * i, rois[i], truth[i], std) /
                20;
        for (int k = 0; k < 4; k++)
            gradient[4 * i + k] *= 10.0f / 20;
    }
    expect_near(&g, "out.loss", &(float){(float)loss}, 1, 1e-5);
    free(truth);
    free(rois);
    free(delta);
    golden_close(&g);
}
END_TEST

/* ---- masks ------------------------------------------------------------------------ */

START_TEST(mask_targets_are_upstreams)
{
    enum { SIDE = 28 };
    golden g = open_case("mask_target");
    const dp_named_tensor *maps = golden_get(&g, "bitmaps");
    const dp_size size = {(int)maps->shape[1], (int)maps->shape[2]};
    int count, *object = golden_ints(&g, "gt", NULL);
    dp_box *boxes = boxes_of(&g, "boxes", &count);
    float *close = golden_floats(&g, "min_distance_to_half", NULL);
    const uint8_t *bitmaps = maps->data;
    int *want = golden_ints(&g, "target", NULL), compared = 0;
    for (int i = 0; i < count; i++) {
        uint8_t got[SIDE * SIDE];
        dp_mask_target_run(got, SIDE,
                           bitmaps + (size_t)object[i] * (size_t)(size.h * size.w),
                           size, size, boxes[i]);
        for (int k = 0; k < SIDE * SIDE && close[i] >= 1e-5f; k++, compared++)
            ck_assert_msg(got[k] == want[i * SIDE * SIDE + k], "box %d, cell %d", i, k);
    }
    ck_assert_int_gt(compared, 10 * SIDE * SIDE);
    free(object);
    free(boxes);
    free(close);
    free(want);
    golden_close(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/detection_targets");
    TCase *t = tcase_create("targets");
    tcase_add_test(t, boxes_that_take_no_part_set_no_objects_best);
    if (shared_has("golden_train")) {
        tcase_add_loop_test(t, assignments_are_upstreams, 0, ASSIGNMENTS);
        tcase_add_loop_test(t, samples_are_upstreams, 0, 3);
        tcase_add_test(t, encodings_are_upstreams);
        tcase_add_test(t, differences_of_deltas);
        tcase_add_test(t, giou_of_boxes);
        tcase_add_test(t, giou_of_decoded_boxes);
        tcase_add_test(t, mask_targets_are_upstreams);
    }
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
