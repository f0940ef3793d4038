#include "ops/kernels/kernels.h"

#if defined(__x86_64__)
#include "ops/kernels/simd_avx2.h"

/* 8 sums, 7 taps and a pixel of 16 registers. */
enum { STEP = 8, SHORT_STEP = 8, BLOCK_COLS = 4 * STEP };

/* 7 sums, 7 pixels and a gradient. */
enum { GRADIENT_TAPS = 1 };

#include "ops/kernels/dwconv7.inc"
#endif
