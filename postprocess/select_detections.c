#include "postprocess/select_detections.h"

#include "postprocess/box_coder.h"
#include "postprocess/nms.h"

#include <math.h>

typedef struct candidates {
    int count;
    dp_box *boxes;
    float *scores;
    int *labels; /* from the rules' first label on */
} candidates;

static bool is_finite(dp_box b)
{
    return isfinite(b.x1) && isfinite(b.y1) && isfinite(b.x2) && isfinite(b.y2);
}

/* Append the classes of region i that score high enough. */
static void collect_region(candidates *to, const dp_detector_rules *rules,
                           float score_thr, const dp_box_predictions *p, size_t i,
                           const dp_frame *frame)
{
    const size_t K = (size_t)p->logits.C - 1;
    const float *scores = p->logits.data + i * (K + 1);
    const float *deltas = p->deltas.data + i * (size_t)p->deltas.C;
    for (size_t c = 0; c < K; c++) {
        if (!(scores[c] > score_thr))
            continue;
        dp_box b = dp_box_coder_decode(rules, p->rois[i],
                                       deltas + (p->deltas.C > 4 ? c * 4 : 0), p->stds,
                                       frame->resized);
        if (rules->scaled_before_nms)
            b = (dp_box){b.x1 / frame->scale_x, b.y1 / frame->scale_y,
                         b.x2 / frame->scale_x, b.y2 / frame->scale_y};
        if (!is_finite(b) || !dp_box_is_large(b, rules->min_detection_side))
            continue;
        to->boxes[to->count] = b;
        to->scores[to->count] = scores[c];
        to->labels[to->count] = (int)c + rules->first_label;
        to->count++;
    }
}

int dp_select_detections(dp_run *r, const dp_detector_rules *rules, dp_detection *out,
                         const dp_selection *wanted, dp_box_predictions p,
                         const dp_frame *frame)
{
    const size_t mark = dp_run_mark(r);
    const int most = p.count * (p.logits.C - 1);
    candidates c = {.count = r->dry ? most : 0};
    c.boxes = dp_run_take(r, (size_t)most, sizeof *c.boxes);
    c.scores = dp_run_take(r, (size_t)most, sizeof *c.scores);
    c.labels = dp_run_take(r, (size_t)most, sizeof *c.labels);
    int *keep = dp_run_take(r, (size_t)wanted->max_per_img, sizeof *keep);
    for (int i = 0; i < p.count && !r->dry; i++)
        if (!p.skip_padding || p.rois[i].y2 != 0)
            collect_region(&c, rules, wanted->score_thr, &p, (size_t)i, frame);

    const dp_nms nms = {wanted->nms_iou_threshold, wanted->max_per_img,
                        rules->nms_split};
    const int kept = dp_nms_run(r, keep, &nms,
                                (dp_candidates){c.boxes, c.scores, c.labels, c.count});
    for (int i = 0; i < kept && !r->dry; i++) {
        const int from = keep[i];
        out[i] = (dp_detection){.box = c.boxes[from],
                                .score = c.scores[from],
                                .label = c.labels[from] - rules->first_label};
    }
    dp_run_rewind(r, mark);
    return r->dry ? wanted->max_per_img : kept;
}

void dp_detections_to_regions(dp_run *r, const dp_detector_rules *rules, dp_box *rois,
                              int *labels, const dp_detection *list, int count,
                              const dp_frame *frame)
{
    const float x = rules->scaled_before_nms ? frame->scale_x : 1;
    const float y = rules->scaled_before_nms ? frame->scale_y : 1;
    for (int i = 0; i < count && !r->dry; i++) {
        const dp_box b = list[i].box;
        rois[i] = (dp_box){b.x1 * x, b.y1 * y, b.x2 * x, b.y2 * y};
        labels[i] = list[i].label;
    }
}

void dp_detections_to_image(dp_run *r, const dp_detector_rules *rules,
                            dp_detection *list, int count, const dp_frame *frame)
{
    const float x = (float)frame->original.w / (float)frame->resized.w;
    const float y = (float)frame->original.h / (float)frame->resized.h;
    for (int i = 0; i < count && !rules->scaled_before_nms && !r->dry; i++) {
        const dp_box b = list[i].box;
        list[i].box = (dp_box){b.x1 * x, b.y1 * y, b.x2 * x, b.y2 * y};
    }
}
