#include "postprocess/pyramid_level.h"

#include <math.h>

int dp_pyramid_level_get(const dp_detector_rules *rules, dp_box box, int levels)
{
    const float side = sqrtf((box.x2 - box.x1) * (box.y2 - box.y1));
    const float level = rules->canonical_levels
                            ? floorf(4.0f + log2f(side / 224.0f) + 1e-6f) - 2
                            : floorf(log2f(side / 56.0f + 1e-6f));

    if (!(level > 0))
        return 0;
    return level < (float)levels ? (int)level : levels - 1;
}

void dp_pyramid_level_run(dp_run *r, const dp_detector_rules *rules, int *level,
                          const dp_box *boxes, int count, int levels)
{
    for (int i = 0; i < count && !r->dry; i++)
        level[i] = dp_pyramid_level_get(rules, boxes[i], levels);
}
