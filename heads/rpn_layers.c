#include "heads/rpn_layers.h"

#include "postprocess/nms.h"
#include "postprocess/topk.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

const dp_param dp_rpn_params[] = {
    DP_PARAM(dp_rpn_layers, feat_channels, "256", 1, 16384,
             "channels of the shared convolutions"),
    DP_PARAM(dp_rpn_layers, num_convs, "1", 1, DP_RPN_CONVS, "shared convolutions"),
    DP_PARAM_LIST(dp_rpn_layers, anchor_scales, scales, "[8]", 0.01, 1000,
                  "side of an anchor, in strides of its level"),
    DP_PARAM_LIST(dp_rpn_layers, anchor_ratios, ratios, "[0.5, 1.0, 2.0]", 0.001, 1000,
                  "height / width of an anchor"),
    DP_PARAM(dp_rpn_layers, nms_pre, "1000", 1, 1000000,
             "best anchors of a level that go on"),
    DP_PARAM(dp_rpn_layers, nms_iou_threshold, "0.7", 0, 1,
             "overlap above which a proposal yields"),
    DP_PARAM(dp_rpn_layers, max_per_img, "1000", 1, 100000, "proposals at most"),
    DP_PARAM_END,
};

static void build_convs(dp_builder *b, dp_rpn_layers *h, int in)
{
    for (int i = 0; i < h->num_convs; i++) {
        char name[32] = "rpn_conv.";
        if (h->num_convs > 1)
            snprintf(name, sizeof name, "rpn_conv.%d.conv.", i);
        dp_conv_build(b, &h->convs[i],
                      &(dp_conv_spec){.in = i == 0 ? in : h->feat_channels,
                                      .out = h->feat_channels,
                                      .kernel = 3,
                                      .stride = 1,
                                      .padding = 1,
                                      .name = name,
                                      .activation = DP_ACTIVATION_RELU});
    }
}

dp_status dp_rpn_layers_build(dp_builder *b, dp_rpn_layers *h,
                              const dp_feature_specs *in)
{
    h->levels = in->count;
    for (int i = 0; i < in->count; i++)
        dp_anchors_init(&h->anchors[i], in->spec[i].stride, h->anchor_ratios, h->ratios,
                        h->anchor_scales, h->scales);
    const int C = h->feat_channels, A = h->anchors[0].count;
    build_convs(b, h, in->spec[0].channels);
    dp_conv_build(b, &h->cls,
                  &(dp_conv_spec){
                      .in = C, .out = A, .kernel = 1, .stride = 1, .name = "rpn_cls."});
    dp_conv_build(
        b, &h->reg,
        &(dp_conv_spec){
            .in = C, .out = 4 * A, .kernel = 1, .stride = 1, .name = "rpn_reg."});
    return b->status;
}

static void trace_level(const dp_run *r, const char *what, const char *level,
                        dp_tensor t)
{
    char name[48];
    snprintf(name, sizeof name, "rpn_%s_%s", what, level);
    dp_run_trace(r, name, t);
}

/* Candidates of level i: run its layers, then take the best. */
static void run_level(const dp_rpn_layers *h, dp_run *r, const dp_frame *frame,
                      const dp_features *maps, int i, const dp_rpn_rule *rule,
                      dp_rpn_candidates *out)
{
    const dp_tensor x = maps->map[i];
    if ((long long)x.H * x.W * h->anchors[i].count > INT_MAX)
        dp_run_fail(r, DP_ESHAPE, "%s: found %d x %d cells, too many for proposals",
                    maps->spec[i].name, x.H, x.W);
    const size_t mark = dp_run_mark(r);
    const int A = h->anchors[i].count, last = h->num_convs - 1;
    const dp_tensor cls = dp_run_tensor(r, 1, x.H, x.W, A);
    const dp_tensor reg = dp_run_tensor(r, 1, x.H, x.W, 4 * A);
    dp_tensor hidden = x;
    for (int k = 0; k < last; k++)
        hidden = dp_conv_run(r, &h->convs[k], hidden); /* (1, H, W, C) */
    dp_conv_run_through(r, &h->convs[last], (const dp_conv *const[]){&h->cls, &h->reg},
                        (const dp_tensor[]){cls, reg}, 2, hidden);
    trace_level(r, "cls", maps->spec[i].name, cls);
    trace_level(r, "reg", maps->spec[i].name, reg);
    int *index = dp_run_take(r, (size_t)h->nms_pre, sizeof *index);
    void *scratch = dp_run_take(r, dp_topk_scratch(h->nms_pre), 1);
    if (!r->dry)
        rule->add_level(h, frame, i, cls, reg, index, scratch, out);
    dp_run_rewind(r, mark);
}

/* Candidates that there may be. */
static int count_candidates(const dp_rpn_layers *h, const dp_features *maps)
{
    int most = 0;
    for (int i = 0; i < h->levels; i++) {
        const long long anchors =
            (long long)maps->map[i].H * maps->map[i].W * h->anchors[i].count;
        most += anchors < h->nms_pre ? (int)anchors : h->nms_pre;
    }
    return most;
}

/* As rows of x1 y1 x2 y2 score. */
static void trace_proposals(dp_run *r, dp_proposals p)
{
    const size_t mark = dp_run_mark(r);
    const dp_tensor rows = dp_run_tensor(r, p.count, 1, 1, 5);
    for (int i = 0; i < p.count && r->trace && !r->dry; i++) {
        float *row = rows.data + (size_t)i * 5;
        memcpy(row, &p.boxes[i], sizeof p.boxes[i]);
        row[4] = p.scores[i];
    }
    dp_run_trace(r, "proposals", rows);
    dp_run_rewind(r, mark);
}

dp_proposals dp_rpn_layers_run(const dp_rpn_layers *h, dp_run *r, const dp_frame *frame,
                               const dp_features *maps, const dp_rpn_rule *rule)
{
    const int most = count_candidates(h, maps);
    dp_proposals out = {.count = most < h->max_per_img ? most : h->max_per_img};
    out.boxes = dp_run_take(r, (size_t)out.count, sizeof *out.boxes);
    out.scores = dp_run_take(r, (size_t)out.count, sizeof *out.scores);

    const size_t mark = dp_run_mark(r);
    dp_rpn_candidates all = {0, dp_run_take(r, (size_t)most, sizeof *all.boxes),
                             dp_run_take(r, (size_t)most, sizeof *all.scores),
                             dp_run_take(r, (size_t)most, sizeof *all.labels)};
    for (int i = 0; i < h->levels; i++)
        run_level(h, r, frame, maps, i, rule, &all);
    int *keep = dp_run_take(r, (size_t)out.count, sizeof *keep);
    void *scratch = dp_run_take(r, dp_nms_scratch(most), 1);
    if (!r->dry) {
        const dp_nms nms = {h->nms_iou_threshold, h->max_per_img, rule->nms_split};
        out.count = dp_nms_run(
            keep, &nms, (dp_candidates){all.boxes, all.scores, all.labels, all.count},
            r->kernels, scratch);
        for (int i = 0; i < out.count; i++) {
            out.boxes[i] = all.boxes[keep[i]];
            out.scores[i] = all.scores[keep[i]];
        }
    }
    dp_run_rewind(r, mark);
    trace_proposals(r, out);
    return out;
}
