/* random_crop.h - the part of an image that a classifier is trained on
 *
 *   images   rows of w pixels of 3 bytes, no padding (core/pixels.h)
 *
 * Two rules. A random box that is then resized: timm 0.3.2's
 * RandomResizedCropAndInterpolation. For small inputs such as CIFAR's, a box of the wanted
 * size from the image with a black border: torchvision's RandomCrop.
 */
#ifndef DP_IO_IMAGE_RANDOM_CROP_H
#define DP_IO_IMAGE_RANDOM_CROP_H

#include "base/random.h"
#include "io/image/pillow_resize.h"

#include <stdbool.h>

/* A box's part of the image's area, and its width / height: lowest and highest. */
typedef struct dp_random_crop {
    double area[2], ratio[2];
} dp_random_crop;

/* 0.08 to 1, and 3/4 to 4/3. */
extern const dp_random_crop dp_random_crop_recipe;

/* A box inside an image of this size, sides >= 1. Up to 10 tries, each drawing
 * uniform(area) and uniform(log of ratio). Sides are rounded half to even. If both fit
 * and are at least 1, the top is drawn as between(0, h - box.h), then the left likewise,
 * and that is the box. When all tries fail, nothing more is drawn: the
 * largest box of a ratio that is allowed, in the middle (halves are cut down). */
dp_pixel_rect dp_random_crop_draw(dp_random *r, const dp_random_crop *c, dp_size image);

/* Whether a box of `size` fits into the image with a border of `padding` pixels. */
bool dp_padded_crop_fits(dp_size size, dp_size image, int padding);

/* A box that fits so, in the coordinates of the image itself: from -padding on. Draws
 * below(places) for the top, then the same for the left; nothing when there is one place. */
dp_pixel_rect dp_padded_crop_draw(dp_random *r, dp_size size, dp_size image,
                                  int padding);

/* out (box.h, box.w) = the box of `in`, black outside the image. They do not overlap. */
void dp_crop_run(uint8_t *out, const uint8_t *in, dp_size in_size, dp_pixel_rect box);

/* out (size) = the box, which lies inside `in`, resized with Pillow's rules. The filter
 * does not see what is outside the box. Takes the memory of the largest box, so that a dry
 * run serves any; r's threads share the work. */
void dp_crop_resize_run(dp_run *r, uint8_t *out, dp_size size, const uint8_t *in,
                        dp_size in_size, dp_pixel_rect box, dp_pillow_filter filter);

#endif
