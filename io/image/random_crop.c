#include "io/image/random_crop.h"

#include <math.h>
#include <string.h>

enum { CHANNELS = 3, TRIES = 10 };

const dp_random_crop dp_random_crop_recipe = {{0.08, 1.0}, {3.0 / 4, 4.0 / 3}};

/* The largest box in the middle whose ratio is allowed. */
static dp_pixel_rect middle(const dp_random_crop *c, dp_size image)
{
    const double ratio = (double)image.w / (double)image.h;
    int h = image.h, w = image.w;
    if (ratio < c->ratio[0])
        h = (int)rint(w / c->ratio[0]);
    else if (ratio > c->ratio[1])
        w = (int)rint(h * c->ratio[1]);
    return (dp_pixel_rect){(image.h - h) / 2, (image.w - w) / 2, h, w};
}

dp_pixel_rect dp_random_crop_draw(dp_random *r, const dp_random_crop *c, dp_size image)
{
    const double whole = (double)image.h * (double)image.w;
    for (int i = 0; i < TRIES; i++) {
        const double area = dp_random_uniform(r, c->area[0], c->area[1]) * whole;
        const double ratio =
            exp(dp_random_uniform(r, log(c->ratio[0]), log(c->ratio[1])));
        const double w = rint(sqrt(area * ratio)), h = rint(sqrt(area / ratio));
        if (w < 1 || h < 1 || w > image.w || h > image.h)
            continue;
        const int top = dp_random_between(r, 0, image.h - (int)h);
        const int left = dp_random_between(r, 0, image.w - (int)w);
        return (dp_pixel_rect){top, left, (int)h, (int)w};
    }
    return middle(c, image);
}

bool dp_padded_crop_fits(dp_size size, dp_size image, int padding)
{
    return image.h + 2 * padding >= size.h && image.w + 2 * padding >= size.w;
}

dp_pixel_rect dp_padded_crop_draw(dp_random *r, dp_size size, dp_size image,
                                  int padding)
{
    const int down = image.h + 2 * padding - size.h;
    const int across = image.w + 2 * padding - size.w;
    dp_pixel_rect box = {-padding, -padding, size.h, size.w};
    if (down > 0 || across > 0) {
        box.y += dp_random_below(r, down + 1);
        box.x += dp_random_below(r, across + 1);
    }
    return box;
}

void dp_crop_run(uint8_t *out, const uint8_t *in, dp_size in_size, dp_pixel_rect box)
{
    const int first = box.x < 0 ? -box.x : 0;
    const int end = in_size.w - box.x < box.w ? in_size.w - box.x : box.w;
    memset(out, 0, (size_t)box.h * (size_t)box.w * CHANNELS);
    for (int y = 0; y < box.h; y++) {
        if (box.y + y < 0 || box.y + y >= in_size.h || end <= first)
            continue;
        const size_t from =
            (size_t)(box.y + y) * (size_t)in_size.w + (size_t)(box.x + first);
        memcpy(out + ((size_t)y * (size_t)box.w + (size_t)first) * CHANNELS,
               in + from * CHANNELS, (size_t)(end - first) * CHANNELS);
    }
}

void dp_crop_resize_run(dp_run *r, uint8_t *out, dp_size size, const uint8_t *in,
                        dp_size in_size, dp_pixel_rect box, dp_pillow_filter filter)
{
    const size_t mark = dp_run_mark(r);
    uint8_t *part = dp_run_take(r, (size_t)in_size.h * (size_t)in_size.w, CHANNELS);
    if (r->dry)
        box = (dp_pixel_rect){0, 0, in_size.h, in_size.w};
    else
        dp_crop_run(part, in, in_size, box);
    dp_pillow_resize_run(r, out, (dp_pixel_rect){0, 0, size.h, size.w}, size, part,
                         (dp_size){box.h, box.w}, filter);
    dp_run_rewind(r, mark);
}
