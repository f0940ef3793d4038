/* The region proposal network as torchvision's detectors have it: Ren et al. 2015, over a
 * pyramid. Anchors are rounded and lie as far apart as the map's cells do in the padded
 * picture; levels are ranked by logit, and thinned apart.
 */
#include "heads/head.h"
#include "ops/conv.h"
#include "postprocess/anchors.h"
#include "postprocess/nms.h"
#include "postprocess/softmax.h"
#include "postprocess/topk.h"
#include "postprocess/torchvision.h"

#include <limits.h>
#include <math.h>
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
    dp_anchors
        anchors[DP_MAX_LEVELS]; /* around (0, 0), rounded; the stride is not used */
    dp_conv conv;               /* 3 x 3                                          */
    dp_conv cls;                /* 1 x 1, a logit an anchor                       */
    dp_conv reg;                /* 1 x 1, dx dy dw dh of an anchor                */
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

static const float weights[4] = {1, 1, 1, 1};
static const float min_side = 1e-3f; /* of a proposal, pixels */

static dp_status build(void *self, dp_builder *b, const dp_feature_specs *in)
{
    rpn *head = self;
    head->levels = in->count;
    for (int i = 0; i < in->count; i++) {
        dp_anchors *a = &head->anchors[i];
        dp_anchors_init(a, in->spec[i].stride, head->anchor_ratios, head->ratios,
                        head->anchor_scales, head->scales);
        for (int k = 0; k < a->count; k++)
            a->base[k] = (dp_box){rintf(a->base[k].x1), rintf(a->base[k].y1),
                                  rintf(a->base[k].x2), rintf(a->base[k].y2)};
    }
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

/* The candidates of all levels, one after the other. */
typedef struct candidates {
    int count;
    dp_box *boxes;
    float *scores;
    int *labels; /* level */
} candidates;

static void trace_level(const dp_run *r, const char *what, const char *level,
                        dp_tensor t)
{
    char name[48];
    snprintf(name, sizeof name, "rpn_%s_%s", what, level);
    dp_run_trace(r, name, t);
}

/* Append the best anchors of level i, decoded, of logits (1, H, W, A) and deltas (1, H, W,
 * 4 A); but for those that clipping leaves nearly nothing of. */
static void add_level(const rpn *head, const dp_frame *frame, int i, dp_tensor cls,
                      dp_tensor reg, int *index, void *scratch, candidates *out)
{
    const dp_anchors *a = &head->anchors[i];
    const int dx = frame->padded.w / cls.W, dy = frame->padded.h / cls.H;
    const int best =
        dp_topk_run(index, cls.data, (int)dp_tensor_size(cls), head->nms_pre, scratch);
    for (int k = 0; k < best; k++) {
        const int at = index[k], cell = at / a->count;
        const float x = (float)(cell % cls.W * dx), y = (float)(cell / cls.W * dy);
        const dp_box base = a->base[at % a->count];
        const dp_box anchor = {base.x1 + x, base.y1 + y, base.x2 + x, base.y2 + y};
        const dp_box box = dp_torchvision_decode(anchor, reg.data + (size_t)at * 4,
                                                 weights, frame->resized);
        if (!dp_torchvision_is_large(box, min_side))
            continue;
        out->boxes[out->count] = box;
        dp_sigmoid(&out->scores[out->count], &cls.data[at], 1);
        out->labels[out->count] = i;
        out->count++;
    }
}

/* Candidates of level i: run its layers, then take the best. */
static void run_level(const rpn *head, dp_run *r, const dp_frame *frame,
                      const dp_features *maps, int i, candidates *out)
{
    const int A = head->anchors[i].count;
    const dp_tensor x = maps->map[i];
    const size_t mark = dp_run_mark(r);
    const dp_tensor hidden = dp_conv_run(r, &head->conv, x);  /* (1, H, W, C)   */
    const dp_tensor cls = dp_conv_run(r, &head->cls, hidden); /* (1, H, W, A)   */
    const dp_tensor reg = dp_conv_run(r, &head->reg, hidden); /* (1, H, W, 4 A) */
    trace_level(r, "cls", maps->spec[i].name, cls);
    trace_level(r, "reg", maps->spec[i].name, reg);
    if ((long long)x.H * x.W * A > INT_MAX)
        dp_run_fail(r, DP_ESHAPE, "%s: found %d x %d cells, too many for proposals",
                    maps->spec[i].name, x.H, x.W);
    int *index = dp_run_take(r, (size_t)head->nms_pre, sizeof *index);
    void *scratch = dp_run_take(r, dp_topk_scratch(head->nms_pre), 1);
    if (!r->dry)
        add_level(head, frame, i, cls, reg, index, scratch, out);
    dp_run_rewind(r, mark);
}

/* As rows of x1 y1 x2 y2 score. */
static void trace_proposals(dp_run *r, dp_proposals p)
{
    const size_t mark = dp_run_mark(r);
    const dp_tensor rows = dp_run_tensor(r, p.count, 1, 1, 5);
    for (int i = 0; i < p.count && !r->dry; i++) {
        float *row = rows.data + (size_t)i * 5;
        memcpy(row, &p.boxes[i], sizeof p.boxes[i]);
        row[4] = p.scores[i];
    }
    dp_run_trace(r, "proposals", rows);
    dp_run_rewind(r, mark);
}

/* Candidates that there may be. */
static int count_candidates(const rpn *head, const dp_features *maps)
{
    int most = 0;
    for (int i = 0; i < head->levels; i++) {
        const long long anchors =
            (long long)maps->map[i].H * maps->map[i].W * head->anchors[i].count;
        most += anchors < head->nms_pre ? (int)anchors : head->nms_pre;
    }
    return most;
}

static dp_proposals forward(const void *self, dp_run *r, const dp_frame *frame,
                            const dp_features *maps)
{
    enum { SPLIT = 1001 }; /* from so many on, of the original's code for CPUs */
    const rpn *head = self;
    const int most = count_candidates(head, maps);
    dp_proposals out = {.count = most < head->max_per_img ? most : head->max_per_img};
    out.boxes = dp_run_take(r, (size_t)out.count, sizeof *out.boxes);
    out.scores = dp_run_take(r, (size_t)out.count, sizeof *out.scores);

    const size_t mark = dp_run_mark(r);
    candidates all = {0, dp_run_take(r, (size_t)most, sizeof *all.boxes),
                      dp_run_take(r, (size_t)most, sizeof *all.scores),
                      dp_run_take(r, (size_t)most, sizeof *all.labels)};
    for (int i = 0; i < head->levels; i++)
        run_level(head, r, frame, maps, i, &all);
    int *keep = dp_run_take(r, (size_t)out.count, sizeof *keep);
    void *scratch = dp_run_take(r, dp_nms_scratch(most), 1);
    if (!r->dry) {
        const dp_nms rule = {head->nms_iou_threshold, head->max_per_img, SPLIT};
        out.count = dp_nms_run(
            keep, &rule, (dp_candidates){all.boxes, all.scores, all.labels, all.count},
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

const dp_proposal_head_def dp_proposal_head_torchvision = {
    .head = {.name = "torchvision_rpn",
             .summary = "region proposal network by torchvision's rules",
             .size = sizeof(rpn),
             .params = params,
             .build = build},
    .forward = forward,
};
