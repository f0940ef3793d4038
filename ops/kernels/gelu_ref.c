#include "ops/kernels/gelu_table.h"
#include "ops/kernels/kernels.h"

#include <math.h>
#include <string.h>

/* A float of this size has a last place of 1: adding it rounds to an integer, which is
 * then in the low bits. */
static const float ROUNDER = 0x1.8p23f;

typedef struct segment {
    int number;
    float u;
} segment;

static segment segment_of(float x)
{
    const float end = (DP_GELU_SEGMENTS - 1) * DP_GELU_WIDTH;
    const float t = fabsf(x) < end ? fabsf(x) : end; /* end when x is NaN */
    const float rounded = fmaf(t, 1 / DP_GELU_WIDTH, ROUNDER);
    uint32_t bits;

    memcpy(&bits, &rounded, sizeof bits);
    return (segment){(int)(bits % DP_GELU_SEGMENTS),
                     fmaf(rounded - ROUNDER, -DP_GELU_WIDTH, t)};
}

static float polynomial(const float table[][DP_GELU_SEGMENTS], segment s)
{
    float h = 0;

    for (int power = DP_GELU_DEGREE; power >= 0; power--)
        h = fmaf(h, s.u, table[power][s.number]);
    return h;
}

static float gelu(float x)
{
    return (0 > x ? 0 : x) - polynomial(dp_gelu_table, segment_of(x));
}

static float slope(float x)
{
    const float s = polynomial(dp_gelu_slope_table, segment_of(x));

    return x > 0 ? 1 - s : s;
}

void dp_gelu_ref(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = gelu(x[i]);
}

void dp_gelu_backward_ref(float *h, float *d, float *sums, size_t panel, int rows,
                          int panels)
{
    for (int p = 0; p < panels; p++, h += panel, d += panel, sums += DP_GEMM_PANEL) {
        float sum[DP_GEMM_PANEL] = {0};

        for (int i = 0; i < rows * DP_GEMM_PANEL; i++) {
            d[i] *= slope(h[i]);
            h[i] = gelu(h[i]);
            sum[i % DP_GEMM_PANEL] += d[i];
        }
        for (int lane = 0; lane < DP_GEMM_PANEL; lane++)
            sums[lane] += sum[lane];
    }
}
