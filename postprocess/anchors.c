#include "postprocess/anchors.h"

#include <math.h>

void dp_anchors_init(const dp_detector_rules *rules, dp_anchors *a, int stride,
                     const float *ratios, int ratio_count, const float *scales,
                     int scale_count)
{
    a->stride = stride;
    a->count = 0;
    for (int r = 0; r < ratio_count; r++) {
        const float tall = sqrtf(ratios[r]);
        const float wide = 1 / tall;
        for (int s = 0; s < scale_count; s++) {
            const float w = (float)stride * wide * scales[s] * 0.5f;
            const float h = (float)stride * tall * scales[s] * 0.5f;
            a->base[a->count++] =
                rules->rounded_anchors
                    ? (dp_box){rintf(-w), rintf(-h), rintf(w), rintf(h)}
                    : (dp_box){-w, -h, w, h};
        }
    }
}

dp_size dp_anchors_step(const dp_detector_rules *rules, const dp_anchors *a,
                        dp_size padded, dp_size map)
{
    if (rules->spread_anchors)
        return (dp_size){padded.h / map.h, padded.w / map.w};
    return (dp_size){a->stride, a->stride};
}

dp_box dp_anchors_get(const dp_anchors *a, dp_size step, int y, int x, int i)
{
    const float dx = (float)(x * step.w), dy = (float)(y * step.h);
    const dp_box b = a->base[i];
    return (dp_box){b.x1 + dx, b.y1 + dy, b.x2 + dx, b.y2 + dy};
}
