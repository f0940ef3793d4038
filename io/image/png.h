/* png.h - PNG files: images and label maps, read and written
 *
 * An image's pixels are those of OpenCV's imdecode with its colour flag. Grey of any
 * depth and palettes become 8-bit BGR; of 16 bits the high byte is kept. Transparency is
 * dropped, not blended. Gamma and colour profiles are not applied. A palette index
 * without an entry is black. For classifiers Pillow's pixels are kept beside (dp_pixels.pillow)
 * where they differ: grey of 16 bits is cut at 255, an index without an entry is a grey of
 * its own number. An eXIf chunk, before or after the pixels, turns
 * the image upright. An animated file gives its default image.
 *
 * Chunks that tell no pixel (text, profiles, times) are skipped unread. A wrong
 * checksum, a missing end and broken compressed data of the others are errors.
 */
#ifndef DP_IO_IMAGE_PNG_H
#define DP_IO_IMAGE_PNG_H

#include "core/label_map.h"
#include "core/pixels.h"

#include <stddef.h>

/* Decode `size` bytes into *out, the caller's to release; `name` is for the sentence.
 * DP_EFORMAT: damaged, incomplete. DP_EUNSUPPORTED: beyond DP_MAX_IMAGE_SIDE or
 * DP_MAX_IMAGE_PIXELS. DP_ENOMEM. *out is empty then. */
dp_status dp_png_decode(dp_error *err, dp_pixels *out, const void *bytes, size_t size,
                        const char *name) DP_MUST_CHECK;

/* Decode a label map: the numbers stored in a grey or palette PNG of 1 to 8 bits. They
 * are not looked up in the palette, not stretched to 255, not turned by an eXIf chunk.
 * *out keeps its memory from call to call. Errors as above, and DP_EUNSUPPORTED for
 * 16 bits, colour or an alpha channel; the contents of *out are undefined then. */
dp_status dp_png_decode_labels(dp_error *err, dp_label_map *out, const void *bytes,
                               size_t size, const char *name) DP_MUST_CHECK;

/* The same from the file at `path`. DP_EIO too. */
dp_status dp_png_load_labels(dp_error *err, dp_label_map *out,
                             const char *path) DP_MUST_CHECK;

/* Write pixels as 8-bit RGB to the file at `path`, whole or not at all
 * (base/atomic_file.h). DP_EARG: empty pixels. DP_EIO, DP_ENOMEM. */
dp_status dp_png_save(dp_error *err, const char *path,
                      const dp_pixels *pixels) DP_MUST_CHECK;

/* Write a label map as 8-bit PNG: grey when palette is NULL, else with `colours` (1
 * to 256) colours of red, green, blue at `palette`, where each label must have one
 * (DP_EARG). Errors as above. */
dp_status dp_png_save_labels(dp_error *err, const char *path,
                             const dp_label_map *labels, const uint8_t *palette,
                             int colours) DP_MUST_CHECK;

/* The bytes that dp_png_save_labels would write, at *bytes, the caller's to dp_free; NULL
 * on failure. DP_EARG, DP_ENOMEM. */
dp_status dp_png_encode_labels(dp_error *err, uint8_t **bytes, size_t *size,
                               const dp_label_map *labels, const uint8_t *palette,
                               int colours) DP_MUST_CHECK;

#endif
