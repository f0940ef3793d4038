#include "postprocess/box_coder.h"

#include <math.h>

/* |ln(16 / 1000)| */
static const float max_log_ratio = 4.135166556742356f;

static float clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

dp_box dp_box_coder_decode(dp_box box, const float delta[4], const float std[4],
                           dp_size image)
{
    const float dx = delta[0] * std[0], dy = delta[1] * std[1];
    const float dw = clamp(delta[2] * std[2], -max_log_ratio, max_log_ratio);
    const float dh = clamp(delta[3] * std[3], -max_log_ratio, max_log_ratio);
    const float px = (box.x1 + box.x2) * 0.5f, py = (box.y1 + box.y2) * 0.5f;
    const float pw = box.x2 - box.x1, ph = box.y2 - box.y1;
    const float gw = pw * expf(dw), gh = ph * expf(dh);
    const float gx = px + pw * dx, gy = py + ph * dy;
    const float w = (float)image.w, h = (float)image.h;

    return (dp_box){clamp(gx - gw * 0.5f, 0, w), clamp(gy - gh * 0.5f, 0, h),
                    clamp(gx + gw * 0.5f, 0, w), clamp(gy + gh * 0.5f, 0, h)};
}

void dp_box_coder_encode(float delta[4], dp_box box, dp_box target, const float std[4])
{
    const float px = (box.x1 + box.x2) * 0.5f, py = (box.y1 + box.y2) * 0.5f;
    const float pw = box.x2 - box.x1, ph = box.y2 - box.y1;
    const float gx = (target.x1 + target.x2) * 0.5f;
    const float gy = (target.y1 + target.y2) * 0.5f;
    const float gw = target.x2 - target.x1, gh = target.y2 - target.y1;

    delta[0] = (gx - px) / pw / std[0];
    delta[1] = (gy - py) / ph / std[1];
    delta[2] = logf(gw / pw) / std[2];
    delta[3] = logf(gh / ph) / std[3];
}
