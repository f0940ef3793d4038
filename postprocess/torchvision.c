#include "postprocess/torchvision.h"

#include "postprocess/nms.h"
#include "postprocess/scratch.h"

#include <math.h>

/* From so many candidates on, each class is looked at alone (of the CPU's code). */
enum { SPLIT = 1001 };

static const float max_log_ratio = 4.135166556742356f; /* ln(1000 / 16) */
static const float min_side = 1e-2f;                   /* of a detection */

static float clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

static float at_most(float x, float high)
{
    return x > high ? high : x;
}

dp_box dp_torchvision_decode(dp_box box, const float delta[4], const float weight[4],
                             dp_size image)
{
    const float pw = box.x2 - box.x1, ph = box.y2 - box.y1;
    const float px = box.x1 + 0.5f * pw, py = box.y1 + 0.5f * ph;
    const float dx = delta[0] / weight[0], dy = delta[1] / weight[1];
    const float dw = at_most(delta[2] / weight[2], max_log_ratio);
    const float dh = at_most(delta[3] / weight[3], max_log_ratio);
    const float gx = dx * pw + px, gy = dy * ph + py;
    const float half_w = 0.5f * (expf(dw) * pw), half_h = 0.5f * (expf(dh) * ph);
    const float w = (float)image.w, h = (float)image.h;
    return (dp_box){clamp(gx - half_w, 0, w), clamp(gy - half_h, 0, h),
                    clamp(gx + half_w, 0, w), clamp(gy + half_h, 0, h)};
}

bool dp_torchvision_is_large(dp_box box, float side)
{
    return box.x2 - box.x1 >= side && box.y2 - box.y1 >= side;
}

int dp_torchvision_level(dp_box box, int levels)
{
    const float side = sqrtf((box.x2 - box.x1) * (box.y2 - box.y1));
    const float level = floorf(4.0f + log2f(side / 224.0f) + 1e-6f) - 2;
    if (!(level > 0))
        return 0;
    return level < (float)levels ? (int)level : levels - 1;
}

typedef struct pieces {
    dp_box *boxes; /* of candidates */
    float *scores;
    int *labels; /* from 1: the shift between classes counts the background */
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

size_t dp_torchvision_scratch(int R, int K, int max_per_img)
{
    pieces p;
    return lay_out(&p, NULL, R * K, max_per_img);
}

/* Collect what scores high enough. Returns the number of candidates. */
static int collect(const pieces *to, const dp_torchvision_rule *rule,
                   const dp_torchvision_regions *r)
{
    const size_t K = (size_t)rule->K;
    int n = 0;
    for (size_t i = 0; i < (size_t)r->R; i++)
        for (size_t c = 0; c < K; c++) {
            const float score = r->scores[i * (K + 1) + c];
            if (!(score > rule->score_thr))
                continue;
            const dp_box b = dp_torchvision_decode(
                r->rois[i], r->deltas + (i * K + c) * 4, rule->weight, r->input);
            if (!dp_torchvision_is_large(b, min_side))
                continue;
            to->boxes[n] = b;
            to->scores[n] = score;
            to->labels[n] = (int)c + 1;
            n++;
        }
    return n;
}

int dp_torchvision_select(dp_detection *out, const dp_torchvision_rule *rule,
                          const dp_torchvision_regions *r, const struct dp_kernels *k,
                          void *scratch)
{
    pieces s;
    lay_out(&s, scratch, r->R * rule->K, rule->max_per_img);
    const int n = collect(&s, rule, r);
    const dp_nms nms = {rule->iou_thr, rule->max_per_img, SPLIT};
    const int kept = dp_nms_run(
        s.keep, &nms, (dp_candidates){s.boxes, s.scores, s.labels, n}, k, s.nms);
    for (int i = 0; i < kept; i++) {
        const int from = s.keep[i];
        out[i] = (dp_detection){
            .box = s.boxes[from], .score = s.scores[from], .label = s.labels[from] - 1};
    }
    return kept;
}
