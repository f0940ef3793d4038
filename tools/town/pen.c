#include "tools/town/pen.h"

static const double pi = 3.14159265358979323846;

toy_rgb toy_rgb_mix(toy_rgb a, toy_rgb b, double t)
{
    return (toy_rgb){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t,
                     a.b + (b.b - a.b) * t};
}

toy_rgb toy_rgb_scale(toy_rgb c, double factor)
{
    return (toy_rgb){c.r * factor, c.g * factor, c.b * factor};
}

void toy_box(toy_pen *p, double x, double y, double w, double h)
{
    cairo_rectangle(p->cr, x, y, w, h);
}

void toy_round_box(toy_pen *p, double x, double y, double w, double h, double radius)
{
    cairo_new_sub_path(p->cr);
    cairo_arc(p->cr, x + w - radius, y + radius, radius, -pi / 2, 0);
    cairo_arc(p->cr, x + w - radius, y + h - radius, radius, 0, pi / 2);
    cairo_arc(p->cr, x + radius, y + h - radius, radius, pi / 2, pi);
    cairo_arc(p->cr, x + radius, y + radius, radius, pi, 1.5 * pi);
    cairo_close_path(p->cr);
}

void toy_disc(toy_pen *p, double x, double y, double radius)
{
    cairo_new_sub_path(p->cr);
    cairo_arc(p->cr, x, y, radius, 0, 2 * pi);
    cairo_close_path(p->cr);
}

void toy_oval(toy_pen *p, double x, double y, double rx, double ry)
{
    cairo_save(p->cr);
    cairo_translate(p->cr, x, y);
    cairo_scale(p->cr, rx, ry);
    toy_disc(p, 0, 0, 1);
    cairo_restore(p->cr);
}

void toy_polygon(toy_pen *p, const double *xy, int points)
{
    cairo_move_to(p->cr, xy[0], xy[1]);
    for (int i = 1; i < points; i++)
        cairo_line_to(p->cr, xy[2 * i], xy[2 * i + 1]);
    cairo_close_path(p->cr);
}

static void set_source(toy_pen *p, toy_rgb c, double alpha)
{
    if (p->mask) {
        cairo_set_source_rgba(p->cr, 0, 0, 0, p->value / 255.0);
    } else {
        c = toy_rgb_mix(c, p->haze, p->fade);
        cairo_set_source_rgba(p->cr, c.r, c.g, c.b, alpha);
    }
}

void toy_fill(toy_pen *p, toy_rgb c)
{
    set_source(p, c, 1);
    cairo_fill_preserve(p->cr);
    set_source(p, toy_rgb_scale(c, 0.55), 1);
    cairo_save(p->cr);
    cairo_identity_matrix(p->cr);
    cairo_set_line_width(p->cr, p->line);
    cairo_stroke(p->cr);
    cairo_restore(p->cr);
}

void toy_fill_plain(toy_pen *p, toy_rgb c)
{
    set_source(p, c, 1);
    cairo_fill(p->cr);
}

void toy_detail(toy_pen *p, toy_rgb c)
{
    toy_glaze(p, c, 1);
}

void toy_glaze(toy_pen *p, toy_rgb c, double alpha)
{
    if (p->mask) {
        cairo_new_path(p->cr);
        return;
    }
    set_source(p, c, alpha);
    cairo_fill(p->cr);
}
