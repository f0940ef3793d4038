#include "runner/queue.h"

#include "base/atomic_file.h"

#include <stdio.h>

/* ---- opening --------------------------------------------------------------------------- */

/* Remove what a killed run left half written. A run in shards shares the directory with
 * others, whose files these may be; then they stay. */
static dp_status tidy(dp_error *err, const dp_test *t)
{
    if (t->options.shards > 1)
        return DP_OK;
    const dp_status st = dp_atomic_file_tidy(err, t->directory_path);
    return st == DP_OK && t->task == DP_TASK_SEGMENT
               ? dp_atomic_file_tidy(err, t->results)
               : st;
}

static void tell(dp_directory_queue *q, const char *failure)
{
    const dp_test *t = q->test;
    q->now.failure = failure;
    if (t->progress && t->progress(t->progress_arg, &q->now))
        q->stopped = true;
}

/* What failed is run again: its file may be whole by now. */
static void start(dp_directory_queue *q)
{
    const dp_run_directory *d = &q->directory;
    const int shard = q->test->options.shard, shards = q->test->options.shards;
    q->next = (size_t)shard - 1;
    q->now.count = d->count;
    q->now.before = dp_run_directory_tally(d, DP_ITEM_DONE, 1, 1);
    q->now.total = dp_run_directory_tally(d, DP_ITEM_OPEN, shard, shards) +
                   dp_run_directory_tally(d, DP_ITEM_FAILED, shard, shards);
    if (d->own.cut > 0)
        dp_context_log(q->test->ctx, "%s: cut off %zu bytes of an unfinished record",
                       d->own.path, d->own.cut);
    tell(q, NULL);
}

dp_status dp_directory_queue_open(dp_error *err, dp_directory_queue *q,
                                  const dp_test *test)
{
    char own[64];
    *q = (dp_directory_queue){.test = test};
    snprintf(own, sizeof own, "part_%d_of_%d", test->options.shard,
             test->options.shards);
    dp_status st = dp_run_directory_open(err, &q->directory, test->directory_path,
                                         test->key, test->set.count, own);
    if (st == DP_OK)
        st = tidy(err, test);
    if (st != DP_OK) {
        dp_run_directory_close(&q->directory);
        return st;
    }
    pthread_mutex_init(&q->lock, NULL);
    start(q);
    return DP_OK;
}

void dp_directory_queue_close(dp_directory_queue *q)
{
    dp_run_directory_close(&q->directory);
    pthread_mutex_destroy(&q->lock);
}

/* ---- the queue ------------------------------------------------------------------------- */

static bool next(void *arg, dp_job *job)
{
    dp_directory_queue *q = arg;
    const dp_image_set *set = &q->test->set;
    const size_t step = (size_t)q->test->options.shards;
    pthread_mutex_lock(&q->lock);
    while (q->next < set->count && q->directory.items[q->next].state == DP_ITEM_DONE)
        q->next += step;
    const bool more = !q->stopped && q->next < set->count;
    if (more) {
        const dp_set_image *image = &set->items[q->next];
        job->item = q->next;
        job->id = image->id;
        snprintf(job->path, sizeof job->path, "%s", image->path ? image->path : "");
        q->next += step;
    }
    pthread_mutex_unlock(&q->lock);
    return more;
}

static dp_status answer(dp_error *err, void *arg, const dp_answer *a)
{
    dp_directory_queue *q = arg;
    const bool failed = a->state == DP_ITEM_FAILED;
    char sentence[DP_ERROR_TEXT];
    pthread_mutex_lock(&q->lock);
    const dp_status st = dp_run_directory_put(err, &q->directory, a->item, a->state,
                                              a->payload, a->size);
    if (st != DP_OK) {
        q->stopped = true;
    } else {
        q->now.done++;
        if (failed)
            snprintf(sentence, sizeof sentence, "%.*s", (int)a->size,
                     (const char *)a->payload);
        tell(q, failed ? sentence : NULL);
    }
    pthread_mutex_unlock(&q->lock);
    return st;
}

static void stop(void *arg)
{
    dp_directory_queue *q = arg;
    pthread_mutex_lock(&q->lock);
    q->stopped = true;
    pthread_mutex_unlock(&q->lock);
}

static bool stopped(void *arg)
{
    dp_directory_queue *q = arg;
    pthread_mutex_lock(&q->lock);
    const bool is_stopped = q->stopped;
    pthread_mutex_unlock(&q->lock);
    return is_stopped;
}

dp_queue dp_directory_queue_get(dp_directory_queue *q)
{
    return (dp_queue){q, next, answer, stop, stopped};
}
