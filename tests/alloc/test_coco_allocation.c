/* Every allocation of an evaluation, with its report, may fail. */
#include "base/memory.h"
#include "eval/coco_json.h"
#include "report/coco_report.h"
#include "tests/alloc/heap.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const char truth_text[] =
    "{\"images\":[{\"id\":1,\"width\":40,\"height\":30,\"file_name\":\"a.jpg\"}],"
    "\"annotations\":[{\"id\":0,\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,9],"
    "\"area\":81,"
    "\"iscrowd\":0,\"segmentation\":[[1,1,10,1,10,10,1,10],[20,20,30,20,30,29]]},"
    "{\"id\":2,\"image_id\":1,\"category_id\":2,\"bbox\":[0,0,40,30],\"area\":1200,"
    "\"iscrowd\":1,"
    "\"segmentation\":{\"size\":[30,40],\"counts\":[0,1200]}}],"
    "\"categories\":[{\"id\":1,\"name\":\"cat\"},{\"id\":2,\"name\":\"dog\"}]}";
static const char results_text[] = "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,"
                                   "9],\"score\":0.9,\"segmentation\":"
                                   "{\"size\":[30,40],\"counts\":\"PU1\"}},"
                                   "{\"image_id\":1,\"category_id\":2,\"bbox\":[5,1,9,"
                                   "9],\"score\":0.8,\"segmentation\":"
                                   "[[1,1,10,1,10,10,1,10]]}]";

static dp_status score(dp_error *err, dp_coco_scores *scores, dp_coco_errors *errors,
                       dp_coco_best *best, const dp_coco_matches *matches)
{
    dp_status st = dp_coco_accumulate(err, scores, matches, NULL);
    if (st == DP_OK)
        st = dp_coco_best_find(err, best, scores);
    return st == DP_OK ? dp_coco_errors_find(err, errors, matches, NULL) : st;
}

static dp_status write(dp_error *err, const dp_coco_scores *scores,
                       const dp_coco_errors *errors, const dp_coco_best *best,
                       const char *folder)
{
    const dp_coco_report report = {.truth_path = "gt.json",
                                   .results_path = "dt.json",
                                   .truth_lint = &errors->matches->truth->lint,
                                   .results_lint = &errors->matches->results->lint,
                                   .part_count = 1,
                                   .parts = {{scores, errors, best}}};
    dp_text json = {.err = err};
    dp_coco_json_add(&json, scores, best, errors, .3);
    dp_status st = json.status;
    dp_text_done(&json);
    return st == DP_OK ? dp_coco_report_save(err, &report, folder) : st;
}

static dp_status evaluate(dp_error *err, const char *truth_path,
                          const char *results_path, const char *folder)
{
    dp_coco_truth truth = {0};
    dp_coco_results results = {0};
    dp_coco_matches matches = {0};
    dp_coco_scores scores = {0};
    dp_coco_errors errors = {0};
    dp_coco_best best[3];
    dp_coco_settings settings;
    const dp_coco_wish wish = {true, true};
    dp_coco_settings_default(&settings);
    settings.masks = true;
    dp_status st = dp_coco_truth_load(err, &truth, truth_path, wish, NULL);
    if (st == DP_OK)
        st = dp_coco_results_load(err, &results, &truth, results_path, wish, NULL);
    if (st == DP_OK)
        st = dp_coco_match(err, &matches, &truth, &results, &settings, NULL);
    if (st == DP_OK)
        st = score(err, &scores, &errors, best, &matches);
    if (st == DP_OK)
        st = write(err, &scores, &errors, best, folder);
    dp_coco_errors_done(&errors);
    dp_coco_scores_done(&scores);
    dp_coco_matches_done(&matches);
    dp_coco_results_done(&results);
    dp_coco_truth_done(&truth);
    return st;
}

START_TEST(every_allocation_may_fail)
{
    char truth_path[256], results_path[256], folder[256];
    snprintf(truth_path, sizeof truth_path, "%s", scratch_text("gt.json", truth_text));
    snprintf(results_path, sizeof results_path, "%s",
             scratch_text("dt.json", results_text));
    snprintf(folder, sizeof folder, "%s", scratch_path("report"));
    dp_error err = {0};
    ck_assert_msg(evaluate(&err, truth_path, results_path, folder) == DP_OK, "%s",
                  err.text);
    heap_reset(0);
    const dp_status plain = evaluate(&err, truth_path, results_path, folder);
    const long allocations = heap_count();
    ck_assert_int_eq(plain, DP_OK);
    ck_assert_int_gt(allocations, 100);
    for (long k = 1; k <= allocations; k++) {
        /* No assertion until the books are closed: Check allocates too. */
        const long live = heap_live();
        dp_error_clear(&err);
        heap_reset(k);
        const dp_status st = evaluate(&err, truth_path, results_path, folder);
        heap_reset(0);
        const long left = heap_live() - live;
        ck_assert_msg(st == DP_ENOMEM, "allocation %ld: status %d, %s", k, (int)st,
                      err.text);
        ck_assert_msg(strstr(err.text, "out of memory") != NULL, "%s", err.text);
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks are left", k, left);
    }
}
END_TEST

int main(void)
{
    if (!heap_is_watched()) {
        printf("skipped: the sanitizers bring an allocator of their own\n");
        return 0;
    }
    Suite *suite = suite_create("coco_allocation");
    TCase *tc = tcase_create("coco_allocation");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
