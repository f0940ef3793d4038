#include "tools/town/things.h"

#include <math.h>

/* Every shape is drawn standing at (0, 0), y down, its longer side about 1. */
typedef void draw_fn(toy_pen *p, const toy_thing *t);

static const toy_rgb white = {0.97, 0.96, 0.92}, dark = {0.16, 0.15, 0.18},
                     glass = {0.68, 0.86, 0.94}, bark = {0.46, 0.31, 0.20},
                     yellow = {1.0, 0.86, 0.36}, skin = {0.96, 0.80, 0.66};

#define POLYGON(p, ...)                             \
    toy_polygon((p), (const double[]){__VA_ARGS__}, \
                (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double) / 2))

/* ---- on the road ---- */

static void wheel(toy_pen *p, double x, double radius)
{
    toy_disc(p, x, -radius, radius);
    toy_fill(p, dark);
    toy_disc(p, x, -radius, radius * 0.45);
    toy_detail(p, (toy_rgb){0.75, 0.75, 0.78});
}

static void draw_car(toy_pen *p, const toy_thing *t)
{
    if (t->variant == 0) { /* a beetle */
        cairo_move_to(p->cr, -0.34, -0.24);
        cairo_curve_to(p->cr, -0.26, -0.58, 0.22, -0.58, 0.32, -0.24);
        cairo_close_path(p->cr);
    } else if (t->variant == 1) { /* a saloon */
        POLYGON(p, -0.32, -0.24, -0.20, -0.46, 0.14, -0.46, 0.30, -0.24);
    } else { /* an estate */
        POLYGON(p, -0.44, -0.24, -0.40, -0.47, 0.12, -0.47, 0.28, -0.24);
    }
    toy_fill(p, t->main);
    POLYGON(p, -0.21, -0.27, -0.15, -0.41, -0.03, -0.41, -0.03, -0.27);
    POLYGON(p, 0.02, -0.27, 0.02, -0.41, 0.12, -0.41, 0.20, -0.27);
    toy_detail(p, glass);
    toy_round_box(p, -0.5, -0.29, 1, 0.21, 0.09);
    toy_fill(p, t->main);
    toy_box(p, -0.44, -0.17, 0.88, 0.035);
    toy_detail(p, toy_rgb_mix(t->main, white, 0.6));
    toy_disc(p, 0.45, -0.21, 0.035);
    toy_detail(p, yellow);
    wheel(p, -0.27, 0.115);
    wheel(p, 0.27, 0.115);
}

static void draw_bus(toy_pen *p, const toy_thing *t)
{
    const double top = t->variant == 1 ? -0.66 : -0.50;
    toy_round_box(p, -0.5, top, 1, -top - 0.07, 0.06);
    toy_fill(p, t->main);
    for (double row = top + 0.06; row < -0.30; row += 0.20)
        for (int i = 0; i < 5; i++)
            toy_box(p, -0.45 + i * 0.165, row, 0.125, 0.115);
    toy_detail(p, glass);
    toy_box(p, 0.385, -0.38, 0.085, 0.29);
    toy_detail(p, toy_rgb_mix(glass, white, 0.4));
    toy_box(p, -0.5, -0.24, 0.88, 0.05);
    toy_detail(p, t->second);
    wheel(p, -0.28, 0.095);
    wheel(p, 0.26, 0.095);
}

/* ---- what grows ---- */

static void draw_tree(toy_pen *p, const toy_thing *t)
{
    const toy_rgb lit = toy_rgb_mix(t->main, yellow, 0.3);
    POLYGON(p, -0.06, 0, -0.04, -0.45, 0.04, -0.45, 0.06, 0);
    toy_fill(p, bark);
    if (t->variant == 0) { /* a round crown */
        toy_disc(p, -0.17, -0.46, 0.17);
        toy_disc(p, 0.17, -0.46, 0.17);
        toy_fill(p, t->main);
        toy_disc(p, 0, -0.68, 0.29);
        toy_fill(p, t->main);
        toy_disc(p, -0.17, -0.47, 0.155);
        toy_disc(p, 0.17, -0.47, 0.155);
        toy_detail(p, t->main);
        toy_disc(p, -0.09, -0.77, 0.10);
        toy_disc(p, 0.13, -0.60, 0.06);
        toy_glaze(p, lit, 0.6);
    } else if (t->variant == 1) { /* a fir */
        for (int i = 0; i < 3; i++) {
            const double y = -0.16 - 0.22 * i, half = 0.30 - 0.06 * i;
            POLYGON(p, -half, y, 0, y - 0.40, half, y);
            toy_fill(p, toy_rgb_scale(t->main, 0.72 + 0.08 * i));
        }
    } else { /* a poplar */
        toy_oval(p, 0, -0.56, 0.21, 0.44);
        toy_fill(p, t->main);
        toy_oval(p, -0.06, -0.66, 0.07, 0.22);
        toy_glaze(p, lit, 0.5);
    }
}

static void draw_flower(toy_pen *p, const toy_thing *t)
{
    const toy_rgb leaf = {0.24, 0.55, 0.22};
    const int petals = t->variant == 1 ? 6 : 5;
    toy_box(p, -0.05, -0.55, 0.10, 0.55);
    toy_fill_plain(p, leaf);
    toy_oval(p, -0.17, -0.12, 0.17, 0.075);
    toy_oval(p, 0.17, -0.18, 0.17, 0.075);
    toy_fill(p, leaf);
    if (t->variant == 2) { /* a tulip */
        POLYGON(p, -0.24, -0.98, -0.10, -0.80, 0, -1, 0.10, -0.80, 0.24, -0.98, 0.24,
                -0.62, 0.10, -0.46, -0.10, -0.46, -0.24, -0.62);
        toy_fill(p, t->main);
        return;
    }
    for (int i = 0; i < petals; i++) {
        const double a = 6.283185307179586 * i / petals - 1.57;
        toy_disc(p, 0.20 * cos(a), -0.68 + 0.20 * sin(a), 0.145);
    }
    toy_fill(p, t->main);
    toy_disc(p, 0, -0.68, 0.13);
    toy_fill_plain(p, t->second);
}

/* ---- what is built ---- */

static void window(toy_pen *p, double x, double y, double side)
{
    toy_box(p, x, y, side, side);
    toy_detail(p, white);
    toy_box(p, x + side * 0.12, y + side * 0.12, side * 0.32, side * 0.76);
    toy_box(p, x + side * 0.56, y + side * 0.12, side * 0.32, side * 0.76);
    toy_detail(p, glass);
}

static void draw_house(toy_pen *p, const toy_thing *t)
{
    const bool tower = t->variant == 2;
    const double half = tower ? 0.25 : 0.40, eaves = tower ? -0.66 : -0.52;
    toy_box(p, half * 0.40, tower ? -0.90 : -0.92, 0.11, 0.3);
    toy_fill(p, toy_rgb_scale(t->second, 0.8));
    toy_box(p, -half, eaves, 2 * half, -eaves);
    toy_fill(p, t->main);
    if (t->variant == 1) /* a hipped roof */
        POLYGON(p, -half - 0.08, eaves, -half * 0.55, -0.88, half * 0.55, -0.88,
                half + 0.08, eaves);
    else
        POLYGON(p, -half - 0.08, eaves, 0, -1, half + 0.08, eaves);
    toy_fill(p, t->second);
    if (tower) {
        window(p, -0.16, -0.58, 0.13);
        window(p, 0.03, -0.58, 0.13);
        window(p, 0.03, -0.32, 0.13);
        toy_round_box(p, -0.17, -0.27, 0.15, 0.29, 0.03);
    } else {
        window(p, -0.33, -0.42, 0.18);
        window(p, 0.15, -0.42, 0.18);
        toy_round_box(p, -0.08, -0.31, 0.16, 0.32, 0.03);
    }
    toy_detail(p, toy_rgb_mix(bark, t->second, 0.3));
    toy_disc(p, 0, eaves - 0.14, 0.05);
    toy_detail(p, yellow);
}

static void draw_lamp(toy_pen *p, const toy_thing *t)
{
    POLYGON(p, -0.11, 0, -0.07, -0.09, 0.07, -0.09, 0.11, 0);
    toy_fill(p, t->main);
    toy_box(p, -0.032, -0.72, 0.064, 0.66);
    toy_fill(p, t->main);
    if (t->variant == 0) { /* a lantern */
        POLYGON(p, -0.07, -0.70, -0.12, -0.90, 0.12, -0.90, 0.07, -0.70);
        toy_fill(p, yellow);
        POLYGON(p, -0.15, -0.89, 0, -1, 0.15, -0.89);
        toy_fill(p, t->main);
    } else { /* two globes */
        toy_box(p, -0.15, -0.78, 0.30, 0.06);
        toy_fill_plain(p, t->main);
        toy_disc(p, -0.14, -0.87, 0.10);
        toy_disc(p, 0.14, -0.87, 0.10);
        toy_fill(p, toy_rgb_mix(yellow, white, 0.3));
    }
}

static void draw_bench(toy_pen *p, const toy_thing *t)
{
    const toy_rgb iron = {0.27, 0.27, 0.31};
    toy_box(p, -0.42, -0.24, 0.09, 0.24);
    toy_box(p, 0.33, -0.24, 0.09, 0.24);
    toy_fill(p, iron);
    if (t->variant == 0) {
        toy_box(p, -0.40, -0.52, 0.07, 0.32);
        toy_box(p, 0.33, -0.52, 0.07, 0.32);
        toy_fill_plain(p, iron);
    }
    toy_round_box(p, -0.48, -0.55, 0.96, t->variant == 0 ? 0.13 : 0.27, 0.03);
    toy_fill(p, t->main);
    toy_box(p, -0.44, -0.42, 0.88, 0.03);
    toy_glaze(p, dark, t->variant == 0 ? 0 : 0.35);
    toy_round_box(p, -0.5, -0.29, 1, 0.12, 0.03);
    toy_fill(p, toy_rgb_scale(t->main, 1.08));
}

/* ---- who moves ---- */

static void draw_person(toy_pen *p, const toy_thing *t)
{
    const toy_rgb legs = toy_rgb_mix(t->second, dark, 0.55);
    if (t->variant == 1) { /* in a dress */
        toy_box(p, -0.085, -0.16, 0.06, 0.16);
        toy_box(p, 0.025, -0.16, 0.06, 0.16);
        toy_fill_plain(p, skin);
        POLYGON(p, -0.09, -0.70, 0.09, -0.70, 0.22, -0.14, -0.22, -0.14);
        toy_fill(p, t->main);
    } else {
        toy_box(p, -0.13, -0.38, 0.115, 0.38);
        toy_box(p, 0.015, -0.38, 0.115, 0.38);
        toy_fill(p, legs);
        toy_round_box(p, -0.15, -0.71, 0.30, 0.37, 0.08);
        toy_fill(p, t->main);
    }
    POLYGON(p, -0.13, -0.70, -0.25, -0.44, -0.17, -0.40, -0.08, -0.60);
    POLYGON(p, 0.13, -0.70, 0.25, -0.44, 0.17, -0.40, 0.08, -0.60);
    toy_fill(p, toy_rgb_scale(t->main, 0.88));
    toy_disc(p, 0, -0.82, 0.125);
    toy_fill(p, skin);
    if (t->variant == 2) { /* with a hat */
        toy_oval(p, 0, -0.885, 0.20, 0.035);
        toy_round_box(p, -0.10, -1.0, 0.20, 0.12, 0.04);
    } else {
        cairo_new_sub_path(p->cr);
        cairo_arc(p->cr, 0, -0.84, 0.135, 3.0, 6.42);
        cairo_close_path(p->cr);
    }
    toy_fill_plain(p, toy_rgb_mix(t->second, bark, 0.6));
}

static void draw_boat(toy_pen *p, const toy_thing *t)
{
    if (t->variant == 2) { /* a steamer */
        toy_box(p, -0.22, -0.46, 0.44, 0.24);
        toy_fill(p, white);
        toy_box(p, -0.06, -0.72, 0.14, 0.26);
        toy_fill(p, t->second);
        for (int i = 0; i < 3; i++)
            toy_disc(p, -0.13 + 0.13 * i, -0.35, 0.04);
        toy_detail(p, glass);
    } else {
        toy_box(p, -0.035, -0.95, 0.05, 0.75);
        toy_fill_plain(p, bark);
        POLYGON(p, 0.03, -0.95, 0.40, -0.30, 0.03, -0.30);
        toy_fill(p, t->second);
        if (t->variant == 1) {
            POLYGON(p, -0.05, -0.86, -0.38, -0.30, -0.05, -0.30);
            toy_fill(p, white);
        }
    }
    POLYGON(p, -0.5, -0.26, 0.5, -0.26, 0.34, 0, -0.34, 0);
    toy_fill(p, t->main);
    POLYGON(p, -0.455, -0.18, 0.455, -0.18, 0.43, -0.14, -0.43, -0.14);
    toy_detail(p, white);
}

static void draw_bird(toy_pen *p, const toy_thing *t)
{
    POLYGON(p, -0.22, 0.02, -0.50, -0.08, -0.46, 0.14);
    toy_fill(p, toy_rgb_scale(t->main, 0.8));
    POLYGON(p, 0.36, -0.08, 0.52, 0.0, 0.34, 0.04);
    toy_fill_plain(p, (toy_rgb){0.98, 0.66, 0.16});
    toy_oval(p, 0, 0.02, 0.29, 0.16);
    toy_fill(p, t->main);
    toy_disc(p, 0.27, -0.05, 0.13);
    toy_fill(p, t->main);
    toy_disc(p, 0.31, -0.08, 0.03);
    toy_detail(p, dark);
    if (t->variant == 0) /* wings up */
        POLYGON(p, 0.12, 0.0, -0.12, -0.44, -0.26, -0.40, -0.16, 0.02);
    else /* wings down */
        POLYGON(p, 0.12, 0.0, -0.10, 0.42, -0.26, 0.38, -0.16, -0.02);
    toy_fill(p, toy_rgb_mix(t->main, t->second, 0.5));
}

/* ---- one table ---- */

typedef struct look {
    const char *name;
    draw_fn *draw;
    toy_extent extent;
    double size;
    int variants;
    double wheel; /* how far its shadow reaches to each side */
} look;

static const look looks[TOY_THINGS + 1] = {
    [TOY_CAR] = {"car", draw_car, {-0.5, 0.5, -0.5, 0}, 70, 3, 0.5},
    [TOY_BUS] = {"bus", draw_bus, {-0.5, 0.5, -0.6, 0}, 106, 2, 0.5},
    [TOY_TREE] = {"tree", draw_tree, {-0.32, 0.32, -1, 0}, 96, 3, 0.3},
    [TOY_HOUSE] = {"house", draw_house, {-0.48, 0.48, -1, 0}, 108, 3, 0.45},
    [TOY_PERSON] = {"person", draw_person, {-0.24, 0.24, -1, 0}, 62, 3, 0.22},
    [TOY_BOAT] = {"boat", draw_boat, {-0.5, 0.5, -0.9, 0}, 78, 3, 0},
    [TOY_BIRD] = {"bird", draw_bird, {-0.5, 0.5, -0.4, 0.4}, 40, 2, 0},
    [TOY_LAMP] = {"lamp", draw_lamp, {-0.2, 0.2, -1, 0}, 92, 2, 0.15},
    [TOY_BENCH] = {"bench", draw_bench, {-0.5, 0.5, -0.55, 0}, 58, 2, 0.48},
    [TOY_FLOWER] = {"flower", draw_flower, {-0.34, 0.34, -1, 0}, 44, 3, 0.2},
};

const char *toy_thing_name(int class)
{
    return looks[class].name;
}

toy_extent toy_thing_extent(int class)
{
    return looks[class].extent;
}

double toy_thing_size(int class)
{
    return looks[class].size;
}

/* Colours in percent, two digits each of red, green and blue. Every class has six for its
 * main part. */
static const int mains[TOY_THINGS + 1][6] = {
    [TOY_CAR] = {862220, 204580, 967622, 306650, 939288, 583666},
    [TOY_BUS] = {851820, 956618, 225640, 244474, 904520, 467280},
    [TOY_TREE] = {245422, 346226, 184628, 785018, 446020, 906270},
    [TOY_HOUSE] = {958670, 947466, 768690, 979386, 908055, 808872},
    [TOY_PERSON] = {842632, 244274, 957024, 386036, 623462, 949490},
    [TOY_BOAT] = {663020, 203456, 802422, 265040, 463020, 926024},
    [TOY_BIRD] = {969694, 283036, 863428, 968030, 304072, 584030},
    [TOY_LAMP] = {182224, 163228, 302424, 222438, 363638, 402418},
    [TOY_BENCH] = {704626, 583620, 765636, 622820, 344834, 443022},
    [TOY_FLOWER] = {922836, 988228, 989694, 664078, 986026, 965672},
};
static const int seconds[6] = {762822, 989690, 364666, 623624, 967830, 405242};
static const int roofs[4] = {763022, 602824, 364254, 664430};

static toy_rgb colour(int percent)
{
    return (toy_rgb){percent / 10000 / 100.0, percent / 100 % 100 / 100.0,
                     percent % 100 / 100.0};
}

static toy_rgb jitter(toy_rgb c, toy_random *r)
{
    const double bright = toy_random_between(r, 0.9, 1.06);
    return (toy_rgb){fmin(1, c.r * bright + toy_random_between(r, -0.03, 0.03)),
                     fmin(1, c.g * bright + toy_random_between(r, -0.03, 0.03)),
                     fmin(1, c.b * bright + toy_random_between(r, -0.03, 0.03))};
}

void toy_thing_dress(toy_thing *t, toy_random *r)
{
    t->variant = toy_random_below(r, looks[t->class].variants);
    const bool fir = t->class == TOY_TREE && t->variant == 1; /* always green */
    t->main = jitter(colour(mains[t->class][toy_random_below(r, fir ? 3 : 6)]), r);
    t->second = colour(t->class == TOY_HOUSE ? roofs[toy_random_below(r, 4)]
                                             : seconds[toy_random_below(r, 6)]);
    if (t->class == TOY_FLOWER) /* a heart that no petal has */
        t->second = (toy_rgb){0.50, 0.30, 0.12};
    t->second = jitter(t->second, r);
}

/* The members of a crowd in rows, the nearest last. For the mask the ground between
 * them belongs to it. */
static void draw_crowd(toy_pen *p, const toy_thing *t)
{
    toy_random own = t->own;
    const double each = t->size * 0.28;
    toy_thing one = *t;
    one.crowd = false;
    for (int row = 0; row < 3; row++)
        for (int i = 0; i < 7; i++) {
            one.x = t->x +
                    ((i - 3) * 0.155 + toy_random_between(&own, -0.04, 0.04)) * t->size;
            one.y = t->y + (row - 2) * each * 0.4;
            one.size = each * toy_random_between(&own, 0.9, 1.1);
            one.turn = 0;
            toy_thing_dress(&one, &own);
            toy_thing_draw(p, &one);
        }
    if (p->mask) {
        toy_round_box(p, t->x - t->size * 0.53, t->y - each * 1.6, t->size * 1.06,
                      each * 1.6, each * 0.4);
        toy_fill_plain(p, dark);
    }
}

void toy_thing_draw(toy_pen *p, const toy_thing *t)
{
    if (t->crowd) {
        draw_crowd(p, t);
        return;
    }
    cairo_save(p->cr);
    cairo_translate(p->cr, t->x, t->y);
    cairo_rotate(p->cr, t->turn);
    cairo_scale(p->cr, t->mirrored ? -t->size : t->size, t->size);
    looks[t->class].draw(p, t);
    cairo_restore(p->cr);
}

void toy_thing_shadow(toy_pen *p, const toy_thing *t)
{
    const double reach = looks[t->class].wheel * t->size;
    if (reach <= 0 || t->crowd)
        return;
    toy_oval(p, t->x + reach * 0.15, t->y, reach * 1.1, reach * 0.16 + 1);
    toy_glaze(p, (toy_rgb){0.10, 0.12, 0.22}, 0.30);
}
