#include "ops/batch_norm.h"

#include <math.h>

void dp_batch_norm_fold(dp_builder *b, dp_batch_norm *raw, const char *name, int n,
                        float eps, const float **scale, const float **shift)
{
    const size_t outer = dp_builder_enter(b, "%s", name);
    const float *weight = dp_builder_vector(b, "weight", n);
    const float *bias = dp_builder_vector(b, "bias", n);
    const float *mean = dp_builder_buffer(b, "running_mean", n);
    const float *var = dp_builder_buffer(b, "running_var", n);
    dp_builder_skip(b, "num_batches_tracked");
    dp_builder_leave(b, outer);
    *raw = (dp_batch_norm){.weight = dp_builder_kept(b, weight),
                           .bias = dp_builder_kept(b, bias),
                           .mean = dp_builder_kept(b, mean),
                           .variance = dp_builder_kept(b, var),
                           .eps = eps};

    float *factors = dp_builder_scratch(b, (size_t)n);
    float *offsets = dp_builder_scratch(b, (size_t)n);
    *scale = *shift = NULL;
    if (!weight || !bias || !mean || !var || !factors || !offsets)
        return;
    for (int i = 0; i < n; i++) {
        const double s = (double)weight[i] / sqrt((double)var[i] + (double)eps);
        factors[i] = (float)s;
        offsets[i] = (float)((double)bias[i] - (double)mean[i] * s);
    }
    *scale = factors;
    *shift = offsets;
}
