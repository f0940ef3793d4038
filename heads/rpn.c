/* Region proposal network: Ren et al. 2015, over a pyramid; the original's RPNHead of
 * mmdet 2.11. The best anchors of each level are decoded, then thinned level by level.
 */
#include "heads/head.h"
#include "ops/conv.h"
#include "postprocess/anchors.h"
#include "postprocess/delta.h"
#include "postprocess/nms.h"
#include "postprocess/softmax.h"
#include "postprocess/topk.h"

#include <stdio.h>
#include <string.h>

typedef struct rpn {
    int feat_channels;
    int scales, ratios;
    float anchor_scales[8];
    float anchor_ratios[8];
    int nms_pre;
    float nms_iou_threshold;
    int max_per_img;

    int levels;
    dp_anchors anchors[DP_MAX_LEVELS];
    dp_conv conv; /* 3 x 3                           */
    dp_conv cls;  /* 1 x 1, a logit an anchor        */
    dp_conv reg;  /* 1 x 1, dx dy dw dh of an anchor */
} rpn;

static const dp_param params[] = {
    DP_PARAM(rpn, feat_channels, "256", 1, 16384, "channels of the shared convolution"),
    DP_PARAM_LIST(rpn, anchor_scales, scales, "[8]", 0.01, 1000,
                  "side of an anchor, in strides of its level"),
    DP_PARAM_LIST(rpn, anchor_ratios, ratios, "[0.5, 1.0, 2.0]", 0.001, 1000,
                  "height / width of an anchor"),
    DP_PARAM(rpn, nms_pre, "1000", 1, 1000000, "best anchors of a level that go on"),
    DP_PARAM(rpn, nms_iou_threshold, "0.7", 0, 1,
             "overlap above which a proposal yields"),
    DP_PARAM(rpn, max_per_img, "1000", 1, 100000, "proposals at most"),
    DP_PARAM_END,
};

static const float stds[4] = {1.0f, 1.0f, 1.0f, 1.0f};

static dp_status build(void *self, dp_builder *b, const dp_feature_specs *in)
{
    rpn *head = self;
    head->levels = in->count;
    for (int i = 0; i < in->count; i++)
        dp_anchors_init(&head->anchors[i], in->spec[i].stride, head->anchor_ratios,
                        head->ratios, head->anchor_scales, head->scales);
    const int C = head->feat_channels, A = head->anchors[0].count;
    dp_conv_build(b, &head->conv,
                  &(dp_conv_spec){.in = in->spec[0].channels,
                                  .out = C,
                                  .kernel = 3,
                                  .stride = 1,
                                  .padding = 1,
                                  .name = "rpn_conv.",
                                  .activation = DP_ACTIVATION_RELU});
    dp_conv_build(b, &head->cls,
                  &(dp_conv_spec){
                      .in = C, .out = A, .kernel = 1, .stride = 1, .name = "rpn_cls."});
    dp_conv_build(
        b, &head->reg,
        &(dp_conv_spec){
            .in = C, .out = 4 * A, .kernel = 1, .stride = 1, .name = "rpn_reg."});
    return b->status;
}

/* What one level gives: (H, W, A) logits, which become scores, and (H, W, A, 4) deltas. */
typedef struct level_output {
    dp_tensor cls, reg;
} level_output;

static void trace_level(const dp_run *r, const char *what, const char *level,
                        dp_tensor t)
{
    char name[48];
    snprintf(name, sizeof name, "rpn_%s_%s", what, level);
    dp_run_trace(r, name, t);
}

static void run_levels(const rpn *head, dp_run *r, const dp_features *maps,
                       level_output *out)
{
    const int A = head->anchors[0].count;
    for (int i = 0; i < head->levels; i++) {
        const dp_tensor x = maps->map[i];
        out[i].cls = dp_run_tensor(r, 1, x.H, x.W, A);
        out[i].reg = dp_run_tensor(r, 1, x.H, x.W, 4 * A);
        const size_t mark = dp_run_mark(r);
        const dp_tensor hidden = dp_conv_run(r, &head->conv, x); /* (1, H, W, C) */
        /* The counter does not see the original's functional relu. */
        dp_run_count_extra(r, -(double)dp_tensor_size(hidden));
        dp_conv_run_into(r, &head->cls, out[i].cls, hidden);
        dp_conv_run_into(r, &head->reg, out[i].reg, hidden);
        dp_run_rewind(r, mark);
        trace_level(r, "cls", maps->spec[i].name, out[i].cls);
        trace_level(r, "reg", maps->spec[i].name, out[i].reg);
    }
}

/* The candidates of all levels, one after the other. */
typedef struct candidates {
    int count;
    dp_box *boxes;
    float *scores;
    int *labels; /* level */
} candidates;

/* Append the best anchors of level i, decoded. The original ranks sigmoid values, not
 * logits: large logits tie. */
static void add_level(const rpn *head, const dp_frame *frame, int i, level_output level,
                      int *index, void *scratch, candidates *out)
{
    const int A = head->anchors[0].count, W = level.cls.W;
    const int count = (int)dp_tensor_size(level.cls);
    float *scores = level.cls.data;
    dp_sigmoid(scores, scores, (size_t)count);
    const int best = dp_topk_run(index, scores, count, head->nms_pre, scratch);
    for (int k = 0; k < best; k++) {
        const int at = index[k], cell = at / A;
        const dp_box anchor =
            dp_anchors_get(&head->anchors[i], cell / W, cell % W, at % A);
        out->boxes[out->count] = dp_delta_decode(
            anchor, level.reg.data + (size_t)at * 4, stds, frame->resized);
        out->scores[out->count] = scores[at];
        out->labels[out->count] = i;
        out->count++;
    }
}

/* As rows of x1 y1 x2 y2 score. */
static void trace_proposals(dp_run *r, dp_proposals p)
{
    const dp_tensor rows = dp_run_tensor(r, p.count, 1, 1, 5);
    if (!r->trace || r->dry)
        return;
    for (int i = 0; i < p.count; i++) {
        float *row = rows.data + (size_t)i * 5;
        memcpy(row, &p.boxes[i], sizeof p.boxes[i]);
        row[4] = p.scores[i];
    }
    dp_run_trace(r, "proposals", rows);
}

static dp_proposals forward(const void *self, dp_run *r, const dp_frame *frame,
                            const dp_features *maps)
{
    const rpn *head = self;
    int most = 0; /* candidates */
    for (int i = 0; i < head->levels; i++) {
        const long long anchors =
            (long long)maps->map[i].H * maps->map[i].W * head->anchors[i].count;
        most += anchors < head->nms_pre ? (int)anchors : head->nms_pre;
    }
    dp_proposals out = {.count = most < head->max_per_img ? most : head->max_per_img};
    out.boxes = dp_run_take(r, (size_t)out.count, sizeof *out.boxes);
    out.scores = dp_run_take(r, (size_t)out.count, sizeof *out.scores);

    const size_t mark = dp_run_mark(r);
    level_output levels[DP_MAX_LEVELS];
    run_levels(head, r, maps, levels);
    candidates all = {0, dp_run_take(r, (size_t)most, sizeof *all.boxes),
                      dp_run_take(r, (size_t)most, sizeof *all.scores),
                      dp_run_take(r, (size_t)most, sizeof *all.labels)};
    int *index = dp_run_take(r, (size_t)(most > head->nms_pre ? most : head->nms_pre),
                             sizeof *index);
    const size_t topk = dp_topk_scratch(head->nms_pre), nms = dp_nms_scratch(most);
    void *scratch = dp_run_take(r, topk > nms ? topk : nms, 1);
    if (!r->dry) {
        for (int i = 0; i < head->levels; i++)
            add_level(head, frame, i, levels[i], index, scratch, &all);
        const dp_nms rule = {head->nms_iou_threshold, head->max_per_img, DP_NMS_SPLIT};
        out.count = dp_nms_run(
            index, &rule, (dp_candidates){all.boxes, all.scores, all.labels, all.count},
            r->kernels, scratch);
        for (int i = 0; i < out.count; i++) {
            out.boxes[i] = all.boxes[index[i]];
            out.scores[i] = all.scores[index[i]];
        }
    }
    trace_proposals(r, out);
    dp_run_rewind(r, mark);
    return out;
}

const dp_proposal_head_def dp_proposal_head_rpn = {
    .head = {.name = "rpn",
             .summary = "region proposal network, Ren et al. 2015",
             .size = sizeof(rpn),
             .params = params,
             .build = build},
    .forward = forward,
};
