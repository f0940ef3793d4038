/* webp.h - WebP files, by libwebp: lossy and lossless, and the first image of an animation
 *
 * The pixels are those of Pillow and of OpenCV's imdecode: alpha is dropped, not blended, and
 * colour profiles are not applied. The image is not turned: neither reader heeds EXIF there.
 * The first image of an animation lies on a black canvas of the size that the file says.
 */
#ifndef DP_IO_IMAGE_WEBP_H
#define DP_IO_IMAGE_WEBP_H

#include "core/pixels.h"

#include <stddef.h>

/* Decode `size` bytes into *out, the caller's to release; `name` is for the sentence.
 * DP_EFORMAT: damaged, incomplete. DP_EUNSUPPORTED: beyond DP_MAX_IMAGE_SIDE or
 * DP_MAX_IMAGE_PIXELS. DP_ENOMEM. *out is empty then. */
dp_status dp_webp_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                         const char *name) DP_MUST_CHECK;

#endif
