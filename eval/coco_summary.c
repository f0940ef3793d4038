#include "eval/coco_scores.h"

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
        stats[n++] = (dp_coco_stat){.value = dp_coco_scores_ar(s, -1, 0, c),
                                    .is_recall = true,
                                    .threshold = -1,
                                    .cap = set->caps[c]};
    for (int a = 1; a < set->area_count; a++)
        stats[n++] = (dp_coco_stat){.value = dp_coco_scores_ar(s, -1, a, last),
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
