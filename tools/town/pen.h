/* pen.h - draws a shape twice: once to be seen, once as truth
 *
 * The same calls paint an image (smooth edges, colours that fade with distance) or fill
 * a mask (whole pixels of one value). So the two cannot disagree by more than the half
 * pixel of a smooth edge.
 */
#ifndef DP_TOOLS_TOWN_PEN_H
#define DP_TOOLS_TOWN_PEN_H

#include <cairo.h>
#include <stdbool.h>

typedef struct toy_rgb {
    double r, g, b; /* 0 to 1 */
} toy_rgb;

typedef struct toy_pen {
    cairo_t *cr;
    bool mask;    /* what is filled gets the value, colours are not asked   */
    int value;    /* 1 to 255, into an A8 surface                           */
    toy_rgb haze; /* what the distance turns colours into                   */
    double fade;  /* how far: 0 near, 1 only haze                           */
    double line;  /* width of outlines in pixels                            */
} toy_pen;

toy_rgb toy_rgb_mix(toy_rgb a, toy_rgb b, double t);

/* Brighter (factor above 1) or darker. */
toy_rgb toy_rgb_scale(toy_rgb c, double factor);

/* ---- paths, in the units of pen->cr ---- */

void toy_box(toy_pen *p, double x, double y, double w, double h);
void toy_round_box(toy_pen *p, double x, double y, double w, double h, double radius);
void toy_disc(toy_pen *p, double x, double y, double radius);
void toy_oval(toy_pen *p, double x, double y, double rx, double ry);
void toy_polygon(toy_pen *p, const double *xy, int points);

/* ---- what becomes of the path ---- */

/* Fill it and draw its outline: the silhouette, which the mask has too. */
void toy_fill(toy_pen *p, toy_rgb c);

/* Fill it without an outline; the mask has it too. */
void toy_fill_plain(toy_pen *p, toy_rgb c);

/* Fill what lies inside the silhouette; the mask needs it not. */
void toy_detail(toy_pen *p, toy_rgb c);

/* The same with a transparency, 1 for none. */
void toy_glaze(toy_pen *p, toy_rgb c, double alpha);

#endif
