/* Float32, by the kernel of this CPU. */
#include "ops/gemm_format.h"

static void fill(dp_gemm *g, int first, int count, const float *w, size_t k_stride,
                 size_t n_stride, const float *scale)
{
    dp_gemm_pack(g->weight + (size_t)first * (size_t)g->K, g->K, count, w, k_stride,
                 n_stride, scale);
}

static void multiply(const dp_gemm *g, float *y, size_t y_stride, const float *x,
                     size_t x_stride, int rows, unsigned flags)
{
    g->kernels->gemm(y, y_stride, x, x_stride, g->weight, g->bias, rows, g->K, g->N,
                     flags);
}

const dp_gemm_format dp_gemm_format_float32 = {
    .engine = "own",
    .size = dp_gemm_packed_size,
    .fill = fill,
    .multiply = multiply,
};
