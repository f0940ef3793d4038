#include "eval/coco_settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

dp_status dp_coco_settings_set_thresholds(dp_error *err, dp_coco_settings *s,
                                          const double *thresholds, int count)
{
    if (count < 1 || count > DP_MAX_IOU_THRESHOLDS)
        return dp_fail(err, DP_EARG, "IoU thresholds: found %d, expected 1 to %d",
                       count, DP_MAX_IOU_THRESHOLDS);
    for (int i = 0; i < count; i++) {
        const double at = thresholds[i], before = i > 0 ? thresholds[i - 1] : 0;
        if (!(at > before) || at > 1)
            return dp_fail(err, DP_EARG,
                           "IoU thresholds: %g after %g; they ascend, above 0 and at "
                           "most 1",
                           at, before);
    }
    memcpy(s->thresholds, thresholds, (size_t)count * sizeof *thresholds);
    s->threshold_count = count;
    return DP_OK;
}

dp_status dp_coco_settings_set_caps(dp_error *err, dp_coco_settings *s, const int *caps,
                                    int count)
{
    if (count < 1 || count > DP_COCO_MAX_CAPS)
        return dp_fail(err, DP_EARG, "maxDets: found %d numbers, expected 1 to %d",
                       count, DP_COCO_MAX_CAPS);
    for (s->cap_count = 0; s->cap_count < count; s->cap_count++) {
        const int cap = caps[s->cap_count];
        int at = s->cap_count;
        for (; at > 0 && s->caps[at - 1] > cap; at--)
            s->caps[at] = s->caps[at - 1];
        if (cap < 1 || (at > 0 && s->caps[at - 1] == cap))
            return dp_fail(err, DP_EARG, "maxDets: %d is %s", cap,
                           cap < 1 ? "below 1" : "given twice");
        s->caps[at] = cap;
    }
    return DP_OK;
}

dp_status dp_coco_settings_clear_areas(dp_error *err, dp_coco_settings *s, int count)
{
    s->area_count = 0;
    return count >= 1 && count <= DP_COCO_MAX_AREAS
               ? DP_OK
               : dp_fail(err, DP_EARG, "area ranges: found %d, expected 1 to %d", count,
                         DP_COCO_MAX_AREAS);
}

dp_status dp_coco_settings_add_area(dp_error *err, dp_coco_settings *s,
                                    const char *name, double low, double high)
{
    dp_coco_area *a = &s->areas[s->area_count++];
    if (!name || !*name || strlen(name) >= sizeof a->name)
        return dp_fail(err, DP_EARG, "area ranges: a name has 1 to %zu bytes",
                       sizeof a->name - 1);
    if (!(low <= high) || !isfinite(low) || !isfinite(high))
        return dp_fail(err, DP_EARG, "area range %s: %g to %g is no range", name, low,
                       high);
    snprintf(a->name, sizeof a->name, "%s", name);
    a->low = low;
    a->high = high;
    return DP_OK;
}

int dp_coco_settings_find_threshold(const dp_coco_settings *s, double threshold)
{
    for (int i = 0; i < s->threshold_count; i++)
        if (!(s->thresholds[i] < threshold) && !(s->thresholds[i] > threshold))
            return i;
    return -1;
}
