#include "report/curves.h"

#include <math.h>
#include <stdbool.h>

enum { LEFT = 52, TOP = 10, WIDTH = 400, HEIGHT = 220, RIGHT = 14, BOTTOM = 50 };
enum { BINS = 200, TICKS = 5 };

/* What the axes show. */
typedef struct frame {
    double x_end, low, high, step; /* step: from tick to tick of y */
} frame;

/* The smallest of 1, 2, 5 times a power of ten that is not below v > 0. */
static double round_up(double v)
{
    static const double nice[] = {1, 2, 5};
    const double power = pow(10, floor(log10(v)));
    for (size_t i = 0; i < sizeof nice / sizeof *nice; i++)
        if (nice[i] * power >= v * (1 - 1e-9))
            return nice[i] * power;
    return 10 * power;
}

static frame find_frame(double x_end, const dp_curve *curves, int count)
{
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (int i = 0; i < count; i++)
        for (size_t k = 0; k < curves[i].count; k++)
            if (isfinite(curves[i].y[k])) {
                low = fmin(low, curves[i].y[k]);
                high = fmax(high, curves[i].y[k]);
            }
    if (!(low <= high))
        low = high = 0;
    /* From 0, unless that would hide what there is to see. */
    if (low > 0 && low < 0.7 * high)
        low = 0;
    const double span = high - low > 0 ? high - low : fmax(fabs(high), 1);
    frame f = {.x_end = x_end > 0 ? x_end : 1, .step = round_up(span / TICKS)};
    f.low = floor(low / f.step + 1e-9) * f.step;
    f.high = ceil(high / f.step - 1e-9) * f.step;
    if (!(f.high > f.low))
        f.high = f.low + TICKS * f.step;
    return f;
}

static double x_of(const frame *f, double x)
{
    return LEFT + WIDTH * fmin(x / f->x_end, 1);
}

static double y_of(const frame *f, double y)
{
    return TOP + HEIGHT * (f->high - y) / (f->high - f->low);
}

static void add_axes(dp_text *t, const frame *f, const char *x_name)
{
    const int ticks = (int)lround((f->high - f->low) / f->step);
    for (int i = 0; i <= ticks; i++) {
        const double value = f->low + i * f->step, y = y_of(f, value);
        dp_text_add(t,
                    "<path class=\"axis\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                    "text-anchor=\"end\">%.4g</text>\n",
                    LEFT, y, LEFT + WIDTH, LEFT - 6, y + 4,
                    fabs(value) < f->step / 2 ? 0 : value);
    }
    const double step = round_up(f->x_end / TICKS);
    for (double v = 0; v <= f->x_end * (1 + 1e-9); v += step)
        dp_text_add(t,
                    "<path class=\"axis\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" "
                    "text-anchor=\"middle\">%.4g</text>\n",
                    x_of(f, v), TOP, TOP + HEIGHT, x_of(f, v), TOP + HEIGHT + 22, v);
    dp_text_add(t, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                LEFT + WIDTH / 2, TOP + HEIGHT + 42, x_name);
}

/* The mean of points [from, to); false when none is finite. */
static bool mean_of(const dp_curve *c, size_t from, size_t to, double *x, double *y)
{
    int count = 0;
    *x = *y = 0;
    for (size_t k = from; k < to; k++)
        if (isfinite(c->y[k])) {
            *x += c->x[k];
            *y += c->y[k];
            count++;
        }
    if (count > 0) {
        *x /= count;
        *y /= count;
    }
    return count > 0;
}

static void add_curve(dp_text *t, const frame *f, const dp_curve *c)
{
    const size_t bins = c->count < BINS ? c->count : BINS;
    dp_text_add(t, "<path fill=\"none\" stroke=\"var(--%s)\" stroke-width=\"1.5\" d=\"",
                c->colour);
    double x = 0, y = 0;
    size_t drawn = 0;
    for (size_t i = 0; i < bins; i++)
        if (mean_of(c, c->count * i / bins, c->count * (i + 1) / bins, &x, &y))
            dp_text_add(t, "%c%.1f %.1f", drawn++ ? 'L' : 'M', x_of(f, x), y_of(f, y));
    dp_text_add(t, "\"/>\n");
    if (drawn > 0)
        dp_text_add(t, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"var(--%s)\"/>\n",
                    x_of(f, x), y_of(f, y), c->colour);
}

void dp_curves_add(dp_text *t, const char *label, const char *x_name, double x_end,
                   const dp_curve *curves, int count)
{
    const frame f = find_frame(x_end, curves, count);
    dp_text_add(t,
                "<figure><figcaption>%s</figcaption>\n<svg class=\"chart\" "
                "viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n",
                label, LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM, label);
    add_axes(t, &f, x_name);
    for (int i = 0; i < count; i++)
        if (curves[i].count > 0)
            add_curve(t, &f, &curves[i]);
    dp_text_add(t, "</svg>\n<p class=\"key\">");
    for (int i = 0; i < count; i++)
        if (curves[i].count > 0)
            dp_text_add(t, "<span><i style=\"background:var(--%s)\"></i>%s</span>\n",
                        curves[i].colour, curves[i].name);
    dp_text_add(t, "</p></figure>\n");
}
