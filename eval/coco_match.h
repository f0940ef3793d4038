/* coco_match.h - which detection finds which object, by the rules of COCO
 *
 * Detections of one image and class are matched in the order of their scores, equals as in
 * the file. Each takes the free object of the highest IoU that reaches the threshold.
 * Ignored objects (crowd regions, areas out of range) are taken only when no other is left.
 * A match with an ignored object counts neither for nor against the detection. Nor does a
 * detection without a match whose area is out of range.
 *
 * The matches are the base of everything else: average precision and recall, curves, best
 * thresholds, the confusion matrix and the causes of errors.
 */
#ifndef DP_EVAL_COCO_MATCH_H
#define DP_EVAL_COCO_MATCH_H

#include "eval/coco_overlap.h"
#include "eval/coco_settings.h"
#include "io/data/coco.h"

/* A detection that takes part, in the order image, class, rank. */
typedef struct dp_coco_entry {
    uint32_t detection; /* in the results                                        */
    int32_t rank;       /* among those of its image and class, from 0            */
    int32_t category;   /* in the truth; 0 for all without use_categories        */
    int32_t partner;    /* the annotation it matches at the focus, -1 none       */
} dp_coco_entry;

/* A bit per threshold. */
typedef struct dp_coco_outcome {
    uint64_t matched; /* an object was found                         */
    uint64_t ignored; /* counts neither way, found or not            */
} dp_coco_outcome;

typedef struct dp_coco_matches {
    const dp_coco_truth *truth; /* borrowed */
    const dp_coco_results *results;
    const dp_coco_settings *settings;
    /* the position of the threshold .5, or 0 without it: where partners are noted, in the
     * first area range */
    int focus;
    size_t category_count; /* classes: the truth's, or 1 */
    size_t entry_count;
    dp_coco_entry *entries;
    dp_coco_outcome *outcomes; /* [entry][area]; of ranks below the last cap        */
    size_t *first_entry;       /* [image + 1]: entries of image i start here        */
    size_t object_count;
    uint32_t *objects;    /* annotations that take part, by image, class, file order */
    size_t *first_object; /* [image + 1]                                             */
    size_t *positives;    /* [category][area]: objects that are not ignored          */
} dp_coco_matches;

/* Match. truth, results and settings must outlive *m. `pool` may be NULL; the result does
 * not depend on it. DP_ENOMEM, DP_EUNSUPPORTED (masks too complicated); *m is empty
 * then. */
dp_status dp_coco_match(dp_error *err, dp_coco_matches *m, const dp_coco_truth *truth,
                        const dp_coco_results *results,
                        const dp_coco_settings *settings, dp_pool *pool) DP_MUST_CHECK;

/* Whether an object is ignored in an area range: a crowd region, or out of range. */
bool dp_coco_object_is_ignored(const dp_coco_annotation *a, const dp_coco_area *area);

/* The class of an annotation or detection under the settings. */
int dp_coco_class_of(const dp_coco_matches *m, int category);

/* The name of a class under the settings: "all" when they are one. */
const char *dp_coco_class_name(const dp_coco_matches *m, size_t category);

/* Plan the memory for all objects of any image, and any detection that takes part. Errors as dp_coco_overlap_plan_objects. */
dp_status dp_coco_matches_measure(dp_error *err, const dp_coco_matches *m,
                                  dp_coco_overlap_size *size) DP_MUST_CHECK;

/* Release. A zeroed m is allowed. */
void dp_coco_matches_done(dp_coco_matches *m);

#endif
