/* draw.h - what a detector found, drawn over the image
 *
 * Masks as translucent fills with an outline, boxes, and on each box a filled label with
 * class name and score. Colours are the data set's; objects of one class differ in
 * shade. Letters have a legible size, from 9 to 28 pixels by the image's. Labels lie inside
 * the image, never on another label, and cover no more than a quarter of the image: where
 * there is no room the score is left out, then the label; better objects come first. The same input gives the same image,
 * but for class names that are not ASCII, whose letters come from the machine's fonts.
 */
#ifndef DP_REPORT_DRAW_H
#define DP_REPORT_DRAW_H

#include "core/pixels.h"
#include "io/data/results.h"

/* The size of letters, in pixels, that suits an image. */
double dp_draw_text_size(int h, int w);

/* Draw the detections of at least score_thr on the image they were found in, the best
 * on top. file_name and image_id are not looked at. DP_EARG when the image is not of
 * the detections' size or a class name is not UTF-8; DP_ENOMEM. The image may be partly
 * drawn then. */
dp_status dp_draw_detections(dp_error *err, dp_pixels *image,
                             const dp_found *found) DP_MUST_CHECK;

#endif
