/* resize.h - feature maps to another size
 *
 * Bilinear as PyTorch defines it with align_corners false: output cell i lies at
 * max((i + 0.5) * in / out - 0.5, 0) between two source cells; the quotient is rounded
 * to float32, the position is not, its fraction is. A value is the mix of the two rows'
 * mixes of two columns. PyTorch fuses a mix's last multiplication and addition where
 * the machine can; here each is rounded, so last bits differ.
 */
#ifndef DP_OPS_RESIZE_H
#define DP_OPS_RESIZE_H

#include "core/run.h"

/* Where one output row or column comes from. */
typedef struct dp_resize_tap {
    int low, high; /* source cells; equal at the far border */
    float weight_low, weight_high;
} dp_resize_tap;

/* The taps of `out` cells from `in` cells, both 1 or more. */
void dp_resize_fill_taps(dp_resize_tap *taps, int out, int in);

/* y[i] = a[i] * weight_low + b[i] * weight_high for n values. y may be a or b. */
void dp_resize_mix(float *y, const float *a, const float *b, const dp_resize_tap *tap,
                   size_t n);

/* x (N, H0, W0, C) as (N, H, W, C), bilinear; in r's arena. An empty x that is to
 * become something is recorded as DP_ESHAPE. */
dp_tensor dp_resize_run(dp_run *r, dp_tensor x, int H, int W);

/* y += x at the size of y, bilinear. x and y of unequal N or C, or an empty x, are
 * recorded as DP_ESHAPE. */
void dp_resize_add_run(dp_run *r, dp_tensor y, dp_tensor x);

/* The same with the nearest cell: of output cell i, floor(i * in / out) in float32, at
 * most in - 1. */
void dp_resize_nearest_add_run(dp_run *r, dp_tensor y, dp_tensor x);

#endif
