#include "ops/kernels/kernels.h"

#include <math.h>

void dp_adamw_ref(float *p, float *m, float *v, const float *g,
                  const dp_adamw_factors *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = fmaf(g[i], f->rest1, m[i] * f->beta1);
        v[i] = fmaf(g[i] * f->rest2, g[i], v[i] * f->beta2);
        p[i] = p[i] * f->keep + f->step * m[i] / (sqrtf(v[i]) / f->root + f->eps);
    }
}

void dp_sgd_ref(float *p, float *m, const float *g, const dp_sgd_factors *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = m[i] * f->momentum + fmaf(p[i], f->decay, g[i]);
        p[i] = fmaf(m[i], f->step, p[i]);
    }
}
