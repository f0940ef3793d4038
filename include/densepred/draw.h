/* densepred/draw.h - results drawn over their image
 */
#ifndef DENSEPRED_DRAW_H
#define DENSEPRED_DRAW_H

#include "densepred/detect.h"
#include "densepred/segment.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Draw the objects with scores of at least score_thr on the image that they were found in:
 * masks as translucent fills, boxes, and labels with class name and score, the best on
 * top. DP_EARG when the image has another size; DP_ENOMEM. The image may be partly drawn
 * then. */
DP_API dp_status dp_image_draw_detections(dp_context *ctx, dp_image *image,
                                          const dp_model *model,
                                          const dp_detections *found, float score_thr);

/* Make a new image: `image` tinted with its classes' colours, and below it a legend of the
 * classes that occur, the largest first. It is wider than `image` where an entry needs it.
 * DP_EARG when map and image differ in size; DP_ENOMEM; *out is NULL then. */
DP_API dp_status dp_image_draw_labels(dp_context *ctx, dp_image **out,
                                      const dp_image *image, const dp_model *model,
                                      const dp_label_map *map);

/* Tint the image itself with its classes' colours, without a legend: for frames of a stream,
 * which keep their size. DP_EARG when map and image differ in size. */
DP_API dp_status dp_image_tint_labels(dp_context *ctx, dp_image *image,
                                      const dp_model *model, const dp_label_map *map);

#ifdef __cplusplus
}
#endif

#endif
