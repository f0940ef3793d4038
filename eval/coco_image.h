/* coco_image.h - the objects of one image, and how much a detection overlaps each
 *
 * The scratch memory of one worker: its sizes are measured before, so that working
 * allocates nothing.
 */
#ifndef DP_EVAL_COCO_IMAGE_H
#define DP_EVAL_COCO_IMAGE_H

#include "core/rle.h"
#include "io/data/coco.h"

/* The most that a scene must hold. */
typedef struct dp_coco_extent {
    size_t objects; /* at once                                         */
    size_t runs;    /* of all their masks                              */
    size_t one;     /* runs of one mask, of object or detection        */
    size_t width;   /* of an image                                     */
} dp_coco_extent;

typedef struct dp_coco_scene {
    const dp_coco_truth *truth;
    const dp_coco_results *results;
    bool masks;
    size_t count;            /* objects                                 */
    const uint32_t *objects; /* annotations; borrowed                   */

    dp_rle *rle; /* of objects, when masks          */
    uint64_t *area;
    dp_box *tight;
    uint32_t *runs, *part, *scratch, *merged, *columns;

    const dp_coco_detection *detection; /* the one that is compared                */
    dp_rle own;                         /* its mask, its area, its tight box       */
    uint64_t own_area;
    dp_box own_tight;
} dp_coco_scene;

/* Widen extent to what `count` objects at once need. DP_EUNSUPPORTED: a polygon, or all
 * of them, would have more runs than DP_MAX_POLYGON_RUNS. */
dp_status dp_coco_extent_add_objects(dp_error *err, dp_coco_extent *extent,
                                     const dp_coco_truth *truth,
                                     const uint32_t *objects, size_t count,
                                     bool masks) DP_MUST_CHECK;

/* The same for one detection. */
dp_status dp_coco_extent_add_detection(dp_error *err, dp_coco_extent *extent,
                                       const dp_coco_truth *truth,
                                       const dp_coco_results *results,
                                       const dp_coco_detection *detection,
                                       bool masks) DP_MUST_CHECK;

/* Make the memory. truth and results are borrowed. On failure the scene is empty. */
dp_status dp_coco_scene_init(dp_error *err, dp_coco_scene *scene,
                             const dp_coco_extent *extent, const dp_coco_truth *truth,
                             const dp_coco_results *results, bool masks) DP_MUST_CHECK;
void dp_coco_scene_done(dp_coco_scene *scene);

/* Have `count` annotations of one image as objects. */
void dp_coco_scene_set_objects(dp_coco_scene *scene, const uint32_t *objects,
                               size_t count);

/* Have a detection of the same image to compare. */
void dp_coco_scene_set_detection(dp_coco_scene *scene, const dp_coco_detection *d);

/* The detection's IoU with object i, as the reference computes it: crowd regions by the
 * detection's area; `as_crowd` overrides whether the object is one. */
double dp_coco_scene_iou(const dp_coco_scene *scene, size_t i, bool as_crowd);

#endif
