/* fma_peak.h - the multiply-accumulate rate of a core, to measure against
 *
 * Clocks vary within minutes and other jobs take their part. So no time is stated without
 * the peak that was measured beside it.
 */
#ifndef DP_OPS_FMA_PEAK_H
#define DP_OPS_FMA_PEAK_H

/* GFLOP/s of independent FMAs in the widest registers of these flags (base/cpu.h), by CPU
 * time of the calling thread. Takes about 20 ms. 0 where there is no such loop. */
double dp_fma_peak_measure(unsigned cpu);

#endif
