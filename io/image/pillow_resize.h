/* pillow_resize.h - 8-bit images to another size, bit for bit as Pillow's
 *
 *   images   rows of w pixels of 3 bytes, no padding (core/pixels.h)
 *
 * Separable and anti-aliased: when a side shrinks, the filter is stretched by the same
 * factor. Weights are computed in float64, divided by their sum, and rounded to
 * 22 bits after the point; first all rows, then all columns, and between the two the
 * image is rounded to 8 bits. A side that keeps its size is copied. As in Pillow 9's
 * Image.resize; the channels do not mix, so their order does not matter.
 */
#ifndef DP_IO_IMAGE_PILLOW_RESIZE_H
#define DP_IO_IMAGE_PILLOW_RESIZE_H

#include "core/box.h"
#include "core/run.h"

#include <stdint.h>

typedef enum dp_pillow_filter {
    DP_PILLOW_BICUBIC, /* a = -0.5 */
    DP_PILLOW_BILINEAR
} dp_pillow_filter;

/* A part of an image. */
typedef struct dp_pixel_rect {
    int y, x, h, w;
} dp_pixel_rect;

/* The size of an h x w image whose short side becomes `side`: the other is side * long /
 * short, truncated (torchvision's rule). A side that does not fit an int is cut to
 * INT_MAX. h, w, side >= 1. */
dp_size dp_pillow_resize_target(int h, int w, int side);

/* out (part.h, part.w) = the part of what `in`, resized to `size`, is: only that is
 * computed. out and in do not overlap, and are not looked at in a dry run. A part that is
 * empty or not inside, or a side of `in` below 1, is recorded as DP_ESHAPE. Rows are
 * spread over r's threads; the bytes do not depend on how many there are. */
void dp_pillow_resize_run(dp_run *r, uint8_t *out, dp_pixel_rect part, dp_size size,
                          const uint8_t *in, dp_size in_size, dp_pillow_filter filter);

#endif
