#include "report/chart.h"

enum {
    LEFT = DP_CHART_LEFT,
    TOP = DP_CHART_TOP,
    WIDTH = DP_CHART_WIDTH,
    HEIGHT = DP_CHART_HEIGHT
};

void dp_chart_open(dp_text *t, const char *label, const char *x, const char *y,
                   double y_top)
{
    dp_text_add(
        t,
        "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n",
        LEFT + WIDTH + 20, TOP + HEIGHT + 50, label);
    for (int i = 0; i <= 5; i++) {
        const int gx = LEFT + WIDTH * i / 5, gy = TOP + HEIGHT * (5 - i) / 5;
        dp_text_add(t,
                    "<path class=\"axis\" d=\"M%d %dV%dM%d %dH%d\"/>"
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%.1f</text>"
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.4g</text>\n",
                    gx, TOP, TOP + HEIGHT, LEFT, gy, LEFT + WIDTH, gx,
                    TOP + HEIGHT + 22, i / 5., LEFT - 6, gy + 4, y_top * i / 5);
    }
    /* The name of y stands above the axes, where nothing is drawn. */
    dp_text_add(t,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>"
                "<text x=\"%d\" y=\"%d\">%s</text>\n",
                LEFT + WIDTH / 2, TOP + HEIGHT + 42, x, 4, TOP - 14, y);
}
