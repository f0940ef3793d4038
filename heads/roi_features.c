#include "heads/roi_features.h"

#include "ops/roi_align.h"
#include "postprocess/pyramid_level.h"

dp_tensor dp_roi_features_run(dp_run *r, const dp_detector_rules *rules,
                              const dp_features *maps, int side, const dp_box *rois,
                              int count)
{
    int *level = dp_run_take(r, (size_t)count, sizeof *level);
    dp_pyramid_level_run(r, rules, level, rois, count, maps->count);
    const dp_rois windows = {.boxes = rois, .level = level, .count = count};
    return rules->roi_samples
               ? dp_roi_align_sampled_run(r, maps, side, rules->roi_samples, &windows)
               : dp_roi_align_run(r, maps, side, &windows);
}
