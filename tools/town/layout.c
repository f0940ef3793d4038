#include "tools/town/layout.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static const double least_seen = 0.45;  /* of what the frame holds of it      */
static const double least_area = 90;    /* pixels, in an image 192 high      */
static const double least_inside = 0.6; /* of its box                         */

static double unit(const toy_layout *s)
{
    return s->h / 192.0;
}

static size_t pixels(const toy_layout *s)
{
    return (size_t)s->h * (size_t)s->w;
}

dp_status toy_layout_init(dp_error *err, toy_layout *s, int h, int w)
{
    const size_t n = (size_t)h * (size_t)w;
    *s = (toy_layout){.h = h, .w = w};
    const dp_status st =
        dp_alloc(err, &s->stuff, n * (2 + TOY_MOST_THINGS), 1, "the masks");
    if (st != DP_OK)
        return st;
    s->owner = s->stuff + n;
    s->masks = s->owner + n;
    s->ink = cairo_image_surface_create(CAIRO_FORMAT_A8, w, h);
    if (cairo_surface_status(s->ink) != CAIRO_STATUS_SUCCESS) {
        toy_layout_done(s);
        return dp_fail(err, DP_ENOMEM, "out of memory: the masks");
    }
    return DP_OK;
}

void toy_layout_done(toy_layout *s)
{
    dp_free(s->stuff);
    if (s->ink)
        cairo_surface_destroy(s->ink);
    *s = (toy_layout){0};
}

/* ---- masks ---- */

/* Draw on the ink, whole pixels, and copy it to `mask`. */
static void draw_mask(toy_layout *s, uint8_t *mask, const toy_thing *thing)
{
    cairo_t *cr = cairo_create(s->ink);
    toy_pen pen = {.cr = cr, .mask = true, .value = 255, .line = unit(s)};
    cairo_set_operator(cr, CAIRO_OPERATOR_CLEAR);
    cairo_paint(cr);
    cairo_set_operator(cr, CAIRO_OPERATOR_SOURCE);
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
    if (thing)
        toy_thing_draw(&pen, thing);
    else
        toy_ground_draw(&pen, &s->ground);
    cairo_destroy(cr);
    cairo_surface_flush(s->ink);
    const unsigned char *rows = cairo_image_surface_get_data(s->ink);
    const int stride = cairo_image_surface_get_stride(s->ink);
    for (int y = 0; y < s->h; y++)
        memcpy(mask + (size_t)y * (size_t)s->w, rows + (size_t)y * (size_t)stride,
               (size_t)s->w);
}

static uint8_t *mask_of(const toy_layout *s, int i)
{
    return s->masks + (size_t)i * pixels(s);
}

/* ---- placing ---- */

static int stuff_at(const toy_layout *s, double x, double y)
{
    int col = (int)floor(x), row = (int)floor(y);
    col = col < 0 ? 0 : col > s->w - 1 ? s->w - 1 : col;
    row = row < 0 ? 0 : row > s->h - 1 ? s->h - 1 : row;
    return s->stuff[(size_t)row * (size_t)s->w + (size_t)col];
}

static bool may_stand(int class, int stuff)
{
    switch (class) {
    case TOY_CAR:
    case TOY_BUS:
        return stuff == TOY_ROAD;
    case TOY_BOAT:
        return stuff == TOY_WATER;
    case TOY_BIRD:
        return stuff == TOY_SKY;
    case TOY_PERSON:
        return stuff == TOY_GRASS || stuff == TOY_SAND || stuff == TOY_ROAD;
    case TOY_BENCH:
    case TOY_LAMP:
        return stuff == TOY_GRASS || stuff == TOY_SAND;
    default:
        return stuff == TOY_GRASS;
    }
}

/* 0 at the horizon, 1 at the lower edge of the image. */
static double nearness(const toy_layout *s, double y)
{
    return fmin(1, fmax(0, (y - s->ground.horizon) / (s->h - s->ground.horizon)));
}

static toy_extent box_of(const toy_thing *t)
{
    const toy_extent e = toy_thing_extent(t->class);
    return (toy_extent){t->x + e.left * t->size, t->x + e.right * t->size,
                        t->y + e.top * t->size, t->y + e.bottom * t->size};
}

static double overlap(toy_extent a, toy_extent b)
{
    const double w = fmin(a.right, b.right) - fmax(a.left, b.left);
    const double h = fmin(a.bottom, b.bottom) - fmax(a.top, b.top);
    return w > 0 && h > 0 ? w * h : 0;
}

static double extent_area(toy_extent e)
{
    return (e.right - e.left) * (e.bottom - e.top);
}

/* Whether there is ground under it, it is in the frame mostly, and not in the way. */
static bool fits(const toy_layout *s, const toy_thing *t)
{
    const toy_extent e = box_of(t), frame = {0, s->w, 0, s->h};
    const double foot = (e.right - e.left) * 0.35;
    if (!may_stand(t->class, stuff_at(s, t->x, t->y)) ||
        !may_stand(t->class, stuff_at(s, t->x - foot, t->y)) ||
        !may_stand(t->class, stuff_at(s, t->x + foot, t->y)))
        return false;
    if (t->class == TOY_HOUSE && nearness(s, t->y) > 0.7)
        return false;
    if (t->class == TOY_BIRD && t->y + t->size * 0.3 > s->ground.horizon)
        return false;
    if (overlap(e, frame) < least_inside * extent_area(e))
        return false;
    for (int i = 0; i < s->count; i++) {
        const toy_extent o = box_of(&s->things[i]);
        if (overlap(e, o) > 0.28 * fmin(extent_area(e), extent_area(o)))
            return false;
    }
    return true;
}

static double tilt_of(int class)
{
    switch (class) {
    case TOY_BIRD:
        return 0.35;
    case TOY_FLOWER:
        return 0.2;
    case TOY_BOAT:
        return 0.12;
    case TOY_HOUSE:
        return 0.03;
    default:
        return 0.07;
    }
}

static bool try_place(toy_layout *s, toy_random *r, int class)
{
    for (int attempt = 0; attempt < 30; attempt++) {
        toy_thing t = {.class = class,
                       .x = toy_random_between(r, 0, s->w),
                       .y = toy_random_between(
                           r, class == TOY_BIRD ? 6 : s->ground.horizon,
                           class == TOY_BIRD ? s->ground.horizon : s->h * 1.0)};
        const double near =
            class == TOY_BIRD ? toy_random_between(r, 0.2, 1) : nearness(s, t.y);
        t.size = unit(s) * toy_thing_size(class) * (0.45 + 0.55 * near) *
                 toy_random_between(r, 0.85, 1.12);
        t.fade = 0.32 * (1 - near) * toy_random_between(r, 0.6, 1);
        t.turn = tilt_of(class) * toy_random_between(r, -1, 1);
        t.mirrored = toy_random_happens(r, 0.5);
        toy_thing_dress(&t, r);
        if (fits(s, &t)) {
            s->things[s->count++] = t;
            return true;
        }
    }
    return false;
}

/* A crowd on the far grass, behind all else. */
static void place_crowd(toy_layout *s, toy_random *r)
{
    for (int attempt = 0; attempt < 20; attempt++) {
        toy_thing t = {.class = toy_random_happens(r, 0.6) ? TOY_PERSON : TOY_FLOWER,
                       .crowd = true,
                       .size = unit(s) * toy_random_between(r, 36, 52),
                       .x = toy_random_between(r, s->w * 0.15, s->w * 0.85),
                       .y = toy_random_between(r, s->ground.horizon, s->h * 0.7),
                       .fade = 0.2,
                       .own = *r};
        if (stuff_at(s, t.x - t.size / 2, t.y) == TOY_GRASS &&
            stuff_at(s, t.x + t.size / 2, t.y) == TOY_GRASS) {
            s->things[s->count++] = t;
            return;
        }
    }
}

/* Crowds first, then by their place, birds last. */
static double order_of(const toy_thing *t)
{
    return t->crowd ? -1 : t->class == TOY_BIRD ? 1e9 + t->size : t->y;
}

static void sort_things(toy_layout *s)
{
    for (int i = 1; i < s->count; i++) {
        const toy_thing t = s->things[i];
        int k = i;
        for (; k > 0 && order_of(&s->things[k - 1]) > order_of(&t); k--)
            s->things[k] = s->things[k - 1];
        s->things[k] = t;
    }
}

/* ---- what is seen ---- */

static void stack(toy_layout *s)
{
    const size_t n = pixels(s);
    memset(s->owner, 0, n);
    for (int i = 0; i < s->count; i++) {
        const uint8_t *mask = mask_of(s, i);
        for (size_t k = 0; k < n; k++)
            s->owner[k] = mask[k] ? (uint8_t)(i + 1) : s->owner[k];
    }
}

static void remove_thing(toy_layout *s, int i)
{
    for (int k = i; k + 1 < s->count; k++)
        s->things[k] = s->things[k + 1];
    memmove(mask_of(s, i), mask_of(s, i + 1), (size_t)(s->count - 1 - i) * pixels(s));
    s->count--;
}

/* The thing of which the least is seen, or -1 when enough is of all. */
static int worst_seen(const toy_layout *s)
{
    const size_t n = pixels(s);
    int whole[TOY_MOST_THINGS] = {0}, seen[TOY_MOST_THINGS + 1] = {0};
    for (size_t k = 0; k < n; k++)
        seen[s->owner[k]]++;
    int worst = -1;
    double least = least_seen;
    for (int i = 0; i < s->count; i++) {
        const uint8_t *mask = mask_of(s, i);
        for (size_t k = 0; k < n; k++)
            whole[i] += mask[k] != 0;
        const bool tiny = seen[i + 1] < least_area * unit(s) * unit(s);
        const double share = tiny ? 0 : (double)seen[i + 1] / whole[i];
        if (share < least) {
            least = share;
            worst = i;
        }
    }
    return worst;
}

void toy_layout_plan(toy_layout *s, toy_random *r)
{
    s->count = 0;
    toy_ground_plan(&s->ground, r, s->h, s->w);
    draw_mask(s, s->stuff, NULL);
    if (toy_random_happens(r, 0.05))
        place_crowd(s, r);
    const int wanted = s->count + 4 + toy_random_below(r, 9);
    for (int attempt = 0; attempt < 40 && s->count < wanted; attempt++)
        (void)try_place(s, r, 1 + toy_random_below(r, TOY_THINGS));
    sort_things(s);
    for (int i = 0; i < s->count; i++)
        draw_mask(s, mask_of(s, i), &s->things[i]);
    for (int worst;;) {
        stack(s);
        if ((worst = worst_seen(s)) < 0)
            return;
        remove_thing(s, worst);
    }
}

void toy_layout_draw(const toy_layout *s, cairo_t *cr)
{
    toy_pen pen = {.cr = cr, .haze = s->ground.low, .line = unit(s)};
    toy_ground_draw(&pen, &s->ground);
    for (int i = 0; i < s->count; i++) {
        pen.fade = s->things[i].fade;
        toy_thing_shadow(&pen, &s->things[i]);
        toy_thing_draw(&pen, &s->things[i]);
    }
}
