#include "postprocess/select_detections.h"

#include "postprocess/box_coder.h"
#include "postprocess/nms.h"
#include "postprocess/scratch.h"

#include <math.h>

typedef struct pieces {
    dp_box *boxes; /* of candidates, in pixels of the original image */
    float *scores;
    int *labels;
    int *keep;
    void *nms;
} pieces;

static size_t lay_out(pieces *p, void *scratch, int candidates, int max_keep)
{
    dp_scratch s = {scratch, 0};
    const size_t n = (size_t)candidates;

    p->boxes = dp_scratch_take(&s, n, sizeof *p->boxes);
    p->scores = dp_scratch_take(&s, n, sizeof *p->scores);
    p->labels = dp_scratch_take(&s, n, sizeof *p->labels);
    p->keep = dp_scratch_take(&s, (size_t)max_keep, sizeof *p->keep);
    p->nms = dp_scratch_take(&s, dp_nms_scratch(candidates), 1);
    return s.used;
}

size_t dp_multiclass_scratch(int R, int K, int max_per_img)
{
    pieces p;
    return lay_out(&p, NULL, R * K, max_per_img);
}

static bool is_finite(dp_box b)
{
    return isfinite(b.x1) && isfinite(b.y1) && isfinite(b.x2) && isfinite(b.y2);
}

/* Collect what scores high enough. Returns the number of candidates. */
static int collect(const pieces *to, const dp_multiclass *p, const dp_region_scores *r)
{
    const size_t K = (size_t)p->K;
    int n = 0;

    for (size_t i = 0; i < (size_t)r->R; i++) {
        const float *scores = r->scores + i * (K + 1);
        const float *deltas = r->deltas + i * (r->agnostic ? 1 : K) * 4;
        if (p->skip_padding && r->rois[i].y2 == 0)
            continue;
        for (size_t c = 0; c < K; c++) {
            if (!(scores[c] > p->score_thr))
                continue;
            dp_box b = dp_box_coder_decode(
                r->rois[i], deltas + (r->agnostic ? 0 : c * 4), p->std, r->input);
            b = (dp_box){b.x1 / r->scale_x, b.y1 / r->scale_y, b.x2 / r->scale_x,
                         b.y2 / r->scale_y};
            if (!is_finite(b))
                continue;
            to->boxes[n] = b;
            to->scores[n] = scores[c];
            to->labels[n] = (int)c;
            n++;
        }
    }
    return n;
}

int dp_multiclass_run(dp_detection *out, const dp_multiclass *p, dp_region_scores r,
                      const struct dp_kernels *k, void *scratch)
{
    pieces s;
    lay_out(&s, scratch, r.R * p->K, p->max_per_img);

    const int n = collect(&s, p, &r);
    const dp_nms nms = {p->iou_thr, p->max_per_img, DP_NMS_SPLIT};
    const int kept = dp_nms_run(
        s.keep, &nms, (dp_candidates){s.boxes, s.scores, s.labels, n}, k, s.nms);

    for (int i = 0; i < kept; i++) {
        const int from = s.keep[i];
        out[i] = (dp_detection){
            .box = s.boxes[from], .score = s.scores[from], .label = s.labels[from]};
    }
    return kept;
}
