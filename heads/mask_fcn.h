/* mask_fcn.h - the layers of a mask head: convolutions, deconvolution, predictors
 *
 * He et al. 2017, figure 4 right; upstream's FCNMaskHead. Four 3 x 3 convolutions, a
 * deconvolution to twice the size, and a 1 x 1 convolution to a logit a class, of which
 * only the predicted class's is computed. The mask head of one stage (mask_head.c) and
 * those of a cascade (cascade.c) are made of it.
 *
 *   R   regions      S   cells of a mask's side      K   classes
 */
#ifndef DP_HEADS_MASK_FCN_H
#define DP_HEADS_MASK_FCN_H

#include "core/params.h"
#include "ops/conv.h"
#include "ops/deconv.h"

enum { DP_MASK_FCN_CONVS = 16 };

/* What a config says of the layers. */
typedef struct dp_mask_fcn_spec {
    int num_convs;
    int conv_out_channels;
    int roi_feat_size; /* S / 2 */
    int num_classes;   /* K     */
    bool norm;

    /* of the head, not of the config */
    bool background_first; /* the checkpoint has a logit for it, before the others */
} dp_mask_fcn_spec;

extern const dp_param dp_mask_fcn_params[];

typedef struct dp_mask_fcn {
    dp_mask_fcn_spec spec;
    dp_conv convs[DP_MASK_FCN_CONVS];
    dp_deconv upsample;
    dp_gemm *logits; /* one a class: conv_out_channels to 1 */
} dp_mask_fcn;

/* Load convs.I.conv (and convs.I.bn, with `norm`), upsample and conv_logits of the
 * current scope, for windows of `in` channels. */
void dp_mask_fcn_build(dp_builder *b, dp_mask_fcn *h, const dp_mask_fcn_spec *spec,
                       int in);

/* Probabilities y (R, S, S, 1) of the windows x (R, S/2, S/2, in), each for its own class
 * labels[i], which is not looked at in a dry run. */
void dp_mask_fcn_run(dp_run *r, const dp_mask_fcn *h, dp_tensor y, dp_tensor x,
                     const int *labels);

#endif
