/* Cascade R-CNN: Cai and Vasconcelos 2018; upstream's CascadeRoIHead at test time.
 * Three box heads in a row, each on the boxes that the one before has made of its own,
 * and three mask heads that share the final boxes.
 *
 * The answer is the mean of the three stages' class logits, and the last stage's deltas.
 */
#include "heads/conv_fc.h"
#include "heads/head.h"
#include "heads/mask_fcn.h"
#include "heads/roi_features.h"
#include "postprocess/box_coder.h"

#include <stdio.h>
#include <string.h>

enum { STAGES = 3 };

/* ---- boxes ----------------------------------------------------------------------- */

typedef struct cascade {
    int num_shared_convs;
    int conv_out_channels;
    int num_shared_fcs;
    int fc_out_channels;
    int roi_feat_size;
    int num_classes;
    bool reg_class_agnostic;
    float target_stds[STAGES * 4];

    dp_conv_fc stages[STAGES];
} cascade;

static const dp_param box_params[] = {
    DP_PARAM(cascade, num_shared_convs, "4", 0, DP_CONV_FC_CONVS,
             "3 x 3 convolutions of each stage"),
    DP_PARAM(cascade, conv_out_channels, "256", 1, 16384, "their channels"),
    DP_PARAM(cascade, num_shared_fcs, "1", 1, DP_CONV_FC_FCS,
             "fully connected layers of each stage"),
    DP_PARAM(cascade, fc_out_channels, "1024", 1, 65536, "their outputs"),
    DP_PARAM(cascade, roi_feat_size, "7", 1, 128, "cells of a region's side"),
    DP_PARAM(cascade, num_classes, "80", 1, 65535, "classes, without the background"),
    DP_PARAM(cascade, reg_class_agnostic, "false", 0, 0,
             "a region has one box, not one for each class"),
    DP_PARAM(cascade, target_stds,
             "[0.1, 0.1, 0.2, 0.2, 0.05, 0.05, 0.1, 0.1, 0.033, 0.033, 0.067, 0.067]",
             1e-6, 100,
             "what predicted dx dy dw dh are multiplied by, stage after stage"),
    DP_PARAM_END,
};

static dp_status build_boxes(void *self, const dp_module *module, dp_builder *b,
                             const dp_feature_specs *in)
{
    (void)module;
    cascade *head = self;
    for (int s = 0; s < STAGES; s++) {
        const size_t outer = dp_builder_enter(b, "%d.", s);
        dp_conv_fc_build(b, &head->stages[s],
                         &(dp_conv_fc_spec){.in = in->spec[0].channels,
                                            .side = head->roi_feat_size,
                                            .convs = head->num_shared_convs,
                                            .conv_out = head->conv_out_channels,
                                            .fcs = head->num_shared_fcs,
                                            .fc_out = head->fc_out_channels,
                                            .classes = head->num_classes,
                                            .agnostic = head->reg_class_agnostic});
        dp_builder_leave(b, outer);
    }
    return b->status;
}

static int classes_of_boxes(const void *self)
{
    return ((const cascade *)self)->num_classes;
}

/* The class of the highest logit, the lowest of equals; the background is not asked. */
static size_t best_class(const float *logits, size_t K)
{
    size_t best = 0;
    for (size_t k = 1; k < K; k++)
        if (logits[k] > logits[best])
            best = k;
    return best;
}

/* Floats of a region's deltas. */
static int delta_size(const cascade *head)
{
    return head->reg_class_agnostic ? 4 : 4 * head->num_classes;
}

/* Each region becomes what stage s makes of it: its box, or that of its likeliest class. */
static void refine(const cascade *head, int s, const dp_frame *frame,
                   dp_box_predictions p)
{
    const size_t K = (size_t)head->num_classes;
    for (size_t i = 0; i < (size_t)p.count; i++) {
        const float *deltas = p.deltas.data + i * (size_t)delta_size(head);
        if (!head->reg_class_agnostic)
            deltas += 4 * best_class(p.logits.data + i * (K + 1), K);
        p.rois[i] = dp_box_coder_decode(p.rois[i], deltas, head->target_stds + 4 * s,
                                        frame->resized);
    }
}

/* Rows (R, 1, 1, 4) of coordinates. */
static void trace_rois(dp_run *r, int s, const dp_box *rois, int count)
{
    char name[40];
    const size_t mark = dp_run_mark(r);
    const dp_tensor rows = dp_run_tensor(r, count, 1, 1, 4);
    for (int i = 0; i < count && !r->dry; i++) {
        float *row = rows.data + 4 * (size_t)i;
        row[0] = rois[i].x1;
        row[1] = rois[i].y1;
        row[2] = rois[i].x2;
        row[3] = rois[i].y2;
    }
    snprintf(name, sizeof name, "bbox_rois_stage%d", s);
    dp_run_trace(r, name, rows);
    dp_run_rewind(r, mark);
}

/* Predictions of stage s for the regions, of which p.rois is the list. */
static void run_stage(const cascade *head, dp_run *r, int s, const dp_features *maps,
                      dp_box_predictions p)
{
    char name[40];
    const size_t mark = dp_run_mark(r);
    const dp_tensor x = dp_regions_cut(r, maps, head->roi_feat_size, p.rois, p.count);
    snprintf(name, sizeof name, "bbox_features_stage%d", s);
    dp_run_trace(r, name, x); /* (R, 7, 7, 256) */
    dp_conv_fc_run(r, &head->stages[s], p.logits, p.deltas, x);
    dp_run_rewind(r, mark);
    snprintf(name, sizeof name, "bbox_cls_stage%d", s);
    dp_run_trace(r, name, p.logits);
    snprintf(name, sizeof name, "bbox_reg_stage%d", s);
    dp_run_trace(r, name, p.deltas);
}

/* y += x; and y /= STAGES with the last one. */
static void add_logits(dp_tensor y, dp_tensor x, bool last)
{
    const size_t size = dp_tensor_size(y);
    for (size_t i = 0; i < size; i++)
        y.data[i] += x.data[i];
    for (size_t i = 0; i < size && last; i++)
        y.data[i] /= (float)STAGES;
}

static dp_box_predictions forward_boxes(const void *self, dp_run *r,
                                        const dp_frame *frame, const dp_features *maps,
                                        dp_box *rois, int count)
{
    const cascade *head = self;
    dp_box_predictions out = {.count = count, .rois = rois};
    for (int i = 0; i < 4; i++)
        out.stds[i] = head->target_stds[4 * (STAGES - 1) + i];
    out.logits = dp_run_tensor(r, count, 1, 1, head->num_classes + 1);
    out.deltas = dp_run_tensor(r, count, 1, 1, delta_size(head));
    if (!r->dry)
        memset(out.logits.data, 0, dp_tensor_size(out.logits) * sizeof(float));

    const size_t mark = dp_run_mark(r);
    dp_box_predictions stage = out;
    stage.logits = dp_run_tensor(r, count, 1, 1, head->num_classes + 1);
    for (int s = 0; s < STAGES; s++) {
        run_stage(head, r, s, maps, stage);
        if (!r->dry)
            add_logits(out.logits, stage.logits, s == STAGES - 1);
        if (s == STAGES - 1)
            break;
        if (!r->dry)
            refine(head, s, frame, stage);
        trace_rois(r, s + 1, rois, count);
    }
    dp_run_rewind(r, mark);
    dp_run_trace(r, "bbox_cls", out.logits);
    dp_run_trace(r, "bbox_reg", out.deltas);
    return out;
}

const dp_box_head_def dp_box_head_cascade = {
    .module = {.kind = DP_MODULE_BOX_HEAD,
               .name = "cascade",
               .summary = "box heads of Cascade R-CNN, Cai and Vasconcelos 2018",
               .size = sizeof(cascade),
               .params = box_params,
               .build = build_boxes},
    .classes = classes_of_boxes,
    .forward = forward_boxes,
};

/* ---- masks ----------------------------------------------------------------------- */

typedef struct cascade_masks {
    dp_mask_fcn_spec spec; /* first: what the parameter table fills */
    dp_mask_fcn stages[STAGES];
} cascade_masks;

static dp_status build_masks(void *self, const dp_module *module, dp_builder *b,
                             const dp_feature_specs *in)
{
    (void)module;
    cascade_masks *head = self;
    for (int s = 0; s < STAGES; s++) {
        const size_t outer = dp_builder_enter(b, "%d.", s);
        dp_mask_fcn_build(b, &head->stages[s], &head->spec, in->spec[0].channels);
        dp_builder_leave(b, outer);
    }
    return b->status;
}

static int classes_of_masks(const void *self)
{
    return ((const cascade_masks *)self)->spec.num_classes;
}

static int side(const void *self)
{
    return 2 * ((const cascade_masks *)self)->spec.roi_feat_size;
}

static dp_tensor forward_masks(const void *self, dp_run *r, const dp_features *maps,
                               const dp_box *rois, const int *labels, int count)
{
    const cascade_masks *head = self;
    const int S = side(self);
    const dp_tensor out = dp_run_tensor(r, count, S, S, 1);
    const size_t mark = dp_run_mark(r);
    const dp_tensor x = dp_regions_cut(r, maps, S / 2, rois, count);
    dp_run_trace(r, "mask_features", x); /* (R, S/2, S/2, 256) */
    dp_tensor stage[STAGES];
    for (int s = 0; s < STAGES; s++) {
        stage[s] = dp_run_tensor(r, count, S, S, 1);
        dp_mask_fcn_run(r, &head->stages[s], stage[s], x, labels);
    }
    /* The mean is of probabilities, not of logits. */
    for (size_t i = 0; i < dp_tensor_size(out) && !r->dry; i++)
        out.data[i] =
            ((stage[0].data[i] + stage[1].data[i]) + stage[2].data[i]) / (float)STAGES;
    dp_run_rewind(r, mark);
    dp_run_trace(r, "mask_probabilities", out);
    return out;
}

const dp_mask_head_def dp_mask_head_cascade_fcn = {
    .module = {.kind = DP_MODULE_MASK_HEAD,
               .name = "cascade_fcn",
               .summary = "mask heads of Cascade Mask R-CNN, Cai and Vasconcelos 2019",
               .size = sizeof(cascade_masks),
               .params = dp_mask_fcn_params,
               .build = build_masks},
    .classes = classes_of_masks,
    .side = side,
    .forward = forward_masks,
};
