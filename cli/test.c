/* densepred test - run a model over a data set, then evaluate it */
#include "base/limits.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/ranks.h"
#include "cli/test_crew.h"
#include "cli/test_ledger.h"
#include "cli/test_results.h"
#include "cli/test_scores.h"

#include <pthread.h>
#include <stdio.h>

/* ---- running --------------------------------------------------------------------------- */

static void *serve(void *arg)
{
    const dp_test_desk *desk = arg;
    dp_ranks_serve(desk);
    return NULL;
}

/* Work, while a thread answers the other ranks, if there are any. */
static int run_and_serve(dp_test_crew *crew, const dp_test_desk *desk)
{
    dp_test_desk shared = *desk;
    pthread_t server;
    const bool serves = dp_ranks_count() > 1;
    if (serves && pthread_create(&server, NULL, serve, &shared) != 0) {
        dp_cli_say("a thread for the other processes cannot start");
        dp_ranks_abort(DP_EXIT_MACHINE);
        return DP_EXIT_MACHINE;
    }
    const int status = dp_test_crew_run(crew, desk);
    if (serves)
        pthread_join(server, NULL);
    return status;
}

/* Whether all ranks begin to work: not when rank 0 found something wrong, or there is
 * nothing to do. */
enum { BEGIN = -1 };

/* Rank 0: run what is left of the shard, and let the others help once its own model is
 * there. */
static int run_ledger(dp_test_ledger *ledger, const dp_test_plan *plan)
{
    dp_test_crew crew;
    const dp_test_desk desk = dp_test_ledger_desk(ledger);
    int status = ledger->todo_count > 0 ? dp_test_crew_open(&crew, plan) : DP_EXIT_OK;
    if (status != DP_EXIT_OK || ledger->todo_count == 0)
        return dp_ranks_share(status);
    (void)dp_ranks_share(BEGIN);
    status = run_and_serve(&crew, &desk);
    dp_test_crew_close(&crew);
    return status;
}

static int run_shard(const dp_test_plan *plan)
{
    dp_test_ledger ledger;
    int status = dp_test_plan_claim(plan);
    if (status == DP_EXIT_OK)
        status = dp_test_ledger_open(&ledger, plan);
    if (status != DP_EXIT_OK)
        return dp_ranks_share(status);
    status = run_ledger(&ledger, plan);
    dp_test_ledger_close(&ledger);
    return status;
}

/* A rank that is not 0. */
static int help(dp_test_plan *plan, const dp_test_ask *ask)
{
    dp_test_crew crew;
    const dp_test_desk desk = dp_ranks_desk();
    if (dp_ranks_share(0) != BEGIN)
        return DP_EXIT_OK;
    int status = dp_test_plan_make(plan, ask, true);
    if (status == DP_EXIT_OK)
        status = dp_test_crew_open(&crew, plan);
    if (status == DP_EXIT_OK) {
        status = dp_test_crew_run(&crew, &desk);
        dp_test_crew_close(&crew);
    }
    if (status != DP_EXIT_OK)
        dp_ranks_abort(status);
    dp_ranks_farewell();
    return status;
}

/* ---- evaluating ------------------------------------------------------------------------ */

static int evaluate(const dp_test_plan *plan, const dp_work_folder *folder)
{
    dp_error err = {0};
    char *results;
    int status;
    if (dp_test_results_write(&err, &results, plan, folder) == DP_OK)
        status = dp_test_scores(plan, folder, results);
    else
        status = dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    dp_free(results);
    return status;
}

/* Failed images of this shard make the status DP_EXIT_SOME. */
static int report_shard(const dp_test_plan *plan, const dp_work_folder *folder)
{
    size_t done = 0, failed = 0;
    for (size_t i = 0; i < folder->count; i++)
        if (i % (size_t)plan->shard.parts == (size_t)plan->shard.part - 1) {
            done += folder->entries[i].state == DP_WORK_DONE;
            failed += folder->entries[i].state == DP_WORK_FAILED;
        }
    printf(
        "%s: part %d of %d: %zu images run, %zu bad; of all %zu images %zu are open, "
        "and evaluated when none is\n",
        plan->work, plan->shard.part, plan->shard.parts, done, failed, folder->count,
        dp_work_folder_tally(folder, DP_WORK_OPEN));
    return failed > 0 ? DP_EXIT_SOME : DP_EXIT_OK;
}

/* Look at all parts there are by now. */
static int conclude(const dp_test_plan *plan)
{
    dp_error err = {0};
    dp_work_folder folder;
    if (dp_work_folder_open(&err, &folder, plan->work, plan->key, plan->set.count,
                            NULL) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    const int status = dp_work_folder_tally(&folder, DP_WORK_OPEN) == 0
                           ? evaluate(plan, &folder)
                           : report_shard(plan, &folder);
    dp_work_folder_close(&folder);
    return status;
}

/* ---- the command line ------------------------------------------------------------------ */

static int look(dp_test_plan *plan, const dp_test_ask *ask)
{
    const int status = dp_test_plan_make(plan, ask, false);
    if (status != DP_EXIT_OK || !ask->verify || dp_test_scores_are_published(plan))
        return status;
    dp_cli_say("%s: --verify: found no published number, expected one to compare with",
               plan->config_path);
    return DP_EXIT_MODEL;
}

/* Rank 0 looks first: what is wrong is said once. */
static int run(const dp_test_ask *ask)
{
    dp_test_plan plan = {0};
    int status = DP_EXIT_OK;
    if (dp_ranks_me() == 0)
        status = look(&plan, ask);
    status = dp_ranks_share(status);
    if (status == DP_EXIT_OK && dp_ranks_me() > 0)
        status = help(&plan, ask);
    else if (status == DP_EXIT_OK) {
        status = run_shard(&plan);
        if (status == DP_EXIT_OK)
            status = conclude(&plan);
    }
    dp_test_plan_done(&plan);
    return status;
}

static int parse(dp_test_ask *ask, int argc, char **argv)
{
    const dp_option options[] = {
        DP_OPTION_WEIGHTS(&ask->common),
        DP_OPTION_CACHE(&ask->common),
        DP_TEXT("annotations", 0, "PATH", &ask->annotations,
                "COCO: the annotation file; ADE20K: the folder of label maps"),
        DP_TEXT("images", 0, "DIR", &ask->images, "the folder of images"),
        DP_TEXT("work", 0, "DIR", &ask->work,
                "keeps what is done; run again to go on (default: work/MODEL)"),
        DP_INT("workers", 0, "N", &ask->workers, 1, DP_MAX_THREADS,
               "images at the same time, one thread each (default: one, on all "
               "threads)"),
        DP_TEXT("shard", 0, "K/N", &ask->shard,
                "only part K of N; the last to finish evaluates"),
        DP_CHOICE("mode", 0, "slide|whole", &ask->mode,
                  "segmentors: in windows or all at once (default: as published)"),
        DP_FLAG("ms-flip", 0, &ask->ms_flip,
                "segmentors: average over scales and mirror images, as published"),
        DP_FLAG("classwise", 0, &ask->classwise, "detectors: a table of the classes"),
        DP_TEXT("report", 0, "DIR", &ask->report, "the evaluation as a page"),
        DP_FLAG("verify", 0, &ask->verify,
                "fail (exit status 3) when a number is not within the config's "
                "tolerance of the published one"),
        DP_OPTION_THREADS(&ask->common),
        DP_OPTION_CPU(&ask->common),
        DP_OPTION_GEMM(&ask->common),
        DP_OPTION_PRECISION(&ask->common),
        DP_OPTION_QUIET(&ask->common),
        DP_OPTION_CONFIGS(&ask->common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = {
        .name = "test",
        .arguments = "MODEL [DATASET]",
        .about =
            "Runs a model over a data set (COCO: detectors, ADE20K: segmentors) and "
            "evaluates it. What is done is kept in the work folder, so that a run "
            "can be interrupted at any moment.",
        .options = options,
        .least = 1,
        .most = 2,
    };
    dp_arguments args;
    const int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    ask->model = args.item[0];
    ask->root = args.count > 1 ? args.item[1] : NULL;
    return status;
}

/* Rank 0 reads the command line first: what is wrong with it is said once. */
int dp_cli_test(int argc, char **argv)
{
    dp_test_ask ask = {0};
    if (!dp_ranks_start())
        return DP_EXIT_MACHINE;
    int status = DP_OPTIONS_GO_ON;
    if (dp_ranks_me() == 0)
        status = parse(&ask, argc, argv);
    status = dp_ranks_share(status);
    if (status == DP_OPTIONS_GO_ON && dp_ranks_me() > 0)
        status = parse(&ask, argc, argv);
    if (status == DP_OPTIONS_GO_ON)
        status = run(&ask);
    dp_ranks_end();
    return status;
}
