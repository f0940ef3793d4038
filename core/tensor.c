#include "core/tensor.h"

size_t dp_tensor_rows(dp_tensor t)
{
    return (size_t)t.N * (size_t)t.H * (size_t)t.W;
}

size_t dp_tensor_size(dp_tensor t)
{
    return dp_tensor_rows(t) * (size_t)t.C;
}
