#include "ops/kernels/kernels.h"

#include <math.h>

static float sum_of(const float *a, const float *b, int rows)
{
    float sum = 0;

    for (int r = 0; r < rows * DP_GEMM_PANEL; r += DP_GEMM_PANEL)
        sum = fmaf(a[r], b[r], sum);
    return sum;
}

void dp_weight_gradient_ref(float *dw, size_t dw_panel, const float *a, size_t a_panel,
                            const float *b, size_t b_panel, int rows, int M, int N,
                            unsigned flags)
{
    for (int n = 0; n < N; n++)
        for (int m = 0; m < M; m++) {
            float *to = dw + dp_panel_at(n, dw_panel) + m * DP_GEMM_PANEL;
            const float sum =
                sum_of(a + dp_panel_at(m, a_panel), b + dp_panel_at(n, b_panel), rows);

            *to = flags & DP_GEMM_ADD ? *to + sum : sum;
        }
}
