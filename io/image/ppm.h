/* ppm.h - binary PPM (P6) and PGM (P5) of 8 bits, one image or a stream of them
 *
 * Source: the manual pages ppm(5) and pgm(5) of Netpbm. The largest value must be 255.
 */
#ifndef DP_IO_IMAGE_PPM_H
#define DP_IO_IMAGE_PPM_H

#include "core/pixels.h"

#include <stdbool.h>
#include <stdio.h>

/* Read one image from where `stream` stands into *out, the caller's to release; `name` is
 * for the sentence. *end: the stream was at its end, and *out is empty. DP_EFORMAT: no PPM,
 * damaged, incomplete. DP_EUNSUPPORTED: another largest value, or beyond DP_MAX_IMAGE_SIDE or
 * DP_MAX_IMAGE_PIXELS. DP_EIO, DP_ENOMEM. *out is empty then. */
dp_status dp_ppm_read(dp_error *err, dp_pixels *out, bool *end, FILE *stream,
                      const char *name) DP_MUST_CHECK;

/* The first image of `size` bytes. Errors as above, and DP_EFORMAT when there is none. */
dp_status dp_ppm_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                        const char *name) DP_MUST_CHECK;

#endif
