/* topk.h - the n best of m scores
 */
#ifndef DP_POSTPROCESS_TOPK_H
#define DP_POSTPROCESS_TOPK_H

#include "core/run.h"

/* Write the indices of the n highest of m scores to `index`, score descending and among
 * equals index ascending, and return how many: n, or less when there are fewer that are
 * numbers. A NaN is never chosen; infinities are scores as any other. `index` has room
 * for n. A dry run returns the smaller of n and m. Time is linear in m. */
int dp_topk_run(dp_run *r, int *index, const float *scores, int m, int n);

#endif
