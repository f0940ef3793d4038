/* Box heads of one stage: shared layers, then scores and class-specific deltas. With two
 * fully connected layers as in He et al. 2017, figure 4 left (upstream's
 * Shared2FCBBoxHead), or with four convolutions and one (Shared4Conv1FCBBoxHead).
 * torchvision's two have the same layers, but for where regions are cut (regions.h) and
 * where the checkpoint has the background: before the classes. Here it comes last, as
 * everywhere else.
 */
#include "heads/conv_fc.h"
#include "heads/head.h"
#include "heads/roi_features.h"

typedef struct box_head {
    int conv_out_channels;
    int fc_out_channels;
    int roi_feat_size;
    int num_classes;
    float target_stds[4]; /* not of torchvision's, whose rules have them */

    dp_conv_fc layers;
    dp_regions_cutter *cut;
    bool skip_padding;
} box_head;

#define OF_ALL(classes)                                                             \
    DP_PARAM(box_head, fc_out_channels, "1024", 1, 65536,                           \
             "outputs of the shared fully connected layers"),                       \
        DP_PARAM(box_head, roi_feat_size, "7", 1, 128, "cells of a region's side"), \
        DP_PARAM(box_head, num_classes, classes, 1, 65535,                          \
                 "classes, without the background")
#define OF_CONVS                                           \
    DP_PARAM(box_head, conv_out_channels, "256", 1, 16384, \
             "channels of the convolutions")
#define OF_ORIGINALS                                                   \
    DP_PARAM(box_head, target_stds, "[0.1, 0.1, 0.2, 0.2]", 1e-6, 100, \
             "what predicted dx dy dw dh are multiplied by")

static const dp_param shared_2fc_params[] = {OF_ALL("80"), OF_ORIGINALS, DP_PARAM_END};
static const dp_param shared_4conv_1fc_params[] = {OF_CONVS, OF_ALL("80"), OF_ORIGINALS,
                                                   DP_PARAM_END};
static const dp_param torchvision_2fc_params[] = {OF_ALL("90"), DP_PARAM_END};
static const dp_param torchvision_4conv_1fc_params[] = {OF_CONVS, OF_ALL("90"),
                                                        DP_PARAM_END};

static void build(box_head *head, dp_builder *b, const dp_feature_specs *in, int convs,
                  int fcs, bool background_first)
{
    dp_conv_fc_build(b, &head->layers,
                     &(dp_conv_fc_spec){.in = in->spec[0].channels,
                                        .side = head->roi_feat_size,
                                        .convs = convs,
                                        .conv_out = head->conv_out_channels,
                                        .fcs = fcs,
                                        .fc_out = head->fc_out_channels,
                                        .classes = head->num_classes,
                                        .background_first = background_first});
}

static dp_status build_original(box_head *head, dp_builder *b,
                                const dp_feature_specs *in, int convs, int fcs)
{
    head->cut = dp_regions_cut;
    head->skip_padding = true;
    build(head, b, in, convs, fcs, false);
    return b->status;
}

static dp_status build_shared_2fc(void *self, const dp_module *module, dp_builder *b,
                                  const dp_feature_specs *in)
{
    (void)module;
    return build_original(self, b, in, 0, 2);
}

static dp_status build_shared_4conv_1fc(void *self, const dp_module *module,
                                        dp_builder *b, const dp_feature_specs *in)
{
    (void)module;
    return build_original(self, b, in, 4, 1);
}

static dp_status build_torchvision(box_head *head, dp_builder *b,
                                   const dp_feature_specs *in, int convs, int fcs)
{
    head->cut = dp_regions_cut_sampled;
    build(head, b, in, convs, fcs, true);
    return b->status;
}

static dp_status build_torchvision_2fc(void *self, const dp_module *module,
                                       dp_builder *b, const dp_feature_specs *in)
{
    (void)module;
    return build_torchvision(self, b, in, 0, 2);
}

static dp_status build_torchvision_4conv_1fc(void *self, const dp_module *module,
                                             dp_builder *b, const dp_feature_specs *in)
{
    (void)module;
    return build_torchvision(self, b, in, 4, 1);
}

static int classes(const void *self)
{
    return ((const box_head *)self)->num_classes;
}

static dp_box_predictions forward(const void *self, dp_run *r, const dp_frame *frame,
                                  const dp_features *maps, dp_box *rois, int count)
{
    (void)frame;
    const box_head *head = self;
    dp_box_predictions out = {
        .count = count, .rois = rois, .skip_padding = head->skip_padding};
    for (int i = 0; i < 4; i++)
        out.stds[i] = head->target_stds[i];
    /* The results are taken first, so that what leads to them can be given back. */
    out.logits = dp_run_tensor(r, count, 1, 1, head->num_classes + 1);
    out.deltas = dp_run_tensor(r, count, 1, 1, head->num_classes * 4);

    const size_t mark = dp_run_mark(r);
    const dp_tensor x = head->cut(r, maps, head->roi_feat_size, rois, count);
    dp_run_trace(r, "bbox_features", x); /* (R, 7, 7, 256) */
    dp_conv_fc_run(r, &head->layers, out.logits, out.deltas, x);
    dp_run_rewind(r, mark);

    dp_run_trace(r, "bbox_cls", out.logits);
    dp_run_trace(r, "bbox_reg", out.deltas);
    return out;
}

const dp_box_head_def dp_box_head_shared_2fc = {
    .module = {.kind = DP_MODULE_BOX_HEAD,
               .name = "shared_2fc",
               .summary = "box head of Mask R-CNN: two shared fully connected layers",
               .size = sizeof(box_head),
               .params = shared_2fc_params,
               .build = build_shared_2fc},
    .classes = classes,
    .forward = forward,
};

const dp_box_head_def dp_box_head_shared_4conv_1fc = {
    .module = {.kind = DP_MODULE_BOX_HEAD,
               .name = "shared_4conv_1fc",
               .summary = "box head: four shared convolutions, a fully connected layer",
               .size = sizeof(box_head),
               .params = shared_4conv_1fc_params,
               .build = build_shared_4conv_1fc},
    .classes = classes,
    .forward = forward,
};

const dp_box_head_def dp_box_head_torchvision_2fc = {
    .module = {.kind = DP_MODULE_BOX_HEAD,
               .name = "torchvision_2fc",
               .summary = "box head of torchvision's Mask R-CNN",
               .size = sizeof(box_head),
               .params = torchvision_2fc_params,
               .build = build_torchvision_2fc},
    .classes = classes,
    .forward = forward,
};

const dp_box_head_def dp_box_head_torchvision_4conv_1fc = {
    .module = {.kind = DP_MODULE_BOX_HEAD,
               .name = "torchvision_4conv_1fc",
               .summary = "box head of torchvision's second Mask R-CNN",
               .size = sizeof(box_head),
               .params = torchvision_4conv_1fc_params,
               .build = build_torchvision_4conv_1fc},
    .classes = classes,
    .forward = forward,
};
