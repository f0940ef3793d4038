#include "postprocess/mean.h"

void dp_mean_add_run(dp_run *r, dp_tensor y, dp_tensor x, int i, int n)
{
    const size_t size = r->dry ? 0 : dp_tensor_size(y);
    for (size_t k = 0; k < size; k++)
        y.data[k] = i > 0 ? y.data[k] + x.data[k] : x.data[k];
    for (size_t k = 0; k < size && i == n - 1; k++)
        y.data[k] /= (float)n;
}
