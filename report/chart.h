/* chart.h - the axes of a page's charts, as SVG
 */
#ifndef DP_REPORT_CHART_H
#define DP_REPORT_CHART_H

#include "base/text.h"

/* Where the unit square of a chart lies, in pixels: its y runs down. */
enum {
    DP_CHART_LEFT = 52,
    DP_CHART_TOP = 30,
    DP_CHART_WIDTH = 400,
    DP_CHART_HEIGHT = 240
};

/* Append axes with a grid at the fifths, x from 0 to 1 and y from 0 to y_top, and their
 * names. The caller draws into it and closes the svg. Failures are left in t. */
void dp_chart_open(dp_text *t, const char *label, const char *x, const char *y,
                   double y_top);

#endif
