#include "eval/coco_json.h"

#include "base/memory.h"
#include "eval/coco_summary.h"

#include <string.h>

/* A number, or null for one below zero. */
static void add_number(dp_text *t, double value)
{
    if (value < 0)
        dp_text_add(t, "null");
    else
        dp_text_add_double(t, value);
}

/* Item i of a list. */
static void add_item(dp_text *t, int i, double value)
{
    dp_text_add(t, "%s", i ? ", " : "");
    add_number(t, value);
}

static void add_member(dp_text *t, const char *key, double value)
{
    dp_text_add(t, ", \"%s\": ", key);
    add_number(t, value);
}

static void add_settings(dp_text *t, const dp_coco_matches *m)
{
    const dp_coco_settings *s = m->settings;
    dp_text_add(t,
                "\"settings\": {\"type\": \"%s\", \"use_categories\": %s, \"iou\": [",
                s->masks ? "segm" : "bbox", s->use_categories ? "true" : "false");
    for (int i = 0; i < s->threshold_count; i++)
        add_item(t, i, s->thresholds[i]);
    dp_text_add(t, "], \"max_dets\": [");
    for (int i = 0; i < s->cap_count; i++)
        dp_text_add(t, "%s%d", i ? ", " : "", s->caps[i]);
    dp_text_add(t, "], \"areas\": [");
    for (int i = 0; i < s->area_count; i++) {
        dp_text_add(t, "%s{\"name\": ", i ? ", " : "");
        dp_text_add_quoted(t, s->areas[i].name);
        dp_text_add(t, ", \"low\": ");
        dp_text_add_double(t, s->areas[i].low);
        dp_text_add(t, ", \"high\": ");
        dp_text_add_double(t, s->areas[i].high);
        dp_text_add(t, "}");
    }
    dp_text_add(t, "], \"objects\": %zu, \"detections\": %zu}", m->object_count,
                m->entry_count);
}

/* AP in the area range of a name; -1 when there is none. */
static double ap_in(const dp_coco_scores *s, int k, const char *name)
{
    const dp_coco_settings *set = s->matches->settings;
    for (int a = 0; a < set->area_count; a++)
        if (strcmp(set->areas[a].name, name) == 0)
            return dp_coco_scores_ap(s, k, a, set->cap_count - 1, -1);
    return -1;
}

static void add_class(dp_text *t, const dp_coco_scores *s, const dp_coco_best *best,
                      int k)
{
    const dp_coco_matches *m = s->matches;
    const dp_coco_settings *set = m->settings;
    const int last = set->cap_count - 1;
    dp_text_add(t, "{\"id\": %lld, \"name\": ",
                set->use_categories ? (long long)m->truth->categories[k].id : -1);
    dp_text_add_quoted(t, dp_coco_class_name(m, (size_t)k));
    dp_text_add(t, ", \"objects\": %zu",
                m->positives[(size_t)k * (size_t)set->area_count]);
    add_member(t, "AP", dp_coco_scores_ap(s, k, 0, last, -1));
    add_member(t, "AP50", dp_coco_scores_ap_at(s, k, .5));
    add_member(t, "AP75", dp_coco_scores_ap_at(s, k, .75));
    add_member(t, "APs", ap_in(s, k, "small"));
    add_member(t, "APm", ap_in(s, k, "medium"));
    add_member(t, "APl", ap_in(s, k, "large"));
    add_member(t, "AR", dp_coco_scores_ar(s, k, 0, last, -1));
    add_member(t, "F1", best->f1);
    add_member(t, "F1_score", best->f1 > 0 ? best->score : -1);
    dp_text_add(t, ", \"AR_by_max_dets\": [");
    for (int c = 0; c < set->cap_count; c++)
        add_item(t, c, dp_coco_scores_ar(s, k, 0, c, -1));
    dp_text_add(t, "], \"AP_by_area\": [");
    for (int a = 0; a < set->area_count; a++)
        add_item(t, a, dp_coco_scores_ap(s, k, a, last, -1));
    dp_text_add(t, "], \"AP_by_iou\": [");
    for (int i = 0; i < set->threshold_count; i++)
        add_item(t, i, dp_coco_scores_ap(s, k, 0, last, i));
    /* The curve at the focus; the recalls are 0, .01, ... 1. */
    const double *p = dp_coco_scores_precision(s, (size_t)k, 0, last, m->focus);
    dp_text_add(t, "], \"precision\": %s", p[0] >= 0 ? "[" : "null}");
    for (int r = 0; p[0] >= 0 && r < DP_COCO_RECALLS; r++)
        add_item(t, r, p[r]);
    dp_text_add(t, p[0] >= 0 ? "]}" : "");
}

/* What one threshold for all classes gives. */
static void add_best(dp_text *t, const dp_coco_best *best)
{
    dp_text_add(t, ",\n \"best\": {\"score\": ");
    add_number(t, best->f1 > 0 ? best->score : -1);
    add_member(t, "precision", best->f1 > 0 ? best->precision : -1);
    add_member(t, "recall", best->f1 > 0 ? best->recall : -1);
    add_member(t, "F1", best->f1);
    dp_text_add(t, "}");
}

static void add_counts(dp_text *t, const char *name, const size_t *counts)
{
    dp_text_add(t, ", \"%s\": {", name);
    for (int i = 0; i < DP_COCO_CAUSES; i++)
        dp_text_add(t, "%s\"%s\": %zu", i ? ", " : "",
                    dp_coco_cause_name((dp_coco_cause)i), counts[i]);
    dp_text_add(t, "}");
}

/* Rows are objects, columns what they are taken for; the last of each is none. */
static void add_confusion(dp_text *t, const dp_coco_errors *errors, double score)
{
    const size_t side = errors->matches->category_count + 1;
    void *memory;
    size_t cells;
    if (t->status != DP_OK || !dp_mul_size(&cells, side, side))
        return;
    t->status = dp_alloc(t->err, &memory, cells, sizeof(size_t), "a confusion matrix");
    if (t->status != DP_OK)
        return;
    const size_t *matrix = memory;
    dp_coco_errors_confusion(memory, errors, score);
    dp_text_add(t, ",\n \"confusion\": [");
    for (size_t i = 0; i < cells; i++)
        dp_text_add(t, "%s%zu%s",
                    i % side ? ","
                    : i      ? ",\n  ["
                             : "\n  [",
                    matrix[i], i % side == side - 1 ? "]" : "");
    dp_text_add(t, "]");
    dp_free(memory);
}

static void add_errors(dp_text *t, const dp_coco_errors *errors, double score)
{
    const dp_coco_matches *m = errors->matches;
    dp_coco_tally tally;
    dp_coco_errors_count(&tally, errors, score);
    dp_text_add(t, ",\n \"errors\": {\"iou\": ");
    dp_text_add_double(t, m->settings->thresholds[m->focus]);
    dp_text_add(t, ", \"score\": ");
    dp_text_add_double(t, score);
    add_counts(t, "detections", tally.detections);
    add_counts(t, "objects", tally.objects);
    dp_text_add(t, "}");
}

void dp_coco_json_add(dp_text *t, const dp_coco_scores *s, const dp_coco_best *best,
                      const dp_coco_errors *errors, double score)
{
    dp_coco_stat stats[DP_COCO_MAX_STATS];
    const int n = dp_coco_summarize(stats, s);
    dp_text_add(t, "{\"stats\": [");
    for (int i = 0; i < n; i++)
        add_item(t, i, stats[i].value);
    /* The headline's AP at whatever the last cap is. */
    dp_text_add(t, "]");
    add_member(t, "AP",
               dp_coco_scores_ap(s, -1, 0, s->matches->settings->cap_count - 1, -1));
    dp_text_add(t, ",\n \"classes\": [");
    for (size_t k = 0; k < s->category_count; k++) {
        dp_text_add(t, "%s\n  ", k ? "," : "");
        add_class(t, s, &best[k], (int)k);
    }
    dp_text_add(t, "],\n ");
    add_settings(t, s->matches);
    add_best(t, &best[s->category_count]);
    add_errors(t, errors, score);
    add_confusion(t, errors, score);
    dp_text_add(t, "}");
}
