/* reduction.h - steps of plain forms that look at several values of a map
 */
#ifndef DP_OPS_REDUCTION_H
#define DP_OPS_REDUCTION_H

#include "core/run.h"

/* (x - mean) / sqrt(variance + eps) * weight[c] + bias[c] over the channels of each cell;
 * biased variance. */
dp_tensor dp_tensor_layer_norm(dp_run *r, dp_tensor x, const float *weight,
                               const float *bias, float eps);

/* exp(x) over its sum, over the channels of each cell. */
dp_tensor dp_tensor_softmax(dp_run *r, dp_tensor x);

/* The L2 norm of each channel over the cells of an item: (N, 1, 1, C). */
dp_tensor dp_tensor_channel_norms(dp_run *r, dp_tensor x);

/* x over (its mean over the channels + eps), for each cell. */
dp_tensor dp_tensor_shares(dp_run *r, dp_tensor x, float eps);

/* Means of bins, (N, bins, bins, C): pooling.h says which cells are in a bin. An empty map
 * is recorded as DP_ESHAPE. */
dp_tensor dp_tensor_bin_means(dp_run *r, dp_tensor x, int bins);

/* First cell of bin i, of `bins` over `size` cells, and one past the last. */
void dp_bin_find(int i, int bins, int size, int *begin, int *end);

/* Maxima of 3 x 3 cells around every second row and column: (N, H/2, W/2, C), rounded up.
 * Cells outside of the map do not count; a NaN is the maximum. */
dp_tensor dp_tensor_maxima(dp_run *r, dp_tensor x);

#endif
