/* coco_summary.h - the lines that pycocotools prints, and a table of the classes
 */
#ifndef DP_EVAL_COCO_SUMMARY_H
#define DP_EVAL_COCO_SUMMARY_H

#include "base/text.h"
#include "eval/coco_scores.h"

/* A line of the summary: twelve with three caps and four areas. */
typedef struct dp_coco_stat {
    double value;
    bool is_recall;
    int threshold; /* position; -1: all of them; -2: `at` is not among them */
    double at;     /* of the threshold                                      */
    int area;      /* position                                              */
    int cap;       /* detections                                            */
} dp_coco_stat;

/* The most lines there can be. */
enum {
    DP_COCO_MAX_STATS = 3 + DP_COCO_MAX_AREAS + DP_COCO_MAX_CAPS + DP_COCO_MAX_AREAS
};

/* Fill stats, which has room for DP_COCO_MAX_STATS, and return their number. */
int dp_coco_summarize(dp_coco_stat *stats, const dp_coco_scores *s);

/* The line of a stat as pycocotools prints it, without the line's end. */
void dp_coco_stat_format(char *line, size_t size, const dp_coco_stat *stat,
                         const dp_coco_settings *settings);

/* Append all lines. Failures stay in the text. */
void dp_coco_add_summary(dp_text *t, const dp_coco_scores *s);

/* Append a table: AP, AP at IoU .5 and .75 and in each area, and AR of every class. */
void dp_coco_add_classes(dp_text *t, const dp_coco_scores *s);

#endif
