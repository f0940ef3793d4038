/* pixels.h - a decoded image: 8-bit, three channels, upright
 */
#ifndef DP_CORE_PIXELS_H
#define DP_CORE_PIXELS_H

#include "base/status.h"

#include <stdint.h>

/* Rows of W pixels of 3 bytes, in the order blue, green, red (the order in which the
 * upstream models were fed), without padding: pixel (y, x) is at
 * data[(y * w + x) * 3]. */
typedef struct dp_pixels {
    uint8_t *data; /* owned */
    int h, w;
    int turned; /* upright from this EXIF orientation; 0 or 1: as it was stored */

    /* Owned: the same image as Pillow converts it, where that differs, not turned: h and w
     * are exchanged where `turned` is above 4. NULL: it does not differ. */
    uint8_t *pillow;
} dp_pixels;

/* Storage for an h x w image, zeroed. DP_EARG below 1 or beyond DP_MAX_IMAGE_SIDE /
 * DP_MAX_IMAGE_PIXELS, DP_ENOMEM; p is empty then. */
dp_status dp_pixels_init(dp_error *err, dp_pixels *p, int h, int w) DP_MUST_CHECK;

/* Zeroed room for p->pillow. DP_ENOMEM. */
dp_status dp_pixels_add_pillow(dp_error *err, dp_pixels *p) DP_MUST_CHECK;

/* Release. A zeroed p is allowed. */
void dp_pixels_done(dp_pixels *p);

#endif
