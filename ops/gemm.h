/* gemm.h - rows times packed weights (GEMM), with bias and activation in the same pass
 *
 *   rows   pixels, regions or tokens      K inputs, N outputs of each
 *
 * The one place where matrices are multiplied. A format (ops/gemm_format.h) says how weights
 * are packed and rows multiplied: by this CPU's kernels, in float32 or bf16, or by
 * OpenBLAS. Callers need not know which. A call is serial. Threads share tiles of rows,
 * whose size depends on the layer only, so bits do not depend on the number of threads.
 *
 * Only a pointwise layer may have another precision than float32. With bf16 its weights and
 * rows are rounded to bf16, and sums are of float32.
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
    const struct dp_gemm_format *format;
    const dp_kernels *kernels; /* that the weight is packed for     */
    float *weight;             /* as the format packs it            */
    float *bias;               /* N; zeros when the layer has none  */
} dp_gemm;

/* Open OpenBLAS, libopenblas.so.0, before the first GEMM that it makes; false when it is not
 * installed. It keeps one setting for the whole process: a call has one thread. Thread-safe. */
bool dp_gemm_start(void);

/* Who multiplies float32: "own" or "openblas". */
const char *dp_gemm_engine(const dp_kernels *k);

/* Pack the matrix whose element (k, n) is at w[k * k_stride + n * n_stride], times
 * scale[n] (NULL: 1), and a bias of N (NULL: zeros). Nothing is kept of w, scale and
 * bias. With w NULL (a tensor that did not load) only the sizes are set. */
void dp_gemm_build(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                   size_t k_stride, size_t n_stride, const float *scale,
                   const float *bias);

/* The same for a pointwise layer, in the precision that the builder asks for. Its rows are
 * multiplied by dp_gemm_use_up only. */
void dp_gemm_build_pointwise(dp_builder *b, dp_gemm *g, int K, int N, const float *w,
                             size_t k_stride, size_t n_stride, const float *scale,
                             const float *bias);

/* Room for `count` matrices of one size, list[i], one after the other, and a bias that
 * they share; all zeros. */
void dp_gemm_take(dp_builder *b, dp_gemm *list, int count, int K, int N);

/* A float32 matrix that is made during a run: in `memory` of dp_gemm_size floats, to be
 * filled, with a bias of N. */
dp_gemm dp_gemm_on(const dp_kernels *k, int K, int N, float *memory, float *bias);
size_t dp_gemm_size(const dp_kernels *k, int K, int N);

/* Pack columns [first, first + count) of a matrix: element (k, first + n) is at
 * w[k * k_stride + n * n_stride], times scale[n] (NULL: 1). first is a multiple of
 * DP_GEMM_PANEL, and so is count unless it ends at N. Columns may be packed by several
 * threads. */
void dp_gemm_fill(dp_gemm *g, int first, int count, const float *w, size_t k_stride,
                  size_t n_stride, const float *scale);

/* y = activation(x W + bias), or with `accumulate` activation(x W + bias + y), for `rows`
 * rows of x, `x_stride` floats apart, and of y, `y_stride` apart. y does not overlap x.
 * rows may be 0. Not for pointwise layers. */
void dp_gemm_rows(const dp_gemm *g, float *y, size_t y_stride, const float *x,
                  size_t x_stride, int rows, bool accumulate, dp_activation activation);

/* The same for any layer. x is used up: the format may write over it. */
void dp_gemm_use_up(const dp_gemm *g, float *y, size_t y_stride, float *x,
                    size_t x_stride, int rows, bool accumulate,
                    dp_activation activation);

/* Rows of a tile that suits this matrix: a function of K and N only. */
int dp_gemm_tile(const dp_gemm *g);

#endif
