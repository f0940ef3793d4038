/* roi_align.h - windows of fixed size cut out of a feature pyramid
 *
 * RoIAlign of Mask R-CNN, He et al. 2017, section 3. Boxes are shifted by half a cell
 * before sampling ("aligned"). A bin takes as many samples as it is long in cells, rounded
 * up ("sampling_ratio 0").
 *
 *   N   boxes      P   rows and columns of a window      C   channels of every map
 *
 * A bin is the mean of its samples; the operations and their order are those of
 * torchvision's CPU code, so the bits are too. A sample more than one cell outside the
 * map counts as 0; nearer ones are moved to its edge.
 */
#ifndef DP_OPS_ROI_ALIGN_H
#define DP_OPS_ROI_ALIGN_H

#include "core/box.h"
#include "core/features.h"
#include "core/run.h"

/* Where windows are cut out: box i in pixels of the network's input, out of map level[i],
 * in [0, maps->count), of image[i]. None of the three is looked at in a dry run. */
typedef struct dp_rois {
    const dp_box *boxes;
    const int *level;
    const int *image; /* not looked at where there is one */
    int images;       /* of the maps; 0: one */
    int count;        /* N */
} dp_rois;

/* (N, P, P, C): the window of each box; the cells of map l are maps->spec[l].stride pixels
 * wide. A box without a positive side gives zeros, and so does one with a coordinate that is
 * NaN or beyond DP_MAX_IMAGE_SIDE pixels. So the work is bounded by about the cells under
 * each box.
 *
 * Maps of unequal channels, or not of so many images, are recorded as DP_ESHAPE. The result lives in r's arena. Boxes are spread over r's
 * threads; the bits do not depend on how many there are.
 *
 * A plain run makes a step of it (ops/step.h), whose inputs are the maps. */
dp_tensor dp_roi_align_run(dp_run *r, const dp_features *maps, int P,
                           const dp_rois *rois);

/* The older form, of torchvision's detectors: boxes are not shifted, a side is at least
 * one cell long, and a bin has `samples` rows and columns of samples. So a box without
 * area gives what lies around it. */
dp_tensor dp_roi_align_sampled_run(dp_run *r, const dp_features *maps, int P,
                                   int samples, const dp_rois *rois);

#endif
