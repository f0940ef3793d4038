/* random.h - the same numbers every time
 */
#ifndef DP_TESTS_SUPPORT_RANDOM_H
#define DP_TESTS_SUPPORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64; any start is a good one. */
uint64_t random_next(uint64_t *state);

/* In [0, below). */
int random_int(uint64_t *state, int below);

/* In [low, high). */
float random_float(uint64_t *state, float low, float high);

/* n of random_float in memory of the caller's to free. */
float *random_floats(uint64_t *state, size_t n, float low, float high);

#endif
