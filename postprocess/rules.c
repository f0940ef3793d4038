#include "postprocess/rules.h"

#include "postprocess/mask_paste.h"
#include "postprocess/mask_resize.h"

const dp_detector_rules dp_rules_mmdetection = {
    .name = "mmdetection",
    .nms_split = 10000,
    .skips_padding = true,
    .scaled_before_nms = true,
    .paste = &dp_paste_sampled,
};

const dp_detector_rules dp_rules_torchvision = {
    .name = "torchvision",
    .background_first = true,
    .rounded_anchors = true,
    .spread_anchors = true,
    .centre_from_corner = true,
    .divided_deltas = true,
    .free_shrinking = true,
    .ranked_by_logit = true,
    .min_proposal_side = 1e-3f,
    .nms_split = 1001, /* of its code for CPUs */
    .min_detection_side = 1e-2f,
    .first_label = 1,
    .canonical_levels = true,
    .roi_samples = 2,
    .paste = &dp_paste_resized,
};
