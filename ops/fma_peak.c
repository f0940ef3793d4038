#define _POSIX_C_SOURCE 200809L
#include "ops/fma_peak.h"

#include "base/cpu.h"

#include <stdbool.h>
#include <time.h>

#if defined(__x86_64__)
/* Twelve independent chains, more than any core has FMAs in flight, on zeros, which are
 * never slow. Assembly, because a compiler spills or removes such a loop. */
enum { CHAINS = 12 };

#define FMA(reg, i) "vfmadd231ps %%" reg "14, %%" reg "15, %%" reg #i "\n"
/* clang-format off */
#define LOOP(reg, n)                                                                   \
    __asm__ volatile("vzeroall\n"                                                      \
                     "1:\n"                                                            \
                     FMA(reg, 0) FMA(reg, 1) FMA(reg, 2) FMA(reg, 3)                   \
                     FMA(reg, 4) FMA(reg, 5) FMA(reg, 6) FMA(reg, 7)                   \
                     FMA(reg, 8) FMA(reg, 9) FMA(reg, 10) FMA(reg, 11)                 \
                     "dec %0\n"                                                        \
                     "jnz 1b\n"                                                        \
                     "vzeroupper\n"                                                    \
                     : "+r"(n)                                                         \
                     :                                                                 \
                     : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",   \
                       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",     \
                       "xmm14", "xmm15")
/* clang-format on */

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double gflops(unsigned cpu, long n)
{
    const bool wide = cpu & DP_CPU_AVX512;
    const double start = cpu_seconds(), count = (double)n * CHAINS;
    if (wide)
        LOOP("zmm", n);
    else
        LOOP("ymm", n);
    return count * (wide ? 32 : 16) / (cpu_seconds() - start) * 1e-9;
}

double dp_fma_peak_measure(unsigned cpu)
{
    return cpu & DP_CPU_AVX2 ? gflops(cpu, 6000000) : 0;
}
#else
double dp_fma_peak_measure(unsigned cpu)
{
    (void)cpu;
    return 0;
}
#endif
