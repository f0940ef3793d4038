/* detector_parts.h - neck, heads and test settings of a detector, as a config has them
 *
 * What the detectors share: they differ in how the parts' outputs become detections.
 */
#ifndef DP_MODEL_DETECTOR_PARTS_H
#define DP_MODEL_DETECTOR_PARTS_H

#include "heads/head.h"
#include "model/detector.h"
#include "model/model.h"
#include "necks/neck.h"

/* The config's "test". */
typedef struct dp_detector_test {
    float score_thr;
    float nms_iou_threshold;
    int max_per_img;
    float mask_thr_binary;
} dp_detector_test;

extern const dp_param dp_detector_test_params[];

typedef struct dp_detector_parts {
    dp_detector_test test; /* first: what the parameter table fills */

    int levels; /* maps that regions are cut from: the backbone's number of maps */
    dp_part neck;
    dp_part rpn;
    dp_part box;
    dp_part mask; /* its module is NULL: boxes only */
} dp_detector_parts;

/* Build the config's "neck", "rpn_head", "bbox_head" and, when it is there, "mask_head"
 * over the backbone's maps; `self` is a dp_detector_parts. DP_ECONFIG. */
dp_status dp_detector_parts_build(void *self, const dp_module *module, dp_builder *b,
                                  const dp_feature_specs *in) DP_MUST_CHECK;

/* Number of classes that the heads of a dp_detector_parts predict. */
int dp_detector_parts_classes(const void *parts);

/* From the image to what the box head says; *maps receives the maps that regions are
 * cut from. */
dp_box_predictions dp_detector_parts_run(const dp_detector_parts *p, dp_run *r,
                                         const dp_model *m, const dp_frame *frame,
                                         const uint8_t *pixels, dp_features *maps);

/* Probabilities of the masks of out's detections, to out->side and out->masks. The boxes,
 * times scale_x and scale_y, are in pixels of the network's input. */
void dp_detector_parts_mask(const dp_detector_parts *p, dp_run *r,
                            dp_detector_result *out, const dp_features *maps,
                            float scale_x, float scale_y);

#endif
