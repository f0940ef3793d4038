#include "tests/support/bounded.h"

#include <check.h>
#include <math.h>

static const double unit = 0x1p-24; /* of a rounding to float32 */

bounded bounded_exact(float x)
{
    return (bounded){(double)x, 0};
}

bounded bounded_product(float bias, const float *w, const bounded *x, int n)
{
    bounded y = {(double)bias, 0};
    double terms = fabs((double)bias);
    for (int i = 0; i < n; i++) {
        const double weight = (double)w[i];
        y.value += weight * x[i].value;
        y.off += fabs(weight) * x[i].off;
        terms += fabs(weight * x[i].value);
    }
    y.off += (n + 1) * unit * terms;
    return y;
}

bounded bounded_mix(const bounded *w, const bounded *x, int stride, int n)
{
    bounded y = {0, 0};
    double terms = 0;
    for (int i = 0; i < n; i++) {
        const bounded v = x[i * stride];
        y.value += w[i].value * v.value;
        y.off += fabs(w[i].value) * v.off + w[i].off * fabs(v.value);
        terms += fabs(w[i].value * v.value);
    }
    y.off += (n + 1) * unit * terms;
    return y;
}

void bounded_norm(bounded *y, const bounded *x, const float *weight, const float *bias,
                  int n, double eps)
{
    double mean = 0, variance = 0, most = 0, off = 0;
    for (int i = 0; i < n; i++) {
        mean += x[i].value / n;
        most = fmax(most, fabs(x[i].value));
        off = fmax(off, x[i].off);
    }
    for (int i = 0; i < n; i++)
        variance += (x[i].value - mean) * (x[i].value - mean) / n;
    const double scale = 1 / sqrt(variance + eps);
    /* A centred value is off by its own error and the mean's; of the scale that is a part
     * as large as theirs of the deviation. */
    const double centred = 2 * off + (n + 2) * unit * most;
    const double part = centred * scale + (n + 6) * unit;
    for (int i = 0; i < n; i++) {
        const double w = (double)weight[i];
        const double normed = (x[i].value - mean) * scale * w;
        y[i] = (bounded){normed + (double)bias[i],
                         fabs(w) * centred * scale + fabs(normed) * part};
        y[i].off += unit * fabs(y[i].value);
    }
}

void bounded_softmax(bounded *x, int n)
{
    double most = x[0].value, least = x[0].value, off = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        most = fmax(most, x[i].value);
        least = fmin(least, x[i].value);
        off = fmax(off, x[i].off);
    }
    for (int i = 0; i < n; i++)
        sum += exp(x[i].value - most);
    for (int i = 0; i < n; i++) {
        const double p = exp(x[i].value - most) / sum;
        x[i] = (bounded){p, p * (2 * off + (most - least + n + 4) * unit)};
    }
}

bounded bounded_gelu(bounded x)
{
    const double y = x.value * 0.5 * (1 + erf(x.value / sqrt(2)));
    return (bounded){y, 1.13 * x.off + 3e-7}; /* its slope is at most 1.13 */
}

bounded bounded_add(bounded a, bounded b)
{
    const double sum = a.value + b.value;
    return (bounded){sum, a.off + b.off + unit * fabs(sum)};
}

void bounded_check(bounded want, float got, int at)
{
    ck_assert_msg(fabs((double)got - want.value) <= want.off,
                  "value %d: found %.9g, expected %.9g +- %.2g", at, (double)got,
                  want.value, want.off);
}
