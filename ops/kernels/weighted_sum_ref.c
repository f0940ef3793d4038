#include "ops/kernels/kernels.h"

#include <math.h>

void dp_weighted_sum_ref(float *y, const float *const *x, const float *w, int terms,
                         int n, unsigned flags)
{
    for (int i = 0; i < n; i++) {
        float sum = flags & DP_GEMM_ADD ? y[i] : 0;

        for (int t = 0; t < terms; t++)
            sum = fmaf(w[t], x[t][i], sum);
        y[i] = sum;
        if (flags & DP_GEMM_RELU)
            dp_relu_ref(y + i, 1);
    }
}
