/* Mask head: He et al. 2017, figure 4 right; the original's FCNMaskHead. Four 3 x 3
 * convolutions, a deconvolution to twice the size, and a 1 x 1 convolution to a logit a
 * class, of which only the predicted class's is computed.
 */
#include "heads/head.h"
#include "ops/conv.h"
#include "ops/deconv.h"
#include "ops/roi_align.h"
#include "postprocess/levels.h"
#include "postprocess/softmax.h"

#include <stdio.h>

enum { CONVS_MAX = 16 };

typedef struct mask_head {
    int num_convs;
    int conv_out_channels;
    int roi_feat_size;
    int num_classes;

    dp_conv convs[CONVS_MAX];
    dp_deconv upsample;
    dp_gemm *logits; /* one a class: conv_out_channels to 1 */
} mask_head;

static const dp_param params[] = {
    DP_PARAM(mask_head, num_convs, "4", 1, CONVS_MAX, "3 x 3 convolutions"),
    DP_PARAM(mask_head, conv_out_channels, "256", 1, 16384, "their channels"),
    DP_PARAM(mask_head, roi_feat_size, "14", 1, 128,
             "cells of a region's side; masks have twice as many"),
    DP_PARAM(mask_head, num_classes, "80", 1, 65535, "classes, without the background"),
    DP_PARAM_END,
};

static dp_status build_logits(mask_head *head, dp_builder *b)
{
    const int C = head->conv_out_channels, K = head->num_classes;
    const size_t outer = dp_builder_enter(b, "conv_logits.");
    const float *weight = dp_builder_tensor(b, "weight", 4, (int[]){K, C, 1, 1});
    const float *bias = dp_builder_vector(b, "bias", K);
    head->logits = dp_builder_take(b, (size_t)K, sizeof *head->logits);
    if (head->logits)
        for (int k = 0; k < K; k++)
            dp_gemm_build(b, &head->logits[k], C, 1,
                          weight && bias ? weight + (size_t)k * (size_t)C : NULL, 1, 1,
                          NULL, bias ? bias + k : NULL);
    dp_builder_release(b);
    dp_builder_leave(b, outer);
    return b->status;
}

static dp_status build(void *self, dp_builder *b, const dp_feature_specs *in)
{
    mask_head *head = self;
    for (int i = 0; i < head->num_convs; i++) {
        char name[32];
        snprintf(name, sizeof name, "convs.%d.conv.", i);
        dp_conv_build(b, &head->convs[i],
                      &(dp_conv_spec){.in = i == 0 ? in->spec[0].channels
                                                   : head->conv_out_channels,
                                      .out = head->conv_out_channels,
                                      .kernel = 3,
                                      .stride = 1,
                                      .padding = 1,
                                      .name = name,
                                      .activation = DP_ACTIVATION_RELU});
    }
    dp_deconv_build(b, &head->upsample, "upsample.", head->conv_out_channels,
                    head->conv_out_channels, DP_ACTIVATION_RELU);
    return build_logits(head, b);
}

static int classes(const void *self)
{
    return ((const mask_head *)self)->num_classes;
}

static int side(const void *self)
{
    return 2 * ((const mask_head *)self)->roi_feat_size;
}

struct logits_job {
    const mask_head *head;
    const struct dp_kernels *kernels;
    const int *labels;
    dp_tensor x, y;
};

static void logits_item(void *arg, int i, int worker)
{
    (void)worker;
    const struct logits_job *job = arg;
    const size_t cells = (size_t)job->x.H * (size_t)job->x.W, C = (size_t)job->x.C;
    float *y = job->y.data + (size_t)i * cells;
    dp_gemm_rows(&job->head->logits[job->labels[i]], job->kernels, y, 1,
                 job->x.data + (size_t)i * cells * C, C, (int)cells, false,
                 DP_ACTIVATION_NONE);
    dp_sigmoid(y, y, cells);
}

static dp_tensor forward(const void *self, dp_run *r, const dp_features *maps,
                         const dp_box *rois, const int *labels, int count)
{
    const mask_head *head = self;
    const int S = side(self);
    const dp_tensor out = dp_run_tensor(r, count, S, S, 1);
    const size_t mark = dp_run_mark(r);

    int *level = dp_run_take(r, (size_t)count, sizeof *level);
    for (int i = 0; i < count && !r->dry; i++)
        level[i] = dp_level_get(rois[i], DP_FINEST_SCALE, maps->count);
    dp_tensor x = dp_roi_align_run(r, maps, head->roi_feat_size, rois, level, count);
    dp_run_trace(r, "mask_features", x); /* (R, S/2, S/2, 256) */
    for (int i = 0; i < head->num_convs; i++)
        x = dp_conv_run(r, &head->convs[i], x); /* (R, S/2, S/2, C)   */
    x = dp_deconv_run(r, &head->upsample, x);   /* (R, S, S, C)       */
    struct logits_job job = {head, r->kernels, labels, x, out};
    dp_run_count(r, dp_tensor_rows(x), x.C, 1);
    if (!r->dry)
        dp_parallel(r->pool, count, logits_item, &job); /* (R, S, S, 1)       */

    dp_run_rewind(r, mark);
    dp_run_trace(r, "mask_probabilities", out);
    return out;
}

const dp_mask_head_def dp_mask_head_fcn = {
    .head = {.name = "fcn",
             .summary = "mask head of Mask R-CNN, He et al. 2017",
             .size = sizeof(mask_head),
             .params = params,
             .build = build},
    .classes = classes,
    .side = side,
    .forward = forward,
};
