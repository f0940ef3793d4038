/* draw_labels.h - a label map over its image, with a legend
 *
 * Every pixel is tinted with its class's colour, and borders between classes are darkened.
 * A strip below names the ten largest classes, the largest first, with their shares of
 * the image, and the share of all others together. Letters as in report/draw.h.
 */
#ifndef DP_REPORT_DRAW_LABELS_H
#define DP_REPORT_DRAW_LABELS_H

#include "core/dataset.h"
#include "core/label_map.h"
#include "core/pixels.h"

/* Make *out, the caller's to release: the image tinted, with the legend below, and
 * wider than the image where an entry needs it. Labels beyond the data set's classes
 * are not tinted nor named. Where image and legend together would exceed the limits of
 * images, the legend is left out. DP_EARG when image and map differ in size or a name
 * is not UTF-8; DP_ENOMEM. *out is empty then. */
dp_status dp_draw_labels(dp_error *err, dp_pixels *out, const dp_pixels *image,
                         const dp_label_map *labels,
                         const dp_dataset *dataset) DP_MUST_CHECK;

/* Tint the image itself, without a legend. DP_EARG when image and map differ in size. */
dp_status dp_draw_tint(dp_error *err, dp_pixels *image, const dp_label_map *labels,
                       const dp_dataset *dataset) DP_MUST_CHECK;

#endif
