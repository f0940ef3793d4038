/* layout.h - steps of plain forms that put cells and channels elsewhere
 */
#ifndef DP_OPS_LAYOUT_H
#define DP_OPS_LAYOUT_H

#include "core/run.h"

/* x as (N, H, W, C): continued below and to the right by zeros, or cut there. */
dp_tensor dp_tensor_pad(dp_run *r, dp_tensor x, int H, int W);

/* y(h, w) = x(h + rows, w + columns), cyclic. Negative numbers are allowed. */
dp_tensor dp_tensor_roll(dp_run *r, dp_tensor x, int rows, int columns);

/* Every stride-th row and column from (row, column) on; sides are rounded up. */
dp_tensor dp_tensor_subsample(dp_run *r, dp_tensor x, int stride, int row, int column);

/* The channels of `count` maps (1 to DP_STEP_INPUTS) of equal N, H and W side by side. */
dp_tensor dp_tensor_concat(dp_run *r, const dp_tensor *x, int count);

/* `count` channels from channel `first` on, cyclic. */
dp_tensor dp_tensor_channels(dp_run *r, dp_tensor x, int first, int count);

/* (N, H, W, 1): of item n the channel index[n], which is not looked at in a dry run. */
dp_tensor dp_tensor_own_channel(dp_run *r, dp_tensor x, const int *index);

/* (N, 1, 1, C * H * W) in the order (c, h, w): as PyTorch flattens a map. */
dp_tensor dp_tensor_channels_first(dp_run *r, dp_tensor x);

/* Windows of side x side cells, row by row of windows: (N * windows, side, side, C), and
 * back to N items of H x W cells. side divides H and W. */
dp_tensor dp_tensor_windows(dp_run *r, dp_tensor x, int side);
dp_tensor dp_tensor_unwindows(dp_run *r, dp_tensor x, int N, int H, int W);

/* Channels [first, first + C) of x (B, h, w, .) as matrices of a head each: (B * heads,
 * h * w, 1, C / heads); and back to (B, h, w, C). */
dp_tensor dp_tensor_heads(dp_run *r, dp_tensor x, int first, int C, int heads);
dp_tensor dp_tensor_unheads(dp_run *r, dp_tensor x, int heads, int h, int w);

/* x (N, h, w, C) at another size: bilinear and nearest as resize.h defines them. An empty
 * map that is to become something is recorded as DP_ESHAPE. */
dp_tensor dp_tensor_bilinear(dp_run *r, dp_tensor x, int H, int W);
dp_tensor dp_tensor_nearest(dp_run *r, dp_tensor x, int H, int W);

/* Of logits x (B * heads, n, 1, n) of windows of side x side cells, n = side * side: x plus
 * table [(2 side - 1)^2, heads] at the difference of the two cells' rows and columns. */
dp_tensor dp_tensor_position(dp_run *r, dp_tensor x, const float *table, int side,
                             int heads);

/* Of the same logits for items of down x across windows: x less 100 where the two cells
 * are neighbours only because the map was rolled by `shift`. */
typedef struct dp_window_grid {
    int side, heads, shift, down, across;
} dp_window_grid;
dp_tensor dp_tensor_separate(dp_run *r, dp_tensor x, const dp_window_grid *grid);

#endif
