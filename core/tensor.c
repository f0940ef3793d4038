#include "core/tensor.h"

size_t dp_tensor_rows(dp_tensor t)
{
    return (size_t)t.N * (size_t)t.H * (size_t)t.W;
}

size_t dp_tensor_size(dp_tensor t)
{
    return dp_tensor_rows(t) * (size_t)t.C;
}

float *dp_tensor_cell(dp_tensor t, int n, int h, int w)
{
    const size_t row = (size_t)n * (size_t)t.H + (size_t)h;
    return t.data + (row * (size_t)t.W + (size_t)w) * (size_t)t.C;
}

dp_tensor dp_tensor_item(dp_tensor t, int n)
{
    if (t.data)
        t.data = dp_tensor_cell(t, n, 0, 0);
    t.N = 1;
    return t;
}

bool dp_tensor_alike(dp_tensor a, dp_tensor b)
{
    return a.N == b.N && a.H == b.H && a.W == b.W && a.C == b.C;
}
