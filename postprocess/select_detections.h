/* select_detections.h - from the box head's scores and deltas to detections
 *
 * mmdet 2.11's multiclass_nms: every class of every region whose score is high enough is
 * a candidate, classes are thinned apart, and the best of what is left are the result.
 *
 *   R   regions     K   classes, background not counted
 */
#ifndef DP_POSTPROCESS_SELECT_DETECTIONS_H
#define DP_POSTPROCESS_SELECT_DETECTIONS_H

#include "core/box.h"
#include "core/detections.h"

#include <stdbool.h>

struct dp_kernels; /* ops/kernels/kernels.h */

typedef struct dp_multiclass {
    int K;             /* classes                                                    */
    float std[4];      /* of the deltas: delta.h                                     */
    float score_thr;   /* a candidate's score is above this, compared in float32     */
    float iou_thr;     /* of the suppression                                         */
    int max_per_img;   /* detections at most                                         */
    bool skip_padding; /* regions whose y2 is 0 give nothing                         */
} dp_multiclass;

typedef struct dp_region_scores {
    const dp_box *rois;  /* R, pixels of the network's input                        */
    const float *scores; /* (R, K + 1), after softmax; the last is background       */
    const float *deltas; /* (R, K, 4)                                               */
    int R;
    dp_size input;          /* of the network, without padding: boxes are clipped   */
    float scale_x, scale_y; /* input pixels in one pixel of the original image      */
    bool agnostic;          /* deltas are (R, 4): of all classes alike              */
} dp_region_scores;

/* Write at most max_per_img detections, score descending, to `out` and return how many.
 * Boxes are divided by the scale, so they are in pixels of the original image, before
 * the suppression. Candidates are numbered region by region, then class; equal scores
 * keep that order. Only candidates are decoded. One whose box is not finite is dropped.
 * No detection has a mask. scratch is dp_multiclass_scratch(R, K, max_per_img) bytes, about 70 for
 * every region and class: all may be candidates. R * K is below 2^31. */
int dp_multiclass_run(dp_detection *out, const dp_multiclass *p, dp_region_scores r,
                      const struct dp_kernels *k, void *scratch);
size_t dp_multiclass_scratch(int R, int K, int max_per_img);

#endif
