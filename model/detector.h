/* detector.h - what a detector's forward pass leaves, and detections made of it
 */
#ifndef DP_MODEL_DETECTOR_H
#define DP_MODEL_DETECTOR_H

#include "core/detections.h"
#include "core/run.h"
#include "model/model.h"
#include "postprocess/paste_masks.h"

/* In the arena of the run, until the next one. */
typedef struct dp_detector_result {
    dp_size image; /* the original image                            */
    int count;     /* detections; in a dry run as many as are allowed */
    dp_detection *list;

    /* masks; paste.side 0: none are made */
    const dp_paste_rule *rule;
    dp_mask_paste paste;
    const float *masks; /* probabilities (count, side, side) */
    dp_pasted_masks pasted;
} dp_detector_result;

/* Detect in one image: `out` is emptied first. DP_EARG when m is no detector. */
dp_status dp_detector_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                          dp_detections *out) DP_MUST_CHECK;

/* The same with options. */
dp_status dp_detector_run_with(dp_context *ctx, const dp_model *m,
                               const dp_pixels *pixels, const dp_model_options *options,
                               dp_detections *out) DP_MUST_CHECK;

#endif
