#include "heads/roi_features.h"

#include "ops/roi_align.h"
#include "postprocess/pyramid_level.h"
#include "postprocess/torchvision.h"

/* A region of up to twice this side reads the finest map, and so on: postprocess/pyramid_level.h;
 * upstream's `finest_scale`, in pixels of the network's input. */
static const float finest_scale = 56.0f;

dp_tensor dp_regions_cut(dp_run *r, const dp_features *maps, int side,
                         const dp_box *rois, int count)
{
    int *level = dp_run_take(r, (size_t)count, sizeof *level);
    for (int i = 0; i < count && !r->dry; i++)
        level[i] = dp_pyramid_level_get(rois[i], finest_scale, maps->count);
    return dp_roi_align_run(r, maps, side, rois, level, count);
}

dp_tensor dp_regions_cut_sampled(dp_run *r, const dp_features *maps, int side,
                                 const dp_box *rois, int count)
{
    enum { SAMPLES = 2 };
    int *level = dp_run_take(r, (size_t)count, sizeof *level);
    for (int i = 0; i < count && !r->dry; i++)
        level[i] = dp_torchvision_level(rois[i], maps->count);
    return dp_roi_align_sampled_run(r, maps, side, SAMPLES, rois, level, count);
}
