/* The public functions of include/densepred/runner.h: a run from its options to its scores.
 * Those of scores are in scores.c, those of processes in processes_one.c and _mpi.c. */
#include "runner/test.h"

#include "base/memory.h"
#include "runner/plan.h"
#include "runner/processes.h"
#include "runner/run_results.h"
#include "runner/scores.h"
#include "runner/workers.h"

#include <stdio.h>
#include <string.h>

dp_status dp_test_new(dp_context *ctx, dp_test **out, const dp_test_options *options)
{
    dp_test *t;
    *out = NULL;
    dp_status st = dp_plan_check_options(&ctx->err, options);
    if (st == DP_OK)
        st = dp_alloc(&ctx->err, &t, 1, sizeof(dp_test), "a test");
    if (st != DP_OK)
        return st;
    t->ctx = ctx;
    t->options = *options;
    if (options->shards == 0)
        t->options.shard = t->options.shards = 1;
    *out = t;
    return DP_OK;
}

void dp_test_free(dp_test *t)
{
    if (!t)
        return;
    dp_run_directory_close(&t->directory);
    dp_image_set_done(&t->set);
    dp_dataset_done(&t->dataset);
    dp_config_free(t->config);
    dp_free(t->classes_path);
    dp_free(t->directory_path);
    dp_free(t->results);
    dp_free(t->metrics);
    dp_free(t->counted);
    dp_free(t);
}

dp_status dp_test_plan(dp_test *t)
{
    const dp_status st = dp_plan_model(&t->ctx->err, t);
    return st == DP_OK ? dp_plan_run(&t->ctx->err, t) : st;
}

dp_test_part dp_test_failed_part(const dp_test *t)
{
    return t->part;
}

/* ---- running --------------------------------------------------------------------------- */

/* The others begin when the own model is there. */
static dp_status run_queue(dp_error *err, dp_test *t, const dp_queue *queue)
{
    const bool serves = dp_processes_count() > 1;
    dp_workers workers;
    t->part = DP_TEST_PART_MODEL;
    dp_status st = dp_workers_open(err, &workers, t);
    if (st != DP_OK)
        return st;
    t->part = DP_TEST_PART_DIRECTORY;
    if (serves)
        dp_processes_begin();
    st = dp_workers_run(err, &workers, queue, serves ? dp_processes_serve : NULL);
    dp_workers_close(&workers);
    return st;
}

static dp_status run_shard(dp_error *err, dp_test *t)
{
    dp_directory_queue own;
    dp_status st = dp_directory_queue_open(err, &own, t);
    if (st != DP_OK)
        return st;
    const dp_queue queue = dp_directory_queue_get(&own);
    if (own.now.total > 0 && !own.stopped)
        st = run_queue(err, t, &queue);
    dp_directory_queue_close(&own);
    return st;
}

/* Look at all shards that there are by now. Metrics of before are of other results. */
static dp_status conclude(dp_error *err, dp_test *t)
{
    dp_run_directory_close(&t->directory);
    dp_status st = dp_run_directory_open(err, &t->directory, t->directory_path, t->key,
                                         t->set.count, NULL);
    if (st != DP_OK || dp_run_directory_tally(&t->directory, DP_ITEM_OPEN, 1, 1) > 0)
        return st;
    st = dp_run_results_write(err, t);
    if (st == DP_OK)
        remove(t->metrics);
    return st;
}

dp_status dp_test_run(dp_test *t, dp_test_progress_fn *progress, void *arg)
{
    dp_error *err = &t->ctx->err;
    t->part = DP_TEST_PART_DIRECTORY;
    t->progress = progress;
    t->progress_arg = arg;
    dp_status st = dp_plan_claim(err, t);
    if (st == DP_OK)
        st = run_shard(err, t);
    return st == DP_OK ? conclude(err, t) : st;
}

dp_status dp_test_help(dp_context *ctx, const dp_test_options *options)
{
    const dp_queue queue = dp_processes_queue();
    dp_workers workers = {0};
    dp_test *t;
    dp_status st = dp_test_new(ctx, &t, options);
    if (st == DP_OK)
        st = dp_plan_model(&ctx->err, t);
    if (st == DP_OK)
        st = dp_workers_open(&ctx->err, &workers, t);
    if (st == DP_OK)
        st = dp_workers_run(&ctx->err, &workers, &queue, NULL);
    if (st == DP_OK)
        dp_processes_finish();
    dp_workers_close(&workers);
    dp_test_free(t);
    return st;
}

/* ---- what came of it ------------------------------------------------------------------- */

dp_test_tally dp_test_count(const dp_test *t, int own_shard)
{
    const dp_run_directory *d = &t->directory;
    const int part = own_shard ? t->options.shard : 1;
    const int parts = own_shard ? t->options.shards : 1;
    dp_test_tally tally = {
        .done = dp_run_directory_tally(d, DP_ITEM_DONE, part, parts),
        .failed = dp_run_directory_tally(d, DP_ITEM_FAILED, part, parts),
        .open = dp_run_directory_tally(d, DP_ITEM_OPEN, part, parts)};
    tally.count = tally.done + tally.failed + tally.open;
    return tally;
}

dp_status dp_test_list_images(dp_test *t, const int64_t **ids, size_t *count)
{
    const dp_run_directory *d = &t->directory;
    const bool missed =
        t->options.unreadable && strcmp(t->options.unreadable, "missed") == 0;
    void *memory;
    *ids = NULL;
    *count = d->count;
    if (missed || dp_run_directory_tally(d, DP_ITEM_DONE, 1, 1) == d->count)
        return DP_OK;
    const dp_status st = dp_alloc(&t->ctx->err, &memory, d->count, sizeof *t->counted,
                                  "a list of images");
    if (st != DP_OK)
        return st;
    dp_free(t->counted);
    *ids = t->counted = memory;
    *count = 0;
    for (size_t i = 0; i < d->count; i++)
        if (d->items[i].state == DP_ITEM_DONE)
            t->counted[(*count)++] = t->set.items[i].id;
    return DP_OK;
}

dp_task dp_test_task(const dp_test *t)
{
    return t->task;
}

const char *dp_test_path(const dp_test *t, dp_test_file file)
{
    switch (file) {
    case DP_TEST_CONFIG:
        return t->options.config;
    case DP_TEST_CLASSES:
        return t->classes_path;
    case DP_TEST_IMAGES:
        return t->set.images;
    case DP_TEST_ANNOTATIONS:
        return t->set.annotations;
    case DP_TEST_DIRECTORY:
        return t->directory_path;
    case DP_TEST_RESULTS:
        return t->results;
    case DP_TEST_METRICS:
        return t->metrics;
    }
    return NULL;
}

dp_status dp_test_compare(dp_test *t)
{
    t->part = DP_TEST_PART_DIRECTORY;
    const dp_status st = dp_scores_load(&t->ctx->err, t);
    return st == DP_OK ? dp_scores_save(&t->ctx->err, t) : st;
}

int dp_test_score_count(const dp_test *t)
{
    return t->score_count;
}

dp_test_score dp_test_get_score(const dp_test *t, int i)
{
    return i >= 0 && i < t->score_count ? t->scores[i] : (dp_test_score){.name = ""};
}
