/* coco_errors.h - why detections are wrong, and why objects are not found
 *
 * From one matching, at its focus (IoU .5 usually, first area range). An overlap below
 * DP_COCO_FAINT is none. Crowd regions are no one's mistake and are left out. A false
 * positive is, in this order:
 *
 *   duplicate    its own class is there, and taken by a better detection
 *   wrong class  it covers an object of another class
 *   location     it overlaps an object of its class, not enough
 *   both         it overlaps an object of another class, not enough
 *   background   it overlaps nothing
 *
 * An object that no detection matches is missed because of a false positive of the wrong
 * class on it, or of a poor location, or it is simply missed. Scores below a threshold
 * can be disregarded afterwards: matching goes from the best score down, so what is above
 * the threshold is matched as if the rest were not there.
 */
#ifndef DP_EVAL_COCO_ERRORS_H
#define DP_EVAL_COCO_ERRORS_H

#include "eval/coco_match.h"

#define DP_COCO_FAINT 0.1

typedef enum dp_coco_cause {
    DP_COCO_RIGHT,   /* a true positive; an object that is found        */
    DP_COCO_IGNORED, /* counts neither way                              */
    DP_COCO_DUPLICATE,
    DP_COCO_WRONG_CLASS,
    DP_COCO_LOCATION,
    DP_COCO_BOTH,
    DP_COCO_BACKGROUND,
    DP_COCO_MISSED,
    DP_COCO_LOW_SCORE, /* an object found only below the score threshold */
    DP_COCO_CAUSES
} dp_coco_cause;

/* "duplicate", "wrong class", ... */
const char *dp_coco_cause_name(dp_coco_cause cause);

/* Of a detection. */
typedef struct dp_coco_verdict {
    dp_coco_cause cause;
    int32_t object; /* the annotation that it matches or that explains the cause; -1 */
    double iou;     /* with that                                                     */
} dp_coco_verdict;

/* Of an object. */
typedef struct dp_coco_fate {
    dp_coco_cause cause; /* RIGHT, IGNORED, WRONG_CLASS, LOCATION, MISSED             */
    int64_t entry;       /* what matches it, or explains the cause; -1                */
} dp_coco_fate;

typedef struct dp_coco_errors {
    const dp_coco_matches *matches; /* borrowed                     */
    dp_coco_verdict *verdicts;      /* [entry]                      */
    dp_coco_fate *fates;            /* [object], as matches->objects */
} dp_coco_errors;

/* How often each cause is, above a score. */
typedef struct dp_coco_tally {
    size_t detections[DP_COCO_CAUSES], objects[DP_COCO_CAUSES];
} dp_coco_tally;

/* Find the causes. `matches` must outlive *e. Errors as dp_coco_match; empty then. */
dp_status dp_coco_errors_find(dp_error *err, dp_coco_errors *e,
                              const dp_coco_matches *matches,
                              dp_pool *pool) DP_MUST_CHECK;

/* The fate of object i (a position in matches->objects) when detections below `score` are
 * disregarded. */
dp_coco_cause dp_coco_errors_fate(const dp_coco_errors *e, size_t i, double score);

/* Count the detections of at least `score`, and the objects. */
void dp_coco_errors_count(dp_coco_tally *tally, const dp_coco_errors *e, double score);

/* Fill the (K + 1) x (K + 1) confusion matrix of the detections of at least `score`:
 * rows are true classes, columns detected ones, the last of each is "none". A column
 * sums to its class's detections; the last column holds objects that are neither found
 * nor taken for another class. */
void dp_coco_errors_confusion(size_t *matrix, const dp_coco_errors *e, double score);

/* Release. A zeroed e is allowed. */
void dp_coco_errors_done(dp_coco_errors *e);

#endif
