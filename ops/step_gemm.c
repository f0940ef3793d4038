#include "ops/step_gemm.h"

dp_gemm_fn *dp_step_gemm(const dp_run *r)
{
    dp_kernels own;
    if (r->kernels->gemm)
        return r->kernels->gemm;
    dp_kernels_init(&own, r->kernels->cpu);
    return own.gemm;
}
