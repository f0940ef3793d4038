/* The public COCO evaluator (include/densepred/eval.h), on the metrics of eval/ and the
 * pages of report/. */
#include "base/memory.h"
#include "densepred/eval.h"
#include "eval/coco_json.h"
#include "eval/coco_summary.h"
#include "model/context.h"
#include "report/coco_report.h"

#include <string.h>

/* What comes of one type. */
typedef struct evaluation {
    dp_coco_settings settings;
    dp_coco_matches matches;
    dp_coco_scores scores;
    bool explained;
    dp_coco_errors errors; /* once explained                             */
    dp_coco_best *best;    /* once explained: [classes + 1]              */
} evaluation;

struct dp_coco_eval {
    int types; /* asked for; 0: what the results hold */
    dp_coco_settings settings;
    int64_t *image_ids, *category_ids; /* owned; what settings borrow */
    char *truth_path, *results_path;   /* owned; NULL before load     */
    dp_coco_truth truth;
    dp_coco_results results;
    size_t notice_count;
    dp_eval_notice notices[DP_COCO_KIND_COUNT];
    char notice_texts[DP_COCO_KIND_COUNT][512];
    bool loaded;
    int evaluation_count; /* 0 before the run; boxes first */
    evaluation evaluations[2];
    dp_text text; /* the last one that was handed out */
};

/* ---- options ------------------------------------------------------------------------- */

static dp_status copy_ids(dp_error *err, int64_t **out, const int64_t *ids,
                          size_t count)
{
    void *memory = NULL;
    if (!ids)
        return DP_OK;
    const dp_status st = dp_alloc(err, &memory, count, sizeof *ids, "a list of ids");
    *out = memory;
    if (st == DP_OK && count > 0)
        memcpy(memory, ids, count * sizeof *ids);
    return st;
}

static dp_status take_options(dp_error *err, dp_coco_eval *e,
                              const dp_coco_eval_options *o)
{
    dp_coco_settings *s = &e->settings;
    dp_status st = DP_OK;
    if (o->types < 0 || o->types > (DP_COCO_BBOX | DP_COCO_SEGM))
        return dp_fail(err, DP_EARG, "types: %d is no set of bbox and segm", o->types);
    e->types = o->types;
    s->use_categories = !o->no_categories;
    if (o->iou_thresholds)
        st = dp_coco_settings_set_thresholds(err, s, o->iou_thresholds,
                                             o->iou_threshold_count);
    if (st == DP_OK && o->max_dets)
        st = dp_coco_settings_set_caps(err, s, o->max_dets, o->max_det_count);
    if (st == DP_OK && o->area_ranges)
        st = dp_coco_settings_clear_areas(err, s, o->area_range_count);
    for (int i = 0; st == DP_OK && o->area_ranges && i < o->area_range_count; i++)
        st = dp_coco_settings_add_area(err, s, o->area_ranges[i].name,
                                       o->area_ranges[i].low, o->area_ranges[i].high);
    if (st == DP_OK)
        st = copy_ids(err, &e->image_ids, o->image_ids, o->image_id_count);
    if (st == DP_OK)
        st = copy_ids(err, &e->category_ids, o->category_ids, o->category_id_count);
    s->image_ids = e->image_ids;
    s->image_id_count = o->image_id_count;
    s->category_ids = e->category_ids;
    s->category_id_count = o->category_id_count;
    return st;
}

dp_status dp_coco_eval_new(dp_context *ctx, dp_coco_eval **out,
                           const dp_coco_eval_options *options)
{
    void *memory;
    dp_status st =
        dp_alloc(&ctx->err, &memory, 1, sizeof(dp_coco_eval), "an evaluation");
    dp_coco_eval *e = *out = memory;
    if (st != DP_OK)
        return st;
    dp_coco_settings_default(&e->settings);
    if (options)
        st = take_options(&ctx->err, e, options);
    if (st != DP_OK) {
        dp_coco_eval_free(e);
        *out = NULL;
    }
    return st;
}

static void evaluations_done(dp_coco_eval *e)
{
    for (int i = 0; i < e->evaluation_count; i++) {
        evaluation *v = &e->evaluations[i];
        dp_free(v->best);
        dp_coco_errors_done(&v->errors);
        dp_coco_scores_done(&v->scores);
        dp_coco_matches_done(&v->matches);
    }
    e->evaluation_count = 0;
}

void dp_coco_eval_free(dp_coco_eval *e)
{
    if (!e)
        return;
    evaluations_done(e);
    dp_text_done(&e->text);
    dp_coco_results_done(&e->results);
    dp_coco_truth_done(&e->truth);
    dp_free(e->truth_path);
    dp_free(e->results_path);
    dp_free(e->image_ids);
    dp_free(e->category_ids);
    dp_free(e);
}

/* ---- files --------------------------------------------------------------------------- */

/* A kind of notice is found either in annotations or in results, so there is room. */
static void add_notices(dp_coco_eval *e, const dp_coco_lint *lint, const char *path)
{
    for (int i = 0; i < DP_COCO_KIND_COUNT; i++) {
        const dp_coco_kind kind = (dp_coco_kind)i;
        if (lint->of[i].count == 0)
            continue;
        char *text = e->notice_texts[e->notice_count];
        dp_coco_lint_format(text, sizeof *e->notice_texts, lint, kind, path);
        e->notices[e->notice_count++] =
            (dp_eval_notice){.kind = dp_coco_kind_name(kind),
                             .text = text,
                             .file = path,
                             .count = lint->of[i].count,
                             .broken = dp_coco_kind_breaks(kind)};
    }
}

dp_status dp_coco_eval_load(dp_context *ctx, dp_coco_eval *e, const char *truth_path,
                            const char *results_path)
{
    dp_error *err = &ctx->err;
    dp_coco_wish wish = {.boxes = e->types & DP_COCO_BBOX,
                         .masks = e->types & DP_COCO_SEGM};
    dp_status st = DP_OK;
    if (e->truth_path)
        return dp_fail(err, DP_EARG, "this evaluator has files already");
    st = dp_strdup(err, &e->truth_path, truth_path);
    if (st == DP_OK)
        st = dp_strdup(err, &e->results_path, results_path);
    if (st == DP_OK && e->types == 0)
        st = dp_coco_results_peek(err, &wish, results_path);
    if (st != DP_OK)
        return st;
    if (!wish.boxes && !wish.masks)
        wish.boxes = true; /* an empty file */
    e->types = (wish.boxes ? DP_COCO_BBOX : 0) | (wish.masks ? DP_COCO_SEGM : 0);
    st = dp_coco_truth_load(err, &e->truth, truth_path, wish, ctx->pool);
    if (st != DP_OK)
        return st;
    add_notices(e, &e->truth.lint, e->truth_path);
    st = dp_coco_results_load(err, &e->results, &e->truth, results_path, wish,
                              ctx->pool);
    if (st == DP_OK)
        add_notices(e, &e->results.lint, e->results_path);
    e->loaded = st == DP_OK;
    return st;
}

size_t dp_coco_eval_notice_count(const dp_coco_eval *e)
{
    return e->notice_count;
}

dp_eval_notice dp_coco_eval_get_notice(const dp_coco_eval *e, size_t i)
{
    return i < e->notice_count ? e->notices[i] : (dp_eval_notice){0};
}

/* ---- evaluation ---------------------------------------------------------------------- */

static dp_status check_ids(dp_error *err, const char *what, const int64_t *ids,
                           size_t count, const dp_id_index *index)
{
    for (size_t i = 0; ids && i < count; i++)
        if (dp_id_index_find(index, ids[i]) < 0)
            return dp_fail(err, DP_EARG, "%s id %lld: the annotations do not have it",
                           what, (long long)ids[i]);
    return DP_OK;
}

static dp_status evaluate(dp_context *ctx, dp_coco_eval *e, bool masks)
{
    evaluation *v = &e->evaluations[e->evaluation_count++];
    v->settings = e->settings;
    v->settings.masks = masks;
    const dp_status st = dp_coco_match(&ctx->err, &v->matches, &e->truth, &e->results,
                                       &v->settings, ctx->pool);
    return st == DP_OK
               ? dp_coco_accumulate(&ctx->err, &v->scores, &v->matches, ctx->pool)
               : st;
}

dp_status dp_coco_eval_run(dp_context *ctx, dp_coco_eval *e)
{
    const dp_coco_settings *s = &e->settings;
    if (!e->loaded || e->evaluation_count > 0)
        return dp_fail(&ctx->err, DP_EARG,
                       e->loaded ? "this evaluator has run already"
                                 : "this evaluator has no files yet");
    dp_status st = check_ids(&ctx->err, "image", s->image_ids, s->image_id_count,
                             &e->truth.image_index);
    if (st == DP_OK)
        st = check_ids(&ctx->err, "category", s->category_ids, s->category_id_count,
                       &e->truth.category_index);
    if (st == DP_OK && (e->types & DP_COCO_BBOX))
        st = evaluate(ctx, e, false);
    if (st == DP_OK && (e->types & DP_COCO_SEGM))
        st = evaluate(ctx, e, true);
    if (st != DP_OK)
        evaluations_done(e);
    return st;
}

/* The causes of errors and the best thresholds, once they are asked for. */
static dp_status explain(dp_context *ctx, dp_coco_eval *e)
{
    dp_status st = DP_OK;
    if (e->evaluation_count == 0)
        return dp_fail(&ctx->err, DP_EARG, "this evaluator has not run yet");
    for (int i = 0; i < e->evaluation_count && st == DP_OK; i++) {
        evaluation *v = &e->evaluations[i];
        void *memory = v->best;
        if (v->explained)
            continue;
        if (!memory)
            st = dp_alloc(&ctx->err, &memory, v->scores.category_count + 1,
                          sizeof *v->best, "best thresholds");
        v->best = memory;
        if (st == DP_OK)
            st = dp_coco_best_find(&ctx->err, v->best, &v->scores);
        if (st == DP_OK)
            st = dp_coco_errors_find(&ctx->err, &v->errors, &v->matches, ctx->pool);
        v->explained = st == DP_OK;
    }
    return st;
}

/* ---- numbers ------------------------------------------------------------------------- */

int dp_coco_eval_types(const dp_coco_eval *e)
{
    return e->evaluation_count > 0 ? e->types : 0;
}

/* NULL: that type is not there. */
static const dp_coco_scores *find_scores(const dp_coco_eval *e, dp_coco_type type)
{
    for (int i = 0; i < e->evaluation_count; i++)
        if (e->evaluations[i].settings.masks == (type == DP_COCO_SEGM))
            return &e->evaluations[i].scores;
    return NULL;
}

int dp_coco_eval_stat_count(const dp_coco_eval *e)
{
    const dp_coco_settings *s = &e->settings;
    return 3 + 2 * (s->area_count - 1) + s->cap_count;
}

double dp_coco_eval_stat(const dp_coco_eval *e, dp_coco_type type, int i)
{
    dp_coco_stat stats[DP_COCO_MAX_STATS];
    const dp_coco_scores *s = find_scores(e, type);
    return s && i >= 0 && i < dp_coco_summarize(stats, s) ? stats[i].value : -1;
}

int dp_coco_eval_class_count(const dp_coco_eval *e)
{
    return e->settings.use_categories ? (int)e->truth.category_count : 1;
}

const char *dp_coco_eval_class_name(const dp_coco_eval *e, int category)
{
    if (category < 0 || category >= dp_coco_eval_class_count(e))
        return NULL;
    return e->settings.use_categories
               ? e->truth.names + e->truth.categories[category].name
               : "all";
}

int64_t dp_coco_eval_class_id(const dp_coco_eval *e, int category)
{
    const bool is_class = e->settings.use_categories && category >= 0 &&
                          category < dp_coco_eval_class_count(e);
    return is_class ? e->truth.categories[category].id : -1;
}

/* Whether the place is there, and its cap as a position. */
static bool is_place(const dp_coco_eval *e, const dp_coco_place *at, int *cap)
{
    const dp_coco_settings *s = &e->settings;
    *cap = at->max_dets == -1 ? s->cap_count - 1 : at->max_dets;
    return at->category >= -1 && at->category < dp_coco_eval_class_count(e) &&
           at->area >= 0 && at->area < s->area_count && *cap >= 0 &&
           *cap < s->cap_count && at->threshold >= -1 &&
           at->threshold < s->threshold_count;
}

double dp_coco_eval_ap(const dp_coco_eval *e, dp_coco_type type, dp_coco_place at)
{
    const dp_coco_scores *s = find_scores(e, type);
    int cap;
    return s && is_place(e, &at, &cap) &&
                   (cap == s->headline || cap == e->settings.cap_count - 1)
               ? dp_coco_scores_ap(s, at.category, at.area, cap, at.threshold)
               : -1;
}

double dp_coco_eval_ar(const dp_coco_eval *e, dp_coco_type type, dp_coco_place at)
{
    const dp_coco_scores *s = find_scores(e, type);
    int cap;
    return s && is_place(e, &at, &cap)
               ? dp_coco_scores_ar(s, at.category, at.area, cap, at.threshold)
               : -1;
}

int dp_coco_eval_curve(const dp_coco_eval *e, dp_coco_type type, dp_coco_place at,
                       double *precision, double *scores)
{
    const dp_coco_scores *s = find_scores(e, type);
    int cap;
    if (!s || !is_place(e, &at, &cap) || at.category < 0 || at.threshold < 0 ||
        (cap != s->headline && cap != e->settings.cap_count - 1))
        return 0;
    const size_t category = (size_t)at.category;
    if (precision)
        memcpy(precision,
               dp_coco_scores_precision(s, category, at.area, cap, at.threshold),
               DP_COCO_RECALLS * sizeof *precision);
    if (scores)
        dp_coco_scores_reach(s, category, at.area, cap, at.threshold, scores);
    return 1;
}

/* ---- texts and pages ------------------------------------------------------------------- */

static const char *type_name(const evaluation *v)
{
    return v->settings.masks ? "segm" : "bbox";
}

/* An empty text in place of the last one. */
static dp_text *start_text(dp_context *ctx, dp_coco_eval *e)
{
    dp_text_done(&e->text);
    e->text.err = &ctx->err;
    return &e->text;
}

dp_status dp_coco_eval_format_text(dp_context *ctx, dp_coco_eval *e, int classwise,
                                   const char **text)
{
    dp_text *t = start_text(ctx, e);
    *text = "";
    if (e->evaluation_count == 0)
        return dp_fail(&ctx->err, DP_EARG, "this evaluator has not run yet");
    for (int i = 0; i < e->evaluation_count; i++) {
        if (e->evaluation_count > 1)
            dp_text_add(t, "%s:\n", type_name(&e->evaluations[i]));
        dp_coco_add_summary(t, &e->evaluations[i].scores);
        if (classwise)
            dp_coco_add_classes(t, &e->evaluations[i].scores);
    }
    if (t->status == DP_OK)
        *text = dp_text_get(t);
    return t->status;
}

static void add_notices_json(dp_text *t, const dp_coco_eval *e)
{
    dp_text_add(t, ",\n\"warnings\": [");
    for (size_t i = 0; i < e->notice_count; i++) {
        const dp_eval_notice *n = &e->notices[i];
        dp_text_add(t, "%s\n  {\"kind\": \"%s\", \"count\": %zu, \"first\": ",
                    i > 0 ? "," : "", n->kind, n->count);
        dp_text_add_quoted(t, n->text);
        dp_text_add(t, "}");
    }
    dp_text_add(t, "]");
}

dp_status dp_coco_eval_format_json(dp_context *ctx, dp_coco_eval *e, double score,
                                   const char **text)
{
    dp_text *t = start_text(ctx, e);
    *text = "";
    const dp_status st = explain(ctx, e);
    if (st != DP_OK)
        return st;
    for (int i = 0; i < e->evaluation_count; i++) {
        const evaluation *v = &e->evaluations[i];
        dp_text_add(t, "%s\"%s\": ", i > 0 ? ",\n" : "{", type_name(v));
        dp_coco_json_add(t, &v->scores, v->best, &v->errors, score);
    }
    add_notices_json(t, e);
    dp_text_add(t, "}\n");
    if (t->status == DP_OK)
        *text = dp_text_get(t);
    return t->status;
}

dp_status dp_coco_eval_save_report(dp_context *ctx, dp_coco_eval *e, const char *folder,
                                   const char *images, double score)
{
    const dp_status st = explain(ctx, e);
    if (st != DP_OK)
        return st;
    dp_coco_report r = {.truth_path = e->truth_path,
                        .results_path = e->results_path,
                        .notices = e->notices,
                        .notice_count = e->notice_count,
                        .images = images,
                        .score_threshold = score};
    for (; r.part_count < e->evaluation_count; r.part_count++) {
        const evaluation *v = &e->evaluations[r.part_count];
        r.parts[r.part_count] = (dp_coco_report_part){&v->scores, &v->errors, v->best};
    }
    return dp_coco_report_save(&ctx->err, &r, folder);
}
