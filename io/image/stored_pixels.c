#include "io/image/stored_pixels.h"

#include "base/memory.h"
#include "io/image/exif.h"

#include <stdbool.h>

#include <string.h>

static dp_status turn_back(dp_error *err, dp_stored_pixels *s, const dp_pixels *p)
{
    dp_status st = dp_pixels_init(err, &s->pixels, p->h, p->w);
    if (st != DP_OK)
        return st;
    memcpy(s->pixels.data, p->data, (size_t)p->h * (size_t)p->w * 3);
    s->pixels.turned = p->turned;
    st = dp_exif_turn_back(err, &s->pixels);
    s->owned = s->pixels.data;
    if (st != DP_OK)
        dp_stored_pixels_done(s);
    return st;
}

dp_status dp_stored_pixels_init(dp_error *err, dp_stored_pixels *s, const dp_pixels *p)
{
    const bool swapped = p->turned >= DP_EXIF_TRANSPOSE;
    *s = (dp_stored_pixels){0};
    if (!p->pillow && p->turned > DP_EXIF_UPRIGHT)
        return turn_back(err, s, p);
    s->pixels.data = p->pillow ? p->pillow : p->data;
    s->pixels.h = swapped ? p->w : p->h;
    s->pixels.w = swapped ? p->h : p->w;
    return DP_OK;
}

void dp_stored_pixels_done(dp_stored_pixels *s)
{
    dp_free(s->owned);
    *s = (dp_stored_pixels){0};
}
