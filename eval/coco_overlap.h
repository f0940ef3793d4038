/* coco_overlap.h - IoU of detections with the objects of one image
 *
 * With the memory of one worker, whose size is planned before: computing allocates
 * nothing.
 */
#ifndef DP_EVAL_COCO_OVERLAP_H
#define DP_EVAL_COCO_OVERLAP_H

#include "core/rle.h"
#include "io/data/coco.h"

/* The most that is needed for any image. Zero-initialise it. */
typedef struct dp_coco_overlap_size {
    size_t objects; /* at once                                         */
    size_t runs;    /* of all their masks                              */
    size_t one;     /* runs of one mask, of object or detection        */
    size_t width;   /* of an image                                     */
} dp_coco_overlap_size;

typedef struct dp_coco_overlap {
    const dp_coco_truth *truth;
    const dp_coco_results *results;
    bool masks;
    size_t count;            /* objects                                 */
    const uint32_t *objects; /* annotations; borrowed                   */

    /* with masks: each object's mask, area and tight box; memory of runs */
    dp_rle *rle;
    uint64_t *area;
    dp_box *tight;
    uint32_t *runs, *part, *scratch, *merged, *columns;

    /* the detection that is compared, and with masks its mask, area and tight box */
    const dp_coco_detection *detection;
    dp_rle own;
    uint64_t own_area;
    dp_box own_tight;
} dp_coco_overlap;

/* Widen *size to what `count` objects at once need. DP_EUNSUPPORTED: a polygon, or all
 * of them, would have more runs than DP_MAX_POLYGON_RUNS. */
dp_status dp_coco_overlap_plan_objects(dp_error *err, dp_coco_overlap_size *size,
                                       const dp_coco_truth *truth,
                                       const uint32_t *objects, size_t count,
                                       bool masks) DP_MUST_CHECK;

/* The same for one detection. */
dp_status dp_coco_overlap_plan_detection(dp_error *err, dp_coco_overlap_size *size,
                                         const dp_coco_truth *truth,
                                         const dp_coco_results *results,
                                         const dp_coco_detection *detection,
                                         bool masks) DP_MUST_CHECK;

/* Make the memory. truth and results are borrowed. DP_ENOMEM; *o is empty then. */
dp_status dp_coco_overlap_init(dp_error *err, dp_coco_overlap *o,
                               const dp_coco_overlap_size *size,
                               const dp_coco_truth *truth,
                               const dp_coco_results *results,
                               bool masks) DP_MUST_CHECK;
void dp_coco_overlap_done(dp_coco_overlap *o);

/* Take `count` annotations of one image as objects; the list is borrowed. */
void dp_coco_overlap_set_objects(dp_coco_overlap *o, const uint32_t *objects,
                                 size_t count);

/* Take a detection of the same image, which is borrowed. */
void dp_coco_overlap_set_detection(dp_coco_overlap *o, const dp_coco_detection *d);

/* The detection's IoU with object i, as pycocotools computes it. `as_crowd`: the intersection
 * is divided by the detection's area, as for crowd regions. */
double dp_coco_overlap_iou(const dp_coco_overlap *o, size_t i, bool as_crowd);

#endif
