/* select_detections.h - from a box head's predictions to detections
 *
 * mmdetection's multiclass_nms and torchvision's RoIHeads.postprocess_detections. Every
 * class of every region whose score is high enough is a candidate. Each class's candidates
 * are suppressed among themselves, and the best of what is left are the result.
 */
#ifndef DP_POSTPROCESS_SELECT_DETECTIONS_H
#define DP_POSTPROCESS_SELECT_DETECTIONS_H

#include "core/detections.h"
#include "core/frame.h"
#include "postprocess/box_predictions.h"

typedef struct dp_selection {
    float score_thr; /* a candidate's score is above this, compared in float32 */
    float nms_iou_threshold;
    int max_per_img; /* detections at most */
} dp_selection;

/* Write at most max_per_img detections, score descending, to `out` and return how many; a
 * dry run returns max_per_img. p.logits are probabilities by now (dp_softmax_run).
 *
 * Boxes are clipped to the resized image. By mmdetection's rules they are then divided by
 * the frame's scale, so they are in pixels of the original image before the suppression;
 * by torchvision's they stay in pixels of the network's input.
 *
 * Candidates are numbered region by region, then class; equal scores keep that order.
 * Only candidates are decoded. One whose box is not finite, or smaller than the rules
 * allow, is dropped. No detection has a mask. Takes about 70 bytes for every region and
 * class: all may be candidates. R * K is below 2^31. */
int dp_select_detections(dp_run *r, const dp_detector_rules *rules, dp_detection *out,
                         const dp_selection *wanted, dp_box_predictions p,
                         const dp_frame *frame);

/* Boxes of dp_select_detections as they are in pixels of the network's input and, with
 * labels, as a mask head asks for them. */
void dp_detections_to_regions(dp_run *r, const dp_detector_rules *rules, dp_box *rois,
                              int *labels, const dp_detection *list, int count,
                              const dp_frame *frame);

/* Boxes of dp_select_detections to pixels of the original image, where they are not. */
void dp_detections_to_image(dp_run *r, const dp_detector_rules *rules,
                            dp_detection *list, int count, const dp_frame *frame);

#endif
