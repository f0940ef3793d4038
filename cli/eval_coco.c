/* densepred eval coco - COCO AP and AR of results against annotations */
#include "cli/eval_coco.h"

#include "base/atomic_file.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/eval_lists.h"
#include "cli/options.h"
#include "eval/coco_json.h"
#include "report/coco_report.h"

#include <stdio.h>
#include <string.h>

typedef struct request {
    const char *truth_path, *results_path;
    const char *types, *json, *report, *images;
    const char *caps, *thresholds, *areas, *image_ids, *category_ids;
    double score_threshold;
    bool classwise, no_categories, skip_bad;
    dp_common_options common;
} request;

/* What comes of one type. */
typedef struct evaluation {
    dp_coco_settings settings;
    dp_coco_matches matches;
    dp_coco_scores scores;
    dp_coco_errors errors; /* when the causes are asked for */
    dp_coco_best *best;    /* owned; the same               */
} evaluation;

/* Everything that is held while evaluating. */
typedef struct session {
    request ask;
    dp_pool *pool;
    dp_coco_truth truth;
    dp_coco_results results;
    dp_coco_settings settings;
    int64_t *image_ids, *category_ids; /* owned; what settings borrow */
    dp_coco_wish wish;
    evaluation evaluations[2];
    int evaluation_count;
    dp_text json;
    dp_error err;
} session;

/* ---- what is wrong with the files ---------------------------------------------------- */

/* Say what was found in a file. Returns whether to go on. */
static bool report_lint(const session *s, const dp_coco_lint *lint, const char *path)
{
    char line[512];
    const size_t broken = dp_coco_lint_broken(lint);
    for (int i = 0; i < DP_COCO_KIND_COUNT; i++) {
        const dp_coco_kind kind = (dp_coco_kind)i;
        if (lint->of[i].count == 0 ||
            (s->ask.common.quiet && !dp_coco_kind_breaks(kind)))
            continue;
        dp_coco_lint_format(line, sizeof line, lint, kind, path);
        dp_cli_say("%s%s", dp_coco_kind_breaks(kind) ? "" : "warning: ", line);
    }
    if (broken > 0 && s->ask.skip_bad)
        dp_cli_say("%s: left out %zu broken record%s", path, broken,
                   broken > 1 ? "s" : "");
    else if (broken > 0)
        dp_cli_say(
            "%s: found %zu broken record%s, expected none; --skip-bad leaves them "
            "out",
            path, broken, broken > 1 ? "s" : "");
    return broken == 0 || s->ask.skip_bad;
}

static void add_lint(dp_text *t, const dp_coco_lint *lint, const char *path, bool *any)
{
    char line[512];
    for (int i = 0; i < DP_COCO_KIND_COUNT; i++) {
        if (lint->of[i].count == 0)
            continue;
        dp_coco_lint_format(line, sizeof line, lint, (dp_coco_kind)i, path);
        dp_text_add(
            t, "%s\n  {\"kind\": \"%s\", \"count\": %zu, \"first\": ", *any ? "," : "",
            dp_coco_kind_name((dp_coco_kind)i), lint->of[i].count);
        dp_text_add_quoted(t, line);
        dp_text_add(t, "}");
        *any = true;
    }
}

/* ---- what is printed ------------------------------------------------------------------ */

static void print_cell(double value)
{
    if (value < 0)
        printf("  %5s", "n/a");
    else
        printf("  %.3f", value);
}

static void print_class(const dp_coco_scores *s, int k)
{
    const dp_coco_matches *m = s->matches;
    const dp_coco_settings *set = m->settings;
    const int last = set->cap_count - 1;
    const int half = dp_coco_settings_find_threshold(set, .5);
    const int three_quarters = dp_coco_settings_find_threshold(set, .75);
    const char *name =
        set->use_categories ? m->truth->names + m->truth->categories[k].name : "all";
    printf("%-24s", name);
    if (m->positives[(size_t)k * (size_t)set->area_count] == 0) {
        printf("  n/a (no ground truth)\n");
        return;
    }
    print_cell(dp_coco_scores_ap(s, k, 0, last, -1));
    print_cell(half < 0 ? -1 : dp_coco_scores_ap(s, k, 0, last, half));
    print_cell(three_quarters < 0 ? -1
                                  : dp_coco_scores_ap(s, k, 0, last, three_quarters));
    for (int a = 1; a < set->area_count; a++)
        print_cell(dp_coco_scores_ap(s, k, a, last, -1));
    print_cell(dp_coco_scores_ar(s, k, 0, last));
    printf("\n");
}

static void print_classes(const dp_coco_scores *s)
{
    const dp_coco_settings *set = s->matches->settings;
    printf("%-24s  %5s  %5s  %5s", "class", "AP", "AP50", "AP75");
    for (int a = 1; a < set->area_count; a++)
        printf("  %5.5s", set->areas[a].name);
    printf("  %5s\n", "AR");
    for (size_t k = 0; k < s->category_count; k++)
        print_class(s, (int)k);
}

static void print_summary(const session *s, const dp_coco_scores *scores)
{
    dp_coco_stat stats[DP_COCO_MAX_STATS];
    char line[160];
    const int n = dp_coco_summarize(stats, scores);
    for (int i = 0; i < n; i++) {
        dp_coco_stat_format(line, sizeof line, &stats[i], &s->settings);
        printf("%s\n", line);
    }
    if (s->ask.classwise)
        print_classes(scores);
    if (scores->headline < 0) {
        const int last = s->settings.cap_count - 1;
        dp_cli_say("note: the first line is for maxDets=100, which is not among "
                   "--max-dets; AP at maxDets=%d is %.3f",
                   s->settings.caps[last], dp_coco_scores_ap(scores, -1, 0, last, -1));
    }
}

/* ---- one evaluation ------------------------------------------------------------------- */

/* Why things are wrong, for who asks. */
static dp_status explain(session *s, evaluation *e)
{
    void *memory;
    dp_status st = dp_alloc(&s->err, &memory, e->scores.category_count + 1,
                            sizeof *e->best, "best thresholds");
    e->best = memory;
    if (st == DP_OK)
        st = dp_coco_best_find(&s->err, e->best, &e->scores);
    return st == DP_OK ? dp_coco_errors_find(&s->err, &e->errors, &e->matches, s->pool)
                       : st;
}

static dp_status evaluate(session *s, bool masks)
{
    evaluation *e = &s->evaluations[s->evaluation_count++];
    const bool prints = !s->ask.json || strcmp(s->ask.json, "-") != 0;
    e->settings = s->settings;
    e->settings.masks = masks;
    dp_status st = dp_coco_match(&s->err, &e->matches, &s->truth, &s->results,
                                 &e->settings, s->pool);
    if (st == DP_OK)
        st = dp_coco_accumulate(&s->err, &e->scores, &e->matches, s->pool);
    if (st == DP_OK && prints) {
        if (s->wish.boxes && s->wish.masks)
            printf("%s:\n", masks ? "segm" : "bbox");
        print_summary(s, &e->scores);
    }
    if (st == DP_OK && (s->ask.json || s->ask.report))
        st = explain(s, e);
    if (st == DP_OK && s->ask.json) {
        dp_text_add(&s->json, "%s\"%s\": ", s->json.size > 1 ? ",\n" : "",
                    masks ? "segm" : "bbox");
        dp_coco_json_add(&s->json, &e->scores, e->best, &e->errors,
                         s->ask.score_threshold);
    }
    return st;
}

static void evaluation_done(evaluation *e)
{
    dp_free(e->best);
    dp_coco_errors_done(&e->errors);
    dp_coco_scores_done(&e->scores);
    dp_coco_matches_done(&e->matches);
}

static int write_report(session *s)
{
    dp_report r = {.truth_path = s->ask.truth_path,
                   .results_path = s->ask.results_path,
                   .truth_lint = &s->truth.lint,
                   .results_lint = &s->results.lint,
                   .images = s->ask.images,
                   .score_threshold = s->ask.score_threshold};
    for (; r.part_count < s->evaluation_count; r.part_count++) {
        const evaluation *e = &s->evaluations[r.part_count];
        r.parts[r.part_count] = (dp_report_part){&e->scores, &e->errors, e->best};
    }
    return dp_report_write(&s->err, &r, s->ask.report) == DP_OK
               ? DP_EXIT_OK
               : dp_cli_fail(&s->err, DP_SUBJECT_OUTPUT);
}

static int write_json(session *s)
{
    bool any = false;
    dp_text *t = &s->json;
    dp_text_add(t, ",\n\"warnings\": [");
    add_lint(t, &s->truth.lint, s->ask.truth_path, &any);
    add_lint(t, &s->results.lint, s->ask.results_path, &any);
    dp_text_add(t, "]}\n");
    if (t->status != DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_OUTPUT);
    if (strcmp(s->ask.json, "-") == 0) {
        fwrite(t->data, 1, t->size, stdout);
        return DP_EXIT_OK; /* a failure to write shows when the program ends */
    }
    dp_atomic_file f = {0};
    dp_status st = dp_atomic_file_open(&s->err, &f, s->ask.json);
    if (st == DP_OK) {
        (void)dp_atomic_file_write(&s->err, &f, t->data, t->size);
        st = dp_atomic_file_commit(&s->err, &f);
    }
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&s->err, DP_SUBJECT_OUTPUT);
}

/* ---- the command line ------------------------------------------------------------------ */

static int read_types(session *s)
{
    char text[32];
    const char *types = s->ask.types;
    if (types) {
        snprintf(text, sizeof text, ",%.24s,", types);
        s->wish.boxes = strstr(text, ",bbox,") != NULL;
        s->wish.masks = strstr(text, ",segm,") != NULL;
        const size_t size = (s->wish.boxes ? 5u : 0u) + (s->wish.masks ? 5u : 0u);
        if (size == 0 || strlen(types) + 1 != size)
            return dp_cli_usage(
                "--type: found \"%s\", expected bbox, segm or bbox,segm", types);
        return DP_OPTIONS_GO_ON;
    }
    if (dp_coco_results_peek(&s->err, &s->wish, s->ask.results_path) != DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_INPUT);
    if (!s->wish.boxes && !s->wish.masks)
        s->wish.boxes = true; /* an empty file */
    return DP_OPTIONS_GO_ON;
}

static int check_ids(const char *option, const int64_t *ids, size_t count,
                     const dp_id_index *index)
{
    for (size_t i = 0; i < count; i++)
        if (dp_id_index_find(index, ids[i]) < 0)
            return dp_cli_usage("--%s: found %lld, which the annotations do not have",
                                option, (long long)ids[i]);
    return DP_OPTIONS_GO_ON;
}

static int read_lists(session *s)
{
    dp_coco_settings *set = &s->settings;
    int status = DP_OPTIONS_GO_ON;
    dp_coco_settings_default(set);
    set->use_categories = !s->ask.no_categories;
    if (s->ask.caps)
        status = dp_eval_parse_caps(set, s->ask.caps);
    if (status == DP_OPTIONS_GO_ON && s->ask.thresholds)
        status = dp_eval_parse_thresholds(set, s->ask.thresholds);
    if (status == DP_OPTIONS_GO_ON && s->ask.areas)
        status = dp_eval_parse_areas(set, s->ask.areas);
    if (status == DP_OPTIONS_GO_ON && s->ask.image_ids)
        status = dp_eval_parse_ids("img-ids", s->ask.image_ids, &s->image_ids,
                                   &set->image_id_count);
    if (status == DP_OPTIONS_GO_ON && s->ask.category_ids)
        status = dp_eval_parse_ids("cat-ids", s->ask.category_ids, &s->category_ids,
                                   &set->category_id_count);
    set->image_ids = s->image_ids;
    set->category_ids = s->category_ids;
    return status;
}

/* Read both files. Returns an exit status, or DP_OPTIONS_GO_ON. */
static int load(session *s)
{
    const int threads =
        s->ask.common.threads ? s->ask.common.threads : dp_pool_available_cpus();
    if (dp_pool_new(&s->err, &s->pool, threads) != DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_OUTPUT);
    if (dp_coco_truth_load(&s->err, &s->truth, s->ask.truth_path, s->wish, s->pool) !=
        DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_INPUT);
    const bool truth_is_good = report_lint(s, &s->truth.lint, s->ask.truth_path);
    if (dp_coco_results_load(&s->err, &s->results, &s->truth, s->ask.results_path,
                             s->wish, s->pool) != DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_INPUT);
    if (!report_lint(s, &s->results.lint, s->ask.results_path) || !truth_is_good)
        return DP_EXIT_SOME;
    const int status = check_ids("img-ids", s->image_ids, s->settings.image_id_count,
                                 &s->truth.image_index);
    return status != DP_OPTIONS_GO_ON
               ? status
               : check_ids("cat-ids", s->category_ids, s->settings.category_id_count,
                           &s->truth.category_index);
}

static int run(session *s)
{
    int status = read_lists(s);
    if (status == DP_OPTIONS_GO_ON)
        status = read_types(s);
    if (status == DP_OPTIONS_GO_ON)
        status = load(s);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    s->json.err = &s->err;
    dp_text_add(&s->json, "{");
    dp_status st = DP_OK;
    if (s->wish.boxes)
        st = evaluate(s, false);
    if (st == DP_OK && s->wish.masks)
        st = evaluate(s, true);
    if (st != DP_OK)
        return dp_cli_fail(&s->err, DP_SUBJECT_INPUT);
    if (s->ask.json) {
        status = write_json(s);
        if (status != DP_EXIT_OK)
            return status;
    }
    if (s->ask.report) {
        status = write_report(s);
        if (status != DP_EXIT_OK)
            return status;
    }
    const bool skipped = dp_coco_lint_broken(&s->truth.lint) > 0 ||
                         dp_coco_lint_broken(&s->results.lint) > 0;
    return skipped ? DP_EXIT_SOME : DP_EXIT_OK;
}

int dp_cli_eval_coco(int argc, char **argv)
{
    session s = {.ask = {.score_threshold = .3}};
    request *ask = &s.ask;
    const dp_option options[] = {
        DP_TEXT("type", 0, "bbox,segm", &ask->types,
                "what to evaluate (default: what the results hold)"),
        DP_FLAG("classwise", 0, &ask->classwise, "a table of the classes"),
        DP_TEXT("json", 0, "FILE", &ask->json, "every number; - for standard output"),
        DP_TEXT("report", 0, "DIR", &ask->report,
                "a page with curves, causes of errors, classes (index.html)"),
        DP_TEXT("images", 0, "DIR", &ask->images,
                "the images, for the worst of them in the report"),
        DP_FLOAT("score-thr", 0, "S", &ask->score_threshold, -1e300, 1e300,
                 "of the errors listed, counted and drawn (default 0.3)"),
        DP_TEXT("max-dets", 0, "N,N,...", &ask->caps,
                "detections per image and class (default 1,10,100)"),
        DP_TEXT("iou-thrs", 0, "LIST", &ask->thresholds,
                "0.5,0.75 or FIRST:LAST:STEP (default 0.5:0.95:0.05)"),
        DP_TEXT("area-ranges", 0, "LIST", &ask->areas,
                "NAME:LOW:HIGH,... the first for the headline"),
        DP_FLAG("no-cats", 0, &ask->no_categories, "all classes are one"),
        DP_TEXT("img-ids", 0, "ID,ID,...", &ask->image_ids, "only these images"),
        DP_TEXT("cat-ids", 0, "ID,ID,...", &ask->category_ids, "only these classes"),
        DP_FLAG("skip-bad", 0, &ask->skip_bad,
                "leave broken records out (exit status 1 then)"),
        DP_OPTION_THREADS(&ask->common),
        DP_FLAG("quiet", 'q', &ask->common.quiet, "no warnings"),
        DP_OPTIONS_END};
    const dp_usage usage = {
        .name = "eval coco",
        .arguments = "GT.json DT.json",
        .about = "Average precision and recall of detections (boxes, masks) as COCO "
                 "defines them.",
        .options = options,
        .least = 2,
        .most = 2,
    };
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    ask->truth_path = args.item[0];
    ask->results_path = args.item[1];
    if (ask->images && !ask->report)
        return dp_cli_usage("--images: found no --report, which would show the images");
    status = run(&s);
    for (int i = 0; i < s.evaluation_count; i++)
        evaluation_done(&s.evaluations[i]);
    dp_text_done(&s.json);
    dp_coco_results_done(&s.results);
    dp_coco_truth_done(&s.truth);
    dp_free(s.image_ids);
    dp_free(s.category_ids);
    dp_pool_free(s.pool);
    return status;
}
