/* rules.h - what distinguishes the detectors of mmdetection from those of torchvision
 *
 * Both run the same networks and differ in many small rules around them. Each part of a
 * detector is written once and reads its rules here: mmdetection's are those of release
 * 2.11 with mmcv 1.3.0, torchvision's those of release 0.14.
 */
#ifndef DP_POSTPROCESS_RULES_H
#define DP_POSTPROCESS_RULES_H

#include <stdbool.h>

struct dp_paste_rule; /* postprocess/mask_paste.h */

typedef struct dp_detector_rules {
    const char *name;

    /* Predictors of a checkpoint have the background before the classes; here it is
     * last. */
    bool background_first;

    /* anchors.h: corners are rounded to whole pixels. Cells lie as far apart as the padded
     * image has whole pixels for each cell, instead of the stride. */
    bool rounded_anchors, spread_anchors;

    /* box_coder.h: the centre of a box is its corner and half its side, not the mean of
     * two corners. Deltas are divided by 1 / std, not multiplied by std. A side may shrink
     * to nothing, where mmdetection stops at 16 / 1000. */
    bool centre_from_corner, divided_deltas, free_shrinking;

    /* proposals.h: a level's anchors are ranked by logit, not by sigmoid, of which large
     * ones tie. A proposal's sides are at least this, in pixels; 0: any. */
    bool ranked_by_logit;
    float min_proposal_side;

    int nms_split; /* nms.h: from so many candidates on, labels are compared apart */

    /* select_detections.h: regions whose y2 is 0 count as padding. Boxes are scaled to
     * the original image before the suppression, not after the masks. A detection's sides
     * are at least this, in pixels; 0: any. The first class is label 1 in the suppression,
     * after the background. */
    bool skips_padding, scaled_before_nms;
    float min_detection_side;
    int first_label;

    /* pyramid_level.h: a side of 224 reads level 2, where mmdetection starts with sides
     * of up to 112 at level 0. The limits are the same but for rounding. */
    bool canonical_levels;

    int roi_samples; /* of a bin's side in RoIAlign's older form; 0: the aligned form */

    const struct dp_paste_rule *paste; /* mask_paste.h */
} dp_detector_rules;

extern const dp_detector_rules dp_rules_mmdetection, dp_rules_torchvision;

#endif
