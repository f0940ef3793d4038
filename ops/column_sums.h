/* column_sums.h - sums over the rows of a map, for gradients of parameters of each channel
 *
 * Rows are cut into chunks whose number depends on the number of rows only. Threads share
 * the chunks. Their sums are float64 and are added in order.
 */
#ifndef DP_OPS_COLUMN_SUMS_H
#define DP_OPS_COLUMN_SUMS_H

#include "core/run.h"

enum { DP_COLUMN_GRAIN = 128 /* that suits sums of a few operations a value */ };

/* Add rows [first, first + count) of the map that arg knows to `sums`. */
typedef void dp_column_sums_fn(const void *arg, size_t first, size_t count,
                               double *sums);

/* `width` sums over `rows` rows, in scratch memory of the run; NULL when dry. A chunk has at
 * least `grain` rows, if there are that many. */
const double *dp_column_sums(dp_run *r, size_t rows, size_t grain, size_t width,
                             dp_column_sums_fn *fn, const void *arg);

#endif
