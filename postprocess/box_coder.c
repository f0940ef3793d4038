#include "postprocess/box_coder.h"

#include <math.h>

/* |ln(16 / 1000)| */
static const float max_log_ratio = 4.135166556742356f;

static float clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

static float scale(const dp_detector_rules *rules, float delta, float std)
{
    return rules->divided_deltas ? delta / (1 / std) : delta * std;
}

/* A scaled dw or dh. */
static float stretch(const dp_detector_rules *rules, float delta, float std)
{
    const float d = scale(rules, delta, std);
    if (rules->free_shrinking)
        return d > max_log_ratio ? max_log_ratio : d;
    return clamp(d, -max_log_ratio, max_log_ratio);
}

dp_box dp_box_coder_decode(const dp_detector_rules *rules, dp_box box,
                           const float delta[4], const float std[4], dp_size image)
{
    const bool corner = rules->centre_from_corner;
    const float pw = box.x2 - box.x1, ph = box.y2 - box.y1;
    const float px = corner ? box.x1 + 0.5f * pw : (box.x1 + box.x2) * 0.5f;
    const float py = corner ? box.y1 + 0.5f * ph : (box.y1 + box.y2) * 0.5f;
    const float gx = px + pw * scale(rules, delta[0], std[0]);
    const float gy = py + ph * scale(rules, delta[1], std[1]);
    const float half_w = pw * expf(stretch(rules, delta[2], std[2])) * 0.5f;
    const float half_h = ph * expf(stretch(rules, delta[3], std[3])) * 0.5f;
    const float w = (float)image.w, h = (float)image.h;

    return (dp_box){clamp(gx - half_w, 0, w), clamp(gy - half_h, 0, h),
                    clamp(gx + half_w, 0, w), clamp(gy + half_h, 0, h)};
}

bool dp_box_is_large(dp_box box, float side)
{
    return side == 0 || (box.x2 - box.x1 >= side && box.y2 - box.y1 >= side);
}
