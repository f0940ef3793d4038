#include "cli/test_ledger.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/test_results.h"

#include <stdio.h>
#include <string.h>

static bool in_shard(const dp_test_shard *s, size_t item)
{
    return item % (size_t)s->parts == (size_t)s->part - 1;
}

/* Also what failed: its file may be whole by now. */
static dp_status list_todo(dp_error *err, dp_test_ledger *l)
{
    const dp_work_folder *f = &l->folder;
    void *memory;
    const dp_status st =
        dp_alloc(err, &memory, f->count, sizeof *l->todo, "the list of images");
    if (st != DP_OK)
        return st;
    l->todo = memory;
    for (size_t i = 0; i < f->count; i++)
        if (in_shard(&l->plan->shard, i) && f->entries[i].state != DP_WORK_DONE)
            l->todo[l->todo_count++] = i;
    return DP_OK;
}

static void say_state(const dp_test_ledger *l)
{
    const size_t done = dp_work_folder_tally(&l->folder, DP_WORK_DONE);
    if (l->folder.own.cut > 0)
        dp_cli_say("%s: cut off %zu bytes of a record that was not finished",
                   l->folder.own.path, l->folder.own.cut);
    if (done > 0 && l->todo_count > 0 && !l->plan->ask->common.quiet)
        dp_cli_say("%s: going on: %zu of %zu images are done", l->plan->work, done,
                   l->folder.count);
}

/* What a killed run left half written. A run in parts shares the folder with others, whose
 * files these may be; then they stay. */
static dp_status tidy(dp_error *err, const dp_test_plan *plan)
{
    char *maps;
    if (plan->shard.parts > 1)
        return DP_OK;
    dp_status st = dp_atomic_file_tidy(err, plan->work);
    if (st != DP_OK)
        return st;
    st = dp_test_results_path(err, &maps, plan, "predictions");
    if (st == DP_OK)
        st = dp_atomic_file_tidy(err, maps);
    dp_free(maps);
    return st;
}

int dp_test_ledger_open(dp_test_ledger *l, const dp_test_plan *plan)
{
    dp_error err = {0};
    char own[64];
    *l = (dp_test_ledger){.plan = plan};
    snprintf(own, sizeof own, "part_%d_of_%d", plan->shard.part, plan->shard.parts);
    dp_status st = dp_work_folder_open(&err, &l->folder, plan->work, plan->key,
                                       plan->set.count, own);
    if (st != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    st = tidy(&err, plan);
    if (st == DP_OK)
        st = list_todo(&err, l);
    if (st != DP_OK) {
        dp_work_folder_close(&l->folder);
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    }
    pthread_mutex_init(&l->lock, NULL);
    say_state(l);
    dp_progress_init(&l->bar, l->todo_count, plan->ask->common.quiet);
    return DP_EXIT_OK;
}

void dp_test_ledger_close(dp_test_ledger *l)
{
    dp_progress_done(&l->bar);
    dp_work_folder_close(&l->folder);
    dp_free(l->todo);
    pthread_mutex_destroy(&l->lock);
}

/* ---- the desk -------------------------------------------------------------------------- */

static bool next(void *arg, dp_test_job *job)
{
    dp_test_ledger *l = arg;
    pthread_mutex_lock(&l->lock);
    const bool more = !l->stopped && l->next < l->todo_count;
    if (more) {
        job->item = l->todo[l->next++];
        const dp_test_item *item = &l->plan->set.items[job->item];
        job->id = item->id;
        snprintf(job->path, sizeof job->path, "%s", item->path ? item->path : "");
    }
    pthread_mutex_unlock(&l->lock);
    return more;
}

static dp_status answer(dp_error *err, void *arg, const dp_test_answer *a)
{
    dp_test_ledger *l = arg;
    pthread_mutex_lock(&l->lock);
    if (a->state == DP_WORK_FAILED) {
        dp_progress_clear(&l->bar);
        dp_cli_say("%.*s", (int)a->size, (const char *)a->payload);
    }
    const dp_status st =
        dp_work_folder_put(err, &l->folder, a->item, a->state, a->payload, a->size);
    if (st == DP_OK)
        dp_progress_step(&l->bar);
    else
        l->stopped = true;
    pthread_mutex_unlock(&l->lock);
    return st;
}

static void stop(void *arg)
{
    dp_test_ledger *l = arg;
    pthread_mutex_lock(&l->lock);
    l->stopped = true;
    dp_progress_clear(&l->bar);
    pthread_mutex_unlock(&l->lock);
}

dp_test_desk dp_test_ledger_desk(dp_test_ledger *l)
{
    return (dp_test_desk){l, next, answer, stop};
}
