/* conv_fc.h - the layers of a box head: convolutions, fully connected layers, predictors
 *
 * Upstream's ConvFCBBoxHead with shared layers only. Box heads of one stage
 * (box_head.c) and the stages of a cascade (cascade.c) are made of it.
 *
 *   R   regions      K   classes, the background not counted
 */
#ifndef DP_HEADS_CONV_FC_H
#define DP_HEADS_CONV_FC_H

#include "ops/conv.h"
#include "ops/linear.h"

enum { DP_CONV_FC_CONVS = 4, DP_CONV_FC_FCS = 2 };

typedef struct dp_conv_fc_spec {
    int in;          /* channels of the windows                                       */
    int side;        /* cells of a window's side                                      */
    int convs;       /* 3 x 3 convolutions with batch norm: 0 to DP_CONV_FC_CONVS     */
    int conv_out;    /* their channels                                                */
    int fcs, fc_out; /* fully connected layers, 1 to DP_CONV_FC_FCS; their outputs    */
    int classes;     /* K                                                             */
    bool agnostic;   /* one delta a region, not one a class                           */
    bool background_first; /* in the checkpoint, deltas too; not when agnostic       */
} dp_conv_fc_spec;

typedef struct dp_conv_fc {
    dp_conv_fc_spec spec;
    dp_conv convs[DP_CONV_FC_CONVS];
    dp_linear fcs[DP_CONV_FC_FCS];
    dp_linear fc_cls, fc_reg;
} dp_conv_fc;

/* Load shared_convs.I.conv and .bn, shared_fcs.I, fc_cls, fc_reg of the current scope. */
void dp_conv_fc_build(dp_builder *b, dp_conv_fc *h, const dp_conv_fc_spec *spec);

/* logits (R, 1, 1, K + 1) and deltas (R, 1, 1, 4 K), or 4 when agnostic, of the windows x (R, side, side, in),
 * which are overwritten. */
void dp_conv_fc_run(dp_run *r, const dp_conv_fc *h, dp_tensor logits, dp_tensor deltas,
                    dp_tensor x);

#endif
