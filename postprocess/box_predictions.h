/* box_predictions.h - what a box head says of R regions
 *
 *   K   classes, the background not counted
 */
#ifndef DP_POSTPROCESS_BOX_PREDICTIONS_H
#define DP_POSTPROCESS_BOX_PREDICTIONS_H

#include "core/box.h"
#include "core/run.h"
#include "postprocess/rules.h"

typedef struct dp_box_predictions {
    int count; /* R */

    /* What the deltas are relative to, in pixels of the network's input: the regions
     * given, or what became of them on the way. */
    dp_box *rois;

    dp_tensor logits; /* (R, 1, 1, K + 1), the background last */

    /* (R, 1, 1, 4 K): dx dy dw dh of each class; or (R, 1, 1, 4): one box for all. */
    dp_tensor deltas;

    float stds[4]; /* to multiply the deltas by */

    /* Regions whose y2 is 0 count as padding and give nothing: upstream's rule for heads
     * of one stage, not for a cascade. */
    bool skip_padding;
} dp_box_predictions;

/* Each region becomes the box that is predicted for it: its own, or that of its class of
 * the highest logit, the lowest of equals; the background is not asked. */
void dp_box_predictions_refine(dp_run *r, const dp_detector_rules *rules,
                               dp_box_predictions p, dp_size image);

#endif
