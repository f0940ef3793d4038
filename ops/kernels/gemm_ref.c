#include "ops/kernels/kernels.h"

#include <math.h>

/* The sum of one K block on top of `sum`; w is at the first of its column. */
static float block(float sum, const float *x, const float *w, int depth)
{
    for (int k = 0; k < depth; k++)
        sum = fmaf(x[k], w[k * DP_GEMM_PANEL], sum);
    return sum;
}

static float output(float start, const float *x, const float *w, int K)
{
    float total = start;

    for (int k = 0; k < K; k += DP_GEMM_BLOCK) {
        const int depth = K - k < DP_GEMM_BLOCK ? K - k : DP_GEMM_BLOCK;
        const float *from = w + (ptrdiff_t)k * DP_GEMM_PANEL;

        total = k == 0 ? block(total, x, from, depth)
                       : total + block(0, x + k, from, depth);
    }
    return total;
}

void dp_gemm_ref(float *y, size_t y_stride, const float *x, size_t x_stride,
                 const float *w, const float *bias, int rows, int K, int N,
                 unsigned flags)
{
    for (int r = 0; r < rows; r++, x += x_stride, y += y_stride) {
        for (int n = 0; n < N; n++) {
            const int lane = n % DP_GEMM_PANEL;
            const float *column = w + (ptrdiff_t)(n - lane) * K + lane;
            const float start = flags & DP_GEMM_ADD ? bias[n] + y[n] : bias[n];

            y[n] = output(start, x, column, K);
        }
        if (flags & DP_GEMM_RELU)
            dp_relu_ref(y, (size_t)N);
        if (flags & DP_GEMM_GELU)
            dp_gelu_ref(y, (size_t)N);
    }
}
