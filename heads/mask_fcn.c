#include "heads/mask_fcn.h"

#include "postprocess/softmax.h"

const dp_param dp_mask_fcn_params[] = {
    DP_PARAM(dp_mask_fcn_spec, num_convs, "4", 1, DP_MASK_FCN_CONVS,
             "3 x 3 convolutions"),
    DP_PARAM(dp_mask_fcn_spec, conv_out_channels, "256", 1, 16384, "their channels"),
    DP_PARAM(dp_mask_fcn_spec, roi_feat_size, "14", 1, 128,
             "cells of a region's side; masks have twice as many"),
    DP_PARAM(dp_mask_fcn_spec, num_classes, "80", 1, 65535,
             "classes, without the background"),
    DP_PARAM(dp_mask_fcn_spec, norm, "false", 0, 0,
             "the 3 x 3 convolutions have a batch norm instead of a bias"),
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
        const size_t outer = dp_builder_enter(b, "convs.%d.", i);
        dp_conv_build(b, &h->convs[i],
                      &(dp_conv_spec){.in = i == 0 ? in : spec->conv_out_channels,
                                      .out = spec->conv_out_channels,
                                      .kernel = 3,
                                      .stride = 1,
                                      .padding = 1,
                                      .name = "conv.",
                                      .norm = spec->norm ? "bn." : NULL,
                                      .norm_eps = DP_BATCH_NORM_EPS,
                                      .activation = DP_ACTIVATION_RELU});
        dp_builder_leave(b, outer);
    }
    dp_deconv_build(b, &h->upsample, "upsample.", spec->conv_out_channels,
                    spec->conv_out_channels, DP_ACTIVATION_RELU);
    build_logits(b, h);
}

enum {
    TAPS = 4,  /* cells of a mask to one of a window                       */
    CELLS = 56 /* of a window at a time: what is made of them stays in the cache */
};

struct logits_job {
    const dp_mask_fcn *head;
    const int *labels;
    dp_tensor x, y;
    float *memory; /* upsampled cells and their logits, a worker */
};

static size_t memory_size(const dp_mask_fcn *h)
{
    return (size_t)CELLS * TAPS * ((size_t)h->spec.conv_out_channels + 1);
}

/* Logits of cells [first, first + count) of a window, in the order (cell, a, b), to their
 * places in a mask. */
static void place_logits(float *mask, const float *logits, int first, int count, int W)
{
    for (int i = first; i < first + count; i++, logits += TAPS) {
        float *to = mask + (ptrdiff_t)(i / W) * 4 * W + (ptrdiff_t)(i % W) * 2;
        to[0] = logits[0];
        to[1] = logits[1];
        to[2 * W] = logits[2];
        to[2 * W + 1] = logits[3];
    }
}

/* The upsampled window (S, S, C) is never there as a whole. */
static void logits_item(void *arg, int item, int worker)
{
    const struct logits_job *job = arg;
    const dp_mask_fcn *h = job->head;
    const int cells = job->x.H * job->x.W;
    const size_t C = (size_t)h->spec.conv_out_channels;
    const float *x = job->x.data + (size_t)item * (size_t)cells * C;
    float *mask = job->y.data + (size_t)item * TAPS * (size_t)cells;
    float *upsampled = job->memory + (size_t)worker * memory_size(h);
    float *logits = upsampled + CELLS * TAPS * C;

    for (int first = 0; first < cells; first += CELLS) {
        const int count = cells - first < CELLS ? cells - first : CELLS;
        dp_gemm_rows(&h->upsample.gemm, upsampled, TAPS * C, x + (size_t)first * C, C,
                     count, false, DP_ACTIVATION_RELU);
        dp_gemm_rows(&h->logits[job->labels[item]], logits, 1, upsampled, C,
                     TAPS * count, false, DP_ACTIVATION_NONE);
        place_logits(mask, logits, first, count, job->x.W);
    }
    dp_sigmoid(mask, mask, TAPS * (size_t)cells);
}

/* The convolutions, in two maps that take turns. */
static dp_tensor run_convs(dp_run *r, const dp_mask_fcn *h, dp_tensor x)
{
    dp_tensor maps[2];
    for (int i = 0; i < 2 && i < h->spec.num_convs; i++)
        maps[i] = dp_run_tensor(r, x.N, x.H, x.W, h->spec.conv_out_channels);
    for (int i = 0; i < h->spec.num_convs; i++) {
        dp_conv_run_into(r, &h->convs[i], maps[i % 2], x);
        x = maps[i % 2];
    }
    return x;
}

void dp_mask_fcn_run(dp_run *r, const dp_mask_fcn *h, dp_tensor y, dp_tensor x,
                     const int *labels)
{
    const size_t mark = dp_run_mark(r);
    x = run_convs(r, h, x); /* (R, S/2, S/2, C) */
    const size_t rows = dp_tensor_rows(x);
    struct logits_job job = {.head = h, .labels = labels};
    job.x = x;
    job.y = y;
    job.memory = dp_run_take(r, (size_t)dp_pool_threads(r->pool) * memory_size(h),
                             sizeof *job.memory);
    dp_deconv_count(r, &h->upsample, x);
    /* Upstream computes every class's logit, of which it keeps one. */
    dp_run_count(r, &(dp_work){.kind = DP_WORK_CONV,
                               .macs = dp_work_macs(TAPS * rows, x.C, 1),
                               .outputs = TAPS * rows,
                               .bias = true,
                               .variants = h->spec.num_classes});
    if (!r->dry)
        dp_parallel(r->pool, y.N, logits_item, &job); /* (R, S, S, 1)     */
    dp_run_rewind(r, mark);
}
