/* Annotations and results with any byte wrong, or cut anywhere: refused or evaluated, and
 * nothing worse (under the sanitizers: not a byte is touched that should not be). */
#include "eval/coco_errors.h"
#include "eval/coco_scores.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const char truth_text[] =
    "{\"images\":[{\"id\":1,\"width\":40,\"height\":30,\"file_name\":\"a\\u00e9.jpg\"}]"
    ",\n"
    "\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,9],"
    "\"area\":81,"
    "\"iscrowd\":0,\"segmentation\":[[1,1,10,1,10.5,10,1,10],[20,20,30,20,30,29]]},\n"
    "{\"id\":2,\"image_id\":1,\"category_id\":2,\"bbox\":[0,0,40,30],\"area\":1.2e3,"
    "\"iscrowd\":1,"
    "\"segmentation\":{\"size\":[30,40],\"counts\":[0,600,30,570]}}],\n"
    "\"categories\":[{\"id\":1,\"name\":\"cat\"},{\"id\":2,\"name\":\"dog\"}]}";
static const char results_text[] =
    "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,9,9],\"score\":0.9,"
    "\"segmentation\":"
    "{\"size\":[30,40],\"counts\":\"o09U9C6dTO\"}},\n"
    "{\"image_id\":1,\"category_id\":1,\"score\":0.85,\"segmentation\":"
    "{\"size\":[30,40],\"counts\":[31,5,1164]}},\n"
    "{\"image_id\":1,\"category_id\":2,\"bbox\":[5,1,9,9],\"score\":0.8,"
    "\"segmentation\":"
    "[[1,1,10,1,10,10,1,10]]}]";

static unsigned long long seed = 11;

static unsigned next(unsigned below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % below;
}

/* Evaluate; whether there was something to evaluate. */
static bool survive(const char *truth_path, const char *results_path, bool masks)
{
    dp_error err = {0};
    dp_coco_truth truth = {0};
    dp_coco_results results = {0};
    dp_coco_matches matches = {0};
    dp_coco_scores scores = {0};
    dp_coco_errors errors = {0};
    dp_coco_settings settings;
    const dp_coco_wish wish = {!masks, masks};
    dp_coco_settings_default(&settings);
    settings.masks = masks;
    dp_status st = dp_coco_truth_load(&err, &truth, truth_path, wish, NULL);
    if (st == DP_OK)
        st = dp_coco_results_load(&err, &results, &truth, results_path, wish, NULL);
    if (st == DP_OK)
        st = dp_coco_match(&err, &matches, &truth, &results, &settings, NULL);
    if (st == DP_OK)
        st = dp_coco_accumulate(&err, &scores, &matches, NULL);
    if (st == DP_OK)
        st = dp_coco_errors_find(&err, &errors, &matches, NULL);
    ck_assert_msg(st == DP_OK || st == DP_EFORMAT || st == DP_EUNSUPPORTED, "%d: %s",
                  (int)st, err.text);
    ck_assert(st == DP_OK || err.text[0] != '\0');
    dp_coco_errors_done(&errors);
    dp_coco_scores_done(&scores);
    dp_coco_matches_done(&matches);
    dp_coco_results_done(&results);
    dp_coco_truth_done(&truth);
    return st == DP_OK;
}

START_TEST(whole_files_are_evaluated)
{
    scratch_text("gt.json", truth_text);
    scratch_text("dt.json", results_text);
    ck_assert(survive(scratch_path("gt.json"), scratch_path("dt.json"), _i));
}
END_TEST

START_TEST(any_byte_may_be_wrong)
{
    static const char bytes[] = "\"{}[],:-.0159eENnPo~ \\\x80\xff";
    const bool damage_truth = _i % 2;
    const char *name = damage_truth ? "gt.json" : "dt.json";
    const char *text = damage_truth ? truth_text : results_text;
    const size_t size = strlen(text);
    char damaged[sizeof truth_text + sizeof results_text];
    int evaluated = 0, rounds = 0;
    scratch_text("gt.json", truth_text);
    scratch_text("dt.json", results_text);
    for (size_t at = 0; at < size; at++, rounds++) {
        memcpy(damaged, text, size);
        for (unsigned n = 1 + next(2); n > 0; n--)
            damaged[n == 1 ? at : next((unsigned)size)] = bytes[next(sizeof bytes - 1)];
        scratch_file(name, damaged, size);
        evaluated +=
            survive(scratch_path("gt.json"), scratch_path("dt.json"), _i / 2 % 2);
    }
    ck_assert_int_lt(evaluated, rounds);
    ck_assert_int_gt(evaluated, 0);
}
END_TEST

START_TEST(files_may_end_anywhere)
{
    const char *name = _i ? "gt.json" : "dt.json";
    const char *text = _i ? truth_text : results_text;
    scratch_text("gt.json", truth_text);
    scratch_text("dt.json", results_text);
    for (size_t size = 0; size < strlen(text); size++) {
        scratch_file(name, text, size);
        ck_assert(!survive(scratch_path("gt.json"), scratch_path("dt.json"), true));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coco_damaged");
    TCase *tc = tcase_create("coco_damaged");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, whole_files_are_evaluated, 0, 2);
    tcase_add_loop_test(tc, any_byte_may_be_wrong, 0, 8);
    tcase_add_loop_test(tc, files_may_end_anywhere, 0, 2);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
