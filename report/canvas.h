/* canvas.h - drawing with cairo on pixels, square by square
 *
 * Cairo's images have four bytes a pixel and sides of at most 32767. Here an image of
 * any size is drawn on in tiles: the same drawing is made for each, moved and clipped, so
 * the extra memory does not grow with the image.
 */
#ifndef DP_REPORT_CANVAS_H
#define DP_REPORT_CANVAS_H

#include "core/pixels.h"

#include <cairo.h>

/* Draws the whole image's drawing, in the image's pixels. Called once a tile. */
typedef void dp_canvas_fn(cairo_t *cr, void *arg);

/* Draw on the image. DP_ENOMEM; DP_EARG with cairo's reason for what it refuses, such
 * as a text that is not UTF-8. Some tiles may be drawn then. */
dp_status dp_canvas_draw(dp_error *err, dp_pixels *image, dp_canvas_fn *draw,
                         void *arg) DP_MUST_CHECK;

/* Choose letters of this size, in pixels, for a text: cairo's own, the same on every
 * machine, for plain ASCII, and else the machine's "sans-serif". */
void dp_canvas_set_font(cairo_t *cr, double size, const char *text);

/* Call fn once with an image that nobody sees: for measuring texts. Errors as above. */
dp_status dp_canvas_measure(dp_error *err, dp_canvas_fn *measure,
                            void *arg) DP_MUST_CHECK;

#endif
