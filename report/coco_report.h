/* coco_report.h - an evaluation as one page of HTML
 *
 * See report/page.h. Beside the page stands a CSV file for each evaluation, with every
 * error above the score threshold.
 */
#ifndef DP_REPORT_COCO_REPORT_H
#define DP_REPORT_COCO_REPORT_H

#include "densepred/eval.h"
#include "eval/coco_best.h"
#include "eval/coco_errors.h"
#include "eval/coco_scores.h"

/* One evaluation of the page: boxes or masks. */
typedef struct dp_coco_report_part {
    const dp_coco_scores *scores;
    const dp_coco_errors *errors;
    const dp_coco_best *best; /* [category_count + 1] */
} dp_coco_report_part;

typedef struct dp_coco_report {
    const char *truth_path, *results_path;
    const dp_eval_notice *notices;
    size_t notice_count;
    const char *images;     /* folder of the images; NULL: none are shown         */
    double score_threshold; /* of what is drawn, listed and counted as confusion  */
    int part_count;
    dp_coco_report_part parts[2];
} dp_coco_report;

/* Write `folder`/index.html and errors_bbox.csv, errors_segm.csv, making the folder when it
 * is missing. Images that cannot be read or are neither JPEG nor PNG are left out, and
 * the page says so; names that lead out of the folder of images are not followed.
 * DP_EIO, DP_ENOMEM. */
dp_status dp_coco_report_save(dp_error *err, const dp_coco_report *report,
                              const char *folder) DP_MUST_CHECK;

#endif
