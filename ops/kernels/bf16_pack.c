#include "ops/kernels/kernels.h"

static size_t pairs_of(int K)
{
    return ((size_t)K + 1) / 2;
}

size_t dp_gemm_bf16_packed_size(int K, int N)
{
    const size_t panels = ((size_t)N + DP_GEMM_PANEL - 1) / DP_GEMM_PANEL;

    return panels * DP_GEMM_PANEL * 2 * pairs_of(K);
}

void dp_gemm_bf16_pack(uint16_t *packed, int K, int N, const float *w, size_t k_stride,
                       size_t n_stride, const float *scale)
{
    const int depth = 2 * (int)pairs_of(K);

    for (int n = 0; n < (N + DP_GEMM_PANEL - 1) / DP_GEMM_PANEL * DP_GEMM_PANEL; n++)
        for (int k = 0; k < depth; k++) {
            const size_t from = (size_t)k * k_stride + (size_t)n * n_stride;
            const int lane = n % DP_GEMM_PANEL;
            const size_t to = (size_t)(n - lane) * (size_t)depth +
                              (size_t)(k / 2 * DP_GEMM_PANEL + lane) * 2 +
                              (size_t)(k % 2);
            float value = 0;

            if (k < K && n < N)
                value = scale ? w[from] * scale[n] : w[from];
            dp_round_bf16_ref(packed + to, &value, 1);
        }
}
