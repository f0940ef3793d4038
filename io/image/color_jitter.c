#include "io/image/color_jitter.h"

#include "io/image/enhance.h"

#include <string.h>

enum { PROPERTIES = 3 };

const dp_color_jitter dp_color_jitter_recipe = {0.4, 0.4, 0.4};

void dp_color_jitter_run(dp_random *r, const dp_color_jitter *j, uint8_t *image,
                         uint8_t *spare, dp_size size)
{
    const double reach[PROPERTIES] = {j->brightness, j->contrast, j->saturation};
    const dp_enhance_property property[PROPERTIES] = {
        DP_ENHANCE_BRIGHTNESS, DP_ENHANCE_CONTRAST, DP_ENHANCE_COLOR};
    int order[PROPERTIES];
    dp_random_permutation(r, order, PROPERTIES);
    for (int i = 0; i < PROPERTIES; i++) {
        const double x = reach[order[i]];
        if (x <= 0)
            continue;
        const double factor = dp_random_uniform(r, x < 1 ? 1 - x : 0, 1 + x);
        memcpy(spare, image, (size_t)size.h * (size_t)size.w * 3);
        dp_enhance_run(image, spare, size, property[order[i]], factor);
    }
}
