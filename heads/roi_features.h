/* roi_features.h - what a head sees of each region: a window cut from the pyramid
 */
#ifndef DP_HEADS_ROI_FEATURES_H
#define DP_HEADS_ROI_FEATURES_H

#include "core/box.h"
#include "core/features.h"
#include "core/run.h"
#include "postprocess/rules.h"

/* Windows (count, side, side, C) of the regions, each by RoIAlign from the map that suits
 * its size (postprocess/pyramid_level.h). In r's arena. */
dp_tensor dp_roi_features_run(dp_run *r, const dp_detector_rules *rules,
                              const dp_features *maps, int side, const dp_box *rois,
                              int count);

#endif
