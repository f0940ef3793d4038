/* softmax.h - scores from logits
 */
#ifndef DP_POSTPROCESS_SOFTMAX_H
#define DP_POSTPROCESS_SOFTMAX_H

#include "core/run.h"

/* y[r][c] = exp(x[r][c] - max_r) / sum_r over each of `rows` rows of C >= 1 values, the
 * sum in order. y may be x. A NaN, an infinity of plus, or nothing but infinities of
 * minus make their whole row NaN. */
void dp_softmax_rows(float *y, const float *x, size_t rows, int C);

/* y[i] = 1 / (1 + exp(-x[i])) of n values. y may be x. Infinities give 0 and 1, NaN
 * stays. */
void dp_sigmoid(float *y, const float *x, size_t n);

/* The same on all rows of C values of x (N, H, W, C), in place. */
void dp_softmax_run(dp_run *r, dp_tensor x);

/* The sigmoid of x, in place; its N items are spread over the threads. */
void dp_sigmoid_run(dp_run *r, dp_tensor x);

#endif
