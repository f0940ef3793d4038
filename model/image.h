/* image.h - the public type dp_image (include/densepred.h)
 */
#ifndef DP_MODEL_IMAGE_H
#define DP_MODEL_IMAGE_H

#include "core/pixels.h"

struct dp_image {
    dp_pixels pixels;
};

#endif
