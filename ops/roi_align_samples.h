/* roi_align_samples.h - which cells RoIAlign reads, forward and back
 */
#ifndef DP_OPS_ROI_ALIGN_SAMPLES_H
#define DP_OPS_ROI_ALIGN_SAMPLES_H

#include "ops/roi_align.h"
#include "ops/step.h"

/* What the windows of a step are. */
typedef struct dp_roi_windows {
    dp_rois rois;
    int P;       /* rows and columns of a window                                   */
    int samples; /* a bin and axis; 0: the aligned form, as many as it takes       */
    int stride[DP_MAX_LEVELS];
} dp_roi_windows;

/* The bins of a box along one axis, in cells. */
typedef struct dp_roi_axis {
    float start, bin; /* of the first bin; length of each */
    int samples;      /* a bin                            */
} dp_roi_axis;

typedef struct dp_roi_grid {
    dp_roi_axis v, h;
    float count; /* of a bin's samples */
} dp_roi_grid;

/* A sample along one axis: two cells and their weights. */
typedef struct dp_roi_tap {
    int low, high;
    float weight_low, weight_high;
} dp_roi_tap;

/* False when window i is all zeros. */
bool dp_roi_grid_find(dp_roi_grid *g, const dp_roi_windows *w, int i);

/* False when the sample is outside the map of `size` cells. */
bool dp_roi_tap_find(dp_roi_tap *t, const dp_roi_axis *a, int bin, int sample,
                     int size);

/* The map, of one image, that window i reads. */
dp_tensor dp_roi_map(const dp_roi_windows *w, const dp_tensor *maps, int i);

/* The step: of maps->count inputs. */
dp_tensor dp_tensor_roi_align(dp_run *r, const dp_features *maps,
                              const dp_roi_windows *w);

#endif
