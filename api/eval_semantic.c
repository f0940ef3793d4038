/* The public evaluator of label maps (include/densepred/eval.h), on the metrics of eval/ and
 * the pages of report/. */
#include "base/memory.h"
#include "densepred/eval.h"
#include "eval/semantic_pairs.h"
#include "eval/semantic_text.h"
#include "model/context.h"
#include "report/semantic_report.h"

#include <math.h>

enum { ADE20K_CLASSES = 150, ADE20K_OFFSET = 1 };

struct dp_semantic_eval {
    dp_dataset dataset; /* empty: classes have no names */
    dp_semantic_settings settings;
    dp_semantic_pairs pairs;
    char *truth_folder, *prediction_folder; /* owned; NULL: pairs came one by one */
    bool ran;
    dp_semantic_counts counts;
    dp_semantic_class *classes; /* owned; once it ran */
    dp_semantic_result result;  /* of the run         */
    size_t notice_count;
    dp_eval_notice *notices; /* owned: notice_count */
    dp_text stray;           /* the notice of predictions without a truth */
    dp_text text;            /* the last one that was handed out          */
    char name[DP_SEMANTIC_NAME_ROOM];
};

/* ---- options ------------------------------------------------------------------------- */

/* Names are no more than a help: what is wrong with the file does not matter. */
static void load_names(dp_semantic_eval *e, const char *path)
{
    dp_error err = {0};
    if (dp_dataset_load(&err, &e->dataset, path) == DP_OK &&
        e->dataset.count != e->settings.classes)
        dp_dataset_done(&e->dataset);
}

static dp_status take_ignored(dp_error *err, dp_semantic_settings *s,
                              const dp_semantic_eval_options *o)
{
    if (!o->ignored)
        dp_semantic_settings_ignore_usual(s);
    for (int i = 0; o->ignored && i < o->ignored_count; i++) {
        if (o->ignored[i] < 0 || o->ignored[i] >= DP_SEMANTIC_VALUES)
            return dp_fail(err, DP_EARG, "ignored label values: %d is not in 0 to %d",
                           o->ignored[i], DP_SEMANTIC_VALUES - 1);
        s->class_of[o->ignored[i]] = DP_SEMANTIC_IGNORED;
    }
    return DP_OK;
}

static dp_status take_options(dp_error *err, dp_semantic_eval *e,
                              const dp_semantic_eval_options *o)
{
    dp_status st;
    if (o->dataset) {
        st = dp_dataset_load(err, &e->dataset, o->dataset);
        if (st == DP_OK)
            st = dp_semantic_settings_of_dataset(err, &e->settings, &e->dataset);
    } else {
        st = dp_semantic_settings_init(err, &e->settings,
                                       o->classes ? o->classes : ADE20K_CLASSES,
                                       o->classes ? o->offset : ADE20K_OFFSET);
        if (st == DP_OK && o->names)
            load_names(e, o->names);
    }
    if (st == DP_OK)
        st = take_ignored(err, &e->settings, o);
    return st == DP_OK && o->prediction_offset
               ? dp_semantic_settings_offset_predictions(err, &e->settings,
                                                         *o->prediction_offset)
               : st;
}

dp_status dp_semantic_eval_new(dp_context *ctx, dp_semantic_eval **out,
                               const dp_semantic_eval_options *options)
{
    static const dp_semantic_eval_options defaults = {0};
    void *memory;
    dp_status st =
        dp_alloc(&ctx->err, &memory, 1, sizeof(dp_semantic_eval), "an evaluation");
    dp_semantic_eval *e = *out = memory;
    if (st == DP_OK)
        st = take_options(&ctx->err, e, options ? options : &defaults);
    if (st != DP_OK) {
        dp_semantic_eval_free(e);
        *out = NULL;
    }
    return st;
}

void dp_semantic_eval_free(dp_semantic_eval *e)
{
    if (!e)
        return;
    dp_text_done(&e->text);
    dp_text_done(&e->stray);
    dp_free(e->notices);
    dp_free(e->classes);
    dp_semantic_counts_done(&e->counts);
    dp_semantic_pairs_done(&e->pairs);
    dp_dataset_done(&e->dataset);
    dp_free(e->truth_folder);
    dp_free(e->prediction_folder);
    dp_free(e);
}

/* ---- label maps ----------------------------------------------------------------------- */

static dp_status refuse_after_run(dp_context *ctx, const dp_semantic_eval *e)
{
    return e->ran ? dp_fail(&ctx->err, DP_EARG, "this evaluator has run already")
                  : DP_OK;
}

dp_status dp_semantic_eval_load(dp_context *ctx, dp_semantic_eval *e,
                                const char *truth_folder, const char *prediction_folder)
{
    dp_error *err = &ctx->err;
    dp_status st = refuse_after_run(ctx, e);
    if (st == DP_OK && e->truth_folder)
        st = dp_fail(err, DP_EARG, "this evaluator has a folder already");
    if (st == DP_OK)
        st = dp_strdup(err, &e->truth_folder, truth_folder);
    if (st == DP_OK)
        st = dp_strdup(err, &e->prediction_folder, prediction_folder);
    return st == DP_OK
               ? dp_semantic_pairs_load(err, &e->pairs, truth_folder, prediction_folder)
               : st;
}

dp_status dp_semantic_eval_add(dp_context *ctx, dp_semantic_eval *e,
                               const char *truth_path, const char *prediction_path)
{
    const dp_status st = refuse_after_run(ctx, e);
    return st == DP_OK ? dp_semantic_pairs_add(&ctx->err, &e->pairs, truth_path,
                                               prediction_path)
                       : st;
}

static dp_status list_notices(dp_error *err, dp_semantic_eval *e)
{
    const dp_semantic_pairs *p = &e->pairs;
    void *memory;
    dp_status st = dp_alloc(err, &memory, p->count - e->counts.images + 1,
                            sizeof *e->notices, "notices");
    e->notices = memory;
    for (size_t i = 0; st == DP_OK && i < p->count; i++)
        if (p->list[i].kind != DP_SEMANTIC_GOOD)
            e->notices[e->notice_count++] = (dp_eval_notice){
                .kind = dp_semantic_kind_name(p->list[i].kind),
                .text = p->list[i].problem,
                .file = e->truth_folder ? e->truth_folder : p->list[i].truth,
                .count = 1,
                .broken = 1};
    if (st != DP_OK || p->unpaired == 0)
        return st;
    e->stray.err = err;
    dp_text_add(&e->stray, "%s: there is no true label map for it", p->first_unpaired);
    if (p->unpaired > 1)
        dp_text_add(&e->stray, " (the first of %zu)", p->unpaired);
    e->notices[e->notice_count++] = (dp_eval_notice){.kind = "missing truth",
                                                     .text = dp_text_get(&e->stray),
                                                     .file = e->prediction_folder,
                                                     .count = p->unpaired};
    return e->stray.status;
}

dp_status dp_semantic_eval_run(dp_context *ctx, dp_semantic_eval *e)
{
    dp_error *err = &ctx->err;
    void *memory;
    dp_status st = refuse_after_run(ctx, e);
    if (st != DP_OK)
        return st;
    e->ran = true;
    st = dp_semantic_count(err, &e->counts, &e->settings, e->pairs.list, e->pairs.count,
                           ctx->pool);
    if (st == DP_OK)
        st = list_notices(err, e);
    if (st == DP_OK) {
        st = dp_alloc(err, &memory, (size_t)e->settings.classes, sizeof *e->classes,
                      "numbers of classes");
        e->classes = memory;
    }
    if (st == DP_OK)
        e->result =
            (dp_semantic_result){.counts = &e->counts,
                                 .classes = e->classes,
                                 .scores = dp_semantic_score(&e->counts, e->classes),
                                 .dataset = e->dataset.count > 0 ? &e->dataset : NULL,
                                 .pairs = e->pairs.list,
                                 .pair_count = e->pairs.count};
    return st;
}

size_t dp_semantic_eval_notice_count(const dp_semantic_eval *e)
{
    return e->notice_count;
}

dp_eval_notice dp_semantic_eval_get_notice(const dp_semantic_eval *e, size_t i)
{
    return i < e->notice_count ? e->notices[i] : (dp_eval_notice){0};
}

/* ---- numbers ------------------------------------------------------------------------- */

dp_semantic_summary dp_semantic_eval_summary(const dp_semantic_eval *e)
{
    const dp_semantic_scores *s = &e->result.scores;
    const int shift = e->classes ? dp_semantic_find_shift(&e->counts) : 0;
    const double right =
        shift ? (double)dp_semantic_count_shifted(&e->counts, shift) : 0;
    return (dp_semantic_summary){.a_acc = s->a_acc,
                                 .m_iou = s->m_iou,
                                 .m_acc = s->m_acc,
                                 .pairs = e->result.pair_count,
                                 .images = e->counts.images,
                                 .pixels = s->pixels,
                                 .unassigned = s->unassigned,
                                 .shift = shift,
                                 .a_acc_shifted =
                                     shift ? right / (double)s->pixels : s->a_acc};
}

int dp_semantic_eval_class_count(const dp_semantic_eval *e)
{
    return e->settings.classes;
}

dp_semantic_class_score dp_semantic_eval_class(dp_semantic_eval *e, int label)
{
    if (!e->classes || label < 0 || label >= e->settings.classes)
        return (dp_semantic_class_score){0};
    const dp_semantic_class *c = &e->classes[label];
    return (dp_semantic_class_score){
        .name = dp_semantic_class_name(&e->result, label, e->name),
        .value = dp_semantic_settings_value(&e->settings, label),
        .label = c->label,
        .predicted = c->pred,
        .intersect = c->intersect,
        .iou = c->iou,
        .acc = c->acc};
}

/* ---- texts and pages ------------------------------------------------------------------- */

static dp_status refuse_before_run(dp_context *ctx, const dp_semantic_eval *e)
{
    return e->classes ? DP_OK
                      : dp_fail(&ctx->err, DP_EARG, "this evaluator has not run yet");
}

/* Hand out what `add` makes of the result. */
static dp_status format(dp_context *ctx, dp_semantic_eval *e, const char **text,
                        void (*add)(dp_text *t, const dp_semantic_result *r))
{
    dp_status st = refuse_before_run(ctx, e);
    *text = "";
    dp_text_done(&e->text);
    e->text.err = &ctx->err;
    if (st == DP_OK) {
        add(&e->text, &e->result);
        st = e->text.status;
    }
    if (st == DP_OK)
        *text = dp_text_get(&e->text);
    return st;
}

static void add_text(dp_text *t, const dp_semantic_result *r)
{
    dp_semantic_add_counts(t, r);
    dp_semantic_add_tables(t, r);
}

dp_status dp_semantic_eval_format_text(dp_context *ctx, dp_semantic_eval *e,
                                       const char **text)
{
    return format(ctx, e, text, add_text);
}

dp_status dp_semantic_eval_format_json(dp_context *ctx, dp_semantic_eval *e,
                                       const char **text)
{
    return format(ctx, e, text, dp_semantic_add_json);
}

dp_status dp_semantic_eval_save_report(dp_context *ctx, dp_semantic_eval *e,
                                       const char *folder, const char *images)
{
    const dp_status st = refuse_before_run(ctx, e);
    const dp_semantic_report report = {
        &e->result, e->truth_folder ? e->truth_folder : "(single files)",
        e->prediction_folder ? e->prediction_folder : "(single files)", images};
    return st == DP_OK ? dp_semantic_report_save(&ctx->err, &report, folder) : st;
}
