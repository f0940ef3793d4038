#include "train/random_erasing.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum { CHANNELS = 3, TRIES = 10 };

const dp_random_erasing dp_random_erasing_recipe = {.probability = 0.25,
                                                    .area = {0.02, 1.0 / 3},
                                                    .ratio = 0.3,
                                                    .most = 1,
                                                    .fill = DP_ERASING_PIXEL};

struct box {
    int top, left, h, w;
};

static bool draw_box(dp_random *r, const dp_random_erasing *e, int boxes, int H, int W,
                     struct box *box)
{
    const double reach = log(1 / e->ratio);
    for (int i = 0; i < TRIES; i++) {
        const double area =
            dp_random_uniform(r, e->area[0], e->area[1]) * ((double)H * W) / boxes;
        const double ratio = exp(dp_random_uniform(r, log(e->ratio), reach));
        const double h = rint(sqrt(area * ratio)), w = rint(sqrt(area / ratio));
        if (w >= W || h >= H)
            continue;
        *box = (struct box){.h = (int)h, .w = (int)w};
        box->top = dp_random_between(r, 0, H - box->h);
        box->left = dp_random_between(r, 0, W - box->w);
        return true;
    }
    return false;
}

static void fill_box(dp_random *r, dp_erasing_fill fill, float *image, int W,
                     const struct box *b)
{
    for (int c = 0; c < CHANNELS; c++) {
        double value = 0;
        if (fill == DP_ERASING_COLOR)
            value = dp_random_normal(r, 0, 1);
        for (int y = b->top; y < b->top + b->h; y++)
            for (int x = b->left; x < b->left + b->w; x++) {
                if (fill == DP_ERASING_PIXEL)
                    value = dp_random_normal(r, 0, 1);
                image[((size_t)y * (size_t)W + (size_t)x) * CHANNELS + (size_t)c] =
                    (float)value;
            }
    }
}

void dp_random_erasing_run(dp_random *r, const dp_random_erasing *e, float *image,
                           int H, int W)
{
    if (e->probability <= 0 || dp_random_unit(r) > e->probability)
        return;
    const int boxes = e->most > 1 ? dp_random_between(r, 1, e->most) : 1;
    struct box box;
    for (int i = 0; i < boxes; i++)
        if (draw_box(r, e, boxes, H, W, &box))
            fill_box(r, e->fill, image, W, &box);
}
