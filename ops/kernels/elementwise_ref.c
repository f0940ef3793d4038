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

void dp_bilinear_ref(float *y, const dp_corners *c, int n, unsigned flags)
{
    for (int i = 0; i < n; i++) {
        const float upper = c->across[0] * c->nw[i] + c->across[1] * c->ne[i];
        const float lower = c->across[0] * c->sw[i] + c->across[1] * c->se[i];
        const float value = c->down[0] * upper + c->down[1] * lower;

        y[i] = flags & DP_GEMM_ADD ? y[i] + value : value;
    }
}
