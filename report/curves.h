/* curves.h - values over time as a chart of a page
 */
#ifndef DP_REPORT_CURVES_H
#define DP_REPORT_CURVES_H

#include "base/text.h"

typedef struct dp_curve {
    const char *name;
    const char *colour;  /* of page.css: "blue"                          */
    const double *x, *y; /* x ascends; points whose y is not finite are left out */
    size_t count;
} dp_curve;

/* Append axes with round numbers, from x = 0 to x_end and over all of y, the curves, and the key
 * of those with points. A curve of many points is thinned to means of neighbours. Names are HTML.
 * Failures are left in t. */
void dp_curves_add(dp_text *t, const char *label, const char *x_name, double x_end,
                   const dp_curve *curves, int count);

#endif
