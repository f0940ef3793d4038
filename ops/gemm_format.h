/* gemm_format.h - how weights are packed and rows are multiplied: a row of functions
 *
 * For ops/gemm.c, which documents the arguments that are not explained here. A format is a
 * file with a constant of this type, and a line in the list below.
 */
#ifndef DP_OPS_GEMM_FORMAT_H
#define DP_OPS_GEMM_FORMAT_H

#include "ops/gemm.h"

typedef struct dp_gemm_format {
    const char *engine; /* who multiplies: "own" or "openblas" */

    /* Floats that the packed weights of (K, N) take up. */
    size_t (*size)(int K, int N);

    /* As dp_gemm_fill. */
    void (*fill)(dp_gemm *g, int first, int count, const float *w, size_t k_stride,
                 size_t n_stride, const float *scale);

    /* Make rows of K floats, in place, what `multiply` reads. NULL: it reads floats. */
    void (*prepare)(const dp_gemm *g, float *x, size_t stride, int rows);

    /* rows >= 1 of prepared x. flags are DP_GEMM_ADD, _RELU and _GELU. */
    void (*multiply)(const dp_gemm *g, float *y, size_t y_stride, const float *x,
                     size_t x_stride, int rows, unsigned flags);
} dp_gemm_format;

extern const dp_gemm_format dp_gemm_format_float32;
extern const dp_gemm_format dp_gemm_format_bf16;
extern const dp_gemm_format dp_gemm_format_openblas;

#endif
