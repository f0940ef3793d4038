#include "ops/kernels/kernels.h"

#if defined(__x86_64__)
#include "ops/kernels/simd_avx512.h"

/* 24 sums, 3 vectors of b and a value of a of 32 registers. */
enum { ROWS = 8, VECS = 3 };

#include "ops/kernels/weight_gradient.inc"
#endif
