/* jpeg.h - JPEG files: read to pixels, written from pixels
 *
 * Reads baseline, extended and progressive JPEG of 8 bits, Huffman or (where the
 * library has it) arithmetic coded: grey, YCbCr, RGB, CMYK and YCCK. The pixels are
 * those of OpenCV's imdecode with its colour flag: libjpeg-turbo's accurate integer
 * IDCT, its triangle-filtered chroma, its YCbCr to RGB; for CMYK
 *   c' = k - ((255 - c) * k >> 8),
 * beside which Pillow's rounded c' = k - (255 - c) * k / 255 is kept for classifiers;
 * turned upright as the first Exif segment (APP1) that knows says. OpenCV 4.6 looks at
 * the first APP1 segment only, whatever is in it; later versions do as here.
 *
 * What is refused: damaged or incomplete data. libjpeg goes on after most damage, with
 * a warning, and paints what it lacks grey. Here these of its warnings refuse a file:
 *   JWRN_JPEG_EOF, JWRN_HIT_MARKER (data end early), JWRN_MUST_RESYNC (a restart
 *   marker is missing), JWRN_HUFF_BAD_CODE, JWRN_ARITH_BAD_CODE (no such code), and
 *   any that is not in the next list;
 * and these do not, because every pixel is still told:
 *   JWRN_EXTRANEOUS_DATA (bytes between the data and a marker), JWRN_ADOBE_XFORM,
 *   JWRN_JFIF_MAJOR, JWRN_NOT_SEQUENTIAL (header fields nobody needs),
 *   JWRN_BOGUS_PROGRESSION (scans repeated or out of order), JWRN_BOGUS_ICC.
 */
#ifndef DP_IO_IMAGE_JPEG_H
#define DP_IO_IMAGE_JPEG_H

#include "core/pixels.h"

#include <stddef.h>

/* Decode `size` bytes into *out, the caller's to release; `name` is for the sentence.
 * DP_EFORMAT: damaged, incomplete. DP_EUNSUPPORTED: lossless, 12-bit, an odd number of
 * components, beyond DP_MAX_IMAGE_SIDE, DP_MAX_IMAGE_PIXELS or DP_MAX_JPEG_SCANS.
 * DP_ENOMEM. *out is empty then. */
dp_status dp_jpeg_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                         const char *name) DP_MUST_CHECK;

/* Write pixels to the file at `path`, whole or not at all (base/atomic_file.h). `quality`
 * is 1 to 100 on libjpeg's scale. Colour has full resolution: thin coloured lines stay
 * sharp. DP_EARG: quality, empty pixels. DP_EIO, DP_ENOMEM. */
dp_status dp_jpeg_save(dp_error *err, const char *path, const dp_pixels *pixels,
                       int quality) DP_MUST_CHECK;

#endif
