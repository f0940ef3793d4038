/* detector.h - what a detector's forward pass leaves, and detections made of it
 */
#ifndef DP_MODEL_DETECTOR_H
#define DP_MODEL_DETECTOR_H

#include "core/detections.h"
#include "core/run.h"
#include "model/model.h"
#include "postprocess/mask_paste.h"

/* In the arena of the run, until the next one. */
typedef struct dp_detector_result {
    dp_size image; /* the original image                                */
    int count;     /* detections; in a dry run as many as are allowed     */
    dp_detection *list;

    /* masks; side 0: the model makes none */
    const dp_paste_rule *paste;
    int side;            /* S                                            */
    const float *masks;  /* probabilities (count, S, S)                  */
    float threshold;     /* from which on a pixel belongs to the mask    */
    size_t run_capacity; /* of each detection at runs                    */
    uint32_t *runs;      /* detection i's start at i * run_capacity      */
    size_t *run_count;   /* of each; more than the capacity: they were cut */
} dp_detector_result;

/* Paste the masks into the image, spread over the threads: fills run_capacity, runs and
 * run_count. */
void dp_detector_paste(dp_run *r, dp_detector_result *d);

/* Detect in one image: `out` is emptied first. DP_EARG when m is no detector. */
dp_status dp_detector_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                          dp_detections *out) DP_MUST_CHECK;

/* The same with options. */
dp_status dp_detector_run_with(dp_context *ctx, const dp_model *m,
                               const dp_pixels *pixels, const dp_model_options *options,
                               dp_detections *out) DP_MUST_CHECK;

#endif
