/* peak.h - how fast this core is right now, to measure against
 *
 * Clocks vary within minutes and other jobs take their part, so no time is stated
 * without the peak measured beside it. Times are CPU time of the calling thread.
 */
#ifndef DP_BENCH_PEAK_H
#define DP_BENCH_PEAK_H

#include <stdbool.h>

/* CPU seconds of this thread. */
double cpu_seconds(void);

/* GFLOP/s of independent FMAs in the widest registers of these flags (base/cpu.h), over
 * about 20 ms; 0 where there is no such loop. */
double peak_gflops(unsigned cpu);

enum { SAMPLES = 21 };

/* Times of something done again and again: `while (sampler_next(&s)) do_it();`. A sample
 * is of as many calls as take a millisecond; there are fewer samples when all take more
 * than a second. Start from zeros. */
typedef struct sampler {
    double seconds[SAMPLES]; /* per call */
    int n;
    long batch, left;
    double begin, start; /* of all samples, of the one under way */
} sampler;

bool sampler_next(sampler *s);

/* The median, in milliseconds a call. */
double sampler_ms(sampler *s);

#endif
