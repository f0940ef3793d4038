/* Region proposal network: Ren et al. 2015, over a pyramid; upstream's RPNHead of
 * mmdet 2.11. The best anchors of each level are decoded, then thinned level by level.
 */
#include "heads/head.h"
#include "heads/rpn_layers.h"
#include "postprocess/box_coder.h"
#include "postprocess/nms.h"
#include "postprocess/softmax.h"
#include "postprocess/topk.h"

static const float stds[4] = {1.0f, 1.0f, 1.0f, 1.0f};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    return dp_rpn_layers_build(b, self, in);
}

/* Append the best anchors of level i, decoded. Upstream ranks sigmoid values, not
 * logits: large logits tie. */
static void add_level(const dp_rpn_layers *head, const dp_frame *frame, int i,
                      dp_tensor cls, dp_tensor reg, int *index, void *scratch,
                      dp_rpn_candidates *out)
{
    const int A = head->anchors[i].count, W = cls.W;
    const int count = (int)dp_tensor_size(cls);
    float *scores = cls.data;
    dp_sigmoid(scores, scores, (size_t)count);
    const int best = dp_topk_run(index, scores, count, head->nms_pre, scratch);
    for (int k = 0; k < best; k++) {
        const int at = index[k], cell = at / A;
        const dp_box anchor =
            dp_anchors_get(&head->anchors[i], cell / W, cell % W, at % A);
        out->boxes[out->count] = dp_box_coder_decode(anchor, reg.data + (size_t)at * 4,
                                                     stds, frame->resized);
        out->scores[out->count] = scores[at];
        out->labels[out->count] = i;
        out->count++;
    }
}

static dp_proposals forward(const void *self, dp_run *r, const dp_frame *frame,
                            const dp_features *maps)
{
    static const dp_rpn_rule rule = {.add_level = add_level, .nms_split = DP_NMS_SPLIT};
    return dp_rpn_layers_run(self, r, frame, maps, &rule);
}

const dp_proposal_head_def dp_proposal_head_rpn = {
    .module = {.kind = DP_MODULE_PROPOSAL_HEAD,
               .name = "rpn",
               .summary = "region proposal network, Ren et al. 2015",
               .size = sizeof(dp_rpn_layers),
               .params = dp_rpn_params,
               .build = build},
    .forward = forward,
};
