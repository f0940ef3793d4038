/* conv_fc.h - the layers of a box head: convolutions, fully connected layers, predictors
 *
 * Upstream's ConvFCBBoxHead with shared layers only. Box heads of one stage
 * (box_head.c) and the stages of a cascade (cascade.c) are made of it.
 *
 *   R   regions      K   classes, the background not counted
 */
#ifndef DP_HEADS_CONV_FC_H
#define DP_HEADS_CONV_FC_H

#include "core/features.h"
#include "core/params.h"
#include "ops/conv.h"
#include "ops/linear.h"
#include "postprocess/box_predictions.h"

enum { DP_CONV_FC_CONVS = 4, DP_CONV_FC_FCS = 2 };

/* What a config says of the layers. */
typedef struct dp_conv_fc_spec {
    int num_shared_convs; /* 3 x 3, with batch norm */
    int conv_out_channels;
    int num_shared_fcs;
    int fc_out_channels;
    int roi_feat_size; /* cells of a window's side */
    int num_classes;   /* K */
    bool reg_class_agnostic;
} dp_conv_fc_spec;

/* The rows of a parameter table whose instance begins with a dp_conv_fc_spec. */
#define DP_CONV_FC_PARAMS(convs, fcs, classes)                                         \
    DP_PARAM(dp_conv_fc_spec, num_shared_convs, convs, 0, DP_CONV_FC_CONVS,            \
             "3 x 3 convolutions of each stage"),                                      \
        DP_PARAM(dp_conv_fc_spec, conv_out_channels, "256", 1, 16384,                  \
                 "their channels"),                                                    \
        DP_PARAM(dp_conv_fc_spec, num_shared_fcs, fcs, 1, DP_CONV_FC_FCS,              \
                 "fully connected layers of each stage"),                              \
        DP_PARAM(dp_conv_fc_spec, fc_out_channels, "1024", 1, 65536, "their outputs"), \
        DP_PARAM(dp_conv_fc_spec, roi_feat_size, "7", 1, 128,                          \
                 "cells of a region's side"),                                          \
        DP_PARAM(dp_conv_fc_spec, num_classes, classes, 1, 65535,                      \
                 "classes, without the background"),                                   \
        DP_PARAM(dp_conv_fc_spec, reg_class_agnostic, "false", 0, 0,                   \
                 "a region has one box, not one for each class")

typedef struct dp_conv_fc {
    dp_conv_fc_spec spec;
    const dp_detector_rules *rules;
    dp_conv convs[DP_CONV_FC_CONVS];
    dp_linear fcs[DP_CONV_FC_FCS];
    dp_linear fc_cls, fc_reg;
} dp_conv_fc;

/* Load shared_convs.I.conv and .bn, shared_fcs.I, fc_cls, fc_reg of the current scope, for
 * maps of `in` channels. */
void dp_conv_fc_build(dp_builder *b, dp_conv_fc *h, const dp_conv_fc_spec *spec,
                      const dp_detector_rules *rules, int in);

/* Take the tensors of predictions for the regions: logits and deltas. */
dp_box_predictions dp_conv_fc_take(dp_run *r, const dp_conv_fc_spec *spec, dp_box *rois,
                                   int count, const float stds[4]);

/* Fill p.logits and p.deltas for p.rois, from windows of the maps. They are traced, with
 * the windows, under names that end in `stage`. */
void dp_conv_fc_run(dp_run *r, const dp_conv_fc *h, dp_box_predictions p,
                    const dp_features *maps, const char *stage);

/* Trace tensor t as "bbox_" what stage. */
void dp_conv_fc_trace(const dp_run *r, const char *what, const char *stage,
                      dp_tensor t);

#endif
