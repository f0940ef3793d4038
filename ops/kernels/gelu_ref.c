#include "ops/kernels/gelu_table.h"
#include "ops/kernels/kernels.h"

#include <math.h>
#include <string.h>

/* A float of this size has a last place of 1: adding it rounds to an integer, which is
 * then in the low bits. */
static const float ROUNDER = 0x1.8p23f;

static float gelu(float x)
{
    const float end = (DP_GELU_SEGMENTS - 1) * DP_GELU_WIDTH;
    const float t = fabsf(x) < end ? fabsf(x) : end; /* end when x is NaN */
    const float rounded = fmaf(t, 1 / DP_GELU_WIDTH, ROUNDER);
    const float u = fmaf(rounded - ROUNDER, -DP_GELU_WIDTH, t);
    uint32_t bits;
    float h = 0;

    memcpy(&bits, &rounded, sizeof bits);
    for (int power = DP_GELU_DEGREE; power >= 0; power--)
        h = fmaf(h, u, dp_gelu_table[power][bits % DP_GELU_SEGMENTS]);
    return (0 > x ? 0 : x) - h;
}

void dp_gelu_ref(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = gelu(x[i]);
}
