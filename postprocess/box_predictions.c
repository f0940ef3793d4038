#include "postprocess/box_predictions.h"

#include "postprocess/box_coder.h"

static size_t best_class(const float *logits, size_t K)
{
    size_t best = 0;
    for (size_t k = 1; k < K; k++)
        if (logits[k] > logits[best])
            best = k;
    return best;
}

void dp_box_predictions_refine(dp_run *r, const dp_detector_rules *rules,
                               dp_box_predictions p, dp_size image)
{
    const size_t K = (size_t)p.logits.C - 1, size = (size_t)p.deltas.C;
    for (size_t i = 0; i < (size_t)p.count && !r->dry; i++) {
        const float *deltas = p.deltas.data + i * size;
        if (size > 4)
            deltas += 4 * best_class(p.logits.data + i * (K + 1), K);
        p.rois[i] = dp_box_coder_decode(rules, p.rois[i], deltas, p.stds, image);
    }
}
