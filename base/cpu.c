#include "base/cpu.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned needs, extras;
} tiers[] = {
    {"ref", 0, 0},
    {"avx2", DP_CPU_AVX2, 0},
    {"avx512", DP_CPU_AVX2 | DP_CPU_AVX512, DP_CPU_BF16},
};
enum { TIERS = sizeof tiers / sizeof tiers[0] };

unsigned dp_cpu_detect(void)
{
    unsigned flags = 0;
#if defined(__x86_64__)
    /* The compiler's run time asks cpuid and xgetbv. */
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        flags |= DP_CPU_AVX2;
    if (flags && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        flags |= DP_CPU_AVX512;
    if (flags & DP_CPU_AVX512 && __builtin_cpu_supports("avx512bf16"))
        flags |= DP_CPU_BF16;
#endif
    return flags;
}

bool dp_cpu_parse(const char *name, unsigned *mask)
{
    for (size_t i = 0; i < TIERS; i++)
        if (strcmp(name, tiers[i].name) == 0) {
            *mask = tiers[i].needs | tiers[i].extras;
            return true;
        }
    return false;
}

const char *dp_cpu_name(unsigned flags)
{
    size_t best = 0;
    for (size_t i = 0; i < TIERS; i++)
        if ((flags & tiers[i].needs) == tiers[i].needs)
            best = i;
    return tiers[best].name;
}
