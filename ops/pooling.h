/* pooling.h - fewer cells: bin averages, windows' maxima, and every n-th cell
 */
#ifndef DP_OPS_POOLING_H
#define DP_OPS_POOLING_H

#include "core/run.h"

/* x (N, H, W, C) as (N, bins, bins, C): PyTorch's AdaptiveAvgPool2d. Bin i covers rows
 * floor(i * H / bins) up to ceil((i + 1) * H / bins), and columns likewise. Bins overlap
 * where they do not divide a side, and repeat cells where there are more bins than cells.
 * A mean is summed in float64 and rounded once; in float32 the mean of a large map would
 * be the largest error of UperNet. An empty x is recorded as DP_ESHAPE. */
dp_tensor dp_pooling_average_run(dp_run *r, dp_tensor x, int bins);

/* The largest of each 3 x 3 cells around every second row and column, from the first:
 * PyTorch's MaxPool2d(3, stride 2, padding 1). Cells outside of the map do not count; a
 * NaN in a window is its maximum. Sides are halved and rounded up. */
dp_tensor dp_pooling_max_run(dp_run *r, dp_tensor x);

/* Every stride-th row and column, from the first; sides are divided by the stride and
 * rounded up. It is max pooling with a kernel of 1. */
dp_tensor dp_pooling_subsample_run(dp_run *r, dp_tensor x, int stride);

#endif
