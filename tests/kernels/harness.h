/* harness.h - a kernel against its specification: random inputs, watched buffers, and
 * what went wrong first
 *
 * A failure is recorded, not raised, so that the self-test can expect one. Every buffer
 * lies between two pages that cannot be touched: a read more than the allowed 64 bytes
 * past its end, or a write there, stops the program. What is nearer is watched: margins
 * hold bytes of 0xFF (as floats NaN, so what is read from them shows) and must stay so.
 */
#ifndef DP_TESTS_KERNELS_HARNESS_H
#define DP_TESTS_KERNELS_HARNESS_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

/* Start anew: no buffers, no failure, numbers that follow from seed. */
void harness_begin(uint64_t seed);

/* What failed first since then, or NULL. Fails too when nothing was compared. */
const char *harness_failure(void);

/* The case that follows, for sentences. */
void harness_case(const char *format, ...) DP_PRINTF(1, 2);

/* The end of a case: look at the margins of all its buffers and free them. */
void harness_case_end(void);

/* Buffers of the case. The first is poison all over, for outputs. */
void *buffer_of(size_t count, size_t size);
float *floats_poison(size_t n);
float *floats_copy(const float *x, size_t n);
float *floats_random(size_t n, float low, float high);
/* One in `rarity` is NaN, infinite, a zero of either sign, denormal or huge. */
float *floats_special(size_t n, int rarity);

/* In [0, below). */
int int_random(int below);

/* Equal bits, where every NaN equals every other. */
void expect_bits(const float *got, const float *want, size_t n);
void expect_bytes(const void *got, const void *want, size_t n);
void expect_int(long got, long want);

/* |got - want| <= bound, and no NaN. */
void expect_near(float got, double want, double bound, size_t index);

#endif
