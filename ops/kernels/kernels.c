#include "ops/kernels/kernels.h"

#include "base/cpu.h"

#include <stdbool.h>

static bool has(unsigned cpu, unsigned needs)
{
    return (cpu & needs) == needs;
}

void dp_kernels_init(dp_kernels *k, unsigned cpu)
{
    k->cpu = cpu;
#define VARIANT(name, isa, needs) \
    if (has(cpu, needs))          \
        k->name = dp_##name##_##isa;
#include "ops/kernels/kernels.def"
#undef VARIANT
}
