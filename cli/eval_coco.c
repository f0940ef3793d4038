/* densepred eval coco - COCO AP and AR of results against annotations */
#include "cli/eval_coco.h"

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/eval_lists.h"
#include "cli/options.h"
#include "cli/watch.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

enum { HEADLINE_MAX_DETS = 100 };

typedef struct request {
    dp_eval_task task;
    const char *types;
    const char *max_dets, *thresholds, *areas, *image_ids, *category_ids;
    bool no_categories;
    dp_common_options common;
} request;

/* The lists of the command line, owned; NULL: not given. */
typedef struct lists {
    void *max_dets, *image_ids, *category_ids;
    double *thresholds;
    dp_area_range *areas;
} lists;

/* ---- the command line ------------------------------------------------------------------ */

static int read_types(int *types, const char *text)
{
    static const struct {
        const char *text;
        int types;
    } known[] = {{"bbox", DP_COCO_BBOX},
                 {"segm", DP_COCO_SEGM},
                 {"bbox,segm", DP_COCO_BBOX | DP_COCO_SEGM},
                 {"segm,bbox", DP_COCO_BBOX | DP_COCO_SEGM}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].text) == 0) {
            *types = known[i].types;
            return DP_OPTIONS_GO_ON;
        }
    return dp_cli_usage("--type: \"%s\" is not bbox, segm or bbox,segm", text);
}

static int read_options(dp_coco_eval_options *o, lists *l, const request *ask)
{
    size_t count = 0;
    int status = DP_OPTIONS_GO_ON;
    o->no_categories = ask->no_categories;
    if (ask->max_dets)
        status = dp_eval_parse_list("max-dets", ask->max_dets, DP_LIST_INT,
                                    &l->max_dets, &count);
    o->max_det_count = (int)count;
    if (status == DP_OPTIONS_GO_ON && ask->thresholds)
        status = dp_eval_parse_thresholds("iou-thrs", ask->thresholds, &l->thresholds,
                                          &o->iou_threshold_count);
    if (status == DP_OPTIONS_GO_ON && ask->areas)
        status = dp_eval_parse_areas("area-ranges", ask->areas, &l->areas,
                                     &o->area_range_count);
    if (status == DP_OPTIONS_GO_ON && ask->image_ids)
        status = dp_eval_parse_list("img-ids", ask->image_ids, DP_LIST_INT64,
                                    &l->image_ids, &o->image_id_count);
    if (status == DP_OPTIONS_GO_ON && ask->category_ids)
        status = dp_eval_parse_list("cat-ids", ask->category_ids, DP_LIST_INT64,
                                    &l->category_ids, &o->category_id_count);
    if (status == DP_OPTIONS_GO_ON && ask->types)
        status = read_types(&o->types, ask->types);
    o->max_dets = l->max_dets;
    o->iou_thresholds = l->thresholds;
    o->area_ranges = l->areas;
    o->image_ids = l->image_ids;
    o->category_ids = l->category_ids;
    return status;
}

/* ---- evaluation -------------------------------------------------------------------------- */

/* Read both files. Returns an exit status, or DP_OPTIONS_GO_ON. */
static int load(dp_context *ctx, dp_coco_eval *eval, const dp_eval_task *task,
                size_t *broken)
{
    dp_eval_notices notices = {
        .noun = "record", .quiet = task->quiet, .skip_bad = task->skip_bad};
    const dp_status st = dp_coco_eval_load(ctx, eval, task->truth, task->results);
    for (size_t i = 0; i < dp_coco_eval_notice_count(eval); i++)
        dp_eval_say_notice(&notices, dp_coco_eval_get_notice(eval, i));
    const bool good = dp_eval_end_notices(&notices);
    *broken = notices.broken;
    if (st != DP_OK)
        return dp_eval_fail(ctx, st, DP_SUBJECT_INPUT);
    return good ? DP_OPTIONS_GO_ON : DP_EXIT_SOME;
}

/* pycocotools's first line is -1 without 100 among the numbers of detections. */
static void explain_headline(const dp_coco_eval *eval, const dp_coco_eval_options *o)
{
    int most = 0;
    for (int i = 0; i < o->max_det_count; i++) {
        if (o->max_dets[i] == HEADLINE_MAX_DETS)
            return;
        most = o->max_dets[i] > most ? o->max_dets[i] : most;
    }
    const dp_coco_place all = {.category = -1, .max_dets = -1, .threshold = -1};
    for (int type = DP_COCO_BBOX; type <= DP_COCO_SEGM && most > 0; type <<= 1)
        if (dp_coco_eval_types(eval) & type)
            dp_cli_say("note: the first line is for maxDets=100, which is not among "
                       "--max-dets; AP at maxDets=%d is %.3f",
                       most, dp_coco_eval_ap(eval, (dp_coco_type)type, all));
}

static int write_all(dp_context *ctx, dp_coco_eval *eval, const dp_eval_task *task)
{
    const char *text;
    int status = DP_EXIT_OK;
    dp_status st = DP_OK;
    if (!task->json || strcmp(task->json, "-") != 0) {
        st = dp_coco_eval_format_text(ctx, eval, task->classwise, &text);
        fputs(text, stdout);
    }
    if (st == DP_OK && task->json) {
        st = dp_coco_eval_format_json(ctx, eval, task->score_threshold, &text);
        if (st == DP_OK)
            status = dp_cli_write(task->json, text);
    }
    if (st == DP_OK && status == DP_EXIT_OK && task->report)
        st = dp_coco_eval_save_report(ctx, eval, task->report, task->images,
                                      task->score_threshold);
    return st == DP_OK ? status : dp_eval_fail(ctx, st, DP_SUBJECT_OUTPUT);
}

static int evaluate(dp_context *ctx, dp_coco_eval *eval, const dp_eval_task *task,
                    const dp_coco_eval_options *o)
{
    size_t broken;
    int status = load(ctx, eval, task, &broken);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    const dp_status st = dp_coco_eval_run(ctx, eval);
    if (st != DP_OK)
        return dp_eval_fail(ctx, st, DP_SUBJECT_INPUT);
    status = write_all(ctx, eval, task);
    if (!task->json || strcmp(task->json, "-") != 0)
        explain_headline(eval, o);
    return status == DP_EXIT_OK && broken > 0 ? DP_EXIT_SOME : status;
}

int dp_eval_coco(dp_context *ctx, const dp_eval_task *task,
                 const dp_coco_eval_options *options)
{
    dp_coco_eval *eval;
    const dp_status st = dp_coco_eval_new(ctx, &eval, options);
    const int status = st == DP_OK ? evaluate(ctx, eval, task, options)
                                   : dp_eval_fail(ctx, st, DP_SUBJECT_INPUT);
    dp_coco_eval_free(eval);
    return status;
}

static int run(const request *ask)
{
    lists l = {0};
    dp_coco_eval_options o = {0};
    dp_context *ctx = NULL;
    int status = read_options(&o, &l, ask);
    if (status == DP_OPTIONS_GO_ON)
        status = dp_eval_start(&ctx, ask->common.threads, &ask->task);
    if (status == DP_EXIT_OK)
        status = dp_eval_coco(ctx, &ask->task, &o);
    dp_context_free(ctx);
    dp_watch_end();
    dp_free(l.max_dets);
    dp_free(l.image_ids);
    dp_free(l.category_ids);
    dp_free(l.thresholds);
    dp_free(l.areas);
    return status;
}

int dp_cli_eval_coco(int argc, char **argv)
{
    request ask = {.task = {.score_threshold = DP_EVAL_SCORE}};
    const dp_option options[] = {
        DP_TEXT("type", 0, "bbox,segm", &ask.types,
                "what to evaluate (default: what the results hold)"),
        DP_FLAG("classwise", 0, &ask.task.classwise, "a table of the classes"),
        DP_EVAL_OPTIONS(&ask.task, "curves, causes of errors, classes",
                        "the images, for the worst of them in the report"),
        DP_FLOAT("score-thr", 0, "S", &ask.task.score_threshold, -1e300, 1e300,
                 "of the errors listed, counted and drawn (default 0.3)"),
        DP_TEXT("max-dets", 0, "N,N,...", &ask.max_dets,
                "detections per image and class (default 1,10,100)"),
        DP_TEXT("iou-thrs", 0, "LIST", &ask.thresholds,
                "0.5,0.75 or FIRST:LAST:STEP (default 0.5:0.95:0.05)"),
        DP_TEXT("area-ranges", 0, "LIST", &ask.areas,
                "NAME:LOW:HIGH,... the first for the headline"),
        DP_FLAG("no-cats", 0, &ask.no_categories, "all classes are one"),
        DP_TEXT("img-ids", 0, "ID,ID,...", &ask.image_ids, "only these images"),
        DP_TEXT("cat-ids", 0, "ID,ID,...", &ask.category_ids, "only these classes"),
        DP_OPTION_THREADS(&ask.common),
        DP_OPTIONS_END};
    const dp_usage usage =
        DP_USAGE("eval coco", "GT.json DT.json", 0, 0, options,
                 "Average precision and recall of detections (boxes, masks) as COCO "
                 "defines them.");
    const int status = dp_eval_parse(&ask.task, &usage, argc, argv);
    return status == DP_OPTIONS_GO_ON ? run(&ask) : status;
}
