/* color_jitter.h - random brightness, contrast and saturation
 *
 *   images   rows of w pixels of 3 bytes: blue, green, red; no padding (core/pixels.h)
 *
 * What torchvision's ColorJitter does without hue, with Pillow's arithmetic
 * (io/image/enhance.h). Nothing here allocates.
 */
#ifndef DP_IO_IMAGE_COLOR_JITTER_H
#define DP_IO_IMAGE_COLOR_JITTER_H

#include "base/random.h"
#include "core/box.h"

#include <stdint.h>

/* How far each factor may be from 1; not negative, 0 leaves the property out. */
typedef struct dp_color_jitter {
    double brightness, contrast, saturation;
} dp_color_jitter;

/* 0.4 of each. */
extern const dp_color_jitter dp_color_jitter_recipe;

/* Change `image` in place; `spare` has the same size. Draws the order (a permutation of
 * three: below(3), below(2)), then in that order uniform(max(0, 1 - x), 1 + x) for each
 * property that is not left out. */
void dp_color_jitter_run(dp_random *r, const dp_color_jitter *j, uint8_t *image,
                         uint8_t *spare, dp_size size);

#endif
