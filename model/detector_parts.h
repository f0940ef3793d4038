/* detector_parts.h - neck and heads of a detector, as a config puts them together
 *
 * What the detectors share: they differ in how the parts' outputs become detections.
 */
#ifndef DP_MODEL_DETECTOR_PARTS_H
#define DP_MODEL_DETECTOR_PARTS_H

#include "heads/head.h"
#include "model/model.h"
#include "necks/neck.h"

typedef struct dp_detector_parts {
    int levels; /* maps that regions are cut from: the backbone's number of maps */
    const dp_neck_def *neck_def;
    void *neck;
    const dp_proposal_head_def *rpn_def;
    void *rpn;
    const dp_box_head_def *box_def;
    void *box;
    const dp_mask_head_def *mask_def; /* NULL: boxes only */
    void *mask;
} dp_detector_parts;

/* Build the config's "neck", "rpn_head", "bbox_head" and, when it is there, "mask_head"
 * over the backbone's maps. DP_ECONFIG. */
dp_status dp_detector_parts_build(dp_detector_parts *p, dp_builder *b,
                                  const dp_config *config,
                                  const dp_feature_specs *maps) DP_MUST_CHECK;

/* Number of classes that the heads predict. */
int dp_detector_parts_classes(const dp_detector_parts *p);

/* From the network's input to what the box head says; *maps receives the maps that
 * regions are cut from. */
dp_box_predictions dp_detector_parts_run(const dp_detector_parts *p, dp_run *r,
                                         const dp_model *m, const dp_frame *frame,
                                         dp_tensor input, dp_features *maps);

#endif
