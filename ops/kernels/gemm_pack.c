#include "ops/kernels/kernels.h"

size_t dp_gemm_packed_size(int K, int N)
{
    const size_t panels = ((size_t)N + DP_GEMM_PANEL - 1) / DP_GEMM_PANEL;

    return panels * DP_GEMM_PANEL * (size_t)K;
}

void dp_gemm_pack(float *packed, int K, int N, const float *w, size_t k_stride,
                  size_t n_stride, const float *scale)
{
    for (int first = 0; first < N; first += DP_GEMM_PANEL)
        for (int k = 0; k < K; k++)
            for (int n = first; n < first + DP_GEMM_PANEL; n++) {
                const size_t at = (size_t)k * k_stride + (size_t)n * n_stride;

                *packed++ = n >= N ? 0 : scale ? w[at] * scale[n] : w[at];
            }
}
