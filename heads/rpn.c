/* Region proposal network: Ren et al. 2015, over a pyramid; mmdetection's RPNHead, and by
 * its own rules torchvision's.
 *
 *   A   anchors of a cell      C   channels of the convolutions
 */
#include "heads/head.h"
#include "ops/conv.h"
#include "postprocess/trace_boxes.h"

#include <limits.h>
#include <stdio.h>

enum { CONVS = 4 };

typedef struct rpn {
    int feat_channels; /* C */
    int num_convs;
    int scales, ratios;
    float anchor_scales[8];
    float anchor_ratios[8];
    int nms_pre;
    float nms_iou_threshold;
    int max_per_img;

    const dp_detector_rules *rules;
    int levels;
    dp_anchors anchors[DP_MAX_LEVELS];
    dp_conv convs[CONVS]; /* 3 x 3                           */
    dp_conv cls;          /* 1 x 1, a logit an anchor        */
    dp_conv reg;          /* 1 x 1, dx dy dw dh of an anchor */
} rpn;

static const dp_param params[] = {
    DP_PARAM(rpn, feat_channels, "256", 1, 16384,
             "channels of the shared convolutions"),
    DP_PARAM(rpn, num_convs, "1", 1, CONVS, "shared convolutions"),
    DP_PARAM_LIST(rpn, anchor_scales, scales, "[8]", 0.01, 1000,
                  "side of an anchor, in strides of its level"),
    DP_PARAM_LIST(rpn, anchor_ratios, ratios, "[0.5, 1.0, 2.0]", 0.001, 1000,
                  "height / width of an anchor"),
    DP_PARAM(rpn, nms_pre, "1000", 1, 1000000, "best anchors of a level that go on"),
    DP_PARAM(rpn, nms_iou_threshold, "0.7", 0, 1,
             "overlap above which a proposal is suppressed"),
    DP_PARAM(rpn, max_per_img, "1000", 1, 100000, "proposals at most"),
    DP_PARAM_END,
};

static void build_convs(dp_builder *b, rpn *h, int in)
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

/* Load rpn_conv (of several convolutions rpn_conv.I.conv), rpn_cls and rpn_reg. */
static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    rpn *h = self;
    h->rules = dp_proposal_head_def_of(module)->rules;
    h->levels = in->count;
    for (int i = 0; i < in->count; i++)
        dp_anchors_init(h->rules, &h->anchors[i], in->spec[i].stride, h->anchor_ratios,
                        h->ratios, h->anchor_scales, h->scales);
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
static void run_level(const rpn *h, dp_run *r, const dp_frame *frame,
                      const dp_features *maps, int i, dp_proposal_candidates *out)
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
    const dp_proposal_level level = {
        .level = i, .anchors = &h->anchors[i], .cls = cls, .reg = reg};
    dp_proposals_add_level(r, h->rules, out, frame, &level, h->nms_pre);
    dp_run_rewind(r, mark);
}

/* Candidates that there may be. */
static int count_candidates(const rpn *h, const dp_features *maps)
{
    int most = 0;
    for (int i = 0; i < h->levels; i++) {
        const long long anchors =
            (long long)maps->map[i].H * maps->map[i].W * h->anchors[i].count;
        most += anchors < h->nms_pre ? (int)anchors : h->nms_pre;
    }
    return most;
}

static dp_proposals forward(const void *self, dp_run *r, const dp_frame *frame,
                            const dp_features *maps)
{
    const rpn *h = self;
    const dp_nms nms = {h->nms_iou_threshold, h->max_per_img, h->rules->nms_split};
    const int most = count_candidates(h, maps);
    dp_proposals out =
        dp_proposals_take(r, most < h->max_per_img ? most : h->max_per_img);

    const size_t mark = dp_run_mark(r);
    dp_proposal_candidates all = dp_proposal_candidates_take(r, most);
    for (int i = 0; i < h->levels; i++)
        run_level(h, r, frame, maps, i, &all);
    dp_proposals_select(r, &nms, &out, all);
    dp_run_rewind(r, mark);
    dp_trace_boxes(r, "proposals", out.boxes, out.scores, out.count);
    return out;
}

const dp_proposal_head_def dp_proposal_head_rpn = {
    .module = DP_MODULE(DP_MODULE_PROPOSAL_HEAD, "rpn",
                        "region proposal network, Ren et al. 2015", rpn, params, build),
    .rules = &dp_rules_mmdetection,
    .forward = forward,
};

const dp_proposal_head_def dp_proposal_head_torchvision = {
    .module =
        DP_MODULE(DP_MODULE_PROPOSAL_HEAD, "torchvision_rpn",
                  "region proposal network by torchvision's rules", rpn, params, build),
    .rules = &dp_rules_torchvision,
    .forward = forward,
};
