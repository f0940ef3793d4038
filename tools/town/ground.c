#include "tools/town/ground.h"

#include <math.h>

typedef struct plan_band {
    int class;
    double share; /* of the height below the horizon */
} plan_band;

/* From the horizon to the viewer. */
static const plan_band plans[][5] = {
    {{TOY_GRASS, .40}, {TOY_ROAD, .32}, {TOY_GRASS, .28}},
    {{TOY_WATER, .34}, {TOY_SAND, .22}, {TOY_ROAD, .26}, {TOY_GRASS, .18}},
    {{TOY_GRASS, .34}, {TOY_WATER, .36}, {TOY_GRASS, .30}},
    {{TOY_GRASS, .26}, {TOY_WALL, .18}, {TOY_ROAD, .30}, {TOY_GRASS, .26}},
    {{TOY_GRASS, .26}, {TOY_ROAD, .26}, {TOY_SAND, .14}, {TOY_WATER, .34}},
    {{TOY_WATER, .36}, {TOY_WALL, .16}, {TOY_ROAD, .28}, {TOY_GRASS, .20}},
    {{TOY_GRASS, .24}, {TOY_WATER, .26}, {TOY_GRASS, .18}, {TOY_ROAD, .32}},
    {{TOY_WATER, .36}, {TOY_SAND, .34}, {TOY_GRASS, .30}},
};

/* Three hues of each stuff; the sky's are at the top of the image. */
static const toy_rgb hues[TOY_CLASSES + 1][3] = {
    [TOY_SKY] = {{.42, .68, .93}, {.52, .74, .90}, {.62, .66, .90}},
    [TOY_GRASS] = {{.52, .73, .36}, {.60, .76, .40}, {.46, .68, .38}},
    [TOY_ROAD] = {{.52, .51, .54}, {.60, .57, .57}, {.47, .48, .54}},
    [TOY_WATER] = {{.26, .55, .76}, {.30, .62, .74}, {.28, .48, .70}},
    [TOY_SAND] = {{.93, .84, .62}, {.90, .79, .56}, {.95, .87, .70}},
    [TOY_WALL] = {{.74, .46, .36}, {.70, .56, .46}, {.66, .40, .36}},
};

static toy_rgb jitter(toy_rgb c, toy_random *r)
{
    const double bright = toy_random_between(r, 0.93, 1.05);
    return (toy_rgb){c.r * bright + toy_random_between(r, -0.02, 0.02),
                     c.g * bright + toy_random_between(r, -0.02, 0.02),
                     c.b * bright + toy_random_between(r, -0.02, 0.02)};
}

static toy_band plan_one(toy_random *r, int class, double y, double deep, int w)
{
    const bool straight = class == TOY_WALL || class == TOY_ROAD;
    return (toy_band){
        .class = class,
        .y = y,
        .slope = toy_random_between(r, -0.03, 0.03),
        .swing = deep * (straight ? 0 : toy_random_between(r, 0.03, 0.12)),
        .wave = toy_random_between(r, 2, 6) / w,
        .phase = toy_random_between(r, 0, 6.28),
        .deep = deep,
        .colour = jitter(hues[class][toy_random_below(r, 3)], r),
    };
}

void toy_ground_plan(toy_ground *g, toy_random *r, int h, int w)
{
    const plan_band *plan =
        plans[toy_random_below(r, (int)(sizeof plans / sizeof *plans))];
    *g = (toy_ground){.h = h, .w = w};
    g->horizon = h * toy_random_between(r, 0.24, 0.36);
    g->sky = jitter(hues[TOY_SKY][toy_random_below(r, 3)], r);
    g->low =
        toy_rgb_mix(g->sky, (toy_rgb){.98, .95, .90}, toy_random_between(r, 0.5, 0.85));
    double y = g->horizon;
    for (; plan[g->count].class; g->count++) {
        const double deep = (h - g->horizon) * plan[g->count].share;
        toy_band *b = &g->bands[g->count];
        *b = plan_one(r, plan[g->count].class, y, deep, w);
        if (g->count == 0 && b->class == TOY_GRASS) { /* hills */
            b->swing = h * toy_random_between(r, 0.01, 0.05);
        } else if (g->count == 0) { /* the sea */
            b->slope = b->swing = 0;
        }
        y += deep * toy_random_between(r, 0.94, 1.06);
    }
    const toy_band *near = &g->bands[g->count - 1];
    g->lane =
        near->class == TOY_GRASS && near->deep > h * 0.15 && toy_random_happens(r, 0.4);
    g->lane_x[0] = w * toy_random_between(r, 0.2, 0.8);
    g->lane_x[1] = g->lane_x[0] + w * toy_random_between(r, -0.15, 0.15);
    g->own = *r;
    (void)toy_random_bits(r);
}

static double edge_at(const toy_ground *g, const toy_band *b, double x)
{
    return b->y + b->slope * (x - g->w / 2.0) + b->swing * sin(b->wave * x + b->phase);
}

static void band_path(toy_pen *p, const toy_ground *g, const toy_band *b)
{
    cairo_move_to(p->cr, -4, g->h + 4);
    for (int x = -4; x <= g->w + 8; x += 4)
        cairo_line_to(p->cr, x, edge_at(g, b, x));
    cairo_line_to(p->cr, g->w + 8, g->h + 4);
    cairo_close_path(p->cr);
}

static double somewhere(toy_random *r, double size)
{
    return toy_random_between(r, 0, size);
}

/* ---- what the stuffs carry, seen only ---- */

static void draw_sky(toy_pen *p, const toy_ground *g, toy_random *r)
{
    cairo_pattern_t *fade = cairo_pattern_create_linear(0, 0, 0, g->horizon);
    cairo_pattern_add_color_stop_rgb(fade, 0, g->sky.r, g->sky.g, g->sky.b);
    cairo_pattern_add_color_stop_rgb(fade, 1, g->low.r, g->low.g, g->low.b);
    cairo_set_source(p->cr, fade);
    cairo_paint(p->cr);
    cairo_pattern_destroy(fade);
    const double u = g->h / 192.0;
    if (toy_random_happens(r, 0.4)) {
        const double x = somewhere(r, g->w), y = somewhere(r, g->horizon * 0.6);
        toy_disc(p, x, y, 16 * u);
        toy_glaze(p, (toy_rgb){1, .96, .70}, 0.35);
        toy_disc(p, x, y, 10 * u);
        toy_glaze(p, (toy_rgb){1, .90, .52}, 0.95);
    }
    for (int n = toy_random_below(r, 4); n > 0; n--) {
        const double x = somewhere(r, g->w), y = somewhere(r, g->horizon * 0.8);
        const double s = u * toy_random_between(r, 6, 12);
        toy_disc(p, x - s, y, s * 0.7);
        toy_disc(p, x, y - s * 0.4, s);
        toy_disc(p, x + s, y, s * 0.75);
        toy_round_box(p, x - 1.9 * s, y, 3.8 * s, s * 0.7, s * 0.3);
        toy_glaze(p, (toy_rgb){1, 1, 1}, 0.8);
    }
}

/* Strokes of one colour, `n` of them, each a short line or arc in the band. */
static void draw_strokes(toy_pen *p, const toy_ground *g, const toy_band *b,
                         toy_random *r)
{
    const bool water = b->class == TOY_WATER;
    const double u = g->h / 192.0;
    const toy_rgb c = water ? toy_rgb_mix(b->colour, (toy_rgb){1, 1, 1}, 0.45)
                            : toy_rgb_scale(b->colour, 0.82);
    const int n = (int)(b->deep / u * (water ? 0.9 : 1.1) * g->w / g->h);
    for (int i = 0; i < n; i++) {
        const double x = somewhere(r, g->w), deep = somewhere(r, 1);
        const double y = edge_at(g, b, x) + 2 + deep * b->deep * 1.1;
        const double s = u * (0.4 + 0.6 * y / g->h);
        if (water) {
            cairo_move_to(p->cr, x - 7 * s, y);
            cairo_curve_to(p->cr, x - 3 * s, y - 2.5 * s, x + 1 * s, y + 2.5 * s,
                           x + 7 * s, y - s);
        } else if (b->class == TOY_GRASS) {
            cairo_move_to(p->cr, x - 1.5 * s, y);
            cairo_line_to(p->cr, x - 2.5 * s, y - 4 * s);
            cairo_move_to(p->cr, x, y);
            cairo_line_to(p->cr, x + 0.5 * s, y - 5 * s);
            cairo_move_to(p->cr, x + 1.5 * s, y);
            cairo_line_to(p->cr, x + 3 * s, y - 4 * s);
        } else {
            cairo_move_to(p->cr, x, y);
            cairo_line_to(p->cr, x + 1.4 * s, y);
        }
    }
    cairo_set_source_rgb(p->cr, c.r, c.g, c.b);
    cairo_set_line_width(p->cr, 0.9 * u);
    cairo_stroke(p->cr);
}

static void draw_bricks(toy_pen *p, const toy_ground *g, const toy_band *b)
{
    const double u = g->h / 192.0, high = 5.5 * u, wide = 13 * u;
    const toy_rgb joint = toy_rgb_mix(b->colour, (toy_rgb){.9, .86, .8}, 0.55);
    for (int row = 1; row * high < b->deep * 1.4; row++) {
        const double shift = row % 2 * wide / 2 + b->phase;
        cairo_move_to(p->cr, 0, edge_at(g, b, 0) + row * high);
        cairo_line_to(p->cr, g->w, edge_at(g, b, g->w) + row * high);
        for (double x = shift - wide; x < g->w; x += wide) {
            cairo_move_to(p->cr, x, edge_at(g, b, x) + row * high);
            cairo_line_to(p->cr, x, edge_at(g, b, x) + (row + 1) * high);
        }
    }
    cairo_set_source_rgb(p->cr, joint.r, joint.g, joint.b);
    cairo_set_line_width(p->cr, 0.9 * u);
    cairo_stroke(p->cr);
    cairo_move_to(p->cr, 0, edge_at(g, b, 0) + 2 * u);
    cairo_line_to(p->cr, g->w, edge_at(g, b, g->w) + 2 * u);
    cairo_set_source_rgb(p->cr, joint.r * 1.05, joint.g * 1.05, joint.b * 1.05);
    cairo_set_line_width(p->cr, 4 * u);
    cairo_stroke(p->cr);
}

static void draw_markings(toy_pen *p, const toy_ground *g, const toy_band *b)
{
    const double u = g->h / 192.0, middle = b->deep * 0.52;
    cairo_set_line_width(p->cr, 2.2 * u);
    cairo_move_to(p->cr, 0, edge_at(g, b, 0) + 1.2 * u);
    cairo_line_to(p->cr, g->w, edge_at(g, b, g->w) + 1.2 * u);
    cairo_set_source_rgb(p->cr, .80, .79, .77);
    cairo_stroke(p->cr);
    for (double x = -b->phase * 5; x < g->w; x += 30 * u) {
        cairo_move_to(p->cr, x, edge_at(g, b, x) + middle);
        cairo_line_to(p->cr, x + 15 * u, edge_at(g, b, x + 15 * u) + middle);
    }
    cairo_set_source_rgb(p->cr, .94, .92, .84);
    cairo_stroke(p->cr);
}

static void draw_band(toy_pen *p, const toy_ground *g, const toy_band *b, toy_random *r)
{
    const toy_rgb far = toy_rgb_mix(
        b->colour, g->low, 0.5 * (1 - (b->y - g->horizon) / (g->h - g->horizon)));
    const toy_rgb near = toy_rgb_scale(b->colour, 0.96);
    cairo_pattern_t *fade = cairo_pattern_create_linear(0, b->y, 0, b->y + b->deep);
    cairo_pattern_add_color_stop_rgb(fade, 0, far.r, far.g, far.b);
    cairo_pattern_add_color_stop_rgb(fade, 1, near.r, near.g, near.b);
    cairo_save(p->cr);
    band_path(p, g, b);
    cairo_set_source(p->cr, fade);
    cairo_fill_preserve(p->cr);
    cairo_pattern_destroy(fade);
    cairo_clip(p->cr);
    if (b->class == TOY_WALL)
        draw_bricks(p, g, b);
    else if (b->class == TOY_ROAD)
        draw_markings(p, g, b);
    else
        draw_strokes(p, g, b, r);
    cairo_restore(p->cr);
}

static void lane_path(toy_pen *p, const toy_ground *g)
{
    const toy_band *near = &g->bands[g->count - 1];
    const double x0 = g->lane_x[0], x1 = g->lane_x[1], u = g->h / 192.0;
    const double top = edge_at(g, near, x1) - 1, middle = (top + g->h) / 2;
    cairo_move_to(p->cr, x0 - 26 * u, g->h + 2);
    cairo_curve_to(p->cr, x0 - 18 * u, middle, x1 - 16 * u, middle, x1 - 11 * u, top);
    cairo_line_to(p->cr, x1 + 11 * u, top);
    cairo_curve_to(p->cr, x1 + 16 * u, middle, x0 + 20 * u, middle, x0 + 26 * u,
                   g->h + 2);
    cairo_close_path(p->cr);
}

void toy_ground_draw(toy_pen *p, const toy_ground *g)
{
    toy_random r = g->own;
    if (p->mask) {
        p->value = TOY_SKY;
        toy_box(p, 0, 0, g->w, g->h);
        toy_fill_plain(p, g->sky);
    } else {
        draw_sky(p, g, &r);
    }
    for (int i = 0; i < g->count; i++) {
        if (p->mask) {
            p->value = g->bands[i].class;
            band_path(p, g, &g->bands[i]);
            toy_fill_plain(p, g->sky);
        } else {
            draw_band(p, g, &g->bands[i], &r);
        }
    }
    if (g->lane) {
        const toy_rgb sand = {.90, .79, .56};
        p->value = TOY_SAND;
        lane_path(p, g);
        toy_fill_plain(p, sand);
    }
}
