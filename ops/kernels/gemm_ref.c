#include "ops/kernels/kernels.h"

#include <math.h>

/* The sum of terms [k, end) on top of `sum`; w is at the first of its column. */
static float block(float sum, const float *x, size_t x_panel, const float *w, int k,
                   int end)
{
    for (; k < end; k++)
        sum = fmaf(x[dp_panel_at(k, x_panel)], w[(ptrdiff_t)k * DP_GEMM_PANEL], sum);
    return sum;
}

static float output(float start, const float *x, size_t x_panel, const float *w, int K)
{
    float total = start;

    for (int k = 0; k < K; k += DP_GEMM_BLOCK) {
        const int end = K - k < DP_GEMM_BLOCK ? K : k + DP_GEMM_BLOCK;

        total = k == 0 ? block(total, x, x_panel, w, k, end)
                       : total + block(0, x, x_panel, w, k, end);
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

            y[n] = output(start, x, DP_GEMM_PANEL, column, K);
        }
        if (flags & DP_GEMM_RELU)
            dp_relu_ref(y, (size_t)N);
        if (flags & DP_GEMM_GELU)
            dp_gelu_ref(y, (size_t)N);
    }
}

void dp_panel_gemm_ref(float *y, size_t y_panel, const float *x, size_t x_panel,
                       const float *w, const float *bias, int rows, int K, int N,
                       unsigned flags)
{
    for (int n = 0; n < N; n += DP_GEMM_PANEL, y += y_panel)
        for (int r = 0; r < rows; r++)
            for (int lane = 0; lane < DP_GEMM_PANEL; lane++) {
                const float *column = w + (ptrdiff_t)n * K + lane;
                float *to = y + r * DP_GEMM_PANEL + lane;
                const float start =
                    flags & DP_GEMM_ADD ? bias[n + lane] + *to : bias[n + lane];

                *to = output(start, x + r * DP_GEMM_PANEL, x_panel, column, K);
                if (flags & DP_GEMM_RELU)
                    dp_relu_ref(to, 1);
                if (flags & DP_GEMM_GELU)
                    dp_gelu_ref(to, 1);
            }
}
