/* densepred eval ade20k - aAcc, mIoU, mAcc of label maps against true ones */
#include "cli/eval_ade20k.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/eval_lists.h"
#include "cli/options.h"
#include "cli/watch.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

enum { ADE20K_CLASSES = 150, ADE20K_OFFSET = 1, VALUES = 256 };

typedef struct request {
    dp_eval_task task;
    const char *ignore, *dataset;
    int classes, offset, prediction_offset; /* -1: not given */
    dp_common_options common;
} request;

/* ---- which values are classes ------------------------------------------------------------ */

/* Where the names of ADE20K's classes are; nothing is added when no configs are found. */
static void find_names(dp_text *path, const char *configs)
{
    const char *folder = dp_cli_configs(configs);
    if (folder)
        dp_text_add(path, "%s/datasets/ade20k.json", folder);
}

/* Whatever is found is in `names` and `ignored`, the caller's to release. */
static int read_options(dp_semantic_eval_options *o, dp_text *names, void **ignored,
                        const request *ask)
{
    static const int none;
    size_t count = 0;
    int status = DP_OPTIONS_GO_ON;
    if (ask->dataset && (ask->classes >= 0 || ask->offset >= 0))
        return dp_cli_usage("--dataset says what --classes and --offset say: give only "
                            "one of them");
    o->dataset = ask->dataset;
    o->classes = ask->classes >= 0 ? ask->classes : ADE20K_CLASSES;
    o->offset = ask->offset >= 0 ? ask->offset : ADE20K_OFFSET;
    if (!ask->dataset && o->classes == ADE20K_CLASSES)
        find_names(names, ask->common.configs);
    o->names = names->data;
    o->prediction_offset = ask->prediction_offset >= 0 ? &ask->prediction_offset : NULL;
    if (!ask->ignore)
        return status;
    o->ignored = &none;
    if (strcmp(ask->ignore, "none") != 0) {
        status =
            dp_eval_parse_list("ignore", ask->ignore, DP_LIST_INT, ignored, &count);
        o->ignored = *ignored;
        o->ignored_count = (int)count;
    }
    return status;
}

/* ---- evaluation --------------------------------------------------------------------------- */

/* How many images are bad in which way. */
static void say_kinds(const dp_semantic_eval *eval)
{
    const size_t n = dp_semantic_eval_notice_count(eval);
    for (size_t i = 0; i < n; i++) {
        const dp_eval_notice first = dp_semantic_eval_get_notice(eval, i);
        size_t count = 0;
        for (size_t k = 0; k < n; k++)
            if (strcmp(dp_semantic_eval_get_notice(eval, k).kind, first.kind) == 0) {
                if (k < i)
                    break;
                count++;
            }
        if (first.broken && count > 0)
            dp_cli_say("%s: %zu of %zu images", first.kind, count,
                       dp_semantic_eval_summary(eval).pairs);
    }
}

/* Whether to go on. */
static bool say_notices(const dp_semantic_eval *eval, const dp_eval_task *task)
{
    dp_eval_notices notices = {
        .noun = "image", .quiet = task->quiet, .skip_bad = task->skip_bad};
    say_kinds(eval);
    for (size_t i = 0; i < dp_semantic_eval_notice_count(eval); i++)
        dp_eval_say_notice(&notices, dp_semantic_eval_get_notice(eval, i));
    if (!dp_eval_end_notices(&notices))
        return false;
    if (dp_semantic_eval_summary(eval).images > 0)
        return true;
    dp_cli_say("%s: there is no good image", task->truth);
    return false;
}

static int write_all(dp_context *ctx, dp_semantic_eval *eval, const dp_eval_task *task)
{
    const char *text;
    int status = DP_EXIT_OK;
    dp_status st = DP_OK;
    if (!task->json || strcmp(task->json, "-") != 0) {
        st = dp_semantic_eval_format_text(ctx, eval, &text);
        fputs(text, stdout);
    }
    if (st == DP_OK && task->json) {
        st = dp_semantic_eval_format_json(ctx, eval, &text);
        if (st == DP_OK)
            status = dp_cli_write(task->json, text);
    }
    if (st == DP_OK && status == DP_EXIT_OK && task->report)
        st = dp_semantic_eval_save_report(ctx, eval, task->report, task->images);
    return st == DP_OK ? status : dp_eval_fail(ctx, st, DP_SUBJECT_OUTPUT);
}

/* The label value of the first class in predictions that were counted from another value
 * than the truth; -1: they look right. */
static int find_other_offset(dp_semantic_eval *eval, const dp_eval_task *task)
{
    const dp_semantic_summary s = dp_semantic_eval_summary(eval);
    const int last = dp_semantic_eval_class_count(eval) - 1;
    const int first = dp_semantic_eval_class(eval, 0).value;
    if (s.shift == 0 || dp_semantic_eval_class(eval, last).value - first != last)
        return -1;
    dp_cli_say("%s: predictions look counted from %d where the truth counts from %d: "
               "then about %.1f %% of the pixels are right, not %.1f %%",
               task->results, first - s.shift, first, 100 * s.a_acc_shifted,
               100 * s.a_acc);
    return first - s.shift;
}

/* Whether to go on: not where all numbers would be of other classes, unless the command line
 * says where predictions begin. */
static bool check_offset(dp_semantic_eval *eval, const dp_eval_task *task,
                         const dp_semantic_eval_options *o)
{
    const int offset = o->prediction_offset ? -1 : find_other_offset(eval, task);
    if (offset < 0)
        return true;
    if (task->own_predictions)
        dp_cli_say("%s: the ids of this class file and the label maps of the truth "
                   "do not fit",
                   o->dataset);
    else
        dp_cli_say("give --pred-offset %d, or --pred-offset %d if they are right",
                   offset, dp_semantic_eval_class(eval, 0).value);
    return task->own_predictions;
}

static int evaluate(dp_context *ctx, dp_semantic_eval *eval, const dp_eval_task *task,
                    const dp_semantic_eval_options *o)
{
    dp_status st = dp_semantic_eval_load(ctx, eval, task->truth, task->results);
    if (st == DP_OK)
        st = dp_semantic_eval_run(ctx, eval);
    if (st != DP_OK)
        return dp_eval_fail(ctx, st, DP_SUBJECT_INPUT);
    if (!say_notices(eval, task) || !check_offset(eval, task, o))
        return DP_EXIT_SOME;
    const dp_semantic_summary s = dp_semantic_eval_summary(eval);
    const int status = write_all(ctx, eval, task);
    return status == DP_EXIT_OK && s.images < s.pairs ? DP_EXIT_SOME : status;
}

int dp_eval_ade20k(dp_context *ctx, const dp_eval_task *task,
                   const dp_semantic_eval_options *options)
{
    dp_semantic_eval *eval;
    const dp_status st = dp_semantic_eval_new(ctx, &eval, options);
    const int status = st == DP_OK ? evaluate(ctx, eval, task, options)
                                   : dp_eval_fail(ctx, st,
                                                  options->dataset ? DP_SUBJECT_MODEL
                                                                   : DP_SUBJECT_INPUT);
    dp_semantic_eval_free(eval);
    return status;
}

static int run(const request *ask)
{
    dp_semantic_eval_options o = {0};
    dp_error err = {0};
    dp_text names = {.err = &err};
    void *ignored = NULL;
    dp_context *ctx = NULL;
    int status = read_options(&o, &names, &ignored, ask);
    if (status == DP_OPTIONS_GO_ON)
        status = dp_eval_start(&ctx, ask->common.threads, &ask->task);
    if (status == DP_EXIT_OK)
        status = dp_eval_ade20k(ctx, &ask->task, &o);
    dp_context_free(ctx);
    dp_watch_end();
    dp_text_done(&names);
    dp_free(ignored);
    return status;
}

int dp_cli_eval_ade20k(int argc, char **argv)
{
    request ask = {.classes = -1, .offset = -1, .prediction_offset = -1};
    const dp_option options[] = {
        DP_INT("classes", 0, "N", &ask.classes, 1, VALUES,
               "how many there are (default 150)"),
        DP_INT("offset", 0, "V", &ask.offset, 0, VALUES - 1,
               "label value of the first class (default 1)"),
        DP_INT(
            "pred-offset", 0, "V", &ask.prediction_offset, 0, VALUES - 1,
            "the same in predictions, where it differs (default: that of the truth)"),
        DP_TEXT("ignore", 0, "V,V,...", &ask.ignore,
                "label values that are left out, or none (default: 0 and 255, where "
                "they are no class)"),
        DP_TEXT("dataset", 0, "FILE", &ask.dataset,
                "a class file for names and label values (default: ADE20K's names, for "
                "150 classes)"),
        DP_EVAL_OPTIONS(&ask.task, "classes, confusion matrix, worst images",
                        "the photos, for the report"),
        DP_OPTION_THREADS(&ask.common),
        DP_OPTION_CONFIGS(&ask.common),
        DP_OPTIONS_END};
    const dp_usage usage = DP_USAGE(
        "eval ade20k", "GT_DIR PRED_DIR", 0, 0, options,
        "aAcc, mIoU and mAcc of label maps (8-bit PNG, grey or with a palette), "
        "paired by name, as mmsegmentation defines them.");
    const int status = dp_eval_parse(&ask.task, &usage, argc, argv);
    return status == DP_OPTIONS_GO_ON ? run(&ask) : status;
}
