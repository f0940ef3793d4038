/* image_transform.h - what an image goes through before a classifier is trained on it
 *
 * ConvNeXt's training transform: crop and resize, flip, RandAugment or colour jitter, all
 * on 8 bits; then normalisation and random erasing, in float32. All draws come from one
 * stream, in this order:
 *
 *   - the crop (io/image/random_crop.h); with any_filter, below(2): bilinear, bicubic
 *   - unit_f32: mirrored when below `flip`
 *   - RandAugment, or colour jitter (io/image/rand_augment.h, color_jitter.h)
 *   - erasing (train/random_erasing.h)
 *
 * A transform is read-only: workers share it, each with its own run and stream.
 */
#ifndef DP_TRAIN_IMAGE_TRANSFORM_H
#define DP_TRAIN_IMAGE_TRANSFORM_H

#include "core/pixels.h"
#include "io/image/color_jitter.h"
#include "io/image/normalize.h"
#include "io/image/rand_augment.h"
#include "io/image/random_crop.h"
#include "train/random_erasing.h"

typedef struct dp_image_transform {
    dp_size size;        /* of the network's input                              */
    bool resizes;        /* else a crop of `size` from the image with a border  */
    int padding;         /* of that border                                      */
    dp_random_crop crop; /* of an image that is resized                         */
    dp_pillow_filter filter;
    bool any_filter; /* draw the filter instead */
    double flip;     /* probability             */
    bool augments;   /* RandAugment, else colour jitter */
    dp_rand_augment augment;
    dp_color_jitter jitter;
    dp_normalize normalize;
    dp_random_erasing erasing;
} dp_image_transform;

/* The recipe for inputs of side x side: everything's own recipe, flip 0.5, bicubic,
 * ImageNet's mean and deviation. Sides up to 32 are cut from the image with a border of 4
 * instead of being resized. */
void dp_image_transform_build(dp_image_transform *t, int side);

/* The image as (1, size.h, size.w, 3): red, green, blue, in r's arena. A dry run draws
 * nothing and serves every draw. An image without pixels, or one that is too small for a
 * crop that is not resized, is recorded as DP_ESHAPE. */
dp_tensor dp_image_transform_run(dp_run *r, const dp_image_transform *t,
                                 dp_random *random, const dp_pixels *image);

#endif
