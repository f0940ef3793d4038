/* gemm.h - rows times packed weights, with what follows fused
 *
 *   rows   pixels, regions or tokens      K inputs, N outputs of each
 *
 * The one place where matrix products happen. The engine is the kernel `gemm` of this CPU
 * or, where the table has none (another architecture, or by choice), OpenBLAS, one thread
 * a call. Parallelism is above, over tiles of rows whose size depends on the layer only,
 * so bits do not depend on the number of threads.
 *
 * A pointwise layer, and no other, may have bf16 weights (dp_builder's `bf16`): both factors
 * are rounded to bf16 and summed in float32. Its rows are rounded in place by dp_gemm_round
 * before they go to dp_gemm_rows.
 */
#ifndef DP_OPS_GEMM_H
#define DP_OPS_GEMM_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/kernels/kernels.h"

#include <stdbool.h>

typedef enum dp_activation {
    DP_ACTIVATION_NONE,
    DP_ACTIVATION_RELU,
    DP_ACTIVATION_GELU
} dp_activation;

/* A weight matrix (K, N) and a bias, in the model's store. */
typedef struct dp_gemm {
    int K, N;
    dp_gemm_fn *kernel;    /* NULL: OpenBLAS       */
    dp_gemm_bf16_fn *bf16; /* not NULL: the weight is of bf16, and read by this */
    float *weight;         /* as the engine reads it */
    float *bias;           /* N; zeros when the layer has none */
} dp_gemm;

/* Set the engine up for calls from several threads; before the first dp_gemm_rows, any
 * number of times. OpenBLAS keeps one setting for the whole process: one thread a call. */
void dp_gemm_start(void);

/* Pack the matrix whose element (k, n) is at w[k * k_stride + n * n_stride], times
 * scale[n] (NULL: 1), and a bias of N (NULL: zeros). Nothing is kept of w, scale and
 * bias. With w NULL (a tensor that did not load) only the sizes are set. */
void dp_gemm_build(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                   size_t k_stride, size_t n_stride, const float *scale,
                   const float *bias);

/* The same for a pointwise layer: of bf16 when the builder says so. */
void dp_gemm_build_pointwise(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                             size_t k_stride, size_t n_stride, const float *scale,
                             const float *bias);

/* Room for `count` matrices of one size, list[i], one after the other, and a bias that
 * they share; all zeros. */
void dp_gemm_take(dp_builder *b, dp_gemm *list, int count, int K, int N);

/* Pack columns [first, first + count) of a matrix: element (k, first + n) is at
 * w[k * k_stride + n * n_stride], times scale[n] (NULL: 1). first is a multiple of
 * DP_GEMM_PANEL, and so is count unless it ends at N. Columns may be packed by several
 * threads. */
void dp_gemm_fill(dp_gemm *g, int first, int count, const float *w, size_t k_stride,
                  size_t n_stride, const float *scale);

/* Make `rows` rows of K, `stride` floats apart, what dp_gemm_rows takes as x of this
 * matrix: nothing to do unless it is of bf16. Then the rounded numbers lie in the first
 * half of each row. */
void dp_gemm_round(const dp_gemm *g, const dp_kernels *k, float *x, size_t stride,
                   int rows);

/* y = activation(x W + bias), or with `accumulate` activation(x W + bias + y), for `rows`
 * rows of x, `x_stride` floats apart, and of y, `y_stride` apart. Serial: for use inside
 * an item. y does not overlap x. rows may be 0. */
void dp_gemm_rows(const dp_gemm *g, const dp_kernels *k, float *y, size_t y_stride,
                  const float *x, size_t x_stride, int rows, bool accumulate,
                  dp_activation activation);

/* Rows of a tile that suits this matrix: a function of K and N only. */
int dp_gemm_tile(const dp_gemm *g);

#endif
