#include "ops/gemm.h"

#include "ops/kernels/kernels.h"

#include <cblas.h>
#include <string.h>

/* Rows of x and y that one product touches should stay in a core's second-level cache
 * together with the part of the weights being read. */
enum { TILE_BYTES = 512 * 1024, TILE_MIN = 64, TILE_MAX = 256 };

void dp_gemm_start(void)
{
    openblas_set_num_threads(1);
}

/* In floats. */
static size_t packed_size(const dp_gemm *g)
{
    if (g->bf16)
        return dp_gemm_bf16_packed_size(g->K, g->N) / 2;
    return g->kernel ? dp_gemm_packed_size(g->K, g->N) : (size_t)g->K * (size_t)g->N;
}

static void take(dp_builder *b, dp_gemm *list, int count, const dp_gemm *common)
{
    const size_t size = packed_size(common);
    float *weight = dp_builder_floats(b, (size_t)count * size);
    float *bias = dp_builder_floats(b, (size_t)common->N);
    for (int i = 0; i < count; i++) {
        list[i] = *common;
        list[i].weight = weight ? weight + (size_t)i * size : NULL;
        list[i].bias = bias;
    }
}

void dp_gemm_take(dp_builder *b, dp_gemm *list, int count, int K, int N)
{
    const dp_gemm common = {.K = K, .N = N, .kernel = b->kernels->gemm};
    take(b, list, count, &common);
}

/* bf16 numbers in memory that was taken as floats. */
static uint16_t *halves_of(float *floats)
{
    void *memory = floats;
    return memory;
}

void dp_gemm_fill(dp_gemm *g, int first, int count, const float *w, size_t k_stride,
                  size_t n_stride, const float *scale)
{
    if (g->kernel) {
        dp_gemm_pack(g->weight + (size_t)first * (size_t)g->K, g->K, count, w, k_stride,
                     n_stride, scale);
        return;
    }
    /* As OpenBLAS reads it: (K, N), row by row. */
    for (int k = 0; k < g->K; k++) {
        float *row = g->weight + (size_t)k * (size_t)g->N + first;
        for (int n = 0; n < count; n++)
            row[n] = w[(size_t)k * k_stride + (size_t)n * n_stride] *
                     (scale ? scale[n] : 1.0f);
    }
}

void dp_gemm_build(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                   size_t k_stride, size_t n_stride, const float *scale,
                   const float *bias)
{
    dp_gemm_take(b, g, 1, K, N);
    if (!w || !g->weight || !g->bias)
        return;
    dp_gemm_fill(g, 0, N, w, k_stride, n_stride, scale);
    if (bias)
        memcpy(g->bias, bias, (size_t)N * sizeof *bias);
}

void dp_gemm_build_pointwise(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                             size_t k_stride, size_t n_stride, const float *scale,
                             const float *bias)
{
    if (!b->bf16) {
        dp_gemm_build(b, g, K, N, w, k_stride, n_stride, scale, bias);
        return;
    }
    const dp_gemm common = {
        .K = K, .N = N, .kernel = b->kernels->gemm, .bf16 = b->kernels->gemm_bf16};
    b->bf16_layers++;
    take(b, g, 1, &common);
    if (!w || !g->weight || !g->bias)
        return;
    dp_gemm_bf16_pack(halves_of(g->weight), K, N, w, k_stride, n_stride, scale);
    if (bias)
        memcpy(g->bias, bias, (size_t)N * sizeof *bias);
}

void dp_gemm_round(const dp_gemm *g, const dp_kernels *k, float *x, size_t stride,
                   int rows)
{
    const size_t K = (size_t)g->K;
    for (int i = 0; i < rows && g->bf16; i++, x += stride) {
        k->round_bf16(x, x, K);
        if (K % 2)
            halves_of(x)[K] = 0;
    }
}

static void start_rows(const dp_gemm *g, float *y, size_t y_stride, int rows,
                       bool accumulate)
{
    for (int i = 0; i < rows; i++, y += y_stride) {
        if (!accumulate)
            memcpy(y, g->bias, (size_t)g->N * sizeof *y);
        else
            for (int n = 0; n < g->N; n++)
                y[n] += g->bias[n];
    }
}

static void activate(const dp_kernels *k, float *x, size_t n, dp_activation activation)
{
    if (activation == DP_ACTIVATION_RELU)
        k->relu(x, n);
    else if (activation == DP_ACTIVATION_GELU)
        k->gelu(x, n);
}

static void openblas_rows(const dp_gemm *g, const dp_kernels *k, float *y,
                          size_t y_stride, const float *x, size_t x_stride, int rows,
                          bool accumulate, dp_activation activation)
{
    start_rows(g, y, y_stride, rows, accumulate);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, g->N, g->K, 1.0f, x,
                (int)x_stride, g->weight, g->N, 1.0f, y, (int)y_stride);
    if (activation == DP_ACTIVATION_NONE)
        return;
    if (y_stride == (size_t)g->N) {
        activate(k, y, (size_t)rows * y_stride, activation);
        return;
    }
    for (int i = 0; i < rows; i++)
        activate(k, y + (size_t)i * y_stride, (size_t)g->N, activation);
}

void dp_gemm_rows(const dp_gemm *g, const dp_kernels *k, float *y, size_t y_stride,
                  const float *x, size_t x_stride, int rows, bool accumulate,
                  dp_activation activation)
{
    static const unsigned flags[] = {[DP_ACTIVATION_NONE] = 0,
                                     [DP_ACTIVATION_RELU] = DP_GEMM_RELU,
                                     [DP_ACTIVATION_GELU] = DP_GEMM_GELU};
    if (rows <= 0)
        return;
    if (g->bf16)
        g->bf16(y, y_stride, (const void *)x, 2 * x_stride, (const void *)g->weight,
                g->bias, rows, g->K, g->N,
                flags[activation] | (accumulate ? DP_GEMM_ADD : 0u));
    else if (g->kernel)
        g->kernel(y, y_stride, x, x_stride, g->weight, g->bias, rows, g->K, g->N,
                  flags[activation] | (accumulate ? DP_GEMM_ADD : 0u));
    else
        openblas_rows(g, k, y, y_stride, x, x_stride, rows, accumulate, activation);
}

int dp_gemm_tile(const dp_gemm *g)
{
    const int rows = TILE_BYTES / (int)sizeof(float) / (g->K + g->N);
    const int tile = rows / 8 * 8;
    return tile < TILE_MIN ? TILE_MIN : tile > TILE_MAX ? TILE_MAX : tile;
}
