/* densepred/detect.h - object detection and instance segmentation
 */
#ifndef DENSEPRED_DETECT_H
#define DENSEPRED_DETECT_H

#include "densepred/image.h"
#include "densepred/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_detections dp_detections; /* what a detector found */

typedef struct dp_object {
    float x1, y1, x2, y2; /* box; x2 and y2 exclusive   */
    float score;          /* 0 to 1                     */
    int label;            /* class index                */
} dp_object;

/* An empty list. */
DP_API dp_status dp_detections_new(dp_context *ctx, dp_detections **out);
DP_API void dp_detections_free(dp_detections *found);

/* Find the objects of one image. `found` is emptied first and filled in order of falling
 * score; reusing it saves allocations. DP_EARG for a model of another task; DP_ENOMEM,
 * DP_ESHAPE. On failure `found` is empty. */
DP_API dp_status dp_detect(dp_context *ctx, const dp_model *model,
                           const dp_image *image, dp_detections *found);

/* How to detect, and what to keep. Zero-initialise, then set what you want. */
typedef struct dp_detect_options {
    int boxes_only; /* not 0: no masks are made */

    /* For images that are very large, or whose objects are very small. An image with a
     * side above `tile` pixels is cut into square windows of that side. Neighbours share
     * `overlap` of a side, 0 to 0.9; 0.2 is usual. Objects seen twice count once, and
     * parts of an object that was cut are united. 0: whole images. */
    int tile;
    float overlap;

    /* Keep scores from here on, also below the config's threshold. 0: as the config says. */
    float score_thr;

    /* Keep so many, the best, also more than the config's limit; at most 10000. 0: as the
     * config says. */
    size_t most;

    /* Keep the classes among these `label_count` indices. NULL: all classes. */
    const int *labels;
    size_t label_count;
} dp_detect_options;

/* dp_detect with options; NULL: defaults. DP_EARG too for an option out of range. */
DP_API dp_status dp_detect_with(dp_context *ctx, const dp_model *model,
                                const dp_image *image, const dp_detect_options *options,
                                dp_detections *found);

/* The size of the image that `found` is of; 0 x 0 before the first. */
DP_API int dp_detections_height(const dp_detections *found);
DP_API int dp_detections_width(const dp_detections *found);

DP_API size_t dp_detections_count(const dp_detections *found);

/* Object i of count; all zero for another i. */
DP_API dp_object dp_detections_get(const dp_detections *found, size_t i);

/* Keep the objects i with keep[i] not 0, in order; `keep` has one value an object. */
DP_API void dp_detections_keep(dp_detections *found, const uint8_t *keep);

/* Write the mask of object i to height x width bytes (of the image), row by row, 0 or 1;
 * all 0 when the model makes no masks. */
DP_API void dp_detections_copy_mask(const dp_detections *found, size_t i,
                                    uint8_t *mask);

/* The mask of object i as COCO's compressed run-length string, zero-terminated, in text of
 * `room` bytes. Returns the bytes needed with the terminator; nothing is written when that
 * is more than room. 0 when there is no mask. */
DP_API size_t dp_detections_format_rle(const dp_detections *found, size_t i, char *text,
                                       size_t room);

#ifdef __cplusplus
}
#endif

#endif
