#include "eval/coco_summary.h"

#include <stdio.h>

static dp_coco_stat precision_stat(const dp_coco_scores *s, int area, int cap_at,
                                   int cap, double at)
{
    dp_coco_stat stat = {.threshold = -1, .at = at, .area = area, .cap = cap};
    if (at > 0) {
        stat.threshold = dp_coco_settings_find_threshold(s->matches->settings, at);
        if (stat.threshold < 0)
            stat.threshold = -2;
    }
    stat.value = stat.threshold == -2
                     ? -1
                     : dp_coco_scores_ap(s, -1, area, cap_at, stat.threshold);
    return stat;
}

int dp_coco_summarize(dp_coco_stat *stats, const dp_coco_scores *s)
{
    const dp_coco_settings *set = s->matches->settings;
    const int last = set->cap_count - 1, cap = set->caps[last];
    int n = 0;
    stats[n++] = precision_stat(s, 0, s->headline, DP_COCO_HEADLINE_CAP, 0);
    stats[n++] = precision_stat(s, 0, last, cap, .5);
    stats[n++] = precision_stat(s, 0, last, cap, .75);
    for (int a = 1; a < set->area_count; a++)
        stats[n++] = precision_stat(s, a, last, cap, 0);
    for (int c = 0; c < set->cap_count; c++)
        stats[n++] = (dp_coco_stat){.value = dp_coco_scores_ar(s, -1, 0, c, -1),
                                    .is_recall = true,
                                    .threshold = -1,
                                    .cap = set->caps[c]};
    for (int a = 1; a < set->area_count; a++)
        stats[n++] = (dp_coco_stat){.value = dp_coco_scores_ar(s, -1, a, last, -1),
                                    .is_recall = true,
                                    .threshold = -1,
                                    .area = a,
                                    .cap = cap};
    return n;
}

void dp_coco_stat_format(char *line, size_t size, const dp_coco_stat *stat,
                         const dp_coco_settings *settings)
{
    char iou[32];
    if (stat->threshold == -1)
        snprintf(iou, sizeof iou, "%0.2f:%0.2f", settings->thresholds[0],
                 settings->thresholds[settings->threshold_count - 1]);
    else
        snprintf(iou, sizeof iou, "%0.2f", stat->at);
    snprintf(line, size, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %0.3f",
             stat->is_recall ? "Average Recall" : "Average Precision",
             stat->is_recall ? "(AR)" : "(AP)", iou, settings->areas[stat->area].name,
             stat->cap, stat->value);
}

void dp_coco_add_summary(dp_text *t, const dp_coco_scores *s)
{
    dp_coco_stat stats[DP_COCO_MAX_STATS];
    char line[160];
    const int n = dp_coco_summarize(stats, s);
    for (int i = 0; i < n; i++) {
        dp_coco_stat_format(line, sizeof line, &stats[i], s->matches->settings);
        dp_text_add(t, "%s\n", line);
    }
}

/* ---- the table of the classes ------------------------------------------------------------ */

static void add_cell(dp_text *t, double value)
{
    if (value < 0)
        dp_text_add(t, "  %5s", "n/a");
    else
        dp_text_add(t, "  %.3f", value);
}

static void add_class(dp_text *t, const dp_coco_scores *s, int k)
{
    const dp_coco_matches *m = s->matches;
    const dp_coco_settings *set = m->settings;
    const int last = set->cap_count - 1;
    dp_text_add(t, "%-24s", dp_coco_class_name(m, (size_t)k));
    if (m->positives[(size_t)k * (size_t)set->area_count] == 0) {
        dp_text_add(t, "  n/a (no ground truth)\n");
        return;
    }
    add_cell(t, dp_coco_scores_ap(s, k, 0, last, -1));
    add_cell(t, dp_coco_scores_ap_at(s, k, .5));
    add_cell(t, dp_coco_scores_ap_at(s, k, .75));
    for (int a = 1; a < set->area_count; a++)
        add_cell(t, dp_coco_scores_ap(s, k, a, last, -1));
    add_cell(t, dp_coco_scores_ar(s, k, 0, last, -1));
    dp_text_add(t, "\n");
}

void dp_coco_add_classes(dp_text *t, const dp_coco_scores *s)
{
    const dp_coco_settings *set = s->matches->settings;
    dp_text_add(t, "%-24s  %5s  %5s  %5s", "class", "AP", "AP50", "AP75");
    for (int a = 1; a < set->area_count; a++)
        dp_text_add(t, "  %5.5s", set->areas[a].name);
    dp_text_add(t, "  %5s\n", "AR");
    for (size_t k = 0; k < s->category_count; k++)
        add_class(t, s, (int)k);
}
