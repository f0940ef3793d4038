#include "train/mask_target.h"

#include "ops/roi_align_samples.h"

#include <math.h>

static float pixel(const uint8_t *bitmap, dp_size size, int y, int x)
{
    return y < size.h && x < size.w ? bitmap[(size_t)y * (size_t)size.w + (size_t)x]
                                    : 0;
}

static float sample_at(const uint8_t *bitmap, dp_size size, const dp_roi_tap *y,
                       const dp_roi_tap *x)
{
    return y->weight_low * x->weight_low * pixel(bitmap, size, y->low, x->low) +
           y->weight_low * x->weight_high * pixel(bitmap, size, y->low, x->high) +
           y->weight_high * x->weight_low * pixel(bitmap, size, y->high, x->low) +
           y->weight_high * x->weight_high * pixel(bitmap, size, y->high, x->high);
}

static float clip(float x, int most)
{
    return fminf(fmaxf(x, 0), (float)most);
}

void dp_mask_target_run(uint8_t *target, int side, const uint8_t *bitmap, dp_size size,
                        dp_size padded, dp_box r)
{
    const dp_box box = {clip(r.x1, padded.w), clip(r.y1, padded.h),
                        clip(r.x2, padded.w), clip(r.y2, padded.h)};
    const dp_roi_windows w = {
        .rois = {.boxes = &box, .level = &(int){0}}, .P = side, .stride = {1}};
    dp_roi_grid g;
    const bool any = dp_roi_grid_find(&g, &w, 0);
    for (int bin = 0; bin < side * side; bin++) {
        float sum = 0;
        dp_roi_tap y, x;
        for (int sy = 0; any && sy < g.v.samples; sy++)
            for (int sx = 0; sx < g.h.samples; sx++)
                if (dp_roi_tap_find(&y, &g.v, bin / side, sy, padded.h) &&
                    dp_roi_tap_find(&x, &g.h, bin % side, sx, padded.w))
                    sum += sample_at(bitmap, size, &y, &x);
        target[bin] = any && sum / g.count >= 0.5f;
    }
}
