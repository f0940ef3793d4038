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

/* As OpenBLAS reads it: (K, N), row by row. */
static void pack_rows(float *out, int K, int N, const float *w, size_t k_stride,
                      size_t n_stride, const float *scale)
{
    for (int k = 0; k < K; k++)
        for (int n = 0; n < N; n++)
            *out++ = w[(size_t)k * k_stride + (size_t)n * n_stride] *
                     (scale ? scale[n] : 1.0f);
}

void dp_gemm_build(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                   size_t k_stride, size_t n_stride, const float *scale,
                   const float *bias)
{
    *g = (dp_gemm){.K = K, .N = N, .kernel = b->kernels->gemm};
    g->weight = dp_builder_floats(b, g->kernel ? dp_gemm_packed_size(K, N)
                                               : (size_t)K * (size_t)N);
    g->bias = dp_builder_floats(b, (size_t)N);
    if (!w || !g->weight || !g->bias)
        return;
    (g->kernel ? dp_gemm_pack : pack_rows)(g->weight, K, N, w, k_stride, n_stride,
                                           scale);
    if (bias)
        memcpy(g->bias, bias, (size_t)N * sizeof *bias);
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
    if (g->kernel)
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
