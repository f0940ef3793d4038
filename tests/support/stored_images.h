/* stored_images.h - 8-bit images of reference data: red, green, blue there, ours are
 * blue, green, red
 */
#ifndef DP_TESTS_SUPPORT_STORED_IMAGES_H
#define DP_TESTS_SUPPORT_STORED_IMAGES_H

#include "core/box.h"

#include <stddef.h>
#include <stdint.h>

/* The .npy file of one image [h, w, 3]; the caller's to free. */
uint8_t *stored_image_load(const char *path, dp_size *size);

/* Fail the test unless `got`, of this size, is the image of h * w * 3 values at `want`. */
void stored_image_expect(const uint8_t *got, const double *want, dp_size size,
                         const char *what);

#endif
