#include "train/image_transform.h"

#include "io/image/flip.h"

enum { CHANNELS = 3, SMALL = 32, BORDER = 4 };

void dp_image_transform_build(dp_image_transform *t, int side)
{
    static const float mean[CHANNELS] = {0.485f, 0.456f, 0.406f};
    static const float deviation[CHANNELS] = {0.229f, 0.224f, 0.225f};
    *t = (dp_image_transform){.size = {side, side},
                              .resizes = side > SMALL,
                              .padding = BORDER,
                              .crop = dp_random_crop_recipe,
                              .filter = DP_PILLOW_BICUBIC,
                              .flip = 0.5,
                              .augments = true,
                              .augment = dp_rand_augment_recipe,
                              .jitter = dp_color_jitter_recipe,
                              .erasing = dp_random_erasing_recipe};
    dp_normalize_build_unit(&t->normalize, mean, deviation, true);
}

static void crop(dp_run *r, const dp_image_transform *t, dp_random *random,
                 uint8_t *out, const dp_pixels *image)
{
    const dp_size in = {image->h, image->w};
    if (!t->resizes) {
        if (!r->dry)
            dp_crop_run(out, image->data, in,
                        dp_padded_crop_draw(random, t->size, in, t->padding));
        return;
    }
    dp_pixel_rect box = {0};
    dp_pillow_filter filter = t->any_filter ? DP_PILLOW_BICUBIC : t->filter;
    if (!r->dry) {
        box = dp_random_crop_draw(random, &t->crop, in);
        if (t->any_filter && dp_random_below(random, 2) == 0)
            filter = DP_PILLOW_BILINEAR;
    }
    dp_crop_resize_run(r, out, t->size, image->data, in, box, filter);
}

/* The steps on 8 bits after the crop. */
static void augment(const dp_image_transform *t, dp_random *random, uint8_t *image,
                    uint8_t *spare)
{
    if ((double)dp_random_unit_f32(random) < t->flip)
        dp_flip_run(image, t->size);
    if (t->augments)
        dp_rand_augment_run(random, &t->augment, image, spare, t->size);
    else
        dp_color_jitter_run(random, &t->jitter, image, spare, t->size);
}

dp_tensor dp_image_transform_run(dp_run *r, const dp_image_transform *t,
                                 dp_random *random, const dp_pixels *image)
{
    const size_t row = (size_t)t->size.w * CHANNELS, rows = (size_t)t->size.h;
    const dp_size in = {image->h, image->w};
    if (in.h < 1 || in.w < 1 ||
        (!t->resizes && !dp_padded_crop_fits(t->size, in, t->padding)))
        dp_run_fail(r, DP_ESHAPE,
                    "image of %d x %d: too small for a crop of %d x %d with a border "
                    "of %d",
                    in.w, in.h, t->size.w, t->size.h, t->padding);
    uint8_t *pixels = dp_run_take(r, rows, row);
    uint8_t *spare = dp_run_take(r, rows, row);
    crop(r, t, random, pixels, image);
    if (!r->dry)
        augment(t, random, pixels, spare);
    const dp_pixel_window window = {pixels, row, t->size.h, t->size.w, false};
    const dp_tensor out = dp_normalize_run(r, &t->normalize, &window, 1);
    if (!r->dry)
        dp_random_erasing_run(random, &t->erasing, out.data, out.H, out.W);
    return out;
}
