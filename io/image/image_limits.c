#include "io/image/image_limits.h"

#include "core/limits.h"

dp_status dp_image_limits_check(dp_error *err, const dp_image_claim *c)
{
    const uintmax_t w = c->w, h = c->h;
    if (w == 0 || h == 0)
        return dp_fail(err, DP_EFORMAT, "%s: a %s of %ju x %ju pixels", c->name,
                       c->format, w, h);
    if (w > DP_MAX_IMAGE_SIDE || h > DP_MAX_IMAGE_SIDE || w * h > DP_MAX_IMAGE_PIXELS)
        return dp_fail(
            err, DP_EUNSUPPORTED,
            "%s: a %s of %ju x %ju pixels; at most %d a side and %d in all are read",
            c->name, c->format, w, h, DP_MAX_IMAGE_SIDE, DP_MAX_IMAGE_PIXELS);
    if (c->size < c->least)
        return dp_fail(err, DP_EFORMAT,
                       "%s: a %s of %zu bytes is cut short: %ju are the least for %ju "
                       "x %ju pixels",
                       c->name, c->format, c->size, (uintmax_t)c->least, w, h);
    return DP_OK;
}
