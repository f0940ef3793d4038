/* roi_features.h - what a head sees of each region: a window cut from the pyramid
 */
#ifndef DP_HEADS_ROI_FEATURES_H
#define DP_HEADS_ROI_FEATURES_H

#include "core/box.h"
#include "core/features.h"
#include "core/run.h"

/* Either of the two below. */
typedef dp_tensor dp_regions_cutter(dp_run *r, const dp_features *maps, int side,
                                    const dp_box *rois, int count);

/* Windows (count, side, side, C) of the regions, each by RoIAlign from the map that suits
 * its size (postprocess/pyramid_level.h). In r's arena. */
dp_tensor dp_regions_cut(dp_run *r, const dp_features *maps, int side,
                         const dp_box *rois, int count);

/* The same by torchvision's rules: its levels (postprocess/torchvision.h), and the older
 * form of RoIAlign with 2 x 2 samples a bin. */
dp_tensor dp_regions_cut_sampled(dp_run *r, const dp_features *maps, int side,
                                 const dp_box *rois, int count);

#endif
