/* coco_errors.h - why detections are wrong, and why objects are not found
 *
 * From one matching, at its focus (IoU .5 usually, first area range). An IoU below
 * DP_COCO_LEAST_OVERLAP is no overlap. Crowd regions are left out. The cause of a false
 * positive is the first of these that holds:
 *
 *     duplicate    IoU with an object of its class is enough, which another one matches
 *     wrong class  IoU with an object of another class is enough
 *     location     it overlaps an object of its class
 *     both         it overlaps an object of another class
 *     background   it overlaps nothing
 *
 * An object without a match is covered by a false positive of another class, or overlapped
 * by one of its own class, or missed.
 *
 * A score threshold can be applied afterwards. Matching goes from the best score down, so
 * detections above the threshold match as if the others were not there.
 */
#ifndef DP_EVAL_COCO_ERRORS_H
#define DP_EVAL_COCO_ERRORS_H

#include "eval/coco_match.h"

#define DP_COCO_LEAST_OVERLAP 0.1

typedef enum dp_coco_cause {
    DP_COCO_TRUE_POSITIVE, /* the detection matches an object; the object is matched */
    DP_COCO_IGNORED,       /* counts neither way                                     */
    DP_COCO_DUPLICATE,
    DP_COCO_WRONG_CLASS,
    DP_COCO_LOCATION,
    DP_COCO_BOTH,
    DP_COCO_BACKGROUND,
    DP_COCO_MISSED,
    DP_COCO_LOW_SCORE, /* an object that is matched only below the score threshold */
    DP_COCO_CAUSES
} dp_coco_cause;

/* "duplicate", "wrong class", ...; "right" for true positives, as in the JSON. */
const char *dp_coco_cause_name(dp_coco_cause cause);

/* The cause of a detection. */
typedef struct dp_coco_detection_cause {
    dp_coco_cause cause;
    int32_t object; /* the annotation that it matches or that explains the cause; -1 */
    double iou;     /* with that                                                     */
} dp_coco_detection_cause;

/* The cause of an object. */
typedef struct dp_coco_object_cause {
    dp_coco_cause cause; /* TRUE_POSITIVE, IGNORED, WRONG_CLASS, LOCATION, MISSED */
    int64_t entry;       /* what matches it, or explains the cause; -1            */
} dp_coco_object_cause;

typedef struct dp_coco_errors {
    const dp_coco_matches *matches;      /* borrowed                     */
    dp_coco_detection_cause *detections; /* [entry]                      */
    dp_coco_object_cause *objects;       /* [object], as matches->objects */
} dp_coco_errors;

/* How often each cause is, above a score. */
typedef struct dp_coco_tally {
    size_t detections[DP_COCO_CAUSES], objects[DP_COCO_CAUSES];
} dp_coco_tally;

/* Find the causes. `matches` must outlive *e. Errors as dp_coco_match; empty then. */
dp_status dp_coco_errors_find(dp_error *err, dp_coco_errors *e,
                              const dp_coco_matches *matches,
                              dp_pool *pool) DP_MUST_CHECK;

/* The cause of object i (a position in matches->objects) when detections below `score` are
 * disregarded. */
dp_coco_cause dp_coco_errors_object_cause(const dp_coco_errors *e, size_t i,
                                          double score);

/* Count the detections of at least `score`, and the objects. */
void dp_coco_errors_count(dp_coco_tally *tally, const dp_coco_errors *e, double score);

/* Fill the (K + 1) x (K + 1) confusion matrix of the detections of at least `score`:
 * rows are true classes, columns detected ones, the last of each is "none". A column
 * sums to its class's detections. The last column holds objects that are neither matched
 * nor detected as another class. */
void dp_coco_errors_confusion(size_t *matrix, const dp_coco_errors *e, double score);

/* Release. A zeroed e is allowed. */
void dp_coco_errors_done(dp_coco_errors *e);

#endif
