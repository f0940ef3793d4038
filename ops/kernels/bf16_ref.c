#include "ops/kernels/kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

void dp_round_bf16_ref(void *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        uint16_t half;

        /* y may be x: only copies keep the order of the two. */
        memcpy(&bits, x + i, sizeof bits);
        if ((bits & 0x7fffffff) > 0x7f800000)
            half = (uint16_t)(bits >> 16 | 0x40);
        else if ((bits & 0x7f800000) == 0)
            half = (uint16_t)(bits >> 16 & 0x8000);
        else
            half = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        memcpy((unsigned char *)y + i * sizeof half, &half, sizeof half);
    }
}

static float flush(float x)
{
    return fabsf(x) < FLT_MIN ? copysignf(0, x) : x;
}

static float widen(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float x;

    memcpy(&x, &bits, sizeof x);
    return flush(x);
}

/* w is at the first pair of its column. */
static float output(float start, const uint16_t *x, const uint16_t *w, int K)
{
    float sum = start;

    for (int k = 0; k < K; k += 2, w += (ptrdiff_t)2 * DP_GEMM_PANEL) {
        sum = flush(fmaf(widen(x[k + 1]), widen(w[1]), flush(sum)));
        sum = flush(fmaf(widen(x[k]), widen(w[0]), sum));
    }
    return sum;
}

void dp_gemm_bf16_ref(float *y, size_t y_stride, const uint16_t *x, size_t x_stride,
                      const uint16_t *w, const float *bias, int rows, int K, int N,
                      unsigned flags)
{
    for (int r = 0; r < rows; r++, x += x_stride, y += y_stride) {
        for (int n = 0; n < N; n++) {
            const int lane = n % DP_GEMM_PANEL, depth = K + K % 2;
            const uint16_t *column = w + (ptrdiff_t)(n - lane) * depth + 2 * lane;
            const float start = flags & DP_GEMM_ADD ? bias[n] + y[n] : bias[n];

            y[n] = output(start, x, column, K);
        }
        if (flags & DP_GEMM_RELU)
            dp_relu_ref(y, (size_t)N);
        if (flags & DP_GEMM_GELU)
            dp_gelu_ref(y, (size_t)N);
    }
}
