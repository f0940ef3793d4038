/* eval_output.h - what both evaluators say and write
 */
#ifndef DP_CLI_EVAL_OUTPUT_H
#define DP_CLI_EVAL_OUTPUT_H

#include "cli/cli.h"
#include "cli/options.h"
#include "densepred/eval.h"

#include <stdbool.h>

/* Which detections count as errors, unless something else is asked for. */
#define DP_EVAL_SCORE 0.3

/* An evaluation's files, and what is made of it. NULL: not asked for. */
typedef struct dp_eval_task {
    const char *truth, *results;
    const char *json;   /* file for every number; "-": to standard output, no tables */
    const char *report; /* folder for a page                                         */
    const char *images; /* folder of the images, for the page                        */
    double score_threshold; /* of the errors listed, counted and drawn; only for COCO */
    bool classwise;         /* a table of the classes, only for COCO                  */
    bool skip_bad;          /* go on without what is broken                           */
    double log_seconds;     /* between lines of progress; 0: a minute                 */
    bool quiet;             /* no warnings                                            */
    bool own_predictions;   /* of a run of ours: numbers whatever they are            */
} dp_eval_task;

/* The options that both evaluators take. */
#define DP_EVAL_OPTIONS(task, what, shown)                                            \
    DP_TEXT("json", 0, "FILE", &(task)->json, "every number; - for standard output"), \
        DP_TEXT("report", 0, "DIR", &(task)->report,                                  \
                "a page with " what " (index.html)"),                                 \
        DP_TEXT("images", 0, "DIR", &(task)->images, shown),                          \
        DP_FLAG("skip-bad", 0, &(task)->skip_bad,                                     \
                "leave out what is broken (exit status 1 then)"),                     \
        DP_FLAG("quiet", 'q', &(task)->quiet, "no warnings"), DP_OPTION_LOG(task)

/* Parse the command line of an evaluator: those options and its own, and two arguments. As
 * dp_options_parse. */
int dp_eval_parse(dp_eval_task *task, const dp_usage *usage, int argc, char **argv);

/* Notices as they come. Zero-initialise it, and set the first three. */
typedef struct dp_eval_notices {
    const char *noun; /* "record", "image": what is broken                 */
    bool quiet;       /* only what is broken                               */
    bool skip_bad;    /* the evaluation goes on without what is broken     */
    size_t broken;    /* so far                                            */
    const char *file; /* of the last notice                                */
    size_t named, broken_in_file;
} dp_eval_notices;

/* Say a notice on standard error; of a file's no more than 20. */
void dp_eval_say_notice(dp_eval_notices *n, dp_eval_notice notice);

/* After the last notice: whether to go on with the evaluation. */
bool dp_eval_end_notices(dp_eval_notices *n);

/* Say the last failure of a context; returns the exit status. */
int dp_eval_fail(const dp_context *ctx, dp_status status, dp_subject subject);

/* A context with that many workers (0: the processors available), and a watch over the task
 * until dp_watch_end. Returns DP_EXIT_OK, or
 * an exit status after saying why not. */
int dp_eval_start(dp_context **ctx, int threads, const dp_eval_task *task);

#endif
