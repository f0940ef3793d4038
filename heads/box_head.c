/* Box head: He et al. 2017, figure 4 left; the original's Shared2FCBBoxHead. Two fully
 * connected layers, then scores and class-specific deltas.
 */
#include "heads/head.h"
#include "ops/linear.h"
#include "ops/roi_align.h"
#include "postprocess/levels.h"

typedef struct box_head {
    int fc_out_channels;
    int roi_feat_size;
    int num_classes;
    float target_stds[4];

    dp_linear shared_fcs[2];
    dp_linear fc_cls, fc_reg;
} box_head;

static const dp_param params[] = {
    DP_PARAM(box_head, fc_out_channels, "1024", 1, 65536,
             "outputs of the shared layers"),
    DP_PARAM(box_head, roi_feat_size, "7", 1, 128, "cells of a region's side"),
    DP_PARAM(box_head, num_classes, "80", 1, 65535, "classes, without the background"),
    DP_PARAM(box_head, target_stds, "[0.1, 0.1, 0.2, 0.2]", 1e-6, 100,
             "what predicted dx dy dw dh are multiplied by"),
    DP_PARAM_END,
};

static dp_status build(void *self, dp_builder *b, const dp_feature_specs *in)
{
    box_head *head = self;
    const int hidden = head->fc_out_channels;
    dp_linear_build_flattened(b, &head->shared_fcs[0], "shared_fcs.0.",
                              in->spec[0].channels, head->roi_feat_size, hidden);
    dp_linear_build(b, &head->shared_fcs[1], "shared_fcs.1.", hidden, hidden);
    dp_linear_build(b, &head->fc_cls, "fc_cls.", hidden, head->num_classes + 1);
    dp_linear_build(b, &head->fc_reg, "fc_reg.", hidden, head->num_classes * 4);
    return b->status;
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
    dp_box_predictions out = {.count = count, .rois = rois};
    for (int i = 0; i < 4; i++)
        out.stds[i] = head->target_stds[i];
    /* The results are taken first, so that what leads to them can be given back. */
    out.logits = dp_run_tensor(r, count, 1, 1, head->num_classes + 1);
    out.deltas = dp_run_tensor(r, count, 1, 1, head->num_classes * 4);

    const size_t mark = dp_run_mark(r);
    int *level = dp_run_take(r, (size_t)count, sizeof *level);
    for (int i = 0; i < count && !r->dry; i++)
        level[i] = dp_level_get(rois[i], DP_FINEST_SCALE, maps->count);
    dp_tensor x = dp_roi_align_run(r, maps, head->roi_feat_size, rois, level, count);
    dp_run_trace(r, "bbox_features", x); /* (R, 7, 7, 256) */
    x = dp_linear_run(r, &head->shared_fcs[0], x,
                      DP_ACTIVATION_RELU); /* (R, 1024)      */
    x = dp_linear_run(r, &head->shared_fcs[1], x,
                      DP_ACTIVATION_RELU); /* (R, 1024)      */
    dp_linear_run_into(r, &head->fc_cls, out.logits, x, DP_ACTIVATION_NONE);
    dp_linear_run_into(r, &head->fc_reg, out.deltas, x, DP_ACTIVATION_NONE);
    dp_run_rewind(r, mark);

    dp_run_trace(r, "bbox_cls", out.logits);
    dp_run_trace(r, "bbox_reg", out.deltas);
    return out;
}

const dp_box_head_def dp_box_head_shared_2fc = {
    .head = {.name = "shared_2fc",
             .summary = "box head of Mask R-CNN: two shared fully connected layers",
             .size = sizeof(box_head),
             .params = params,
             .build = build},
    .classes = classes,
    .forward = forward,
};
