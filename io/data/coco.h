/* coco.h - annotations and results in COCO's format
 *
 * Read as streams: what is kept is what an evaluation needs, in a few arrays. Boxes are
 * COCO's here, x y w h in double, as written.
 *
 * Masks are kept as bytes: run lengths as COCO's compressed strings (uncompressed ones
 * are compressed), polygons as numbers. All that is kept has been checked: strings have
 * the pixels of their image, polygons have finite coordinates.
 */
#ifndef DP_IO_DATA_COCO_H
#define DP_IO_DATA_COCO_H

#include "base/id_index.h"
#include "base/pool.h"
#include "core/box.h"
#include "io/data/coco_lint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum dp_coco_mask_kind {
    DP_COCO_MASK_NONE,
    DP_COCO_MASK_RLE, /* `size` characters                                         */
    DP_COCO_MASK_POLYGONS /* doubles: per polygon its number of coordinates, then those */
} dp_coco_mask_kind;

typedef struct dp_coco_mask {
    uint64_t at;   /* byte in the payload; polygons are aligned for double */
    uint32_t size; /* bytes                                                */
    uint32_t kind; /* dp_coco_mask_kind                                    */
} dp_coco_mask;

typedef struct dp_coco_image {
    int64_t id;
    int h, w;    /* 0 when the file does not say              */
    size_t name; /* of the file: offset in the truth's names  */
} dp_coco_image;

typedef struct dp_coco_category {
    int64_t id;
    size_t name; /* offset in the truth's names */
} dp_coco_category;

typedef struct dp_coco_annotation {
    int64_t id;          /* 0 when missing                    */
    int image, category; /* positions in images, categories   */
    double box[4];
    double area; /* as annotated; w * h of the box when missing */
    dp_coco_mask mask;
    bool crowd;
} dp_coco_annotation;

typedef struct dp_coco_detection {
    double box[4]; /* as written, or the tight box of the mask                    */
    double score;
    double area; /* of the mask, or w * h of the box (see dp_coco_results_load) */
    dp_coco_mask mask;
    int image, category; /* positions in the truth */
} dp_coco_detection;

typedef struct dp_coco_truth {
    size_t image_count, category_count, annotation_count;
    dp_coco_image *images;           /* by id, ascending    */
    dp_coco_category *categories;    /* by id, ascending    */
    dp_coco_annotation *annotations; /* in the file's order */
    unsigned char *payload;          /* of masks            */
    size_t payload_size;
    char *names; /* zero-terminated, one after another; the first is "" */
    dp_id_index image_index, category_index;
    dp_coco_lint lint;
} dp_coco_truth;

typedef struct dp_coco_results {
    size_t detection_count;
    dp_coco_detection *detections; /* in the file's order */
    unsigned char *payload;
    size_t payload_size;
    size_t records; /* in the file, those left out included */
    dp_coco_lint lint;
} dp_coco_results;

/* What is asked of the files. */
typedef struct dp_coco_wish {
    bool boxes, masks; /* what will be evaluated */
} dp_coco_wish;

/* What the first record of a results file holds; both false in an empty file. DP_EIO,
 * DP_EFORMAT. */
dp_status dp_coco_results_peek(dp_error *err, dp_coco_wish *holds,
                               const char *path) DP_MUST_CHECK;

/* Read annotations: an object with "images", "categories" and "annotations", in any
 * order. Broken records are left out and noted in lint, as is what else is odd.
 * Annotations of an unknown image or category are left out too, as the reference does.
 * `pool` may be NULL. DP_EIO, DP_ENOMEM, DP_EFORMAT (not JSON, a part is missing, no
 * category); *truth is empty then. */
dp_status dp_coco_truth_load(dp_error *err, dp_coco_truth *truth, const char *path,
                             dp_coco_wish wish, dp_pool *pool) DP_MUST_CHECK;

/* Read results for that truth: an array of records. Those of an unknown category are left
 * out and noted, as the reference ignores them; of an unknown image, broken.
 *
 * The area of a detection, by which it counts as small, medium or large, follows the
 * reference: if the first record has a "bbox", areas are those of the boxes, also for
 * masks; otherwise those of the masks. Errors as above. */
dp_status dp_coco_results_load(dp_error *err, dp_coco_results *results,
                               const dp_coco_truth *truth, const char *path,
                               dp_coco_wish wish, dp_pool *pool) DP_MUST_CHECK;

/* Release. Zeroed ones are allowed. */
void dp_coco_truth_done(dp_coco_truth *truth);
void dp_coco_results_done(dp_coco_results *results);

#endif
