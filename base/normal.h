/* normal.h - the standard normal distribution's function and its inverse
 *
 * Both are pure and may be called from any thread. Their last bits follow the C
 * library's log, sqrt and erfc.
 */
#ifndef DP_BASE_NORMAL_H
#define DP_BASE_NORMAL_H

/* The part of N(0, 1) below x. */
double dp_normal_below(double x);

/* The x with dp_normal_below(x) = p, for 0 < p < 1; relative error about 1e-16. At 0 and
 * 1 it is infinite, elsewhere NaN. Wichura, Algorithm AS 241 (PPND16), Applied Statistics
 * 37, 1988. */
double dp_normal_quantile(double p);

#endif
