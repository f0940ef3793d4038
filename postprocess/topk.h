/* topk.h - the n best of m scores
 */
#ifndef DP_POSTPROCESS_TOPK_H
#define DP_POSTPROCESS_TOPK_H

#include <stddef.h>

/* Write the indices of the n highest of m scores to `index`, score descending and among
 * equals index ascending, and return how many: n, or less when there are fewer that are
 * numbers. A NaN is never chosen; infinities are scores as any other. `index` has room
 * for n; scratch is dp_topk_scratch(n) bytes. Time is linear in m. */
int dp_topk_run(int *index, const float *scores, int m, int n, void *scratch);
size_t dp_topk_scratch(int n);

#endif
