/* coco_report_parts.h - the pieces of the report page; for eval/report*.c alone
 *
 * Each appends to the page. Failures stay in the text.
 */
#ifndef DP_REPORT_COCO_REPORT_PARTS_H
#define DP_REPORT_COCO_REPORT_PARTS_H

#include "base/text.h"
#include "report/coco_report.h"

/* A fraction with three digits, or the words for a negative one. */
void dp_report_add_fraction(dp_text *t, double value);

/* The name of a class under the settings. */
const char *dp_report_class_name(const dp_coco_matches *m, size_t category);

void dp_report_add_head(dp_text *t, const dp_report *report);

/* report_tables.c */
void dp_report_add_summary(dp_text *t, const dp_report_part *part);
void dp_report_add_causes(dp_text *t, const dp_report_part *part, double score);
void dp_report_add_classes(dp_text *t, const dp_report_part *part);

/* report_charts.c */
void dp_report_add_curves(dp_text *t, const dp_report_part *part);
void dp_report_add_histogram(dp_text *t, const dp_report_part *part);
void dp_report_add_confusion(dp_text *t, const dp_report_part *part, double score);

/* report_images.c */
void dp_report_add_images(dp_text *t, const dp_report *report,
                          const dp_report_part *part);

#endif
