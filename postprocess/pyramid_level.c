#include "postprocess/pyramid_level.h"

#include <math.h>

int dp_pyramid_level_get(dp_box box, float finest, int levels)
{
    const float side = sqrtf((box.x2 - box.x1) * (box.y2 - box.y1));
    const float level = floorf(log2f(side / finest + 1e-6f));

    if (!(level > 0))
        return 0;
    return level < (float)levels ? (int)level : levels - 1;
}
