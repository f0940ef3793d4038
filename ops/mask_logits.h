/* mask_logits.h - a deconvolution to twice the size, then a logit of one class a cell
 *
 * The end of a mask head: upsampled = relu(deconvolution of x), then a 1 x 1 convolution to
 * a logit a class, of which only that of each window's own class is computed. The
 * upsampled windows are never there as a whole.
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

/* Load `upsample` and `conv_logits`, which has `skipped` classes before the K, of the
 * current scope, for C channels. */
void dp_mask_logits_build(dp_builder *b, dp_mask_logits *m, int C, int K, int skipped);

/* y (R, 2H, 2W, 1) = the logits of x (R, H, W, C), each window's of the class labels[i],
 * which is not looked at in a dry run. Windows are spread over the threads. */
void dp_mask_logits_run(dp_run *r, const dp_mask_logits *m, dp_tensor y, dp_tensor x,
                        const int *labels);

/* The plain form. */
dp_tensor dp_mask_logits_plain(dp_run *r, const dp_mask_logits *m, dp_tensor x,
                               const int *labels);

#endif
