/* gif.h - the first image of a GIF file, by giflib
 *
 * The pixels are Pillow's: the image lies on a canvas that is at least as large as the file
 * says, filled with the transparent index, or 0. Transparency is dropped, the background colour
 * is not used. An index without a colour is a grey of its own number.
 */
#ifndef DP_IO_IMAGE_GIF_H
#define DP_IO_IMAGE_GIF_H

#include "core/pixels.h"

#include <stddef.h>

/* Decode `size` bytes into *out, the caller's to release; `name` is for the sentence.
 * DP_EFORMAT: damaged, incomplete. DP_EUNSUPPORTED: beyond DP_MAX_IMAGE_SIDE or
 * DP_MAX_IMAGE_PIXELS. DP_ENOMEM. *out is empty then. */
dp_status dp_gif_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                        const char *name) DP_MUST_CHECK;

#endif
