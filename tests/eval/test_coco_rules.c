/* The rules of the evaluator, corner by corner, and what must hold for any results. */
#include "base/memory.h"
#include "eval/coco_best.h"
#include "eval/coco_errors.h"
#include "eval/coco_scores.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1 << 22 };

typedef struct run {
    dp_pool *pool;
    dp_coco_truth truth;
    dp_coco_results results;
    dp_coco_settings settings;
    dp_coco_matches matches;
    dp_coco_scores scores;
} run;

static void evaluate_files(run *r, const char *truth, const char *results, bool masks,
                           int threads)
{
    dp_error err = {0};
    const dp_coco_wish wish = {!masks, masks};
    ck_assert_int_eq(dp_pool_new(&err, &r->pool, threads), DP_OK);
    dp_coco_settings_default(&r->settings);
    r->settings.masks = masks;
    ck_assert_msg(dp_coco_truth_load(&err, &r->truth, truth, wish, r->pool) == DP_OK,
                  "%s", err.text);
    ck_assert_msg(dp_coco_results_load(&err, &r->results, &r->truth, results, wish,
                                       r->pool) == DP_OK,
                  "%s", err.text);
    ck_assert_uint_eq(dp_coco_lint_broken(&r->truth.lint), 0);
    ck_assert_uint_eq(dp_coco_lint_broken(&r->results.lint), 0);
}

static void score(run *r)
{
    dp_error err = {0};
    ck_assert_msg(dp_coco_match(&err, &r->matches, &r->truth, &r->results, &r->settings,
                                r->pool) == DP_OK,
                  "%s", err.text);
    ck_assert_int_eq(dp_coco_accumulate(&err, &r->scores, &r->matches, r->pool), DP_OK);
}

static void done(run *r)
{
    dp_coco_scores_done(&r->scores);
    dp_coco_matches_done(&r->matches);
    dp_coco_results_done(&r->results);
    dp_coco_truth_done(&r->truth);
    dp_pool_free(r->pool);
}

/* ---- small evaluations -------------------------------------------------------------------- */

/* An image of 200 x 200; annotations and results as short lists:
 * class, x, y, w, h, crowd (or score). */
typedef struct thing {
    int category;
    double x, y, w, h, value;
} thing;

static void evaluate(run *r, const thing *objects, int object_count,
                     const thing *detections, int detection_count)
{
    static char text[LONGEST];
    int n =
        snprintf(text, sizeof text,
                 "{\"images\":[{\"id\":3,\"width\":200,\"height\":200}],\"categories\":"
                 "[{\"id\":1},{\"id\":2}],\"annotations\":[");
    for (int i = 0; i < object_count; i++) {
        const thing *o = &objects[i];
        n += snprintf(
            text + n, sizeof text - (size_t)n,
            "%s{\"id\":%d,\"image_id\":3,\"category_id\":%d,\"bbox\":[%g,%g,%g,%g],"
            "\"area\":%g,\"iscrowd\":%g}",
            i ? "," : "", i, o->category, o->x, o->y, o->w, o->h, o->w * o->h,
            o->value);
    }
    snprintf(text + n, sizeof text - (size_t)n, "]}");
    const char *truth = scratch_text("gt.json", text);
    n = snprintf(text, sizeof text, "[");
    for (int i = 0; i < detection_count; i++) {
        const thing *d = &detections[i];
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "%s{\"image_id\":3,\"category_id\":%d,\"bbox\":[%g,%g,%g,%g],"
                      "\"score\":%g}",
                      i ? "," : "", d->category, d->x, d->y, d->w, d->h, d->value);
    }
    snprintf(text + n, sizeof text - (size_t)n, "]");
    evaluate_files(r, truth, scratch_text("dt.json", text), false, 2);
    score(r);
}

static double ap50(const run *r)
{
    return dp_coco_scores_ap(&r->scores, 0, 0, 2, 0);
}

static void check_ap50(const thing *objects, int object_count, const thing *detections,
                       int detection_count, double want)
{
    run r = {0};
    evaluate(&r, objects, object_count, detections, detection_count);
    ck_assert_msg(fabs(ap50(&r) - want) < 1e-12, "AP50 %.6f, expected %.6f", ap50(&r),
                  want);
    done(&r);
}

START_TEST(an_object_with_id_zero_can_be_found)
{
    const thing object = {1, 10, 10, 20, 20, 0}; /* its id is 0 */
    const thing detection = {1, 10, 10, 20, 20, .9};
    check_ap50(&object, 1, &detection, 1, 1);
}
END_TEST

START_TEST(nothing_found_is_zero_and_nothing_to_find_is_none)
{
    const thing object = {1, 10, 10, 20, 20, 0};
    check_ap50(&object, 1, NULL, 0, 0);
    check_ap50(NULL, 0, NULL, 0, -1);
    const thing detection = {1, 10, 10, 20, 20, .9};
    check_ap50(NULL, 0, &detection, 1, -1);
    check_ap50(NULL, 0, &(thing){2, 10, 10, 20, 20, .9}, 1, -1);
}
END_TEST

START_TEST(a_second_detection_of_an_object_is_wrong)
{
    const thing objects[] = {{1, 10, 10, 20, 20, 0}, {1, 100, 100, 20, 20, 0}};
    const thing detections[] = {
        {1, 10, 10, 20, 20, .9}, {1, 10, 10, 20, 20, .8}, {1, 100, 100, 20, 20, .7}};
    /* Precision 1 to recall .5, then 2/3: 51 and 50 of the 101 recalls. */
    check_ap50(objects, 2, detections, 3, (51 + 50 * 2. / 3) / 101);
}
END_TEST

START_TEST(crowds_count_neither_way_and_take_many)
{
    const thing objects[] = {{1, 10, 10, 20, 20, 0}, {1, 100, 100, 80, 80, 1}};
    const thing detections[] = {
        {1, 110, 110, 9, 9, .9}, {1, 130, 130, 9, 9, .8}, {1, 10, 10, 20, 20, .7}};
    check_ap50(objects, 2, detections, 3, 1);
    /* One that covers the object as well as the crowd is the object's. */
    const thing both[] = {{1, 10, 10, 20, 20, 0}, {1, 0, 0, 80, 80, 1}};
    check_ap50(both, 2, &detections[2], 1, 1);
}
END_TEST

START_TEST(equal_scores_are_taken_in_the_order_of_the_file)
{
    const thing object = {1, 10, 10, 20, 20, 0};
    const thing good = {1, 10, 10, 20, 20, .5}, bad = {1, 90, 90, 20, 20, .5};
    check_ap50(&object, 1, (const thing[]){good, bad}, 2, 1);
    check_ap50(&object, 1, (const thing[]){bad, good}, 2, .5);
}
END_TEST

START_TEST(an_iou_just_at_the_threshold_matches)
{
    const thing object = {1, 0, 0, 10, 10, 0};
    const thing half = {1, 0, 0, 10, 5, .5}; /* IoU is exactly 1/2 */
    check_ap50(&object, 1, &half, 1, 1);
    const thing less = {1, 0, 0, 10, 4.99, .5};
    check_ap50(&object, 1, &less, 1, 0);
}
END_TEST

START_TEST(only_the_best_of_an_image_count)
{
    static thing detections[150];
    const thing object = {1, 10, 10, 20, 20, 0};
    for (int i = 0; i < 150; i++)
        detections[i] = (thing){1, 100, 100, 20, 20, .9 - i * .001};
    detections[100] = (thing){1, 10, 10, 20, 20, .9 - .1}; /* the hundred-first */
    check_ap50(&object, 1, detections, 150, 0);
    detections[99] = (thing){1, 10, 10, 20, 20, .9 - .099};
    check_ap50(&object, 1, detections, 150, .01);
}
END_TEST

START_TEST(areas_have_inclusive_bounds)
{
    /* 32 x 32 is small and medium. */
    run r = {0};
    const thing object = {1, 0, 0, 32, 32, 0}, detection = {1, 0, 0, 32, 32, .5};
    evaluate(&r, &object, 1, &detection, 1);
    ck_assert(dp_coco_scores_ap(&r.scores, 0, 1, 2, -1) > .99);
    ck_assert(dp_coco_scores_ap(&r.scores, 0, 2, 2, -1) > .99);
    ck_assert(dp_coco_scores_ap(&r.scores, 0, 3, 2, -1) < 0);
    done(&r);
}
END_TEST

/* ---- causes ------------------------------------------------------------------------------- */

START_TEST(every_error_has_its_cause)
{
    const thing objects[] = {
        {1, 0, 0, 20, 20, 0},    /* found                        */
        {2, 40, 0, 20, 20, 0},   /* taken for class 1            */
        {1, 80, 0, 20, 20, 0},   /* overlapped, not enough       */
        {2, 0, 100, 20, 20, 0},  /* overlapped by another class  */
        {1, 120, 0, 20, 20, 0},  /* missed                       */
        {1, 160, 0, 20, 20, 0},  /* found with a low score       */
        {1, 100, 100, 80, 80, 1} /* a crowd                      */
    };
    const thing detections[] = {{1, 0, 0, 20, 20, .9},    {1, 0, 1, 20, 20, .8},
                                {1, 40, 0, 20, 20, .7},   {1, 90, 0, 20, 20, .6},
                                {1, 10, 100, 20, 20, .5}, {1, 0, 180, 9, 9, .4},
                                {1, 160, 0, 20, 20, .1},  {1, 110, 110, 9, 9, .95}};
    static const dp_coco_cause want[] = {DP_COCO_TRUE_POSITIVE, DP_COCO_DUPLICATE,
                                         DP_COCO_WRONG_CLASS,   DP_COCO_LOCATION,
                                         DP_COCO_BOTH,          DP_COCO_BACKGROUND,
                                         DP_COCO_TRUE_POSITIVE, DP_COCO_IGNORED};
    static const dp_coco_cause missed[] = {
        DP_COCO_TRUE_POSITIVE, DP_COCO_WRONG_CLASS, DP_COCO_LOCATION, DP_COCO_MISSED,
        DP_COCO_MISSED,        DP_COCO_LOW_SCORE,   DP_COCO_IGNORED};
    run r = {0};
    dp_error err = {0};
    dp_coco_errors e;
    evaluate(&r, objects, 7, detections, 8);
    ck_assert_int_eq(dp_coco_errors_find(&err, &e, &r.matches, r.pool), DP_OK);
    for (size_t i = 0; i < r.matches.entry_count; i++)
        ck_assert_int_eq(e.detections[i].cause, want[r.matches.entries[i].detection]);
    for (size_t i = 0; i < r.matches.object_count; i++)
        ck_assert_int_eq(dp_coco_errors_object_cause(&e, i, .3),
                         missed[r.matches.objects[i]]);

    size_t matrix[9];
    const size_t want_matrix[9] = {
        1, 0, 3,  /* class 1: found; location, missed, low    */
        1, 0, 1,  /* class 2: taken for class 1; missed       */
        4, 0, 0}; /* nothing there                            */
    dp_coco_errors_confusion(matrix, &e, .3);
    ck_assert_mem_eq(matrix, want_matrix, sizeof matrix);
    dp_coco_tally tally;
    dp_coco_errors_count(&tally, &e, .3);
    ck_assert_uint_eq(tally.detections[DP_COCO_TRUE_POSITIVE], 1);
    ck_assert_uint_eq(tally.objects[DP_COCO_LOW_SCORE], 1);
    dp_coco_errors_count(&tally, &e, .75);
    ck_assert_uint_eq(tally.objects[DP_COCO_WRONG_CLASS], 0);
    ck_assert_uint_eq(tally.objects[DP_COCO_MISSED], 4);
    dp_coco_errors_done(&e);
    done(&r);
}
END_TEST

START_TEST(the_best_threshold_keeps_equal_scores_together)
{
    const thing objects[] = {{1, 0, 0, 20, 20, 0}, {1, 40, 0, 20, 20, 0}};
    /* F1: 2/3 at .9; at .8, with the wrong one of the same score, 4/5; then 2/3. */
    const thing detections[] = {{1, 0, 0, 20, 20, .9},
                                {1, 40, 0, 20, 20, .8},
                                {1, 100, 100, 20, 20, .8},
                                {1, 150, 100, 20, 20, .7}};
    run r = {0};
    dp_error err = {0};
    dp_coco_best best[3];
    evaluate(&r, objects, 2, detections, 4);
    ck_assert_int_eq(dp_coco_best_find(&err, best, &r.scores), DP_OK);
    for (int i = 0; i < 3; i += 2) {
        ck_assert(fabs(best[i].f1 - .8) < 1e-12 && best[i].score == .8);
        ck_assert(fabs(best[i].precision - 2. / 3) < 1e-12 && best[i].recall == 1);
    }
    ck_assert(best[1].f1 < 0); /* no object of class 2 */
    done(&r);
}
END_TEST

/* ---- what holds for any results ------------------------------------------------------------ */

#define CASES         "data/coco_eval/random/case_%d/"
#define TRUTH_PATH(i) shared_path(CASES "gt.json", i)

static unsigned long long seed = 5;

static unsigned next(unsigned below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % below;
}

/* Both have the same precisions and recalls, bit for bit. */
static void check_same(const run *a, const run *b)
{
    const size_t places = a->scores.category_count * 4;
    ck_assert_uint_eq(a->scores.category_count, b->scores.category_count);
    ck_assert_mem_eq(a->scores.precision, b->scores.precision,
                     places * 10 * DP_COCO_RECALLS * sizeof(double));
    ck_assert_mem_eq(a->scores.recall, b->scores.recall,
                     places * 3 * 10 * sizeof(double));
}

static void load_case(run *r, int number, bool masks, int threads)
{
    evaluate_files(
        r, TRUTH_PATH(number),
        shared_path(masks ? CASES "dt_segm.json" : CASES "dt_bbox.json", number), masks,
        threads);
}

START_TEST(the_number_of_threads_changes_nothing)
{
    run one = {0}, many = {0};
    load_case(&one, 101 + _i / 2, _i % 2, 1);
    load_case(&many, 101 + _i / 2, _i % 2, 7);
    ck_assert_uint_eq(one.results.detection_count, many.results.detection_count);
    for (size_t i = 0; i < one.results.detection_count; i++) {
        const dp_coco_detection *a = &one.results.detections[i];
        const dp_coco_detection *b = &many.results.detections[i];
        ck_assert_mem_eq(a->box, b->box, sizeof a->box);
        ck_assert(a->score == b->score && a->area == b->area);
        ck_assert(a->image == b->image && a->category == b->category);
    }
    score(&one);
    score(&many);
    check_same(&one, &many);
    ck_assert_mem_eq(one.matches.outcomes, many.matches.outcomes,
                     one.matches.entry_count * 4 * sizeof *one.matches.outcomes);
    done(&one);
    done(&many);
}
END_TEST

/* Give equal scores a difference, so that the order of the file is no longer looked at. */
static void break_ties(dp_coco_results *r)
{
    for (size_t i = 0; i < r->detection_count; i++)
        r->detections[i].score += 1e-9 * (double)i;
}

START_TEST(the_order_of_results_does_not_matter)
{
    run plain = {0}, shuffled = {0};
    load_case(&plain, 101 + _i / 2, _i % 2, 1);
    load_case(&shuffled, 101 + _i / 2, _i % 2, 2);
    break_ties(&plain.results);
    break_ties(&shuffled.results);
    dp_coco_detection *d = shuffled.results.detections;
    for (size_t i = shuffled.results.detection_count; i > 1; i--) {
        const size_t k = next((unsigned)i);
        const dp_coco_detection t = d[i - 1];
        d[i - 1] = d[k];
        d[k] = t;
    }
    score(&plain);
    score(&shuffled);
    check_same(&plain, &shuffled);
    done(&plain);
    done(&shuffled);
}
END_TEST

START_TEST(a_copy_of_a_detection_never_raises_ap)
{
    run plain = {0}, doubled = {0};
    load_case(&plain, 101 + _i / 2, _i % 2, 1);
    load_case(&doubled, 101 + _i / 2, _i % 2, 1);
    dp_coco_results *r = &doubled.results;
    void *grown = r->detections;
    size_t room = r->detection_count, more = 1 + r->detection_count / 5;
    dp_error err = {0};
    ck_assert_int_eq(dp_grow(&err, &grown, &room, r->detection_count + more,
                             sizeof *r->detections, "d"),
                     DP_OK);
    r->detections = grown;
    for (size_t i = 0; i < more; i++)
        r->detections[r->detection_count + i] =
            r->detections[next((unsigned)r->detection_count)];
    r->detection_count += more;
    /* Without a limit per image: there a copy can only push others out. */
    plain.settings.caps[2] = doubled.settings.caps[2] = 1 << 20;
    score(&plain);
    score(&doubled);
    for (int k = 0; k < (int)plain.scores.category_count; k++)
        for (int t = 0; t < 10; t++)
            ck_assert(dp_coco_scores_ap(&doubled.scores, k, 0, 2, t) <=
                      dp_coco_scores_ap(&plain.scores, k, 0, 2, t));
    done(&plain);
    done(&doubled);
}
END_TEST

/* Objects of the truth as results, whose every regular one is then found. */
START_TEST(truth_against_itself_is_perfect)
{
    const bool masks = _i % 2;
    run r = {0};
    load_case(&r, 101 + _i / 2, masks, 1);
    const dp_coco_truth *t = &r.truth;
    dp_coco_results_done(&r.results);
    void *memory;
    dp_error err = {0};
    ck_assert_int_eq(
        dp_alloc(&err, &memory, t->annotation_count, sizeof(dp_coco_detection), "d"),
        DP_OK);
    r.results.detections = memory;
    ck_assert_int_eq(dp_alloc(&err, &memory, t->payload_size, 1, "p"), DP_OK);
    r.results.payload = memory;
    if (t->payload_size > 0)
        memcpy(memory, t->payload, t->payload_size);
    for (size_t i = 0; i < t->annotation_count; i++) {
        const dp_coco_annotation *a = &t->annotations[i];
        if (a->crowd)
            continue;
        r.results.detections[r.results.detection_count++] =
            (dp_coco_detection){.box = {a->box[0], a->box[1], a->box[2], a->box[3]},
                                .score = .5,
                                .area = a->area,
                                .mask = a->mask,
                                .image = a->image,
                                .category = a->category};
    }
    score(&r);
    for (int area = 0; area < 4; area++) {
        const double ap = dp_coco_scores_ap(&r.scores, -1, area, 2, -1);
        const double ar = dp_coco_scores_ar(&r.scores, -1, area, 2, -1);
        /* Identical objects tie for each other; nothing else can go wrong. */
        ck_assert_msg(ap < 0 || (ap > 1 - 1e-12 && ar > 1 - 1e-12), "area %d: AP %.17g",
                      area, ap);
    }
    done(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coco_rules");
    TCase *tc = tcase_create("coco_rules");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_test(tc, an_object_with_id_zero_can_be_found);
    tcase_add_test(tc, nothing_found_is_zero_and_nothing_to_find_is_none);
    tcase_add_test(tc, a_second_detection_of_an_object_is_wrong);
    tcase_add_test(tc, crowds_count_neither_way_and_take_many);
    tcase_add_test(tc, equal_scores_are_taken_in_the_order_of_the_file);
    tcase_add_test(tc, an_iou_just_at_the_threshold_matches);
    tcase_add_test(tc, only_the_best_of_an_image_count);
    tcase_add_test(tc, areas_have_inclusive_bounds);
    tcase_add_test(tc, every_error_has_its_cause);
    tcase_add_test(tc, the_best_threshold_keeps_equal_scores_together);
    suite_add_tcase(suite, tc);
    if (shared_has("data/coco_eval/random")) {
        tcase_add_loop_test(tc, the_number_of_threads_changes_nothing, 0, 24);
        tcase_add_loop_test(tc, the_order_of_results_does_not_matter, 0, 24);
        tcase_add_loop_test(tc, a_copy_of_a_detection_never_raises_ap, 0, 24);
        tcase_add_loop_test(tc, truth_against_itself_is_perfect, 0, 24);
    }
    return suite_run(suite);
}
