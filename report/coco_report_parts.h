/* coco_report_parts.h - the pieces of the report page; for report/coco_report*.c alone
 *
 * Each appends to the page. Failures stay in the text.
 */
#ifndef DP_REPORT_COCO_REPORT_PARTS_H
#define DP_REPORT_COCO_REPORT_PARTS_H

#include "base/text.h"
#include "report/coco_report.h"

/* A fraction with three digits, or the words for a negative one. */
void dp_coco_report_add_fraction(dp_text *t, double value);

void dp_coco_report_add_head(dp_text *t, const dp_coco_report *report);

/* coco_report_tables.c */
void dp_coco_report_add_summary(dp_text *t, const dp_coco_report_part *part);
void dp_coco_report_add_causes(dp_text *t, const dp_coco_report_part *part,
                               double score);
void dp_coco_report_add_classes(dp_text *t, const dp_coco_report_part *part);

/* coco_report_charts.c */
void dp_coco_report_add_curves(dp_text *t, const dp_coco_report_part *part);
void dp_coco_report_add_histogram(dp_text *t, const dp_coco_report_part *part);
void dp_coco_report_add_confusion(dp_text *t, const dp_coco_report_part *part,
                                  double score);

/* coco_report_images.c */
void dp_coco_report_add_images(dp_text *t, const dp_coco_report *report,
                               const dp_coco_report_part *part);

#endif
