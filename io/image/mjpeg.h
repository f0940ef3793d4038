/* mjpeg.h - JPEG images one behind another, as ffmpeg's mjpeg format has them
 *
 * Source: ISO/IEC 10918-1, annex B: markers tell where an image ends.
 */
#ifndef DP_IO_IMAGE_MJPEG_H
#define DP_IO_IMAGE_MJPEG_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The bytes of one image; all zero at first. */
typedef struct dp_mjpeg {
    uint8_t *data; /* owned */
    size_t size, capacity;
} dp_mjpeg;

/* Read the next image's bytes; `name` is for the sentence. *end: there is none. DP_EFORMAT: no
 * JPEG, or cut. DP_EUNSUPPORTED: more than `most` bytes. DP_EIO, DP_ENOMEM. */
dp_status dp_mjpeg_read(dp_error *err, dp_mjpeg *m, bool *end, FILE *stream,
                        const char *name, size_t most) DP_MUST_CHECK;

/* Release. A zeroed m is allowed. */
void dp_mjpeg_done(dp_mjpeg *m);

#endif
