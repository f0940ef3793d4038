#include "ops/kernels/kernels.h"

#if defined(__x86_64__)
#include "ops/kernels/simd_avx2.h"

#include "ops/kernels/optimizer.inc"
#endif
