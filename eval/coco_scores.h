/* coco_scores.h - precision and recall over all images, and the numbers of COCO
 *
 * -1 stands for "no ground truth" throughout, as in pycocotools.
 */
#ifndef DP_EVAL_COCO_SCORES_H
#define DP_EVAL_COCO_SCORES_H

#include "eval/coco_match.h"

/* The headline of pycocotools is at 100 detections whatever the caps are. */
enum { DP_COCO_HEADLINE_CAP = 100 };

typedef struct dp_coco_scores {
    const dp_coco_matches *matches; /* borrowed */
    size_t category_count;
    double recalls[DP_COCO_RECALLS]; /* 0, .01, ... 1 */
    int headline; /* the position of cap 100; -1 when it is not among them */
    /* positions of the caps that have precision: the last, and the headline's when that is
     * another */
    int precision_caps[2];
    int precision_count;
    double *precision; /* [category][area][precision cap][threshold][recall] */
    double *recall;    /* [category][area][cap][threshold]                   */
    size_t *first;     /* [category + 1]: in `order`                         */
    uint32_t *order;   /* entries by class, then score descending            */
} dp_coco_scores;

/* Add up. `matches` must outlive *s. DP_ENOMEM; *s is empty then. */
dp_status dp_coco_accumulate(dp_error *err, dp_coco_scores *s,
                             const dp_coco_matches *matches,
                             dp_pool *pool) DP_MUST_CHECK;

/* DP_COCO_RECALLS precisions at one place; `cap` is a position in settings->caps, the last
 * or the headline's. */
const double *dp_coco_scores_precision(const dp_coco_scores *s, size_t category,
                                       int area, int cap, int threshold);

/* The score at which each of the DP_COCO_RECALLS recalls is reached, 0 where it is not. */
void dp_coco_scores_reach(const dp_coco_scores *s, size_t category, int area, int cap,
                          int threshold, double *scores);

/* Means over what has ground truth, -1 when nothing has: over recalls, over thresholds
 * (or only `threshold` when that is not negative), and over all categories (or only
 * `category`). A cap of -1 has no ground truth. */
double dp_coco_scores_ap(const dp_coco_scores *s, int category, int area, int cap,
                         int threshold);
double dp_coco_scores_ar(const dp_coco_scores *s, int category, int area, int cap,
                         int threshold);

/* AP at one IoU, in the first area range up to the last cap; -1 also when that is none of
 * the thresholds. */
double dp_coco_scores_ap_at(const dp_coco_scores *s, int category, double iou);

/* Release. A zeroed s is allowed. */
void dp_coco_scores_done(dp_coco_scores *s);

#endif
