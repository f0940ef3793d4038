/* semantic_report.h - an evaluation of label maps as one page of HTML
 */
#ifndef DP_REPORT_SEMANTIC_REPORT_H
#define DP_REPORT_SEMANTIC_REPORT_H

#include "eval/semantic_text.h"

typedef struct dp_semantic_report {
    const dp_semantic_result *result;
    const char *truth_path, *prediction_path; /* folders, for the head */
    const char *images; /* folder of the photos; NULL: none are shown */
} dp_semantic_report;

/* Write `folder`/index.html, making the folder when it is missing. The page holds the means,
 * a bar for each class, the confusion matrix, and the images with the fewest pixels right.
 * Those are shown as photo, truth and prediction, in the colours of the data set. DP_EIO,
 * DP_ENOMEM. */
dp_status dp_semantic_report_save(dp_error *err, const dp_semantic_report *page,
                                  const char *folder) DP_MUST_CHECK;

#endif
