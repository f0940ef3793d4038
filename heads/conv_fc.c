#include "heads/conv_fc.h"

#include "heads/roi_features.h"

#include <stdio.h>

static void build_convs(dp_builder *b, dp_conv_fc *h, int in)
{
    for (int i = 0; i < h->spec.num_shared_convs; i++) {
        const size_t outer = dp_builder_enter(b, "shared_convs.%d.", i);
        dp_conv_build(b, &h->convs[i],
                      &(dp_conv_spec){.in = i == 0 ? in : h->spec.conv_out_channels,
                                      .out = h->spec.conv_out_channels,
                                      .kernel = 3,
                                      .stride = 1,
                                      .padding = 1,
                                      .name = "conv.",
                                      .norm = "bn.",
                                      .norm_eps = DP_BATCH_NORM_EPS,
                                      .activation = DP_ACTIVATION_RELU});
        dp_builder_leave(b, outer);
    }
}

void dp_conv_fc_build(dp_builder *b, dp_conv_fc *h, const dp_conv_fc_spec *spec,
                      const dp_detector_rules *rules, int in)
{
    const int K = spec->num_classes, C = spec->fc_out_channels;
    const int channels = spec->num_shared_convs > 0 ? spec->conv_out_channels : in;
    const int cells = spec->roi_feat_size * spec->roi_feat_size;
    h->spec = *spec;
    h->rules = rules;
    build_convs(b, h, in);
    dp_linear_build(
        b, &h->fcs[0],
        &(dp_linear_spec){
            .name = "shared_fcs.0.", .in = channels * cells, .out = C, .cells = cells});
    for (int i = 1; i < spec->num_shared_fcs; i++) {
        char name[32];
        snprintf(name, sizeof name, "shared_fcs.%d.", i);
        dp_linear_build(b, &h->fcs[i],
                        &(dp_linear_spec){.name = name, .in = C, .out = C});
    }
    const int boxes = spec->reg_class_agnostic ? 1 : K;
    dp_linear_spec cls = {.name = "fc_cls.", .in = C, .out = K + 1};
    dp_linear_spec reg = {.name = "fc_reg.", .in = C, .out = boxes * 4};
    if (rules->background_first) {
        cls.rows = K + 1; /* the background's comes last here */
        cls.first = 1;
        reg.rows = boxes * 4 + 4; /* the background has a box too */
        reg.first = 4;
    }
    dp_linear_build(b, &h->fc_cls, &cls);
    dp_linear_build(b, &h->fc_reg, &reg);
}

dp_box_predictions dp_conv_fc_take(dp_run *r, const dp_conv_fc_spec *spec, dp_box *rois,
                                   int count, const float stds[4])
{
    const int K = spec->num_classes;
    dp_box_predictions p = {.count = count, .rois = rois};
    p.logits = dp_run_tensor(r, count, 1, 1, K + 1);
    p.deltas = dp_run_tensor(r, count, 1, 1, spec->reg_class_agnostic ? 4 : 4 * K);
    for (int i = 0; i < 4; i++)
        p.stds[i] = stds[i];
    return p;
}

/* The predictors' outputs for the windows x, which are overwritten. */
static void run_layers(dp_run *r, const dp_conv_fc *h, dp_box_predictions p,
                       dp_tensor x)
{
    /* A thousand windows are large, so the convolutions go to and fro between two. */
    dp_tensor spare = {0};
    for (int i = 0; i < h->spec.num_shared_convs; i++) {
        if (spare.C != h->spec.conv_out_channels)
            spare = dp_run_tensor(r, x.N, x.H, x.W, h->spec.conv_out_channels);
        dp_conv_run_into(r, &h->convs[i], spare, x); /* (R, side, side, conv_out) */
        const dp_tensor swap = x;
        x = spare;
        spare = swap;
    }
    for (int i = 0; i < h->spec.num_shared_fcs; i++)
        x = dp_linear_run(r, &h->fcs[i], x, DP_ACTIVATION_RELU); /* (R, fc_out) */
    dp_linear_run_into(r, &h->fc_cls, p.logits, x, DP_ACTIVATION_NONE);
    dp_linear_run_into(r, &h->fc_reg, p.deltas, x, DP_ACTIVATION_NONE);
}

void dp_conv_fc_trace(const dp_run *r, const char *what, const char *stage, dp_tensor t)
{
    char name[48];
    snprintf(name, sizeof name, "bbox_%s%s", what, stage);
    dp_run_trace(r, name, t);
}

void dp_conv_fc_run(dp_run *r, const dp_conv_fc *h, dp_box_predictions p,
                    const dp_features *maps, const char *stage)
{
    const size_t mark = dp_run_mark(r);
    const dp_tensor x =
        dp_roi_features_run(r, h->rules, maps, h->spec.roi_feat_size, p.rois, p.count);
    dp_conv_fc_trace(r, "features", stage, x); /* (R, 7, 7, 256) */
    run_layers(r, h, p, x);
    dp_run_rewind(r, mark);
    dp_conv_fc_trace(r, "cls", stage, p.logits);
    dp_conv_fc_trace(r, "reg", stage, p.deltas);
}
