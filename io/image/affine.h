/* affine.h - 8-bit images moved by an affine map, bit for bit as Pillow's transform
 *
 *   images   rows of w pixels of 3 bytes, no padding (core/pixels.h)
 *
 * As Pillow 9's Image.transform(size, AFFINE) and Image.rotate. The channels do not mix.
 * Pure functions, for any thread.
 */
#ifndef DP_IO_IMAGE_AFFINE_H
#define DP_IO_IMAGE_AFFINE_H

#include "core/box.h"

#include <stdint.h>

typedef enum dp_affine_filter {
    DP_AFFINE_BILINEAR,
    DP_AFFINE_BICUBIC
} dp_affine_filter;

/* Where an output pixel is read: u = m[0] (x + 1/2) + m[1] (y + 1/2) + m[2] across and
 * v = m[3] (x + 1/2) + m[4] (y + 1/2) + m[5] down, in double. */
typedef struct dp_affine {
    double m[6];
} dp_affine;

/* A turn by so many degrees, counter-clockwise, around the middle of the image. Sine and
 * cosine are rounded to 15 decimals. Pillow moves pixels whole when the angle is 180, or
 * 90 or 270 of a square; this does not. */
dp_affine dp_affine_rotation(dp_size size, double degrees);

/* out = in moved; both have this size and do not overlap. A pixel that is read outside
 * [0, w) x [0, h) gets the colour `fill`, in the image's order of channels. Columns and
 * rows of the filter are clamped to the image. The cubic has a = -1, and not the -1/2
 * of pillow_resize.h. Results are truncated to 8 bits, those of the cubic clamped. */
void dp_affine_run(uint8_t *out, const uint8_t *in, dp_size size, const dp_affine *map,
                   dp_affine_filter filter, const uint8_t fill[3]);

#endif
