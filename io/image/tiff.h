/* tiff.h - the first image of a TIFF file, by libtiff
 *
 * Reads strips and tiles, in every compression that libtiff was built with. Grey has 1, 2, 4,
 * 8 or 16 bits, a palette 1 to 8. RGB has 8 or 16 bits, with samples together or in planes.
 * YCbCr is read in JPEG compression. Of 16 bits the high byte is kept.
 *
 * The pixels are Pillow's but in one thing: Pillow cuts grey of 16 bits at 255, and leaves it
 * as it is where white is 0. That is kept beside for classifiers (dp_pixels.pillow). Alpha is
 * dropped; colours that were multiplied with it are divided again where samples are together.
 * The orientation is applied, as Pillow and OpenCV both do; dp_pixels.turned stays 0.
 * Source: TIFF 6.0.
 */
#ifndef DP_IO_IMAGE_TIFF_H
#define DP_IO_IMAGE_TIFF_H

#include "core/pixels.h"

#include <stddef.h>

/* Decode `size` bytes into *out, the caller's to release; `name` is for the sentence.
 * DP_EFORMAT: damaged, incomplete. DP_EUNSUPPORTED: another kind of samples or compression,
 * or beyond DP_MAX_IMAGE_SIDE, DP_MAX_IMAGE_PIXELS, or DP_MAX_IMAGE_BYTES of a strip or tile.
 * DP_ENOMEM. *out is empty then. */
dp_status dp_tiff_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                         const char *name) DP_MUST_CHECK;

#endif
