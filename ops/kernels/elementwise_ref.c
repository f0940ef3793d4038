#include "ops/kernels/kernels.h"

void dp_relu_ref(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > 0 ? x[i] : 0;
}

void dp_scale_ref(float *y, const float *x, float s, int C)
{
    for (int c = 0; c < C; c++)
        y[c] = x[c] * s;
}

void dp_bilinear_add_ref(float *y, const float *a, const float *b, const float *d,
                         const float *e, const float w[4], int C)
{
    for (int c = 0; c < C; c++)
        y[c] = y[c] + (((w[0] * a[c] + w[1] * b[c]) + w[2] * d[c]) + w[3] * e[c]);
}
