#include "eval/coco_summary.h"
#include "report/coco_report_parts.h"
#include "report/page.h"

#include <stdio.h>

static void add_card(dp_text *t, const char *name, double value)
{
    dp_text_add(t, "<li><b>");
    dp_coco_report_add_fraction(t, value);
    dp_text_add(t, "</b>%s</li>\n", name);
}

static const char *stat_name(char name[64], const dp_coco_stat *stat,
                             const dp_coco_settings *set)
{
    char at[16] = "";
    if (stat->threshold != -1)
        snprintf(at, sizeof at, " at IoU %.2f", stat->at);
    snprintf(name, 64, "%s%s%s%s", stat->is_recall ? "AR" : "AP", at,
             stat->area > 0 ? ", " : "",
             stat->area > 0 ? set->areas[stat->area].name : "");
    return name;
}

void dp_coco_report_add_summary(dp_text *t, const dp_coco_report_part *part)
{
    const dp_coco_scores *s = part->scores;
    const dp_coco_settings *set = s->matches->settings;
    const dp_coco_best *best = &part->best[s->category_count];
    dp_coco_stat stats[DP_COCO_MAX_STATS];
    char name[64];
    const int n = dp_coco_summarize(stats, s);
    dp_text_add(t, "<ul class=\"cards\">\n");
    for (int i = 0; i < n; i++)
        if (i < 3 || !stats[i].is_recall ||
            stats[i].cap == set->caps[set->cap_count - 1])
            add_card(t, stat_name(name, &stats[i], set), stats[i].value);
    dp_text_add(t, "</ul>\n<details><summary>The lines of pycocotools</summary>\n"
                   "<div class=\"wide\"><pre>");
    dp_coco_add_summary(t, s);
    dp_text_add(t, "</pre></div>\n</details>\n");
    if (best->f1 > 0)
        dp_text_add(
            t,
            "<p>With one threshold for all classes, F1 is best, %.3f, at a score "
            "of %.3f: precision %.3f, recall %.3f (IoU %.2f).</p>\n",
            best->f1, best->score, best->precision, best->recall,
            set->thresholds[s->matches->focus]);
}

static void add_cause(dp_text *t, dp_coco_cause cause, size_t count, size_t all,
                      const char *meaning)
{
    const double share = all ? (double)count / (double)all : 0;
    dp_text_add(
        t,
        "<tr><td>%s</td><td>%zu</td><td>%.1f %%</td><td class=\"say\">"
        "<span style=\"display:inline-block;height:.7rem;width:%.1frem;"
        "background:var(--%s)\"></span> <span class=\"soft\">%s</span></td></tr>\n",
        dp_coco_cause_name(cause), count, 100 * share, 6 * share,
        cause == DP_COCO_TRUE_POSITIVE ? "green" : "red", meaning);
}

static void add_cause_table(dp_text *t, const char *caption, const size_t *counts,
                            const dp_coco_cause *causes, const char *const *meanings,
                            int n)
{
    size_t all = 0;
    for (int i = 0; i < n; i++)
        all += counts[causes[i]];
    dp_text_add(
        t,
        "<div class=\"wide\"><table>\n<caption style=\"text-align:left\">%s: %zu"
        "</caption>\n<thead><tr><th>what</th><th>number</th><th>share</th>"
        "<th style=\"text-align:left\">meaning</th></tr></thead>\n<tbody>\n",
        caption, all);
    for (int i = 0; i < n; i++)
        add_cause(t, causes[i], counts[causes[i]], all, meanings[i]);
    dp_text_add(t, "</tbody></table></div>\n");
}

void dp_coco_report_add_causes(dp_text *t, const dp_coco_report_part *part,
                               double score)
{
    static const dp_coco_cause of_detections[] = {
        DP_COCO_TRUE_POSITIVE, DP_COCO_WRONG_CLASS, DP_COCO_LOCATION,
        DP_COCO_BOTH,          DP_COCO_DUPLICATE,   DP_COCO_BACKGROUND};
    static const char *const detection_meanings[] = {
        "matches an object",
        "covers an object of another class",
        "overlaps an object of its class, not enough",
        "overlaps an object of another class, not enough",
        "its object is taken by a better one",
        "overlaps nothing annotated"};
    static const dp_coco_cause of_objects[] = {DP_COCO_TRUE_POSITIVE,
                                               DP_COCO_WRONG_CLASS, DP_COCO_LOCATION,
                                               DP_COCO_LOW_SCORE, DP_COCO_MISSED};
    static const char *const object_meanings[] = {
        "found", "taken for another class", "overlapped, not enough",
        "found, below the score threshold", "overlapped by nothing of use"};
    const dp_coco_matches *m = part->errors->matches;
    dp_coco_tally tally;
    dp_coco_errors_count(&tally, part->errors, score);
    dp_text_add(
        t,
        "<h3>Causes of errors</h3>\n<p>At IoU %.2f, for detections with a score "
        "of %.2f or more. Overlaps below %.1f count as none; crowd regions are "
        "left out. Every one is a line of <code>errors_%s.csv</code> beside this "
        "page.</p>\n",
        m->settings->thresholds[m->focus], score, DP_COCO_LEAST_OVERLAP,
        m->settings->masks ? "segm" : "bbox");
    add_cause_table(t, "Detections", tally.detections, of_detections,
                    detection_meanings, 6);
    dp_text_add(t, "<br>\n");
    add_cause_table(t, "Objects", tally.objects, of_objects, object_meanings, 5);
}

static void add_cell(dp_text *t, double value)
{
    dp_text_add(t, "<td data-v=\"%.6f\">", value);
    dp_coco_report_add_fraction(t, value);
    dp_text_add(t, "</td>");
}

/* The precision-recall curve of a class as a line without axes. */
static void add_spark(dp_text *t, const double *precision)
{
    dp_text_add(t, "<td data-v=\"0\">");
    if (precision[0] >= 0) {
        dp_text_add(
            t, "<svg width=\"64\" height=\"22\" viewBox=\"0 0 100 34\" "
               "aria-hidden=\"true\"><path class=\"axis\" d=\"M0 0V34H100\"/>"
               "<path fill=\"none\" stroke=\"var(--blue)\" stroke-width=\"3\" d=\"M");
        for (int r = 0; r < DP_COCO_RECALLS; r += 4)
            dp_text_add(t, "%s%d %.1f", r ? "L" : "", r, 2 + 30 * (1 - precision[r]));
        dp_text_add(t, "\"/></svg>");
    }
    dp_text_add(t, "</td>");
}

static void add_class(dp_text *t, const dp_coco_report_part *part, size_t k)
{
    const dp_coco_scores *s = part->scores;
    const dp_coco_matches *m = s->matches;
    const dp_coco_settings *set = m->settings;
    const int last = set->cap_count - 1, c = (int)k;
    const size_t objects = m->positives[k * (size_t)set->area_count];
    dp_text_add(t, "<tr><td data-v=\"");
    dp_page_add_escaped(t, dp_coco_class_name(m, k));
    dp_text_add(t, "\">");
    dp_page_add_escaped(t, dp_coco_class_name(m, k));
    dp_text_add(t, "%s</td><td data-v=\"%zu\">%zu</td>",
                objects ? "" : " <span class=\"soft\">n/a (no ground truth)</span>",
                objects, objects);
    add_cell(t, dp_coco_scores_ap(s, c, 0, last, -1));
    add_cell(t, dp_coco_scores_ap_at(s, c, .5));
    add_cell(t, dp_coco_scores_ap_at(s, c, .75));
    for (int a = 1; a < set->area_count; a++)
        add_cell(t, dp_coco_scores_ap(s, c, a, last, -1));
    add_cell(t, dp_coco_scores_ar(s, c, 0, last, -1));
    add_cell(t, part->best[k].f1);
    add_cell(t, part->best[k].f1 > 0 ? part->best[k].score : -1);
    add_spark(t, dp_coco_scores_precision(s, k, 0, last, m->focus));
    dp_text_add(t, "</tr>\n");
}

void dp_coco_report_add_classes(dp_text *t, const dp_coco_report_part *part)
{
    const dp_coco_matches *m = part->scores->matches;
    const dp_coco_settings *set = m->settings;
    dp_text_add(
        t,
        "<h3>Classes</h3>\n<p>F1 is the best that one threshold gives, and score "
        "is that threshold, at IoU %.2f; the curve is precision over recall there."
        "</p>\n<div class=\"wide\"><table class=\"sorts\">\n<thead><tr>"
        "<th>class</th><th>objects</th><th>AP</th><th>AP50</th><th>AP75</th>",
        set->thresholds[m->focus]);
    for (int a = 1; a < set->area_count; a++) {
        dp_text_add(t, "<th>AP ");
        dp_page_add_escaped(t, set->areas[a].name);
        dp_text_add(t, "</th>");
    }
    dp_text_add(t, "<th>AR</th><th>F1</th><th>score</th><th>curve</th></tr></thead>\n"
                   "<tbody>\n");
    for (size_t k = 0; k < part->scores->category_count; k++)
        add_class(t, part, k);
    dp_text_add(t, "</tbody></table></div>\n");
}
