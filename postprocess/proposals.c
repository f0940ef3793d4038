#include "postprocess/proposals.h"

#include "postprocess/box_coder.h"
#include "postprocess/softmax.h"
#include "postprocess/topk.h"

#include <limits.h>

static const float stds[4] = {1, 1, 1, 1};

dp_proposals dp_proposals_take(dp_run *r, int most)
{
    dp_proposals p = {0};
    p.boxes = dp_run_take(r, (size_t)most, sizeof *p.boxes);
    p.scores = dp_run_take(r, (size_t)most, sizeof *p.scores);
    return p;
}

dp_proposal_candidates dp_proposal_candidates_take(dp_run *r, int most)
{
    dp_proposal_candidates c = {0};
    c.boxes = dp_run_take(r, (size_t)most, sizeof *c.boxes);
    c.scores = dp_run_take(r, (size_t)most, sizeof *c.scores);
    c.levels = dp_run_take(r, (size_t)most, sizeof *c.levels);
    return c;
}

/* Append the anchors that index[0 .. count) names. */
static void add_anchors(const dp_detector_rules *rules, dp_proposal_candidates *out,
                        const dp_frame *frame, const dp_proposal_level *from,
                        const int *index, int count)
{
    const int A = from->anchors->count, H = from->cls.H, W = from->cls.W;
    const dp_size step =
        dp_anchors_step(rules, from->anchors, frame->padded, (dp_size){H, W});
    for (int k = 0; k < count; k++) {
        const int at = index[k], cell = at / A;
        const dp_box anchor =
            dp_anchors_get(from->anchors, step, cell / W, cell % W, at % A);
        const dp_box box = dp_box_coder_decode(
            rules, anchor, from->reg.data + (size_t)at * 4, stds, frame->resized);
        float *score = &from->cls.data[at];
        if (!dp_box_is_large(box, rules->min_proposal_side))
            continue;
        if (rules->ranked_by_logit)
            dp_sigmoid(score, score, 1);
        out->boxes[out->count] = box;
        out->scores[out->count] = *score;
        out->levels[out->count] = from->level;
        out->count++;
    }
}

void dp_proposals_add_level(dp_run *r, const dp_detector_rules *rules,
                            dp_proposal_candidates *out, const dp_frame *frame,
                            const dp_proposal_level *from, int most)
{
    const size_t mark = dp_run_mark(r);
    float *scores = from->cls.data;
    const size_t size = dp_tensor_size(from->cls);
    const int count = size < INT_MAX ? (int)size : INT_MAX;
    int *index = dp_run_take(r, (size_t)most, sizeof *index);
    if (!r->dry && !rules->ranked_by_logit)
        dp_sigmoid(scores, scores, size);
    const int best = dp_topk_run(r, index, scores, count, most);
    if (r->dry)
        out->count += best;
    else
        add_anchors(rules, out, frame, from, index, best);
    dp_run_rewind(r, mark);
}

void dp_proposals_select(dp_run *r, const dp_nms *nms, dp_proposals *out,
                         dp_proposal_candidates from)
{
    const size_t mark = dp_run_mark(r);
    int *keep = dp_run_take(r, (size_t)nms->max_keep, sizeof *keep);
    out->count =
        dp_nms_run(r, keep, nms,
                   (dp_candidates){from.boxes, from.scores, from.levels, from.count});
    for (int i = 0; i < out->count && !r->dry; i++) {
        out->boxes[i] = from.boxes[keep[i]];
        out->scores[i] = from.scores[keep[i]];
    }
    dp_run_rewind(r, mark);
}
