#include "postprocess/nms.h"
#include "tests/support/arrays.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPLIT = 10000 /* of mmdetection's rules */ };

typedef struct suppression {
    int *keep;
    const dp_nms *nms;
    dp_candidates candidates;
    int kept;
} suppression;

static void run_nms(dp_run *r, void *arg)
{
    suppression *s = arg;
    s->kept = dp_nms_run(r, s->keep, s->nms, s->candidates);
}

/* cpu as for forward_init */
static int run_on(unsigned cpu, int *keep, const dp_nms *p, dp_candidates c)
{
    forward f;
    suppression s = {keep, p, c, 0};
    forward_init(&f, 1, cpu);
    forward_run(&f, run_nms, &s);
    forward_done(&f);
    return s.kept;
}

static int run(int *keep, const dp_nms *p, dp_candidates c)
{
    return run_on(~0u, keep, p, c);
}

/* Two boxes of area 2 that share area 1: their IoU is 1/3. As 1 > t * (2 + 2 - 1) is
 * asked, a threshold of 1/3 rounded up to float32 keeps both. */
static const dp_box apart[] = {{0, 0, 2, 1}, {1, 0, 3, 1}};

static const struct {
    const char *what;
    float threshold, scores[2];
    int labels[2];
    int max_keep, kept, keep[2];
} pairs[] = {
    {"the higher score wins", 0.3f, {0.2f, 0.9f}, {0, 0}, 9, 1, {1}},
    {"overlap at the threshold stays", 1.0f / 3, {0.9f, 0.2f}, {0, 0}, 9, 2, {0, 1}},
    {"a tie keeps the first", 0.3f, {0.5f, 0.5f}, {0, 0}, 9, 1, {0}},
    {"other labels do not meet", 0.3f, {0.2f, 0.9f}, {4, 0}, 9, 2, {1, 0}},
    {"threshold 1 keeps all", 1, {0.5f, 0.9f}, {0, 0}, 9, 2, {1, 0}},
    {"no more than asked for", 1, {0.5f, 0.9f}, {0, 0}, 1, 1, {1}},
    {"none asked for", 1, {0.5f, 0.9f}, {0, 0}, 0, 0, {0}},
    {"a NaN score is not kept", 0.3f, {NAN, 0.1f}, {0, 0}, 9, 1, {1}},
};

START_TEST(nms_pair)
{
    int keep[2];
    for (int split = 1; split <= 3; split++) {
        const dp_nms p = {pairs[_i].threshold, pairs[_i].max_keep, split};
        const int kept = run(
            keep, &p, (dp_candidates){apart, pairs[_i].scores, pairs[_i].labels, 2});
        ck_assert_msg(kept == pairs[_i].kept, "%s: kept %d", pairs[_i].what, kept);
        ck_assert_msg(memcmp(keep, pairs[_i].keep, (size_t)kept * sizeof *keep) == 0,
                      "%s: kept others", pairs[_i].what);
    }
}
END_TEST

START_TEST(nms_of_nothing)
{
    const dp_nms p = {0.5f, 10, SPLIT};
    ck_assert_int_eq(run(NULL, &p, (dp_candidates){NULL, NULL, NULL, 0}), 0);
}
END_TEST

/* Each removes the next, but the third is saved when the second is gone. */
START_TEST(nms_is_greedy)
{
    static const dp_box chain[] = {{0, 0, 10, 1}, {4, 0, 14, 1}, {8, 0, 18, 1}};
    static const float scores[] = {0.9f, 0.8f, 0.7f};
    const dp_nms p = {0.4f, 10, SPLIT};
    int keep[3];
    ck_assert_int_eq(run(keep, &p, (dp_candidates){chain, scores, NULL, 3}), 2);
    ck_assert_int_eq(keep[0], 0);
    ck_assert_int_eq(keep[1], 2);
}
END_TEST

/* Coordinates below 0 show how far labels are moved: largest coordinate + 1 = 11. Of label
 * 1, the box from -1 to 0 comes to 10 to 11. The one from -2 to -1 comes onto that of label
 * 0. */
START_TEST(nms_moves_by_the_largest_coordinate_and_one)
{
    static const dp_box boxes[] = {{9, 9, 10, 10}, {-1, -1, 0, 0}, {-2, -2, -1, -1}};
    static const float scores[] = {0.9f, 0.8f, 0.7f};
    static const int labels[] = {0, 1, 1};
    dp_nms p = {0.5f, 10, SPLIT};
    int keep[3];
    ck_assert_int_eq(run(keep, &p, (dp_candidates){boxes, scores, labels, 3}), 2);
    ck_assert_int_eq(keep[1], 1);
    /* Where labels are looked at alone, they do not meet even so. */
    p.split = 3;
    ck_assert_int_eq(run(keep, &p, (dp_candidates){boxes, scores, labels, 3}), 3);
    p.split = 4;
    ck_assert_int_eq(run(keep, &p, (dp_candidates){boxes, scores, labels, 3}), 2);
}
END_TEST

/* A NaN box stays where it is, and the others are moved as without it: the last would
 * come onto the first if the NaN had hidden the 50. */
START_TEST(nms_leaves_a_nan_box_alone)
{
    static const dp_box boxes[] = {
        {0, 0, 5, 5}, {0, 0, 50, 50}, {NAN, NAN, NAN, NAN}, {-3, -3, 2, 2}};
    static const float scores[] = {0.6f, 0.7f, 0.9f, 0.1f};
    static const int labels[] = {0, 0, 0, 1};
    static const int want[] = {2, 1, 0, 3};
    const dp_nms p = {0.5f, 10, SPLIT};
    int keep[4];
    ck_assert_int_eq(run(keep, &p, (dp_candidates){boxes, scores, labels, 4}), 4);
    ck_assert_mem_eq(keep, want, sizeof want);
}
END_TEST

enum { N = 700 };

typedef struct crowd {
    dp_box boxes[N];
    float scores[N];
    int labels[N];
    int keep[N];
} crowd;

static crowd *crowd_new(uint64_t seed)
{
    crowd *c = malloc(sizeof *c);
    ck_assert_ptr_nonnull(c);
    for (int i = 0; i < N; i++) {
        const float x = random_float(&seed, 0, 200), y = random_float(&seed, 0, 200);
        c->boxes[i] = (dp_box){x, y, x + random_float(&seed, 1, 60),
                               y + random_float(&seed, 1, 60)};
        c->scores[i] = (float)((i * 311) % N) / N; /* all different */
        c->labels[i] = random_int(&seed, 4);
    }
    return c;
}

START_TEST(nms_twice_changes_nothing)
{
    crowd *c = crowd_new((uint64_t)_i);
    const dp_nms p = {0.4f, N, SPLIT};
    dp_box boxes[N];
    float scores[N];
    int labels[N], again[N];

    const int kept =
        run(c->keep, &p, (dp_candidates){c->boxes, c->scores, c->labels, N});
    ck_assert_int_gt(kept, 10);
    ck_assert_int_lt(kept, N);
    for (int i = 0; i < kept; i++) {
        boxes[i] = c->boxes[c->keep[i]];
        scores[i] = c->scores[c->keep[i]];
        labels[i] = c->labels[c->keep[i]];
        ck_assert(i == 0 || scores[i] < scores[i - 1]);
    }
    /* The same largest coordinate, so the same moves. */
    ck_assert_int_eq(run(again, &p, (dp_candidates){boxes, scores, labels, kept}),
                     kept);
    for (int i = 0; i < kept; i++)
        ck_assert_int_eq(again[i], i);
    free(c);
}
END_TEST

START_TEST(nms_does_not_depend_on_the_order_of_input)
{
    crowd *c = crowd_new((uint64_t)_i), *d = malloc(sizeof *d);
    const dp_nms p = {0.4f, N, SPLIT};
    ck_assert_ptr_nonnull(d);

    for (int i = 0; i < N; i++) {
        const int to = (i * 199) % N;
        d->boxes[to] = c->boxes[i];
        d->scores[to] = c->scores[i];
        d->labels[to] = c->labels[i];
    }
    const int kept =
        run(c->keep, &p, (dp_candidates){c->boxes, c->scores, c->labels, N});
    ck_assert_int_eq(
        run(d->keep, &p, (dp_candidates){d->boxes, d->scores, d->labels, N}), kept);
    for (int i = 0; i < kept; i++)
        ck_assert_int_eq(d->keep[i], c->keep[i] * 199 % N);
    free(c);
    free(d);
}
END_TEST

/* Stopping early gives the head of the whole list, in both branches. */
START_TEST(nms_stops_early_with_the_same_head)
{
    crowd *c = crowd_new((uint64_t)_i);
    for (int split = 1; split <= SPLIT; split += SPLIT - 1) {
        const dp_candidates all = {c->boxes, c->scores, c->labels, N};
        int head[25];
        dp_nms p = {0.4f, N, split};
        ck_assert_int_gt(run(c->keep, &p, all), 25);
        p.max_keep = 25;
        ck_assert_int_eq(run(head, &p, all), 25);
        ck_assert_mem_eq(head, c->keep, sizeof head);
    }
    free(c);
}
END_TEST

START_TEST(nms_is_the_same_for_every_instruction_set)
{
    crowd *c = crowd_new((uint64_t)_i);
    int plain[N];
    const dp_nms p = {0.4f, N, SPLIT};
    const dp_candidates all = {c->boxes, c->scores, c->labels, N};
    const int kept = run(c->keep, &p, all);
    ck_assert_int_eq(run_on(0, plain, &p, all), kept);
    ck_assert_mem_eq(plain, c->keep, (size_t)kept * sizeof *plain);
    free(c);
}
END_TEST

static void check_golden(const char *name, float threshold, int split, bool agnostic)
{
    size_t n, want_n;
    dp_box *boxes = boxes_load(shared_path("golden/ops/%s_boxes.npy", name), &n);
    float *scores = floats_load(shared_path("golden/ops/%s_scores.npy", name), &n);
    int *labels = ints_load(shared_path("golden/ops/%s_ids.npy", name), &n);
    int *want = ints_load(shared_path("golden/ops/%s_keep.npy", name), &want_n);
    int *keep = malloc(n * sizeof *keep);
    const dp_nms p = {threshold, (int)n, split};

    const int kept =
        run(keep, &p, (dp_candidates){boxes, scores, agnostic ? NULL : labels, (int)n});
    ck_assert_msg(kept == (int)want_n, "%s: kept %d of %d", name, kept, (int)want_n);
    ck_assert_msg(memcmp(keep, want, want_n * sizeof *want) == 0, "%s: kept others",
                  name);
    free(boxes);
    free(scores);
    free(labels);
    free(want);
    free(keep);
}

START_TEST(nms_golden_lists_are_identical)
{
    if (!shared_has("golden/ops/index.json"))
        return;
    char *text = file_load(shared_path("golden/ops/index.json"), NULL);
    cJSON *index = cJSON_Parse(text);
    const cJSON *row;
    int seen = 0;

    cJSON_ArrayForEach(row, index)
    {
        const cJSON *cfg = cJSON_GetObjectItem(row, "nms_cfg");
        if (!cfg)
            continue;
        const cJSON *split = cJSON_GetObjectItem(cfg, "split_thr");
        check_golden(cJSON_GetObjectItem(row, "name")->valuestring,
                     (float)cJSON_GetObjectItem(cfg, "iou_threshold")->valuedouble,
                     split ? split->valueint : SPLIT,
                     cJSON_IsTrue(cJSON_GetObjectItem(row, "class_agnostic")));
        seen++;
    }
    ck_assert_int_eq(seen, 7);
    cJSON_Delete(index);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nms");
    TCase *t = tcase_create("nms");
    tcase_add_loop_test(t, nms_pair, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(t, nms_of_nothing);
    tcase_add_test(t, nms_is_greedy);
    tcase_add_test(t, nms_moves_by_the_largest_coordinate_and_one);
    tcase_add_test(t, nms_leaves_a_nan_box_alone);
    tcase_add_loop_test(t, nms_twice_changes_nothing, 0, 5);
    tcase_add_loop_test(t, nms_does_not_depend_on_the_order_of_input, 0, 5);
    tcase_add_loop_test(t, nms_stops_early_with_the_same_head, 0, 5);
    tcase_add_loop_test(t, nms_is_the_same_for_every_instruction_set, 0, 5);
    tcase_add_test(t, nms_golden_lists_are_identical);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
