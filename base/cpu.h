/* cpu.h - what the processor can do, in few tiers
 *
 * A tier is used only when the operating system saves its registers. The mask of
 * dp_cpu_parse narrows it, for tests and for `--cpu`.
 */
#ifndef DP_BASE_CPU_H
#define DP_BASE_CPU_H

#include <stdbool.h>

enum {
    DP_CPU_AVX2 = 1 << 0,   /* AVX2 and FMA               */
    DP_CPU_AVX512 = 1 << 1, /* F, DQ, BW, VL and all above */
    DP_CPU_BF16 = 1 << 2    /* AVX512_BF16 and all above: no tier, an extra */
};

/* The tiers of this machine; 0 is plain C. */
unsigned dp_cpu_detect(void);

/* The mask that a name stands for: "ref", "avx2", "avx512", the last with the extras.
 * False for another name. */
bool dp_cpu_parse(const char *name, unsigned *mask);

/* The name of the highest tier in flags. */
const char *dp_cpu_name(unsigned flags);

#endif
