#include "ops/gemm.h"

#include "ops/gemm_format.h"

#include <assert.h>
#include <string.h>

/* Rows of x and y that one GEMM touches should stay in a core's second-level cache
 * together with the part of the weights being read. */
enum { TILE_BYTES = 512 * 1024, TILE_MIN = 64, TILE_MAX = 256 };

/* ---- build ---------------------------------------------------------------------- */

static const dp_gemm_format *float32_format(const dp_kernels *k)
{
    return k->gemm ? &dp_gemm_format_float32 : &dp_gemm_format_openblas;
}

/* The precision of a pointwise layer. */
static const dp_gemm_format *pointwise_format(dp_builder *b)
{
    if (!b->bf16)
        return float32_format(b->kernels);
    b->bf16_layers++;
    return &dp_gemm_format_bf16;
}

const char *dp_gemm_engine(const dp_kernels *k)
{
    return float32_format(k)->engine;
}

static void take(dp_builder *b, dp_gemm *list, int count, const dp_gemm_format *format,
                 int K, int N)
{
    const size_t size = format->size(K, N);
    float *weight = dp_builder_floats(b, (size_t)count * size);
    float *bias = dp_builder_floats(b, (size_t)N);
    for (int i = 0; i < count; i++)
        list[i] = (dp_gemm){.K = K,
                            .N = N,
                            .format = format,
                            .kernels = b->kernels,
                            .weight = weight ? weight + (size_t)i * size : NULL,
                            .bias = bias};
}

void dp_gemm_take(dp_builder *b, dp_gemm *list, int count, int K, int N)
{
    take(b, list, count, float32_format(b->kernels), K, N);
}

/* With the memory that `g` has. */
static void pack(dp_gemm *g, const float *w, size_t k_stride, size_t n_stride,
                 const float *scale, const float *bias)
{
    if (!w || !g->weight || !g->bias)
        return;
    dp_gemm_fill(g, 0, g->N, w, k_stride, n_stride, scale);
    if (bias)
        memcpy(g->bias, bias, (size_t)g->N * sizeof *bias);
}

void dp_gemm_build(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                   size_t k_stride, size_t n_stride, const float *scale,
                   const float *bias)
{
    take(b, g, 1, float32_format(b->kernels), K, N);
    pack(g, w, k_stride, n_stride, scale, bias);
}

void dp_gemm_build_pointwise(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                             size_t k_stride, size_t n_stride, const float *scale,
                             const float *bias)
{
    take(b, g, 1, pointwise_format(b), K, N);
    pack(g, w, k_stride, n_stride, scale, bias);
}

dp_gemm dp_gemm_on(const dp_kernels *k, int K, int N, float *memory, float *bias)
{
    return (dp_gemm){K, N, float32_format(k), k, memory, bias};
}

size_t dp_gemm_size(const dp_kernels *k, int K, int N)
{
    return float32_format(k)->size(K, N);
}

void dp_gemm_fill(dp_gemm *g, int first, int count, const float *w, size_t k_stride,
                  size_t n_stride, const float *scale)
{
    g->format->fill(g, first, count, w, k_stride, n_stride, scale);
}

/* ---- run ------------------------------------------------------------------------ */

static unsigned flags_of(bool accumulate, dp_activation activation)
{
    static const unsigned flags[] = {[DP_ACTIVATION_NONE] = 0,
                                     [DP_ACTIVATION_RELU] = DP_GEMM_RELU,
                                     [DP_ACTIVATION_GELU] = DP_GEMM_GELU};
    return flags[activation] | (accumulate ? DP_GEMM_ADD : 0u);
}

void dp_gemm_rows(const dp_gemm *g, float *y, size_t y_stride, const float *x,
                  size_t x_stride, int rows, bool accumulate, dp_activation activation)
{
    assert(!g->format->prepare);
    if (rows > 0)
        g->format->multiply(g, y, y_stride, x, x_stride, rows,
                            flags_of(accumulate, activation));
}

void dp_gemm_use_up(const dp_gemm *g, float *y, size_t y_stride, float *x,
                    size_t x_stride, int rows, bool accumulate,
                    dp_activation activation)
{
    if (rows <= 0)
        return;
    if (g->format->prepare)
        g->format->prepare(g, x, x_stride, rows);
    g->format->multiply(g, y, y_stride, x, x_stride, rows,
                        flags_of(accumulate, activation));
}

int dp_gemm_tile(const dp_gemm *g)
{
    const int rows = TILE_BYTES / (int)sizeof(float) / (g->K + g->N);
    const int tile = rows / 8 * 8;
    return tile < TILE_MIN ? TILE_MIN : tile > TILE_MAX ? TILE_MAX : tile;
}
