/* classifier.h - what a classifier's forward pass leaves, and the best classes of it
 */
#ifndef DP_MODEL_CLASSIFIER_H
#define DP_MODEL_CLASSIFIER_H

#include "core/run.h"
#include "model/model.h"

/* In the arena of the run, until the next one. */
typedef struct dp_classifier_result {
    /* Of best: fewer than asked for when there are fewer classes, none when the logits are
     * not finite. */
    int count;
    dp_class_score *best; /* by falling logit, the lower label of equals first */
    int K;                /* classes */
    const float *logits;  /* K       */
} dp_classifier_result;

/* Logits (N, 1, 1, K) of an input (N, H, W, 3) as the network sees it. */
dp_tensor dp_classifier_logits(const dp_model *m, dp_run *r, dp_tensor input);

/* Classify one image as upstream reads it, not turned (io/image/stored_pixels.h). The best
 * of its classes go to `out`, which has room for `room`, and their number to *count.
 * DP_EARG when m is no classifier. DP_ENOMEM, DP_ESHAPE. */
dp_status dp_classifier_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                            dp_class_score *out, int room, int *count) DP_MUST_CHECK;

#endif
