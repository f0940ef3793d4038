/* random.h - numbers that depend on nothing but a seed
 */
#ifndef DP_TOOLS_TOWN_RANDOM_H
#define DP_TOOLS_TOWN_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct toy_random {
    uint64_t state;
} toy_random;

/* The stream of image `index` of the town `seed`: that of no other pair, and the same
 * however many images are drawn. */
toy_random toy_random_for(uint64_t seed, uint64_t index);

/* 64 fresh bits (splitmix64). */
uint64_t toy_random_bits(toy_random *r);

/* In [low, high). */
double toy_random_between(toy_random *r, double low, double high);

/* A whole number in [0, n). */
int toy_random_below(toy_random *r, int n);

/* True in `chance` of all cases. */
bool toy_random_happens(toy_random *r, double chance);

#endif
