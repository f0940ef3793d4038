/* densepred/image.h - decoded images
 */
#ifndef DENSEPRED_IMAGE_H
#define DENSEPRED_IMAGE_H

#include "densepred/context.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_image dp_image; /* decoded 8-bit pixels */

/* Read a JPEG, PNG, BMP, GIF, PPM, TIFF or WebP file, or decode one from memory (`name`
 * stands for it in sentences). The bytes tell the format. GIF, TIFF and WebP need a library
 * that the build may be without: DP_EUNSUPPORTED then. Of several images the first is read.
 * EXIF orientation is applied; grey, palette, CMYK and 16-bit images become 8-bit
 * colour; alpha is dropped. DP_EIO, DP_EFORMAT, DP_EUNSUPPORTED, DP_ENOMEM. */
DP_API dp_status dp_image_load(dp_context *ctx, dp_image **out, const char *path);
DP_API dp_status dp_image_decode(dp_context *ctx, dp_image **out, const void *bytes,
                                 size_t size, const char *name);

/* Copy height x width pixels of red, green, blue, one byte each, rows `stride` bytes
 * apart. DP_EARG for a size below 1 or beyond what is supported. */
DP_API dp_status dp_image_from_rgb(dp_context *ctx, dp_image **out, const uint8_t *rgb,
                                   int height, int width, size_t stride);

/* The reverse: rows of red, green, blue to `rgb`, `stride` bytes apart. */
DP_API void dp_image_copy_rgb(const dp_image *image, uint8_t *rgb, size_t stride);

/* Write a JPEG (.jpg, .jpeg) or PNG (.png) file, as the name's end says, whole or not at
 * all. quality: of a JPEG, 1 to 100; 0: 90. DP_EARG for another name or quality; DP_EIO,
 * DP_ENOMEM. */
DP_API dp_status dp_image_save(dp_context *ctx, const dp_image *image, const char *path,
                               int quality);

/* Whether a file's name ends as those of images do: .jpg .jpeg .png .bmp .gif .pgm .ppm .tif
 * .tiff .webp, in upper or lower case. */
DP_API int dp_image_is_named(const char *path);

DP_API int dp_image_height(const dp_image *image);
DP_API int dp_image_width(const dp_image *image);
DP_API void dp_image_free(dp_image *image);

#ifdef __cplusplus
}
#endif

#endif
