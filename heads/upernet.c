/* UperNet: Xiao et al. 2018; upstream's UPerHead at test time. Pyramid pooling on
 * the coarsest map, a top-down path, and a fusion of all levels at the finest one.
 *
 * Kept at a time, in maps of `channels` at the finest map's H x W: the outputs of all
 * levels (4/3). Beside them are first the top-down path (4/3), then the fused map and what
 * the fusion adds up (2). The concatenated map of all levels is never there.
 */
#include "heads/head.h"
#include "ops/arithmetic.h"
#include "ops/concat_conv.h"
#include "ops/conv.h"
#include "ops/pooling.h"
#include "ops/resize.h"

#include <stdio.h>

enum { POOLS_MAX = DP_CONCAT_MAX - 1 };

typedef struct upernet {
    int channels;
    int pool_scales[POOLS_MAX];
    int num_classes;
    float dropout_ratio;

    int pools, levels;
    dp_conv pool[POOLS_MAX];        /* 1 x 1, of the bins' averages   */
    dp_concat_conv bottleneck;      /* of the coarsest map and those  */
    dp_conv lateral[DP_MAX_LEVELS]; /* 1 x 1, of all but the coarsest */
    dp_conv output[DP_MAX_LEVELS];  /* 3 x 3, of the same             */
    dp_concat_conv fusion;
    dp_conv classifier; /* 1 x 1 */
} upernet;

static const dp_param params[] = {
    DP_PARAM(upernet, channels, "512", 1, 16384, "channels of every inner map"),
    DP_PARAM_LIST(upernet, pool_scales, pools, "[1, 2, 3, 6]", 1, 64,
                  "bins of a side in each pooling of the coarsest map"),
    DP_PARAM(upernet, num_classes, "150", 1, 65535, "classes"),
    DP_PARAM(upernet, dropout_ratio, "0.1", 0, 0.99,
             "of the channels before the last layer; in training only"),
    DP_PARAM_END,
};

/* A convolution without bias, batch norm, ReLU; of scope `name`. */
static void build_module(dp_builder *b, dp_conv *conv, const char *name, int in,
                         int out, int kernel)
{
    const size_t outer = dp_builder_enter(b, "%s", name);
    dp_conv_build(b, conv,
                  &(dp_conv_spec){.in = in,
                                  .out = out,
                                  .kernel = kernel,
                                  .stride = 1,
                                  .padding = kernel / 2,
                                  .name = "conv.",
                                  .norm = "bn.",
                                  .norm_eps = DP_BATCH_NORM_EPS,
                                  .activation = DP_ACTIVATION_RELU});
    dp_builder_leave(b, outer);
}

/* The same, 3 x 3, over a map of `first` channels and `others` maps of `channels`. */
static void build_concat(dp_builder *b, dp_concat_conv *conv, const char *name,
                         int first, int others, int channels)
{
    dp_concat_conv_spec spec = {.count = 1 + others,
                                .in = {first},
                                .out = channels,
                                .name = "conv.",
                                .norm = "bn."};
    for (int i = 0; i < others; i++)
        spec.in[1 + i] = channels;
    const size_t outer = dp_builder_enter(b, "%s", name);
    dp_concat_conv_build(b, conv, &spec);
    dp_builder_leave(b, outer);
}

static void build_classifier(upernet *head, dp_builder *b)
{
    dp_conv_build(b, &head->classifier,
                  &(dp_conv_spec){.in = head->channels,
                                  .out = head->num_classes,
                                  .kernel = 1,
                                  .stride = 1,
                                  .name = "conv_seg."});
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    upernet *head = self;
    const int C = head->channels, top = in->count - 1;
    if (in->count < 2)
        return dp_fail(
            b->err, DP_ECONFIG,
            "decode head upernet: found %d map of the backbone (%s), expected 2 "
            "or more",
            in->count, in->spec[0].name);
    const int top_channels = in->spec[top].channels;
    char name[32];
    head->levels = in->count;
    for (int i = 0; i < head->pools; i++) {
        snprintf(name, sizeof name, "psp_modules.%d.1.", i);
        build_module(b, &head->pool[i], name, top_channels, C, 1);
    }
    build_concat(b, &head->bottleneck, "bottleneck.", top_channels, head->pools, C);
    for (int i = 0; i < top; i++) {
        snprintf(name, sizeof name, "lateral_convs.%d.", i);
        build_module(b, &head->lateral[i], name, in->spec[i].channels, C, 1);
        snprintf(name, sizeof name, "fpn_convs.%d.", i);
        build_module(b, &head->output[i], name, C, C, 3);
    }
    build_concat(b, &head->fusion, "fpn_bottleneck.", C, top, C);
    build_classifier(head, b);
    return b->status;
}

static int classes(const void *self)
{
    return ((const upernet *)self)->num_classes;
}

/* Pyramid pooling: x (N, h, w, C3) to (N, h, w, channels). */
static dp_tensor pool(const upernet *head, dp_run *r, dp_tensor x)
{
    dp_tensor maps[DP_CONCAT_MAX] = {x};
    for (int i = 0; i < head->pools; i++) {
        const dp_tensor bins = dp_pooling_average_run(r, x, head->pool_scales[i]);
        maps[1 + i] = dp_conv_run(r, &head->pool[i], bins);
    }
    const dp_tensor y = dp_concat_conv_run(r, &head->bottleneck, maps);
    dp_run_trace(r, "psp_bottleneck", y);
    return y;
}

/* outs[i] = output(lateral(map i) + the path so far at its size), from coarse to fine;
 * outs[levels - 1] is where the path starts. */
static void run_top_down(const upernet *head, dp_run *r, const dp_features *maps,
                         const dp_tensor *outs)
{
    const size_t mark = dp_run_mark(r);
    dp_tensor path = outs[head->levels - 1];
    for (int i = head->levels - 2; i >= 0; i--) {
        const dp_tensor x = dp_conv_run(r, &head->lateral[i], maps->map[i]);
        dp_resize_add_run(r, x, path);
        dp_conv_run_into(r, &head->output[i], outs[i], x);
        path = x;
        char name[24];
        snprintf(name, sizeof name, "fpn_out%d", i);
        dp_run_trace(r, name, outs[i]);
    }
    dp_run_rewind(r, mark);
}

static dp_tensor forward(const void *self, dp_run *r, const dp_features *maps)
{
    const upernet *head = self;
    const int top = head->levels - 1;
    const dp_tensor finest = maps->map[0]; /* (N, H, W, C0) */
    const dp_tensor logits =
        dp_run_tensor(r, finest.N, finest.H, finest.W, head->num_classes);
    const size_t mark = dp_run_mark(r);

    dp_tensor outs[DP_MAX_LEVELS];
    for (int i = 0; i < top; i++)
        outs[i] =
            dp_run_tensor(r, finest.N, maps->map[i].H, maps->map[i].W, head->channels);
    outs[top] = pool(head, r, maps->map[top]); /* (N, H/8, W/8, channels) */
    run_top_down(head, r, maps, outs);
    dp_tensor fused = dp_concat_conv_run(r, &head->fusion, outs);
    dp_run_trace(r, "fpn_bottleneck", fused); /* (N, H, W, channels) */
    fused = dp_tensor_dropout(r, fused, head->dropout_ratio);
    dp_conv_run_into(r, &head->classifier, logits, fused);
    dp_run_trace(r, "logits", logits);

    dp_run_rewind(r, mark);
    return logits;
}

const dp_decode_head_def dp_decode_head_upernet = {
    .module = DP_MODULE(DP_MODULE_DECODE_HEAD, "upernet",
                        "pyramid pooling, top-down path, fusion; Xiao et al. 2018",
                        upernet, params, build),
    .classes = classes,
    .forward = forward,
};
