/* step_conv.h - convolution steps in float32, forward and back, as GEMMs on patches.
 *
 * Also of fully connected layers, which have a kernel of one cell. A transposed convolution
 * runs forward as the gradient of a convolution's input, and the other way about.
 *
 *   large   (N, H, W, C), where each cell of `small` has a patch of kernel x kernel cells
 *   small   (N, rows, columns, out)
 *
 * The order of every sum depends on these sizes only.
 */
#ifndef DP_OPS_STEP_CONV_H
#define DP_OPS_STEP_CONV_H

#include "core/run.h"

enum { DP_STEP_KERNEL_MAX = 32 };

typedef struct dp_step_conv {
    int N, H, W, C, rows, columns, out;
    int kernel, stride, padding, groups; /* kernel: to the maximum */
    const float *weight;                 /* [out, C / groups, kernel, kernel] */
} dp_step_conv;

/* small = bias + each cell's patch of large times the weights; or with `add`, that is added
 * to it. bias (out) may be NULL. Maps are NULL when dry. */
void dp_step_conv_gather(dp_run *r, const dp_step_conv *c, float *small,
                         const float *large, const float *bias, bool add);

/* large = bias (C) + each cell of small spread over its patch; else alike. */
void dp_step_conv_spread(dp_run *r, const dp_step_conv *c, float *large,
                         const float *small, const float *bias, bool add);

/* Add to gradient, of the weights: the sum over cells of small times their patch of large.
 * Rounded to float32 after every DP_GEMM_BLOCK cells. */
void dp_step_conv_weight(dp_run *r, const dp_step_conv *c, float *gradient,
                         const float *large, const float *small);

#endif
