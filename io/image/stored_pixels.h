/* stored_pixels.h - an image as Pillow reads its file, which is how classifiers were fed
 *
 * Upstream's classifiers read images with Pillow's Image.open(file).convert("RGB"), its
 * detectors and segmentors with OpenCV's imread. Pillow does not turn JPEG and PNG upright.
 * CMYK, grey of 16 bits and palette indices without an entry become other colours
 * (io/image/jpeg.h, io/image/png.h).
 */
#ifndef DP_IO_IMAGE_STORED_PIXELS_H
#define DP_IO_IMAGE_STORED_PIXELS_H

#include "core/pixels.h"

typedef struct dp_stored_pixels {
    dp_pixels pixels; /* turned is 0, pillow is NULL                 */
    uint8_t *owned;   /* what pixels.data points to; NULL: borrowed  */
} dp_stored_pixels;

/* The image that Pillow gives for the file that p was decoded from. s may borrow from p,
 * which must stay as it is. DP_ENOMEM; s is empty then. */
dp_status dp_stored_pixels_init(dp_error *err, dp_stored_pixels *s,
                                const dp_pixels *p) DP_MUST_CHECK;

/* Release. A zeroed s is allowed. */
void dp_stored_pixels_done(dp_stored_pixels *s);

#endif
