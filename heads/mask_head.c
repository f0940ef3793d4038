/* Mask heads: He et al. 2017, figure 4 right; mmdetection's FCNMaskHead and torchvision's.
 * 3 x 3 convolutions, a deconvolution to twice the size, and a 1 x 1 convolution to a logit
 * a class. Only the predicted class's logit is computed. A cascade, Cai and Vasconcelos
 * 2019, has three on the same windows; the answer is the mean of their probabilities.
 *
 *   R   regions      S   cells of a mask's side      K   classes
 */
#include "heads/head.h"
#include "heads/roi_features.h"
#include "ops/conv.h"
#include "ops/mask_logits.h"
#include "postprocess/mean.h"
#include "postprocess/softmax.h"

enum { CONVS = 16, STAGES = 3 };

typedef struct stage {
    dp_conv convs[CONVS];
    dp_mask_logits logits;
} stage;

typedef struct mask_head {
    int num_convs;
    int conv_out_channels;
    int roi_feat_size; /* S / 2 */
    int num_classes;   /* K     */
    bool norm;

    const dp_mask_head_def *def;
    stage stages[STAGES];
} mask_head;

static const dp_param params[] = {
    DP_PARAM(mask_head, num_convs, "4", 1, CONVS, "3 x 3 convolutions"),
    DP_PARAM(mask_head, conv_out_channels, "256", 1, 16384, "their channels"),
    DP_PARAM(mask_head, roi_feat_size, "14", 1, 128,
             "cells of a region's side; masks have twice as many"),
    DP_PARAM(mask_head, num_classes, "80", 1, 65535, "classes, without the background"),
    DP_PARAM(mask_head, norm, "false", 0, 0,
             "the 3 x 3 convolutions have a batch norm instead of a bias"),
    DP_PARAM_END,
};

/* Load convs.I.conv (and convs.I.bn, with `norm`), upsample and conv_logits. */
static void build_stage(dp_builder *b, const mask_head *h, stage *s, int in)
{
    for (int i = 0; i < h->num_convs; i++) {
        const size_t outer = dp_builder_enter(b, "convs.%d.", i);
        dp_conv_build(b, &s->convs[i],
                      &(dp_conv_spec){.in = i == 0 ? in : h->conv_out_channels,
                                      .out = h->conv_out_channels,
                                      .kernel = 3,
                                      .stride = 1,
                                      .padding = 1,
                                      .name = "conv.",
                                      .norm = h->norm ? "bn." : NULL,
                                      .norm_eps = DP_BATCH_NORM_EPS,
                                      .activation = DP_ACTIVATION_RELU});
        dp_builder_leave(b, outer);
    }
    dp_mask_logits_build(b, &s->logits, h->conv_out_channels, h->num_classes,
                         h->def->rules->background_first ? 1 : 0);
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    mask_head *h = self;
    h->def = dp_mask_head_def_of(module);
    for (int s = 0; s < h->def->stages; s++) {
        const size_t outer = h->def->stages > 1 ? dp_builder_enter(b, "%d.", s)
                                                : dp_builder_enter(b, "%s", "");
        build_stage(b, h, &h->stages[s], in->spec[0].channels);
        dp_builder_leave(b, outer);
    }
    return b->status;
}

static int classes(const void *self)
{
    return ((const mask_head *)self)->num_classes;
}

static int side(const void *self)
{
    return 2 * ((const mask_head *)self)->roi_feat_size;
}

/* Probabilities y (R, S, S, 1) of the windows x (R, S/2, S/2, in). */
static void run_stage(const mask_head *h, dp_run *r, const stage *s, dp_tensor y,
                      dp_tensor x, const int *labels)
{
    const size_t mark = dp_run_mark(r);
    dp_tensor maps[2]; /* take turns */
    for (int i = 0; i < 2 && i < h->num_convs; i++)
        maps[i] = dp_run_tensor(r, x.N, x.H, x.W, h->conv_out_channels);
    for (int i = 0; i < h->num_convs; i++) {
        dp_conv_run_into(r, &s->convs[i], maps[i % 2], x);
        x = maps[i % 2]; /* (R, S/2, S/2, C) */
    }
    dp_mask_logits_run(r, &s->logits, y, x, labels);
    dp_sigmoid_run(r, y);
    dp_run_rewind(r, mark);
}

static dp_tensor forward(const void *self, dp_run *r, const dp_features *maps,
                         const dp_box *rois, const int *labels, int count)
{
    const mask_head *h = self;
    const int S = side(self), stages = h->def->stages;
    const dp_tensor out = dp_run_tensor(r, count, S, S, 1);
    const size_t mark = dp_run_mark(r);
    const dp_tensor x = dp_roi_features_run(r, h->def->rules, maps, S / 2, rois, count);
    dp_run_trace(r, "mask_features", x); /* (R, S/2, S/2, 256) */
    const dp_tensor y = stages > 1 ? dp_run_tensor(r, count, S, S, 1) : out;
    for (int s = 0; s < stages; s++) {
        run_stage(h, r, &h->stages[s], y, x, labels);
        if (stages > 1)
            dp_mean_add_run(r, out, y, s, stages);
    }
    dp_run_rewind(r, mark);
    dp_run_trace(r, "mask_probabilities", out);
    return out;
}

#define MASK_HEAD(type, text, which, number)                                      \
    {                                                                             \
        .module =                                                                 \
            DP_MODULE(DP_MODULE_MASK_HEAD, type, text, mask_head, params, build), \
        .rules = &(which), .stages = number, .classes = classes, .side = side,    \
        .forward = forward,                                                       \
    }

const dp_mask_head_def dp_mask_head_fcn = MASK_HEAD(
    "fcn", "mask head of Mask R-CNN, He et al. 2017", dp_rules_mmdetection, 1);
const dp_mask_head_def dp_mask_head_cascade_fcn = MASK_HEAD(
    "cascade_fcn", "mask heads of Cascade Mask R-CNN, Cai and Vasconcelos 2019",
    dp_rules_mmdetection, STAGES);
const dp_mask_head_def dp_mask_head_torchvision =
    MASK_HEAD("torchvision_fcn", "mask head of torchvision's Mask R-CNN",
              dp_rules_torchvision, 1);
