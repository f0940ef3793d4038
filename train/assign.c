#include "train/assign.h"

#include <math.h>

static float area(dp_box b)
{
    return (b.x2 - b.x1) * (b.y2 - b.y1);
}

float dp_assign_iou(dp_box a, dp_box b)
{
    const float w = fmaxf(fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), 0);
    const float h = fmaxf(fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1), 0);
    const float overlap = w * h;
    return overlap / fmaxf(area(a) + area(b) - overlap, 1e-6f);
}

/* By the box's own largest IoU. */
static int assign_one(const dp_assigner *a, float iou, int object)
{
    if (iou >= a->positive)
        return object + 1;
    return iou < a->negative ? DP_ASSIGN_BACKGROUND : DP_ASSIGN_IGNORED;
}

static void assign_low_quality(const dp_assigner *a, int *assigned, dp_box box,
                               const dp_box *objects, int count, const float *largest)
{
    for (int k = 0; k < count; k++)
        if (largest[k] >= a->least && dp_assign_iou(objects[k], box) == largest[k])
            *assigned = k + 1;
}

void dp_assign_run(const dp_assigner *a, int *assigned, float *iou, const dp_box *boxes,
                   const bool *inside, int count, const dp_box *objects,
                   int objects_count, float *largest)
{
    for (int k = 0; k < objects_count; k++)
        largest[k] = 0;
    for (int i = 0; i < count; i++) {
        int best = 0;
        iou[i] = 0;
        for (int k = 0; k < objects_count && (!inside || inside[i]); k++) {
            const float v = dp_assign_iou(objects[k], boxes[i]);
            if (v > iou[i] || k == 0) {
                iou[i] = v;
                best = k;
            }
            largest[k] = fmaxf(largest[k], v);
        }
        assigned[i] = inside && !inside[i] ? DP_ASSIGN_IGNORED
                      : objects_count > 0  ? assign_one(a, iou[i], best)
                                           : DP_ASSIGN_BACKGROUND;
    }
    for (int i = 0; i < count && a->low_quality; i++)
        if (!inside || inside[i])
            assign_low_quality(a, &assigned[i], boxes[i], objects, objects_count,
                               largest);
}
