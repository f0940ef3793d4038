/* image_limits.h - the size that a file says its image has, before room for it is taken
 */
#ifndef DP_IO_IMAGE_IMAGE_LIMITS_H
#define DP_IO_IMAGE_IMAGE_LIMITS_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* What a file claims. `least` is a bound from below, by the format, of the bytes that so
 * many pixels take; 0 where there is none. A short file that claims a large image is refused
 * by that. */
typedef struct dp_image_claim {
    const char *name, *format; /* of the file, for the sentence; "PNG" */
    uint64_t w, h;
    size_t size; /* bytes of the file */
    uint64_t least;
} dp_image_claim;

/* DP_EFORMAT: no pixels, or too few bytes. DP_EUNSUPPORTED: beyond DP_MAX_IMAGE_SIDE or
 * DP_MAX_IMAGE_PIXELS. */
dp_status dp_image_limits_check(dp_error *err, const dp_image_claim *c) DP_MUST_CHECK;

#endif
