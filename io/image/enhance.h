/* enhance.h - colour, contrast, brightness and sharpness of 8-bit images, as Pillow
 *
 *   images   rows of w pixels of 3 bytes: blue, green, red; no padding (core/pixels.h)
 *
 * Bit for bit as Pillow 9's ImageEnhance. Each blends the image with one that lacks the
 * property: d + factor * (v - d) in float32, with the factor rounded to float32. So 0
 * gives that image, 1 the image itself, and more exaggerates. Results are truncated to
 * 8 bits after they were clamped.
 *
 * Pure functions, for any thread.
 */
#ifndef DP_IO_IMAGE_ENHANCE_H
#define DP_IO_IMAGE_ENHANCE_H

#include "core/box.h"

#include <stdint.h>

typedef enum dp_enhance_property {
    DP_ENHANCE_COLOR,      /* lacking: the luma of each pixel                         */
    DP_ENHANCE_CONTRAST,   /* lacking: the image's mean luma, to the nearest integer  */
    DP_ENHANCE_BRIGHTNESS, /* lacking: black                                          */

    /* lacking: a 3 x 3 mean of weights 1, and 5 in the middle; pixels at the border stay */
    DP_ENHANCE_SHARPNESS
} dp_enhance_property;

/* out = in with so much of the property; they do not overlap. Luma is (19595 red + 38470
 * green + 7471 blue + 32768) >> 16. */
void dp_enhance_run(uint8_t *out, const uint8_t *in, dp_size size,
                    dp_enhance_property property, double factor);

#endif
