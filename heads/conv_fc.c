#include "heads/conv_fc.h"

#include <stdio.h>

static void build_convs(dp_builder *b, dp_conv_fc *h)
{
    for (int i = 0; i < h->spec.convs; i++) {
        const size_t outer = dp_builder_enter(b, "shared_convs.%d.", i);
        dp_conv_build(b, &h->convs[i],
                      &(dp_conv_spec){.in = i == 0 ? h->spec.in : h->spec.conv_out,
                                      .out = h->spec.conv_out,
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

void dp_conv_fc_build(dp_builder *b, dp_conv_fc *h, const dp_conv_fc_spec *spec)
{
    h->spec = *spec;
    build_convs(b, h);
    const int channels = spec->convs > 0 ? spec->conv_out : spec->in;
    const int cells = spec->side * spec->side;
    dp_linear_build(b, &h->fcs[0],
                    &(dp_linear_spec){.name = "shared_fcs.0.",
                                      .in = channels * cells,
                                      .out = spec->fc_out,
                                      .cells = cells});
    for (int i = 1; i < spec->fcs; i++) {
        char name[32];
        snprintf(name, sizeof name, "shared_fcs.%d.", i);
        dp_linear_build(
            b, &h->fcs[i],
            &(dp_linear_spec){.name = name, .in = spec->fc_out, .out = spec->fc_out});
    }
    const int K = spec->classes;
    dp_linear_spec cls = {.name = "fc_cls.", .in = spec->fc_out, .out = K + 1};
    dp_linear_spec reg = {
        .name = "fc_reg.", .in = spec->fc_out, .out = spec->agnostic ? 4 : K * 4};
    if (spec->background_first) {
        cls.rows = K + 1; /* the background's comes last here */
        cls.first = 1;
        reg.rows = K * 4 + 4; /* the background has a box too */
        reg.first = 4;
    }
    dp_linear_build(b, &h->fc_cls, &cls);
    dp_linear_build(b, &h->fc_reg, &reg);
}

void dp_conv_fc_run(dp_run *r, const dp_conv_fc *h, dp_tensor logits, dp_tensor deltas,
                    dp_tensor x)
{
    const size_t mark = dp_run_mark(r);
    /* A thousand windows are large, so the convolutions go to and fro between two. */
    dp_tensor spare = {0};
    for (int i = 0; i < h->spec.convs; i++) {
        if (spare.C != h->spec.conv_out)
            spare = dp_run_tensor(r, x.N, x.H, x.W, h->spec.conv_out);
        dp_conv_run_into(r, &h->convs[i], spare, x); /* (R, side, side, conv_out) */
        const dp_tensor swap = x;
        x = spare;
        spare = swap;
    }
    for (int i = 0; i < h->spec.fcs; i++)
        x = dp_linear_run(r, &h->fcs[i], x, DP_ACTIVATION_RELU); /* (R, fc_out) */
    dp_linear_run_into(r, &h->fc_cls, logits, x, DP_ACTIVATION_NONE);
    dp_linear_run_into(r, &h->fc_reg, deltas, x, DP_ACTIVATION_NONE);
    dp_run_rewind(r, mark);
}
