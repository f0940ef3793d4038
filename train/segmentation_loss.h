/* segmentation_loss.h - cross entropy of label maps, and its gradient
 *
 *   logits, gradient   (N, h, w, K)
 *   labels             (N, H, W), classes 0 to K - 1; DP_LABEL_IGNORED counts for nothing
 *
 * mmsegmentation's: the logits are resized to the labels' size, bilinear without aligned
 * corners. The loss is the sum over all pixels of -log softmax at the label, divided by the
 * number of all pixels, ignored ones too.
 */
#ifndef DP_TRAIN_SEGMENTATION_LOSS_H
#define DP_TRAIN_SEGMENTATION_LOSS_H

#include "base/pool.h"
#include "core/tensor.h"

#include <stdint.h>

enum { DP_LABEL_IGNORED = 255 };

typedef struct dp_segmentation_target {
    const uint8_t *labels;
    int H, W;
    double weight; /* of this loss in the sum of all: the gradient has it, too */
} dp_segmentation_target;

/* What a loss says of a batch. */
typedef struct dp_segmentation_loss {
    double loss;  /* times the weight; NaN where a logit is not finite */
    double right; /* percent of all pixels whose largest logit is the label's */
} dp_segmentation_loss;

/* Floats of scratch memory for logits of these extents and this target. */
size_t dp_segmentation_loss_scratch(dp_tensor logits, const dp_segmentation_target *t);

/* Set `gradient`. Each label is below K or ignored; scratch is aligned as doubles are. Work is spread over the pool; the bits
 * do not depend on it. */
dp_segmentation_loss dp_segmentation_loss_run(dp_pool *pool, float *gradient,
                                              dp_tensor logits,
                                              const dp_segmentation_target *t,
                                              float *scratch);

#endif
