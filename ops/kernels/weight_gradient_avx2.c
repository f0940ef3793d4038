#include "ops/kernels/kernels.h"

#if defined(__x86_64__)
#include "ops/kernels/simd_avx2.h"

/* 12 sums, 3 vectors of b and a value of a of 16 registers. */
enum { ROWS = 4, VECS = 3 };

#include "ops/kernels/weight_gradient.inc"
#endif
