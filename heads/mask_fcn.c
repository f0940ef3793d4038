#include "heads/mask_fcn.h"

#include "postprocess/softmax.h"

#include <stdio.h>

const dp_param dp_mask_fcn_params[] = {
    DP_PARAM(dp_mask_fcn_spec, num_convs, "4", 1, DP_MASK_FCN_CONVS,
             "3 x 3 convolutions"),
    DP_PARAM(dp_mask_fcn_spec, conv_out_channels, "256", 1, 16384, "their channels"),
    DP_PARAM(dp_mask_fcn_spec, roi_feat_size, "14", 1, 128,
             "cells of a region's side; masks have twice as many"),
    DP_PARAM(dp_mask_fcn_spec, num_classes, "80", 1, 65535,
             "classes, without the background"),
    DP_PARAM_END,
};

static void build_logits(dp_builder *b, dp_mask_fcn *h)
{
    const int C = h->spec.conv_out_channels, K = h->spec.num_classes;
    const size_t outer = dp_builder_enter(b, "conv_logits.");
    const int first = h->spec.background_first ? 1 : 0;
    const float *weight =
        dp_builder_tensor(b, "weight", 4, (int[]){first + K, C, 1, 1});
    const float *bias = dp_builder_vector(b, "bias", first + K);
    h->logits = dp_builder_take(b, (size_t)K, sizeof *h->logits);
    if (h->logits)
        for (int k = 0; k < K; k++)
            dp_gemm_build(b, &h->logits[k], C, 1,
                          weight && bias ? weight + (size_t)(first + k) * (size_t)C
                                         : NULL,
                          1, 1, NULL, bias ? bias + first + k : NULL);
    dp_builder_release(b);
    dp_builder_leave(b, outer);
}

void dp_mask_fcn_build(dp_builder *b, dp_mask_fcn *h, const dp_mask_fcn_spec *spec,
                       int in)
{
    h->spec = *spec;
    for (int i = 0; i < spec->num_convs; i++) {
        char name[32];
        snprintf(name, sizeof name, "convs.%d.conv.", i);
        dp_conv_build(b, &h->convs[i],
                      &(dp_conv_spec){.in = i == 0 ? in : spec->conv_out_channels,
                                      .out = spec->conv_out_channels,
                                      .kernel = 3,
                                      .stride = 1,
                                      .padding = 1,
                                      .name = name,
                                      .activation = DP_ACTIVATION_RELU});
    }
    dp_deconv_build(b, &h->upsample, "upsample.", spec->conv_out_channels,
                    spec->conv_out_channels, DP_ACTIVATION_RELU);
    build_logits(b, h);
}

struct logits_job {
    const dp_mask_fcn *head;
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

void dp_mask_fcn_run(dp_run *r, const dp_mask_fcn *h, dp_tensor y, dp_tensor x,
                     const int *labels)
{
    const size_t mark = dp_run_mark(r);
    for (int i = 0; i < h->spec.num_convs; i++)
        x = dp_conv_run(r, &h->convs[i], x); /* (R, S/2, S/2, C) */
    x = dp_deconv_run(r, &h->upsample, x);   /* (R, S, S, C)     */
    struct logits_job job = {h, r->kernels, labels, x, y};
    dp_run_count(r, dp_tensor_rows(x), x.C, 1);
    /* The original computes every class's logit, of which it keeps one. */
    dp_run_count_extra(
        r, (double)dp_tensor_rows(x) *
               ((double)x.C * (h->spec.num_classes - 1) + h->spec.num_classes));
    if (!r->dry)
        dp_parallel(r->pool, y.N, logits_item, &job); /* (R, S, S, 1)     */
    dp_run_rewind(r, mark);
}
