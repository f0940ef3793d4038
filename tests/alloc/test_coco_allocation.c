/* Every allocation of an evaluation, with its report, may fail. */
#include "densepred/eval.h"
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

static dp_context *ctx;

static dp_status write(dp_coco_eval *eval, const char *folder)
{
    const char *text;
    dp_status st = dp_coco_eval_format_text(ctx, eval, 1, &text);
    if (st == DP_OK)
        st = dp_coco_eval_format_json(ctx, eval, .3, &text);
    return st == DP_OK ? dp_coco_eval_save_report(ctx, eval, folder, NULL, 0) : st;
}

static dp_status evaluate(const char *truth_path, const char *results_path,
                          const char *folder)
{
    static const int64_t ids[] = {1};
    const dp_coco_eval_options options = {
        .types = DP_COCO_BBOX | DP_COCO_SEGM, .image_ids = ids, .image_id_count = 1};
    dp_coco_eval *eval;
    dp_status st = dp_coco_eval_new(ctx, &eval, &options);
    if (st == DP_OK)
        st = dp_coco_eval_load(ctx, eval, truth_path, results_path);
    if (st == DP_OK)
        st = dp_coco_eval_run(ctx, eval);
    if (st == DP_OK)
        st = write(eval, folder);
    dp_coco_eval_free(eval);
    return st;
}

START_TEST(every_allocation_may_fail)
{
    char truth_path[256], results_path[256], folder[256];
    snprintf(truth_path, sizeof truth_path, "%s", scratch_text("gt.json", truth_text));
    snprintf(results_path, sizeof results_path, "%s",
             scratch_text("dt.json", results_text));
    snprintf(folder, sizeof folder, "%s", scratch_path("report"));
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    ck_assert_msg(evaluate(truth_path, results_path, folder) == DP_OK, "%s",
                  dp_context_error(ctx));
    heap_reset(0);
    const dp_status plain = evaluate(truth_path, results_path, folder);
    const long allocations = heap_count();
    ck_assert_int_eq(plain, DP_OK);
    ck_assert_int_gt(allocations, 100);
    for (long k = 1; k <= allocations; k++) {
        /* No assertion until the blocks are counted: Check allocates too. */
        const long live = heap_live();
        heap_reset(k);
        const dp_status st = evaluate(truth_path, results_path, folder);
        heap_reset(0);
        const long left = heap_live() - live;
        ck_assert_msg(st == DP_ENOMEM, "allocation %ld: status %d, %s", k, (int)st,
                      dp_context_error(ctx));
        ck_assert_msg(strstr(dp_context_error(ctx), "out of memory") != NULL, "%s",
                      dp_context_error(ctx));
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks are left", k, left);
    }
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    if (!heap_is_watched()) {
        suite_skip("the sanitizer's allocator is not watched");
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
