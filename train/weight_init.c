#include "train/weight_init.h"

#include "base/normal.h"

#include <math.h>
#include <string.h>

void dp_init_truncated_normal(dp_random *r, float *w, size_t n, double deviation,
                              double limit)
{
    const double low = dp_normal_below(-limit / deviation);
    const double high = dp_normal_below(limit / deviation);
    for (size_t i = 0; i < n; i++) {
        /* Limits far out have low = 0, where the quantile is infinite. */
        const double p = low + (high - low) * dp_random_unit(r);
        const double value = deviation * dp_normal_quantile(fmax(p, 0x1p-54));
        w[i] = (float)fmin(fmax(value, -limit), limit);
    }
}

static void fill(float *w, size_t n, double value)
{
    for (size_t i = 0; i < n; i++)
        w[i] = (float)value;
}

static bool ends_in(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

void dp_init_convnext(dp_random *r, const char *name, int rank, float *w, size_t n,
                      double layer_scale)
{
    if (ends_in(name, ".bias") || ends_in(name, "grn.gamma") ||
        ends_in(name, "grn.beta"))
        fill(w, n, 0);
    else if (ends_in(name, ".gamma"))
        fill(w, n, layer_scale);
    else if (rank == 1)
        fill(w, n, 1);
    else
        dp_init_truncated_normal(r, w, n, 0.02, 2);
}
