/* image.h - the public type dp_image (include/densepred/image.h)
 */
#ifndef DP_API_IMAGE_H
#define DP_API_IMAGE_H

#include "core/pixels.h"
#include "model/context.h"

struct dp_image {
    dp_pixels pixels;
};

/* An image without pixels. DP_ENOMEM; *out is NULL then. */
dp_status dp_image_new(dp_context *ctx, dp_image **out) DP_MUST_CHECK;

/* Give `st` back; when it is a failure, free the image and set *image to NULL. */
dp_status dp_image_finish(dp_image **image, dp_status st);

#endif
