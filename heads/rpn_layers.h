/* rpn_layers.h - a region proposal network over a pyramid: layers, and best of all levels
 *
 * Ren et al. 2015. What the networks of OpenMMLab (rpn.c) and torchvision
 * (torchvision_rpn.c) share; how a level's outputs become candidates is each one's own.
 *
 *   A   anchors of a cell      C   channels of the convolutions
 */
#ifndef DP_HEADS_RPN_LAYERS_H
#define DP_HEADS_RPN_LAYERS_H

#include "heads/head.h"
#include "ops/conv.h"
#include "postprocess/anchors.h"

enum { DP_RPN_CONVS = 4 };

typedef struct dp_rpn_layers {
    /* of the config */
    int feat_channels; /* C */
    int num_convs;
    int scales, ratios;
    float anchor_scales[8];
    float anchor_ratios[8];
    int nms_pre;
    float nms_iou_threshold;
    int max_per_img;

    int levels;
    dp_anchors anchors[DP_MAX_LEVELS];
    dp_conv convs[DP_RPN_CONVS]; /* 3 x 3                           */
    dp_conv cls;                 /* 1 x 1, a logit an anchor        */
    dp_conv reg;                 /* 1 x 1, dx dy dw dh of an anchor */
} dp_rpn_layers;

extern const dp_param dp_rpn_params[];

/* Lay the anchors, and load rpn_conv (of several convolutions rpn_conv.I.conv), rpn_cls
 * and rpn_reg of the current scope. */
dp_status dp_rpn_layers_build(dp_builder *b, dp_rpn_layers *h,
                              const dp_feature_specs *in) DP_MUST_CHECK;

/* Candidates of all levels, one after the other. */
typedef struct dp_rpn_candidates {
    int count;
    dp_box *boxes;
    float *scores;
    int *labels; /* level */
} dp_rpn_candidates;

/* What is each network's own. */
typedef struct dp_rpn_rule {
    /* Append the best nms_pre anchors of level i at most, by the logits cls (1, H, W, A)
     * and deltas reg (1, H, W, 4 A), which may be changed. index has room for nms_pre,
     * scratch is that of dp_topk_run. */
    void (*add_level)(const dp_rpn_layers *h, const dp_frame *frame, int i,
                      dp_tensor cls, dp_tensor reg, int *index, void *scratch,
                      dp_rpn_candidates *out);
    int nms_split; /* as that of dp_nms */
} dp_rpn_rule;

dp_proposals dp_rpn_layers_run(const dp_rpn_layers *h, dp_run *r, const dp_frame *frame,
                               const dp_features *maps, const dp_rpn_rule *rule);

#endif
