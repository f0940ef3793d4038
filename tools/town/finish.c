#include "tools/town/finish.h"

#include <math.h>
#include <stddef.h>

enum { LATTICE = 128, SHIFT = 8 };

/* How a stuff's grain runs: steps of the lattice per pixel, in 1 / 2^SHIFT, and how many
 * grey levels it makes. */
typedef struct grain {
    int across, down;
    double depth;
} grain;

static const grain of_things = {80, 80, 5};
static const grain grains[TOY_CLASSES + 1] = {
    [TOY_SKY] = {6, 16, 5},      [TOY_GRASS] = {150, 60, 17},
    [TOY_ROAD] = {200, 200, 11}, [TOY_WATER] = {28, 120, 17},
    [TOY_SAND] = {230, 230, 9},  [TOY_WALL] = {90, 110, 14},
};

typedef struct light {
    double cast[3]; /* blue, green, red */
    double side;    /* of how much a thing is brighter on the right */
    double noise;   /* grey levels */
    int blur;       /* weight of a neighbour, in 1/16 */
    int8_t lattice[LATTICE][LATTICE];
} light;

static void choose(light *l, toy_random *r)
{
    const double bright = toy_random_between(r, 0.82, 1.06);
    const double warm = toy_random_between(r, -0.08, 0.10);
    l->cast[0] = bright * (1 - warm);
    l->cast[1] = bright * (1 + toy_random_between(r, -0.02, 0.02));
    l->cast[2] = bright * (1 + warm);
    l->side = toy_random_between(r, -0.14, 0.14);
    l->noise = toy_random_between(r, 1, 7);
    l->blur = toy_random_below(r, 4);
    for (int y = 0; y < LATTICE; y++)
        for (int x = 0; x < LATTICE; x += 8) {
            const uint64_t bits = toy_random_bits(r);
            for (int i = 0; i < 8; i++)
                l->lattice[y][x + i] = (int8_t)((int)(bits >> (8 * i) & 255) - 128);
        }
}

/* The grain at a pixel, -1 to 1, between the four lattice points around it. */
static double grain_at(const light *l, const grain *g, int x, int y)
{
    const int u = x * g->across, v = y * g->down, mask = (1 << SHIFT) - 1;
    const int x0 = (u >> SHIFT) % LATTICE, x1 = (x0 + 1) % LATTICE;
    const int y0 = (v >> SHIFT) % LATTICE, y1 = (y0 + 1) % LATTICE;
    const int fx = u & mask, fy = v & mask;
    const int top = l->lattice[y0][x0] * (mask + 1 - fx) + l->lattice[y0][x1] * fx;
    const int low = l->lattice[y1][x0] * (mask + 1 - fx) + l->lattice[y1][x1] * fx;
    return (top * (mask + 1 - fy) + low * fy) * (1.0 / (128 << (2 * SHIFT)));
}

static uint8_t level(double v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

static void shade(dp_pixels *out, const unsigned char *rows, int stride,
                  const toy_layout *s, const light *l)
{
    for (int y = 0; y < out->h; y++)
        for (int x = 0; x < out->w; x++) {
            const size_t at = (size_t)y * (size_t)out->w + (size_t)x;
            const unsigned char *from = rows + (ptrdiff_t)y * stride + (ptrdiff_t)x * 4;
            const int owner = s->owner[at];
            double factor = 1;
            const grain *g = owner ? &of_things : &grains[s->stuff[at]];
            if (owner) {
                const toy_thing *t = &s->things[owner - 1];
                factor += l->side * fmax(-1, fmin(1, 2 * (x - t->x) / t->size));
            }
            const double add = g->depth * grain_at(l, g, x, y);
            for (int c = 0; c < 3; c++)
                out->data[3 * at + (size_t)c] =
                    level((from[c] * factor + add) * l->cast[c]);
        }
}

/* Three taps, `blur` 16ths from each neighbour, along one direction and in place. */
static void blur_line(uint8_t *at, int n, size_t step, int blur)
{
    int before = at[0];
    for (int i = 0; i < n; i++) {
        const int here = at[(size_t)i * step];
        const int after = i + 1 < n ? at[(size_t)(i + 1) * step] : here;
        at[(size_t)i * step] =
            (uint8_t)((here * (16 - 2 * blur) + (before + after) * blur + 8) >> 4);
        before = here;
    }
}

static void soften(dp_pixels *out, int blur)
{
    const size_t w = (size_t)out->w;
    for (int c = 0; blur > 0 && c < 3; c++) {
        for (int y = 0; y < out->h; y++)
            blur_line(out->data + (size_t)y * w * 3 + c, out->w, 3, blur);
        for (int x = 0; x < out->w; x++)
            blur_line(out->data + x * 3 + c, out->h, w * 3, blur);
    }
}

/* Noise of about normal distribution: four bytes added up, of deviation 148. */
static void add_noise(dp_pixels *out, double noise, toy_random *r)
{
    const size_t n = (size_t)out->h * (size_t)out->w * 3;
    const int scale = (int)(noise / 148 * 65536);
    for (size_t i = 0; i < n; i += 2) {
        const uint64_t bits = toy_random_bits(r);
        for (size_t k = 0; k < 2 && i + k < n; k++) {
            const uint64_t half = bits >> (32 * k);
            const int sum = (int)(half & 255) + (int)(half >> 8 & 255) +
                            (int)(half >> 16 & 255) + (int)(half >> 24 & 255) - 510;
            const int v = out->data[i + k] + (sum * scale + 32768) / 65536;
            out->data[i + k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}

void toy_finish(dp_pixels *out, const unsigned char *rows, int stride,
                const toy_layout *s, toy_random *r)
{
    light l;
    choose(&l, r);
    shade(out, rows, stride, s, &l);
    soften(out, l.blur);
    add_noise(out, l.noise, r);
}
