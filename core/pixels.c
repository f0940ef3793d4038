#include "core/pixels.h"

#include "base/memory.h"
#include "core/limits.h"

dp_status dp_pixels_init(dp_error *err, dp_pixels *p, int h, int w)
{
    *p = (dp_pixels){0};
    if (h < 1 || w < 1 || h > DP_MAX_IMAGE_SIDE || w > DP_MAX_IMAGE_SIDE ||
        (int64_t)h * w > DP_MAX_IMAGE_PIXELS)
        return dp_fail(
            err, DP_EARG,
            "image size: found %d x %d, expected sides of 1 to %d and at most "
            "%d pixels",
            w, h, DP_MAX_IMAGE_SIDE, DP_MAX_IMAGE_PIXELS);
    void *data;
    const dp_status st = dp_alloc(err, &data, (size_t)h * (size_t)w, 3, "an image");
    if (st == DP_OK)
        *p = (dp_pixels){.data = data, .h = h, .w = w};
    return st;
}

dp_status dp_pixels_add_pillow(dp_error *err, dp_pixels *p)
{
    return dp_alloc(err, &p->pillow, (size_t)p->h * (size_t)p->w, 3, "an image");
}

void dp_pixels_done(dp_pixels *p)
{
    dp_free(p->data);
    dp_free(p->pillow);
    *p = (dp_pixels){0};
}
