/* coco_best.h - the score threshold at which F1 is best
 */
#ifndef DP_EVAL_COCO_BEST_H
#define DP_EVAL_COCO_BEST_H

#include "eval/coco_scores.h"

/* When detections of at least `score` are kept. f1 is -1 without ground truth; score is 1
 * and the others 0 when nothing is found at any threshold. */
typedef struct dp_coco_best {
    double score, precision, recall, f1;
} dp_coco_best;

/* Fill best[0..category_count] at the focus (IoU .5 usually), in the first area range and
 * up to the last cap: a class each, and last all classes together (one threshold for
 * all). Among equal F1 the highest score. DP_ENOMEM. */
dp_status dp_coco_best_find(dp_error *err, dp_coco_best *best,
                            const dp_coco_scores *scores) DP_MUST_CHECK;

#endif
