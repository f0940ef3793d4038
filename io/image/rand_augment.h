/* rand_augment.h - RandAugment: operations on 8-bit images, and how they are drawn
 *
 *   images   rows of w pixels of 3 bytes: blue, green, red; no padding (core/pixels.h)
 *
 * Cubuk and others, "RandAugment", 2019, in the form of timm 0.3.2 with the increasing
 * list ("rand-m9-mstd0.5-inc1"), bit for bit. Nothing here allocates: workers of a pool
 * may call all of it, each with its own images and stream of draws.
 */
#ifndef DP_IO_IMAGE_RAND_AUGMENT_H
#define DP_IO_IMAGE_RAND_AUGMENT_H

#include "base/random.h"
#include "io/image/affine.h"

#include <stdbool.h>
#include <stdint.h>

/* What the argument is. M is the magnitude / 10, +- a sign that is drawn. */
typedef enum dp_augment_op {
    DP_AUGMENT_AUTO_CONTRAST, /* none                         */
    DP_AUGMENT_EQUALIZE,      /* none                         */
    DP_AUGMENT_INVERT,        /* none                         */
    DP_AUGMENT_ROTATE,        /* +- 30 M degrees              */
    DP_AUGMENT_POSTERIZE,     /* 4 - int(4 M) bits            */
    DP_AUGMENT_SOLARIZE,      /* threshold 256 - int(256 M)   */
    DP_AUGMENT_SOLARIZE_ADD,  /* int(110 M)                   */
    DP_AUGMENT_COLOR,         /* factor 1 +- 0.9 M            */
    DP_AUGMENT_CONTRAST,      /* factor 1 +- 0.9 M            */
    DP_AUGMENT_BRIGHTNESS,    /* factor 1 +- 0.9 M            */
    DP_AUGMENT_SHARPNESS,     /* factor 1 +- 0.9 M            */
    DP_AUGMENT_SHEAR_X,       /* +- 0.3 M                     */
    DP_AUGMENT_SHEAR_Y,       /* +- 0.3 M                     */
    DP_AUGMENT_TRANSLATE_X,   /* +- 0.45 M of the width; positive moves left */
    DP_AUGMENT_TRANSLATE_Y,   /* +- 0.45 M of the height; positive moves up  */
    DP_AUGMENT_OPS
} dp_augment_op;

/* timm's name, such as "SolarizeIncreasing". */
const char *dp_augment_name(dp_augment_op op);

/* Whether the operation draws a sign, and whether it moves pixels (and so has a filter). */
bool dp_augment_has_sign(dp_augment_op op);
bool dp_augment_is_geometric(dp_augment_op op);

/* The argument for a magnitude of 0 to 10, in double; 0 where there is none. */
double dp_augment_argument(dp_augment_op op, double magnitude, bool negative);

/* out = the operation on in; they do not overlap. filter and fill, in the image's order
 * of channels, are for operations that move pixels. */
void dp_augment_run(dp_augment_op op, uint8_t *out, const uint8_t *in, dp_size size,
                    double argument, dp_affine_filter filter, const uint8_t fill[3]);

typedef struct dp_rand_augment {
    int layers;         /* operations for an image; at most DP_AUGMENT_LAYERS */
    double probability; /* of each operation to be applied                    */
    double magnitude;   /* the mean, 0 to 10                                  */
    double deviation;   /* of the magnitude, which is cut to 0 to 10          */
    dp_affine_filter filter;
    bool any_filter; /* draw the filter instead */
    uint8_t fill[3]; /* blue, green, red        */
} dp_rand_augment;

enum { DP_AUGMENT_LAYERS = 8 };

/* rand-m9-mstd0.5-inc1: 2 layers, 0.5, 9, 0.5, bicubic, ImageNet's mean colour. */
extern const dp_rand_augment dp_rand_augment_recipe;

/* Augment `image` in place; `spare` has the same size. Draws, in order: below(15) for
 * each layer; then for each: unit if probability < 1 (more than it: skipped); normal
 * (magnitude, deviation) if deviation > 0; if it has a sign, unit (negative above 0.5);
 * if it is geometric and any_filter, below(2): bilinear, bicubic. */
void dp_rand_augment_run(dp_random *r, const dp_rand_augment *a, uint8_t *image,
                         uint8_t *spare, dp_size size);

#endif
