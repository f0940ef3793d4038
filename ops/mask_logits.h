/* mask_logits.h - the end of a mask head: logits of each window's own class
 *
 * A deconvolution doubles the size, with a ReLU. Then a 1 x 1 convolution gives a logit a
 * class, of which only that of the window's class is computed. The upsampled windows are
 * never in memory as a whole.
 *
 *   R   windows      K   classes
 */
#ifndef DP_OPS_MASK_LOGITS_H
#define DP_OPS_MASK_LOGITS_H

#include "ops/deconv.h"

typedef struct dp_mask_logits {
    int K, skipped;
    const float *weight, *bias; /* raw, where the builder keeps parameters */
    dp_deconv upsample;
    dp_gemm *classes; /* K: of C channels to one */
} dp_mask_logits;

/* Load `upsample` and `conv_logits` of the current scope, for C channels. conv_logits has
 * `skipped` classes before the K. */
void dp_mask_logits_build(dp_builder *b, dp_mask_logits *m, int C, int K, int skipped);

/* y (R, 2H, 2W, 1) = logits of x (R, H, W, C), of window i for class labels[i]. A dry run
 * does not look at the labels. Windows are spread over the threads. */
void dp_mask_logits_run(dp_run *r, const dp_mask_logits *m, dp_tensor y, dp_tensor x,
                        const int *labels);

/* The plain form. */
dp_tensor dp_mask_logits_plain(dp_run *r, const dp_mask_logits *m, dp_tensor x,
                               const int *labels);

#endif
