/* torchvision.h - torchvision's rules for boxes, where they are not those of mmdet
 *
 * Its BoxCoder, LevelMapper and RoIHeads.postprocess_detections of release 0.14.
 *
 *   R   regions     K   classes, background not counted
 */
#ifndef DP_POSTPROCESS_TORCHVISION_H
#define DP_POSTPROCESS_TORCHVISION_H

#include "core/box.h"
#include "core/detections.h"

#include <stdbool.h>

struct dp_kernels; /* ops/kernels/kernels.h */

/* `box` moved by delta[4] / weight[4] (delta.h says how) and clipped to an image of this
 * size. dw and dh are at most ln(1000 / 16), and as small as they are. */
dp_box dp_torchvision_decode(dp_box box, const float delta[4], const float weight[4],
                             dp_size image);

/* Whether both sides are at least `side`; not with a NaN. */
bool dp_torchvision_is_large(dp_box box, float side);

/* The map that a region reads, of `levels` from stride 4 on: floor(4 + log2(side / 224)
 * + 1e-6) - 2, clamped. */
int dp_torchvision_level(dp_box box, int levels);

typedef struct dp_torchvision_rule {
    int K;
    float weight[4]; /* of the deltas                           */
    float score_thr; /* a candidate's score is above this       */
    float iou_thr;   /* of the suppression                      */
    int max_per_img; /* detections at most                      */
} dp_torchvision_rule;

typedef struct dp_torchvision_regions {
    const dp_box *rois;  /* R, pixels of the network's input                  */
    const float *scores; /* (R, K + 1), after softmax; the last is background */
    const float *deltas; /* (R, K, 4)                                         */
    int R;
    dp_size input; /* of the network, without padding: boxes are clipped */
} dp_torchvision_regions;

/* Write at most max_per_img detections, score descending, to `out` and return how many.
 * Boxes stay in pixels of the network's input. Every class of every region whose score is
 * high enough, and whose box has sides of at least 0.01, is a candidate; equal scores go
 * region by region, then class. scratch is dp_torchvision_scratch(R, K, max_per_img)
 * bytes. R * K is below 2^31. */
int dp_torchvision_select(dp_detection *out, const dp_torchvision_rule *rule,
                          const dp_torchvision_regions *r, const struct dp_kernels *k,
                          void *scratch);
size_t dp_torchvision_scratch(int R, int K, int max_per_img);

#endif
