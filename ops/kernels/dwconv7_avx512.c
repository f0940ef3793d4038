#include "ops/kernels/kernels.h"

#if defined(__x86_64__)
#include "ops/kernels/simd_avx512.h"

/* 14 sums, 7 taps and a pixel of 32 registers. */
enum { STEP = 14, SHORT_STEP = 8, BLOCK_COLS = 2 * STEP };

/* 14 sums, 14 pixels and a gradient. */
enum { GRADIENT_TAPS = 2 };

#include "ops/kernels/dwconv7.inc"
#endif
