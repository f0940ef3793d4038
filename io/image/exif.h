/* exif.h - which way up an image is
 *
 * Source: Exif 2.3, the TIFF header and tag 0x0112 of its first directory.
 */
#ifndef DP_IO_IMAGE_EXIF_H
#define DP_IO_IMAGE_EXIF_H

#include "core/pixels.h"

#include <stddef.h>

/* How a stored image is turned to stand upright. */
enum {
    DP_EXIF_NONE = 0, /* no orientation is told; as 1 */
    DP_EXIF_UPRIGHT = 1,
    DP_EXIF_MIRROR = 2, /* left and right exchanged                          */
    DP_EXIF_HALF_TURN = 3,
    DP_EXIF_FLIP = 4,         /* top and bottom exchanged                          */
    DP_EXIF_TRANSPOSE = 5,    /* rows become columns                               */
    DP_EXIF_QUARTER_TURN = 6, /* clockwise                                         */
    DP_EXIF_TRANSVERSE = 7,   /* transposed about the other diagonal               */
    DP_EXIF_BACK_TURN = 8     /* a quarter turn anticlockwise                      */
};

/* The orientation told by `size` bytes that start with a TIFF header (what follows
 * "Exif\0\0" in a JPEG; the eXIf chunk of a PNG), of either byte order. DP_EXIF_NONE
 * when it is not told, is not 1 to 8, or cannot be read: a broken Exif block is no
 * reason to refuse an image. As in OpenCV, the entry's type is not looked at: its
 * value is the 16 bits where a SHORT stands. */
int dp_exif_orientation(const unsigned char *tiff, size_t size);

/* Turn p upright, in place, and note it in p->turned; from 5 on, height and width change
 * places. Any other number leaves p as it is. DP_ENOMEM: p is untouched. */
dp_status dp_exif_turn(dp_error *err, dp_pixels *p, int orientation) DP_MUST_CHECK;

/* Turn p, in place, to how it was stored: the reverse of p->turned. DP_ENOMEM: p is
 * untouched. */
dp_status dp_exif_turn_back(dp_error *err, dp_pixels *p) DP_MUST_CHECK;

#endif
