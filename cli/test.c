#define _POSIX_C_SOURCE 200809L /* access */
/* densepred test - run a model over a data set, then evaluate it */
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/eval_ade20k.h"
#include "cli/eval_coco.h"
#include "cli/load_log.h"
#include "cli/options.h"
#include "cli/processes.h"
#include "cli/progress.h"
#include "cli/watch.h"
#include "densepred.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The command line. */
typedef struct request {
    const char *model, *shard;
    dp_test_options options;
    const char *report;
    bool ms_flip, classwise, verify;
    double score_thr, iou; /* NaN: not given */
    dp_common_options common;
    char *config, *weights; /* owned: where they are */
} request;

typedef struct session {
    const request *ask;
    dp_context *ctx;
    dp_test *test;
    dp_progress bar;
    dp_load_log log; /* of the context; held until the model is loaded */
} session;

/* ---- failures -------------------------------------------------------------------------- */

static int fail(session *s, dp_status st)
{
    static const dp_subject subjects[] = {
        [DP_TEST_PART_MODEL] = DP_SUBJECT_MODEL,
        [DP_TEST_PART_DATA_SET] = DP_SUBJECT_INPUT,
        [DP_TEST_PART_DIRECTORY] = DP_SUBJECT_OUTPUT,
    };
    dp_cli_say("%s", dp_context_error(s->ctx));
    dp_load_log_release(&s->log);
    return dp_cli_status(st, subjects[dp_test_failed_part(s->test)]);
}

/* ---- scores ---------------------------------------------------------------------------- */

static void print_score(const dp_test_score *s)
{
    if (isnan(s->ours))
        printf("%-14s %8s %10.1f\n", s->name, "n/a", s->published);
    else
        printf("%-14s %8.2f %10.1f %+11.2f\n", s->name, s->ours, s->published,
               s->ours - s->published);
}

/* Print what is published. Returns whether there is some, and all is within tolerance. */
static bool print_scores(const dp_test *test)
{
    const char *source = dp_test_source(test);
    bool any = false, within = true;
    double tolerance = 0;
    for (int i = 0; i < dp_test_score_count(test); i++) {
        const dp_test_score s = dp_test_get_score(test, i);
        if (s.within < 0)
            continue;
        if (!any)
            printf("\npublished: %s\n%-14s %8s %10s %11s\n",
                   *source ? source : "(source unknown)", "percent", "ours",
                   "published", "difference");
        print_score(&s);
        any = true;
        within = within && s.within;
        tolerance = s.tolerance;
    }
    if (any)
        printf("%s %.2g of what was published\n", within ? "within" : "NOT within",
               tolerance);
    return any && within;
}

static bool is_unreadable(const session *s, const char *what)
{
    const char *asked = s->ask->options.unreadable;
    return asked && strcmp(asked, what) == 0;
}

static void print_tally(const session *s, dp_test_tally tally)
{
    const char *what = "and left out";
    if (tally.failed > 0)
        what = is_unreadable(s, "missed")
                   ? "whose objects count as missed"
                   : "and left out of the ground truth (see --unreadable)";
    printf("\n%zu images: %zu run, %zu bad %s\n", tally.count, tally.done, tally.failed,
           what);
}

static int compare(session *s)
{
    const dp_test_tally tally = dp_test_count(s->test, 0);
    const dp_status st = dp_test_compare(s->test);
    if (st != DP_OK)
        return fail(s, st);
    print_tally(s, tally);
    const bool within = print_scores(s->test);
    if (!s->ask->verify || within)
        return DP_EXIT_OK;
    dp_cli_say("%s: --verify: the scores are not within the tolerance of the published "
               "ones",
               s->ask->config);
    return DP_EXIT_MODEL;
}

/* Without an evaluation. */
static int refuse(const session *s, dp_test_tally tally)
{
    dp_cli_say("%s: %zu of %zu images cannot be read, so there is no evaluation; mend "
               "them and run the same command again%s",
               dp_test_path(s->test, DP_TEST_IMAGES), tally.failed, tally.count,
               tally.done > 0 ? ", or with another --unreadable" : "");
    return DP_EXIT_SOME;
}

/* Evaluate as `densepred eval` does, and compare. Broken records of the ground truth are
 * left out: after a long run there is to be a number. */
static int evaluate(session *s)
{
    const char *metrics = dp_test_path(s->test, DP_TEST_METRICS);
    const dp_test_tally tally = dp_test_count(s->test, 0);
    dp_coco_eval_options coco = {0};
    if (tally.failed > 0 && (tally.done == 0 || is_unreadable(s, "refuse")))
        return refuse(s, tally);
    const dp_status st =
        dp_test_list_images(s->test, &coco.image_ids, &coco.image_id_count);
    if (st != DP_OK)
        return fail(s, st);
    const dp_eval_task task = {.truth = dp_test_path(s->test, DP_TEST_ANNOTATIONS),
                               .results = dp_test_path(s->test, DP_TEST_RESULTS),
                               .json = metrics,
                               .report = s->ask->report,
                               .images = dp_test_path(s->test, DP_TEST_IMAGES),
                               .score_threshold = DP_EVAL_SCORE,
                               .classwise = s->ask->classwise,
                               .skip_bad = true,
                               .own_predictions = true,
                               .quiet = true};
    dp_watch_enter("evaluating", 0,
                   "interrupted: all images are done and kept in %s; run the same "
                   "command again to evaluate",
                   dp_test_path(s->test, DP_TEST_DIRECTORY));
    int status =
        dp_test_task(s->test) == DP_TASK_DETECT
            ? dp_eval_coco(s->ctx, &task, &coco)
            : dp_eval_ade20k(s->ctx, &task,
                             &(dp_semantic_eval_options){
                                 .dataset = dp_test_path(s->test, DP_TEST_CLASSES)});
    if (access(metrics, F_OK) == 0) {
        const int compared = compare(s);
        status = compared > status ? compared : status;
    }
    if (status == DP_EXIT_OK && tally.failed > 0)
        status = DP_EXIT_SOME;
    return status;
}

/* Failed images of this shard make the status DP_EXIT_SOME. */
static int report_shard(const session *s)
{
    const dp_test_options *o = &s->ask->options;
    const dp_test_tally own = dp_test_count(s->test, 1),
                        all = dp_test_count(s->test, 0);
    printf(
        "%s: part %d of %d: %zu images run, %zu bad; of all %zu images %zu are open, "
        "and evaluated when none is\n",
        dp_test_path(s->test, DP_TEST_DIRECTORY), o->shard, o->shards, own.done,
        own.failed, all.count, all.open);
    return own.failed > 0 ? DP_EXIT_SOME : DP_EXIT_OK;
}

static int report_interrupted(const session *s)
{
    const dp_test_tally all = dp_test_count(s->test, 0);
    dp_cli_say("interrupted: %zu of %zu images are done and kept in %s; run the same "
               "command again to go on",
               all.done + all.failed, all.count,
               dp_test_path(s->test, DP_TEST_DIRECTORY));
    return DP_WATCH_STATUS + dp_watch_signal();
}

/* ---- running --------------------------------------------------------------------------- */

static int show(void *arg, const dp_test_progress *p)
{
    session *s = arg;
    const bool quiet = s->ask->common.quiet;
    if (s->log.holding && p->done > 0) /* the model is loaded after the first call */
        dp_load_log_release(&s->log);
    if (p->failure) {
        dp_progress_clear(&s->bar);
        dp_cli_say("%s", p->failure);
    }
    if (p->done > 0) {
        dp_progress_step(&s->bar);
        return dp_watch_signal() != 0;
    }
    if (p->before > 0 && p->total > 0 && !quiet)
        dp_cli_say("%s: going on: %zu of %zu images are done",
                   dp_test_path(s->test, DP_TEST_DIRECTORY), p->before, p->count);
    dp_progress_init(&s->bar, p->total, quiet);
    dp_watch_enter_counted("test", p->total,
                           "interrupted: what is done is kept in %s; run the same "
                           "command again to go on",
                           dp_test_path(s->test, DP_TEST_DIRECTORY));
    return 0;
}

static int check(const session *s)
{
    const request *ask = s->ask;
    if (ask->classwise && dp_test_task(s->test) != DP_TASK_DETECT)
        return dp_cli_usage("test: --classwise is for detectors");
    if (!(isnan(ask->score_thr) && isnan(ask->iou)) &&
        dp_test_task(s->test) != DP_TASK_DETECT)
        return dp_cli_usage("test: --%s is for detectors",
                            isnan(ask->iou) ? "score-thr" : "iou");
    if (!ask->verify || dp_test_is_published(s->test))
        return DP_EXIT_OK;
    dp_cli_say("%s: --verify: there is no published score to compare with",
               ask->config);
    return DP_EXIT_MODEL;
}

static int run(session *s)
{
    dp_watch_log(s->ask->common.quiet, s->ask->common.log_seconds);
    dp_status st = dp_test_new(s->ctx, &s->test, &s->ask->options);
    if (st != DP_OK) {
        dp_cli_say("%s", dp_context_error(s->ctx));
        return dp_cli_status(st, DP_SUBJECT_OUTPUT);
    }
    st = dp_test_plan(s->test);
    if (st != DP_OK)
        return fail(s, st);
    const int status = check(s);
    if (status != DP_EXIT_OK)
        return status;
    st = dp_test_run(s->test, show, s);
    dp_progress_done(&s->bar);
    if (st != DP_OK)
        return fail(s, st);
    if (dp_watch_signal() != 0 && dp_test_count(s->test, 1).open > 0)
        return report_interrupted(s);
    return dp_test_count(s->test, 0).open > 0 ? report_shard(s) : evaluate(s);
}

static int help(session *s)
{
    const dp_status st = dp_test_help(s->ctx, &s->ask->options);
    if (st == DP_OK)
        return DP_EXIT_OK;
    dp_cli_say("%s", dp_context_error(s->ctx));
    return dp_cli_status(st, DP_SUBJECT_MODEL);
}

/* ---- the command line ------------------------------------------------------------------ */

/* They are keys of the config. */
static int set_thresholds(request *ask)
{
    dp_option_list *set = &ask->common.set;
    const int status = dp_option_list_set(set, "test.score_thr", ask->score_thr);
    return status == DP_OPTIONS_GO_ON
               ? dp_option_list_set(set, "test.nms_iou_threshold", ask->iou)
               : status;
}

static int parse(request *ask, int argc, char **argv)
{
    dp_test_options *o = &ask->options;
    const dp_option options[] = {
        DP_OPTION_WEIGHTS(&ask->common),
        DP_OPTION_CACHE(&ask->common),
        DP_OPTION_VERBOSE(&ask->common),
        DP_OPTION_SET(&ask->common),
        DP_TEXT("annotations", 0, "PATH", &o->annotations,
                "COCO: the annotation file; ADE20K: the folder of label maps"),
        DP_TEXT("images", 0, "DIR", &o->images, "the folder of images"),
        DP_TEXT("work", 0, "DIR", &o->directory,
                "keeps what is done; run again to go on (default: work/MODEL)"),
        DP_INT("workers", 0, "N", &o->workers, 1, DP_MAX_THREADS,
               "images at the same time, one thread each (default: one, on all "
               "threads)"),
        DP_TEXT("shard", 0, "K/N", &ask->shard,
                "only part K of N; the last to finish evaluates"),
        DP_CHOICE("mode", 0, "slide|whole", &o->mode,
                  "segmentors: in windows or all at once (default: as published)"),
        DP_FLAG("ms-flip", 0, &ask->ms_flip,
                "segmentors: average over scales and mirror images, as published"),
        DP_FLOAT("score-thr", 0, "P", &ask->score_thr, 0, 1,
                 "detectors: lowest score (default: as the config says, 0.05)"),
        DP_ALIAS("conf", "score-thr"),
        DP_OPTION_IOU(&ask->iou),
        DP_CHOICE("unreadable", 0, "leave-out|missed|refuse", &o->unreadable,
                  "images: leave out their objects (default), count them, or do not "
                  "evaluate"),
        DP_FLAG("classwise", 0, &ask->classwise, "detectors: a table of the classes"),
        DP_TEXT("report", 0, "DIR", &ask->report, "the evaluation as a page"),
        DP_FLAG("verify", 0, &ask->verify,
                "fail (exit status 3) when a number is not within the config's "
                "tolerance of the published one"),
        DP_OPTIONS_MACHINE(&ask->common),
        DP_OPTIONS_PROGRESS(&ask->common),
        DP_OPTION_CONFIGS(&ask->common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = DP_USAGE(
        "test", "MODEL [DATASET]", 1, 2, options,
        "Runs a model over a data set (COCO: detectors, ADE20K: segmentors) and "
        "evaluates it. What is done is kept in the run directory, so that a run "
        "can be interrupted at any moment.");
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status == DP_OPTIONS_GO_ON)
        status = set_thresholds(ask);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    ask->model = o->name = args.item[0];
    o->root = args.count > 1 ? args.item[1] : NULL;
    o->ms_flip = ask->ms_flip;
    o->cache = ask->common.cache;
    o->set = ask->common.set.item;
    o->set_count = ask->common.set.count;
    return DP_EXIT_OK;
}

/* What the command line means. */
static int look_up(request *ask)
{
    dp_error err = {0};
    dp_test_options *o = &ask->options;
    char rest;
    if (o->workers > 0 && ask->common.threads > 0)
        return dp_cli_usage(
            "test: --workers have one thread each; leave out --threads");
    if (ask->shard &&
        (sscanf(ask->shard, "%7d/%7d%c", &o->shard, &o->shards, &rest) != 2 ||
         o->shard < 1 || o->shard > o->shards))
        return dp_cli_usage("--shard: found \"%s\", expected K/N with K of 1 to N",
                            ask->shard);
    dp_status st =
        dp_cli_find_model(&err, &ask->config, ask->model, ask->common.configs);
    if (st == DP_OK && !ask->common.weights)
        st = dp_cli_find_weights(&err, &ask->weights, ask->model, &ask->common);
    if (st != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    o->config = ask->config;
    o->configs = dp_cli_configs(ask->common.configs);
    o->weights = ask->common.weights ? ask->common.weights : ask->weights;
    if (!o->weights)
        return dp_cli_usage("%s ships without a checkpoint: give --weights FILE",
                            ask->model);
    return DP_EXIT_OK;
}

/* With workers, their number of threads loads the model and evaluates. */
static int start(session *s, request *ask, int argc, char **argv)
{
    int status = parse(ask, argc, argv);
    if (status == DP_EXIT_OK && ask->model)
        status = look_up(ask);
    if (status != DP_EXIT_OK || !ask->model)
        return status;
    const int workers = ask->options.workers;
    s->log.verbose = ask->common.verbose;
    const dp_options options = {.threads = workers > 0 ? workers : ask->common.threads,
                                .cpu = ask->common.cpu,
                                .gemm = ask->common.gemm,
                                .precision = ask->common.precision,
                                .log = dp_load_log_line,
                                .log_arg = &s->log};
    const dp_status st = dp_context_new(&s->ctx, &options);
    if (st == DP_OK)
        return DP_EXIT_OK;
    dp_cli_say("cannot start: %s", dp_status_text(st));
    return dp_cli_status(st, DP_SUBJECT_OUTPUT);
}

static int run_command(int (*go_on)(session *s), int argc, char **argv)
{
    request ask = {.score_thr = (double)NAN, .iou = (double)NAN};
    session s = {.ask = &ask, .log.holding = true};
    int status = start(&s, &ask, argc, argv);
    if (s.ctx)
        status = go_on(&s);
    dp_load_log_release(&s.log);
    dp_test_free(s.test);
    dp_context_free(s.ctx);
    dp_free(ask.config);
    dp_free(ask.weights);
    return status;
}

/* Process 0 reads the command line first: what is wrong with it is said once. */
int dp_cli_test(int argc, char **argv)
{
    dp_watch_start();
    dp_watch_enter("looking at the data set", 0,
                   "interrupted before the first image; run the same command again");
    int status = dp_cli_join();
    if (status != DP_EXIT_OK)
        return status;
    if (dp_processes_rank() == 0)
        status = run_command(run, argc, argv);
    else
        while (status == DP_EXIT_OK && dp_processes_wait())
            status = run_command(help, argc, argv);
    dp_processes_leave(status);
    dp_watch_end();
    return status;
}
