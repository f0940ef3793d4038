/* The region proposal network as torchvision's detectors have it: Ren et al. 2015, over a
 * pyramid. Anchors are rounded and lie as far apart as the map's cells do in the padded
 * image; levels are ranked by logit, and thinned apart.
 */
#include "heads/head.h"
#include "heads/rpn_layers.h"
#include "postprocess/softmax.h"
#include "postprocess/topk.h"
#include "postprocess/torchvision.h"

#include <math.h>

static const float weights[4] = {1, 1, 1, 1};
static const float min_side = 1e-3f; /* of a proposal, pixels */

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    dp_rpn_layers *head = self;
    const dp_status st = dp_rpn_layers_build(b, head, in);
    for (int i = 0; i < in->count; i++) {
        dp_anchors *a = &head->anchors[i]; /* around (0, 0); the stride is not used */
        for (int k = 0; k < a->count; k++)
            a->base[k] = (dp_box){rintf(a->base[k].x1), rintf(a->base[k].y1),
                                  rintf(a->base[k].x2), rintf(a->base[k].y2)};
    }
    return st;
}

/* Append the best anchors of level i, decoded; but for those that clipping leaves nearly
 * nothing of. */
static void add_level(const dp_rpn_layers *head, const dp_frame *frame, int i,
                      dp_tensor cls, dp_tensor reg, int *index, void *scratch,
                      dp_rpn_candidates *out)
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

static dp_proposals forward(const void *self, dp_run *r, const dp_frame *frame,
                            const dp_features *maps)
{
    /* From 1001 boxes on upstream's code for CPUs goes through each level apart. */
    static const dp_rpn_rule rule = {.add_level = add_level, .nms_split = 1001};
    return dp_rpn_layers_run(self, r, frame, maps, &rule);
}

const dp_proposal_head_def dp_proposal_head_torchvision = {
    .module = {.kind = DP_MODULE_PROPOSAL_HEAD,
               .name = "torchvision_rpn",
               .summary = "region proposal network by torchvision's rules",
               .size = sizeof(dp_rpn_layers),
               .params = dp_rpn_params,
               .build = build},
    .forward = forward,
};
