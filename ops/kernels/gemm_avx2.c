#include "ops/kernels/kernels.h"

#if defined(__x86_64__)
#include "ops/kernels/simd_avx2.h"

/* 12 sums, 2 weights and an x of 16 registers. */
enum { ROWS = 6, VECS = 2 };

#include "ops/kernels/gemm.inc"
#endif
