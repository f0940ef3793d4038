/* The evaluator against numbers that pycocotools gave, to 1e-12. */
#include "base/json.h"
#include "eval/coco_summary.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA    "../shared/data/coco_eval/"
#define GOLDEN  DATA "golden/"
#define COCO128 "../shared/data/coco128/annotations/instances_val2017.json"
#define VAL2014 DATA "instances_val2014_100.json"

static const double bound = 1e-12;

struct run {
    dp_coco_truth truth;
    dp_coco_results results;
    dp_coco_settings settings;
    dp_coco_matches matches;
    dp_coco_scores scores;
};

static bool shared_is_there(const char *path)
{
    FILE *f = fopen(path, "r");
    if (f)
        fclose(f);
    else
        suite_skip("%s is not there", path);
    return f != NULL;
}

static void evaluate(struct run *run, const char *truth, const char *results,
                     bool masks, bool use_categories, const int caps[3], int threads)
{
    dp_error err = {0};
    dp_pool *pool;
    ck_assert_int_eq(dp_pool_new(&err, &pool, threads), DP_OK);
    dp_coco_settings_default(&run->settings);
    run->settings.masks = masks;
    run->settings.use_categories = use_categories;
    for (int i = 0; caps && i < 3; i++)
        run->settings.caps[i] = caps[i];
    const dp_coco_wish wish = {!masks, masks};
    ck_assert_msg(dp_coco_truth_load(&err, &run->truth, truth, wish, pool) == DP_OK,
                  "%s", err.text);
    ck_assert_msg(dp_coco_results_load(&err, &run->results, &run->truth, results, wish,
                                       pool) == DP_OK,
                  "%s", err.text);
    ck_assert_uint_eq(dp_coco_lint_broken(&run->truth.lint), 0);
    ck_assert_uint_eq(dp_coco_lint_broken(&run->results.lint), 0);
    ck_assert_msg(dp_coco_match(&err, &run->matches, &run->truth, &run->results,
                                &run->settings, pool) == DP_OK,
                  "%s", err.text);
    ck_assert_int_eq(dp_coco_accumulate(&err, &run->scores, &run->matches, pool),
                     DP_OK);
    dp_pool_free(pool);
}

static void done(struct run *run)
{
    dp_coco_scores_done(&run->scores);
    dp_coco_matches_done(&run->matches);
    dp_coco_results_done(&run->results);
    dp_coco_truth_done(&run->truth);
}

static cJSON *load(const char *path)
{
    dp_error err = {0};
    cJSON *tree;
    ck_assert_msg(dp_json_load(&err, &tree, path) == DP_OK, "%s", err.text);
    return tree;
}

static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(item != NULL, "no key %s", key);
    return item;
}

/* null stands for -1. */
static void check(const cJSON *want, double got, const char *what)
{
    const double value = cJSON_IsNull(want) ? -1 : want->valuedouble;
    ck_assert_msg(fabs(value - got) <= bound, "%s: found %.17g, expected %.17g", what,
                  got, value);
}

static void check_stats(const struct run *run, const cJSON *want)
{
    static const char *const names[] = {"AP",  "AP50", "AP75",  "APs", "APm", "APl",
                                        "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"};
    dp_coco_stat stats[DP_COCO_MAX_STATS];
    ck_assert_int_eq(dp_coco_summarize(stats, &run->scores), 12);
    for (int i = 0; i < 12; i++)
        check(cJSON_IsArray(want) ? cJSON_GetArrayItem(want, i) : get(want, names[i]),
              stats[i].value, names[i]);
}

static int category_of(const struct run *run, const char *id)
{
    return run->settings.use_categories
               ? dp_id_index_find(&run->truth.category_index, strtoll(id, NULL, 10))
               : 0;
}

/* ---- the files of whole sets --------------------------------------------------------- */

static const struct {
    const char *metrics, *key, *truth, *results;
    bool masks, categories;
} sets[] = {
    {"examples", "val2014_100/bbox", VAL2014,
     DATA "instances_val2014_fakebbox100_results.json", false, true},
    {"examples", "val2014_100/segm", VAL2014,
     DATA "instances_val2014_fakesegm100_results.json", true, true},
    {"examples", "val2014_100/fakesegm_evaluated_as_bbox", VAL2014,
     DATA "instances_val2014_fakesegm100_results.json", false, true},
    {"examples", "val2014_100/segm_useCats0", VAL2014,
     DATA "instances_val2014_fakesegm100_results.json", true, false},
    {"coco128", "coco128_synth/bbox", COCO128, GOLDEN "coco128_synthetic_results.json",
     false, true},
    {"coco128", "coco128_synth/bbox_useCats0", COCO128,
     GOLDEN "coco128_synthetic_results.json", false, false},
    {"coco128", "coco128_synth/segm", COCO128, GOLDEN "coco128_synthetic_results.json",
     true, true},
    {"coco128", "coco128_synth/segm_useCats0", COCO128,
     GOLDEN "coco128_synthetic_results.json", true, false},
    {"coco128", "coco128_synth_segm_only/segm", COCO128,
     GOLDEN "coco128_synthetic_segm_only_results.json", true, true},
    {"coco128", "coco128_gt_as_dt/bbox", COCO128, GOLDEN "coco128_gt_as_results.json",
     false, true},
    {"coco128", "coco128_gt_as_dt/segm", COCO128, GOLDEN "coco128_gt_as_results.json",
     true, true},
};

START_TEST(sets_have_the_references_numbers)
{
    if (!shared_is_there(VAL2014))
        return;
    char path[256];
    snprintf(path, sizeof path, GOLDEN "%s_metrics.json", sets[_i].metrics);
    cJSON *metrics = load(path);
    const cJSON *want = get(metrics, sets[_i].key);
    struct run run;
    evaluate(&run, sets[_i].truth, sets[_i].results, sets[_i].masks,
             sets[_i].categories, NULL, 2);
    check_stats(&run, get(want, "stats"));
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(want, "per_class"), *one;
    int compared = 0;
    cJSON_ArrayForEach(one, classes)
    {
        const int k = category_of(&run, one->string);
        ck_assert_int_ge(k, 0);
        check(get(one, "AP"), dp_coco_scores_ap(&run.scores, k, 0, 2, -1),
              "AP of a class");
        check(get(one, "AP50"), dp_coco_scores_ap(&run.scores, k, 0, 2, 0),
              "AP50 of a class");
        check(get(one, "AR100"), dp_coco_scores_ar(&run.scores, k, 0, 2, -1),
              "AR of a class");
        compared++;
    }
    printf("%s: 12 numbers and %d classes equal\n", sets[_i].key, compared);
    ck_assert_int_eq(compared, classes ? 80 : 0);
    done(&run);
    cJSON_Delete(metrics);
}
END_TEST

/* The published table has three digits. */
START_TEST(the_published_example_is_printed)
{
    static const char published[] = DATA "val2014_fake_eval_res.txt";
    if (!shared_is_there(published))
        return;
    FILE *f = fopen(published, "r");
    char line[256], ours[256];
    int compared = 0;
    for (int part = 0; part < 2; part++) {
        struct run run;
        dp_coco_stat stats[DP_COCO_MAX_STATS];
        evaluate(&run, VAL2014,
                 part == 0 ? DATA "instances_val2014_fakesegm100_results.json"
                           : DATA "instances_val2014_fakebbox100_results.json",
                 part == 0, true, NULL, 1);
        dp_coco_summarize(stats, &run.scores);
        for (int i = 0; i < 12;) {
            ck_assert(fgets(line, sizeof line, f) != NULL);
            if (!strstr(line, "@["))
                continue;
            line[strcspn(line, "\r\n")] = '\0';
            dp_coco_stat_format(ours, sizeof ours, &stats[i], &run.settings);
            /* The table is of an older version, with one blank less before the name. */
            const char *want = strchr(line, '('), *got = strchr(ours, '(');
            ck_assert_str_eq(got, want);
            i++;
            compared++;
        }
        done(&run);
    }
    fclose(f);
    printf("the published example: %d lines equal\n", compared);
}
END_TEST

START_TEST(lines_are_those_of_pycocotools)
{
    static const char *const want[12] = {" Average Precision  (AP) @[ IoU=0.50:0.95 | "
                                         "area=   all | maxDets=100 ] = 0.505",
                                         " Average Precision  (AP) @[ IoU=0.50      | "
                                         "area=   all | maxDets=100 ] = 0.697",
                                         " Average Precision  (AP) @[ IoU=0.75      | "
                                         "area=   all | maxDets=100 ] = 0.573",
                                         " Average Precision  (AP) @[ IoU=0.50:0.95 | "
                                         "area= small | maxDets=100 ] = 0.586",
                                         " Average Precision  (AP) @[ IoU=0.50:0.95 | "
                                         "area=medium | maxDets=100 ] = 0.519",
                                         " Average Precision  (AP) @[ IoU=0.50:0.95 | "
                                         "area= large | maxDets=100 ] = 0.501",
                                         " Average Recall     (AR) @[ IoU=0.50:0.95 | "
                                         "area=   all | maxDets=  1 ] = 0.387",
                                         " Average Recall     (AR) @[ IoU=0.50:0.95 | "
                                         "area=   all | maxDets= 10 ] = 0.594",
                                         " Average Recall     (AR) @[ IoU=0.50:0.95 | "
                                         "area=   all | maxDets=100 ] = 0.595",
                                         " Average Recall     (AR) @[ IoU=0.50:0.95 | "
                                         "area= small | maxDets=100 ] = 0.640",
                                         " Average Recall     (AR) @[ IoU=0.50:0.95 | "
                                         "area=medium | maxDets=100 ] = 0.566",
                                         " Average Recall     (AR) @[ IoU=0.50:0.95 | "
                                         "area= large | maxDets=100 ] = 0.564"};
    if (!shared_is_there(VAL2014))
        return;
    struct run run;
    dp_coco_stat stats[DP_COCO_MAX_STATS];
    char line[256];
    evaluate(&run, VAL2014, DATA "instances_val2014_fakebbox100_results.json", false,
             true, NULL, 1);
    ck_assert_int_eq(dp_coco_summarize(stats, &run.scores), 12);
    for (int i = 0; i < 12; i++) {
        dp_coco_stat_format(line, sizeof line, &stats[i], &run.settings);
        ck_assert_str_eq(line, want[i]);
    }
    done(&run);
}
END_TEST

/* ---- random evaluations ---------------------------------------------------------------- */

static void check_class(const struct run *run, const cJSON *want, int k)
{
    static const char *const areas[] = {"", "APs", "APm", "APl"};
    const dp_coco_scores *s = &run->scores;
    check(get(want, "AP"), dp_coco_scores_ap(s, k, 0, 2, -1), "AP of a class");
    for (int a = 1; a < 4; a++)
        check(get(want, areas[a]), dp_coco_scores_ap(s, k, a, 2, -1), areas[a]);
    for (int t = 0; t < 10; t++)
        check(cJSON_GetArrayItem(get(want, "AP_by_iou"), t),
              dp_coco_scores_ap(s, k, 0, 2, t), "AP by IoU");
    for (int c = 0; c < 3; c++)
        check(cJSON_GetArrayItem(get(want, "AR"), c), dp_coco_scores_ar(s, k, 0, c, -1),
              "AR of a class");
    for (int i = 0; i < 11; i++)
        check(cJSON_GetArrayItem(get(want, "precision_iou50"), i),
              dp_coco_scores_precision(s, (size_t)k, 0, 2, 0)[10 * i], "precision");
}

START_TEST(random_cases_have_the_references_numbers)
{
    static const int low_caps[3] = {1, 10, 30};
    char truth[256], results[256], path[256];
    const int number = 101 + _i / 6, kind = _i % 6;
    const bool masks = kind >= 3;
    snprintf(path, sizeof path, DATA "random/case_%d/expected.json", number);
    snprintf(truth, sizeof truth, DATA "random/case_%d/gt.json", number);
    snprintf(results, sizeof results, DATA "random/case_%d/dt_%s.json", number,
             masks ? "segm" : "bbox");
    if (!shared_is_there(path))
        return;
    static const char *const variants[] = {"", "_nocats", "_maxdets_1_10_30"};
    char key[64];
    snprintf(key, sizeof key, "%s%s", masks ? "segm" : "bbox", variants[kind % 3]);
    cJSON *expected = load(path);
    const cJSON *want = get(expected, key), *one;
    struct run run;
    evaluate(&run, truth, results, masks, kind % 3 != 1,
             kind % 3 == 2 ? low_caps : NULL, 1 + _i % 3);
    check_stats(&run, get(want, "stats"));
    int compared = 0;
    cJSON_ArrayForEach(one, get(want, "per_category"))
    {
        check_class(&run, one, category_of(&run, one->string));
        compared++;
    }
    ck_assert_int_eq(compared, kind % 3 == 1 ? 1 : 80);
    if (_i % 6 == 5)
        printf("case %d: six evaluations equal\n", number);
    done(&run);
    cJSON_Delete(expected);
}
END_TEST

/* ---- overlaps --------------------------------------------------------------------------- */

static uint32_t annotation_with(const dp_coco_truth *t, double id)
{
    for (size_t i = 0; i < t->annotation_count; i++)
        if ((double)t->annotations[i].id == id)
            return (uint32_t)i;
    ck_abort_msg("no annotation %.0f", id);
    return 0;
}

/* The IoUs of an image's boxes or masks among each other; returns how many there are. */
static int check_matrix(dp_coco_overlap *overlap, const dp_coco_truth *t,
                        const cJSON *image)
{
    const cJSON *row = get(image, overlap->masks ? "mask_iou" : "bbox_iou")->child, *id;
    const cJSON *ids = get(image, "ann_ids");
    uint32_t objects[256];
    size_t n = 0;
    cJSON_ArrayForEach(id, ids) objects[n++] = annotation_with(t, id->valuedouble);
    dp_coco_overlap_set_objects(overlap, objects, n);
    for (size_t d = 0; d < n; d++, row = row->next) {
        const dp_coco_annotation *a = &t->annotations[objects[d]];
        const dp_coco_detection own = {
            .box = {a->box[0], a->box[1], a->box[2], a->box[3]},
            .mask = a->mask,
            .image = a->image};
        const cJSON *want = row->child;
        dp_coco_overlap_set_detection(overlap, &own);
        for (size_t g = 0; g < n; g++, want = want->next)
            ck_assert(
                dp_coco_overlap_iou(overlap, g, t->annotations[objects[g]].crowd) ==
                want->valuedouble);
    }
    return (int)(n * n);
}

START_TEST(overlaps_are_the_references_bit_for_bit)
{
    if (!shared_is_there(GOLDEN "iou_matrices_coco128.json"))
        return;
    cJSON *golden = load(GOLDEN "iou_matrices_coco128.json");
    const cJSON *image;
    dp_error err = {0};
    dp_coco_truth truth;
    const bool masks = _i;
    const dp_coco_wish wish = {!masks, masks};
    ck_assert_int_eq(dp_coco_truth_load(&err, &truth, COCO128, wish, NULL), DP_OK);
    /* The detections' masks are the truth's own. */
    const dp_coco_results results = {.payload = truth.payload};
    dp_coco_overlap_size size = {
        .objects = 256, .runs = 1 << 20, .one = 1 << 16, .width = 4096};
    dp_coco_overlap overlap;
    ck_assert_int_eq(
        dp_coco_overlap_init(&err, &overlap, &size, &truth, &results, masks), DP_OK);
    int compared = 0;
    cJSON_ArrayForEach(image, golden) compared += check_matrix(&overlap, &truth, image);
    printf("%d %s IoUs equal\n", compared, masks ? "mask" : "box");
    ck_assert_int_eq(compared, 816);
    dp_coco_overlap_done(&overlap);
    dp_coco_truth_done(&truth);
    cJSON_Delete(golden);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coco_golden");
    TCase *tc = tcase_create("coco_golden");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, sets_have_the_references_numbers, 0,
                        sizeof sets / sizeof *sets);
    tcase_add_test(tc, the_published_example_is_printed);
    tcase_add_test(tc, lines_are_those_of_pycocotools);
    tcase_add_loop_test(tc, overlaps_are_the_references_bit_for_bit, 0, 2);
    tcase_add_loop_test(tc, random_cases_have_the_references_numbers, 0, 72);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
