/* layout_source.h - where the steps of layout.h take their values from, for the steps and
 * their gradients
 */
#ifndef DP_OPS_LAYOUT_SOURCE_H
#define DP_OPS_LAYOUT_SOURCE_H

#include "ops/step.h"

/* Of pad, roll, subsample, windows, unwindows and heads: cell (item, w) of the result, item in
 * [0, y.N * y.H), is y.C values of x from *at on. False: it is 0. */
bool dp_layout_source(const dp_step *s, int item, int w, size_t *at);

/* Where cell i of `out` lies among `in` cells: between *low and *high, and the part of the
 * way to the latter. */
double dp_bilinear_place(int i, int out, int in, int *low, int *high);

/* Which of `in` cells cell i of `out` copies. */
int dp_nearest_place(int i, int out, int in);

/* Row of the table of positions for cells i and j of a window. */
int dp_position_place(int side, int i, int j);

#endif
