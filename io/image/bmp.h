/* bmp.h - Windows bitmaps
 *
 * Reads headers of 12 bytes (OS/2) and of 40 to 124. Palettes of 1, 4 and 8 bits are plain or
 * run-length coded. Pixels of 16, 24 and 32 bits may have masks, each of at most 8 bits in a
 * row.
 * The pixels are Pillow's. Channels of fewer than 8 bits are stretched to 0 to 255 and rounded
 * down. A palette index without an entry is a grey of its own number. Alpha is dropped.
 * Pixels that run lengths leave out have index 0.
 * Source: Microsoft's documents of BITMAPINFOHEADER, BITMAPV5HEADER and bitmap compression.
 */
#ifndef DP_IO_IMAGE_BMP_H
#define DP_IO_IMAGE_BMP_H

#include "core/pixels.h"

#include <stddef.h>

/* Decode `size` bytes into *out, the caller's to release; `name` is for the sentence.
 * DP_EFORMAT: damaged, incomplete. DP_EUNSUPPORTED: another header, depth, compression or
 * mask, or beyond DP_MAX_IMAGE_SIDE or DP_MAX_IMAGE_PIXELS. DP_ENOMEM. *out is empty then. */
dp_status dp_bmp_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                        const char *name) DP_MUST_CHECK;

#endif
