/* Box and mask head of torchvision's Mask R-CNN: the layers of He et al. 2017, but for
 * where regions are cut (regions.h) and where the checkpoint has the background: before
 * the classes. Here it comes last, as everywhere else.
 */
#include "heads/conv_fc.h"
#include "heads/head.h"
#include "heads/mask_fcn.h"
#include "heads/regions.h"

/* ---- boxes ----------------------------------------------------------------------- */

typedef struct box_head {
    int fc_out_channels;
    int roi_feat_size;
    int num_classes;

    dp_conv_fc layers;
} box_head;

static const dp_param box_params[] = {
    DP_PARAM(box_head, fc_out_channels, "1024", 1, 65536,
             "outputs of the shared fully connected layers"),
    DP_PARAM(box_head, roi_feat_size, "7", 1, 128, "cells of a region's side"),
    DP_PARAM(box_head, num_classes, "90", 1, 65535, "classes, without the background"),
    DP_PARAM_END,
};

static dp_status build_boxes(void *self, dp_builder *b, const dp_feature_specs *in)
{
    box_head *head = self;
    dp_conv_fc_build(b, &head->layers,
                     &(dp_conv_fc_spec){.in = in->spec[0].channels,
                                        .side = head->roi_feat_size,
                                        .fcs = 2,
                                        .fc_out = head->fc_out_channels,
                                        .classes = head->num_classes,
                                        .background_first = true});
    return b->status;
}

static int classes_of_boxes(const void *self)
{
    return ((const box_head *)self)->num_classes;
}

static dp_box_predictions forward_boxes(const void *self, dp_run *r,
                                        const dp_frame *frame, const dp_features *maps,
                                        dp_box *rois, int count)
{
    (void)frame;
    const box_head *head = self;
    dp_box_predictions out = {.count = count, .rois = rois};
    out.logits = dp_run_tensor(r, count, 1, 1, head->num_classes + 1);
    out.deltas = dp_run_tensor(r, count, 1, 1, head->num_classes * 4);
    const size_t mark = dp_run_mark(r);
    const dp_tensor x =
        dp_regions_cut_sampled(r, maps, head->roi_feat_size, rois, count);
    dp_run_trace(r, "bbox_features", x); /* (R, 7, 7, 256) */
    dp_conv_fc_run(r, &head->layers, out.logits, out.deltas, x);
    dp_run_rewind(r, mark);
    dp_run_trace(r, "bbox_cls", out.logits);
    dp_run_trace(r, "bbox_reg", out.deltas);
    return out;
}

const dp_box_head_def dp_box_head_torchvision = {
    .head = {.name = "torchvision_2fc",
             .summary = "box head of torchvision's Mask R-CNN",
             .size = sizeof(box_head),
             .params = box_params,
             .build = build_boxes},
    .classes = classes_of_boxes,
    .forward = forward_boxes,
};

/* ---- masks ----------------------------------------------------------------------- */

typedef struct mask_head {
    dp_mask_fcn_spec spec; /* first: what the parameter table fills */
    dp_mask_fcn layers;
} mask_head;

static dp_status build_masks(void *self, dp_builder *b, const dp_feature_specs *in)
{
    mask_head *head = self;
    head->spec.background_first = true;
    dp_mask_fcn_build(b, &head->layers, &head->spec, in->spec[0].channels);
    return b->status;
}

static int classes_of_masks(const void *self)
{
    return ((const mask_head *)self)->spec.num_classes;
}

static int side(const void *self)
{
    return 2 * ((const mask_head *)self)->spec.roi_feat_size;
}

static dp_tensor forward_masks(const void *self, dp_run *r, const dp_features *maps,
                               const dp_box *rois, const int *labels, int count)
{
    const mask_head *head = self;
    const int S = side(self);
    const dp_tensor out = dp_run_tensor(r, count, S, S, 1);
    const size_t mark = dp_run_mark(r);
    const dp_tensor x = dp_regions_cut_sampled(r, maps, S / 2, rois, count);
    dp_run_trace(r, "mask_features", x); /* (R, S/2, S/2, 256) */
    dp_mask_fcn_run(r, &head->layers, out, x, labels);
    dp_run_rewind(r, mark);
    dp_run_trace(r, "mask_probabilities", out);
    return out;
}

const dp_mask_head_def dp_mask_head_torchvision = {
    .head = {.name = "torchvision_fcn",
             .summary = "mask head of torchvision's Mask R-CNN",
             .size = sizeof(mask_head),
             .params = dp_mask_fcn_params,
             .build = build_masks},
    .classes = classes_of_masks,
    .side = side,
    .forward = forward_masks,
};
