#include "ops/kernels/kernels.h"

/* Written as the machine's minimum and maximum: the second operand when one is NaN. */
static float max(float a, float b)
{
    return a > b ? a : b;
}

static float min(float a, float b)
{
    return a < b ? a : b;
}

void dp_nms_suppress_ref(uint8_t *dead, const dp_box_arrays *boxes, float x1, float y1,
                         float x2, float y2, float area, float threshold, int n)
{
    for (int j = 0; j < n; j++) {
        const float w = max(min(x2, boxes->x2[j]) - max(x1, boxes->x1[j]), 0);
        const float h = max(min(y2, boxes->y2[j]) - max(y1, boxes->y1[j]), 0);
        const float inter = w * h;

        if (inter > threshold * ((area + boxes->area[j]) - inter))
            dead[j] = 1;
    }
}
