#include "tools/town/random.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t toy_random_bits(toy_random *r)
{
    return mix(r->state += 0x9e3779b97f4a7c15u);
}

toy_random toy_random_for(uint64_t seed, uint64_t index)
{
    return (toy_random){mix(mix(seed + 1) ^ (index + 1) * 0xd1342543de82ef95u)};
}

double toy_random_between(toy_random *r, double low, double high)
{
    return low + (high - low) * ((double)(toy_random_bits(r) >> 11) * 0x1p-53);
}

int toy_random_below(toy_random *r, int n)
{
    return (int)((toy_random_bits(r) >> 32) * (uint64_t)n >> 32);
}

bool toy_random_happens(toy_random *r, double chance)
{
    return toy_random_between(r, 0, 1) < chance;
}
