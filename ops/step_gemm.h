/* step_gemm.h - the GEMM of steps: bits that do not depend on the instruction set
 */
#ifndef DP_OPS_STEP_GEMM_H
#define DP_OPS_STEP_GEMM_H

#include "core/run.h"
#include "ops/kernels/kernels.h"

/* This CPU's own kernel, also in a run that multiplies by OpenBLAS. */
dp_gemm_fn *dp_step_gemm(const dp_run *r);

#endif
