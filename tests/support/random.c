#include "tests/support/random.h"

#include <check.h>
#include <stdlib.h>

uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int random_int(uint64_t *state, int below)
{
    return (int)(random_next(state) >> 33) % below;
}

float random_float(uint64_t *state, float low, float high)
{
    const float unit = (float)(random_next(state) >> 40) * 0x1p-24f;
    return low + (high - low) * unit;
}

float *random_floats(uint64_t *state, size_t n, float low, float high)
{
    float *values = malloc((n + 1) * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < n; i++)
        values[i] = random_float(state, low, high);
    return values;
}
