/* Bf16 with sums of float32, by the kernel of this CPU. */
#include "ops/gemm_format.h"

/* bf16 numbers in memory that was taken as floats. */
static uint16_t *halves_of(float *floats)
{
    void *memory = floats;
    return memory;
}

static size_t size(int K, int N)
{
    return dp_gemm_bf16_packed_size(K, N) / 2;
}

static void fill(dp_gemm *g, int first, int count, const float *w, size_t k_stride,
                 size_t n_stride, const float *scale)
{
    uint16_t *columns = halves_of(g->weight) + dp_gemm_bf16_packed_size(g->K, first);
    dp_gemm_bf16_pack(columns, g->K, count, w, k_stride, n_stride, scale);
}

/* The rounded numbers lie in the first half of each row. */
static void prepare(const dp_gemm *g, float *x, size_t stride, int rows)
{
    const size_t K = (size_t)g->K;
    for (int i = 0; i < rows; i++, x += stride) {
        g->kernels->round_bf16(x, x, K);
        if (K % 2)
            halves_of(x)[K] = 0;
    }
}

static void multiply(const dp_gemm *g, float *y, size_t y_stride, const float *x,
                     size_t x_stride, int rows, unsigned flags)
{
    g->kernels->gemm_bf16(y, y_stride, (const void *)x, 2 * x_stride,
                          (const void *)g->weight, g->bias, rows, g->K, g->N, flags);
}

const dp_gemm_format dp_gemm_format_bf16 = {
    .engine = "own",
    .size = size,
    .fill = fill,
    .prepare = prepare,
    .multiply = multiply,
};
