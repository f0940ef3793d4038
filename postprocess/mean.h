/* mean.h - the mean of several tensors, one at a time
 */
#ifndef DP_POSTPROCESS_MEAN_H
#define DP_POSTPROCESS_MEAN_H

#include "core/run.h"

/* Of n tensors add number i, from 0, to the sum y, which the first one sets; the last one
 * divides it by n. x and y have one shape. */
void dp_mean_add_run(dp_run *r, dp_tensor y, dp_tensor x, int i, int n);

#endif
