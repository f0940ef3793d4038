#include "eval/coco_settings.h"

void dp_coco_linspace(double *out, double first, double last, int count)
{
    const double step = count > 1 ? (last - first) / (count - 1) : 0;
    for (int i = 0; i < count; i++)
        out[i] = i * step + first;
    if (count > 1)
        out[count - 1] = last;
}

void dp_coco_settings_default(dp_coco_settings *s)
{
    *s = (dp_coco_settings){.use_categories = true,
                            .threshold_count = 10,
                            .area_count = 4,
                            .areas = {{"all", 0, 1e10},
                                      {"small", 0, 32 * 32},
                                      {"medium", 32 * 32, 96 * 96},
                                      {"large", 96 * 96, 1e10}},
                            .cap_count = 3,
                            .caps = {1, 10, 100}};
    dp_coco_linspace(s->thresholds, .5, .95, s->threshold_count);
}

int dp_coco_settings_find_threshold(const dp_coco_settings *s, double threshold)
{
    for (int i = 0; i < s->threshold_count; i++)
        if (!(s->thresholds[i] < threshold) && !(s->thresholds[i] > threshold))
            return i;
    return -1;
}
