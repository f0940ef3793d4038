/* coco_json.h - an evaluation as JSON: every number, all digits
 *
 * What there is no ground truth for is null.
 */
#ifndef DP_EVAL_COCO_JSON_H
#define DP_EVAL_COCO_JSON_H

#include "base/text.h"
#include "eval/coco_best.h"
#include "eval/coco_errors.h"

/* Append the object of one evaluation, without its name: stats, classes, settings, best
 * thresholds, causes of errors, confusion matrix (both of detections of at least `score`;
 * see coco_errors.h). best has category_count + 1 entries. A failure stays in t. */
void dp_coco_json_add(dp_text *t, const dp_coco_scores *scores,
                      const dp_coco_best *best, const dp_coco_errors *errors,
                      double score);

#endif
