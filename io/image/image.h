/* image.h - images from bytes, files and streams
 *
 * The format is told by the first bytes, never by the name. JPEG, PNG, BMP, GIF, PPM, TIFF
 * and WebP are read; their headers say whose pixels they give. A build without giflib, libtiff
 * or libwebp says so of their files. What is known and not read (AVIF, HEIC, ...) is called
 * by its name in the sentence; of what is not known the first bytes are shown. Threads may
 * decode at the same time.
 */
#ifndef DP_IO_IMAGE_IMAGE_H
#define DP_IO_IMAGE_IMAGE_H

#include "core/pixels.h"

#include <stdbool.h>
#include <stdio.h>

/* Decode `size` bytes into *out, the caller's to release; `name` is for the sentence.
 * DP_EFORMAT: damaged, incomplete, no image. DP_EUNSUPPORTED: another format, or
 * beyond a limit. DP_ENOMEM. *out is empty then. */
dp_status dp_pixels_decode(dp_error *err, dp_pixels *out, const void *bytes,
                           size_t size, const char *name) DP_MUST_CHECK;

/* The same from the file (or pipe) at `path`, of at most DP_MAX_IMAGE_BYTES. DP_EIO
 * too. */
dp_status dp_pixels_load(dp_error *err, dp_pixels *out, const char *path) DP_MUST_CHECK;

/* The same from where `stream` stands to its end. */
dp_status dp_pixels_load_stream(dp_error *err, dp_pixels *out, FILE *stream,
                                const char *name) DP_MUST_CHECK;

/* The ends of names that images have, lower case with the dot (".jpg"); NULL from their
 * number on. The formats that this build cannot read are among them. */
const char *dp_pixels_suffix(size_t i);

/* Whether a path ends in one of them, in upper or lower case, after at least one byte. */
bool dp_pixels_is_named(const char *path);

#endif
