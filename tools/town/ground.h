/* ground.h - the sky, and the bands of land and water below it
 */
#ifndef DP_TOOLS_TOWN_GROUND_H
#define DP_TOOLS_TOWN_GROUND_H

#include "tools/town/classes.h"
#include "tools/town/pen.h"
#include "tools/town/random.h"

enum { TOY_BANDS = 6 };

/* From its upper edge down to the next band's. Later bands lie over earlier ones. */
typedef struct toy_band {
    int class;                           /* TOY_GRASS to TOY_WALL              */
    double y, slope, swing, wave, phase; /* the upper edge, in pixels          */
    double deep;                         /* about how high the band is         */
    toy_rgb colour;
} toy_band;

typedef struct toy_ground {
    int h, w;
    double horizon;   /* row */
    toy_rgb sky, low; /* colour at the top and at the horizon */
    int count;
    toy_band bands[TOY_BANDS];
    bool lane;        /* a way through the nearest band */
    double lane_x[2]; /* its middle below and above     */
    toy_random own;   /* for tufts, clouds and the like */
} toy_ground;

void toy_ground_plan(toy_ground *g, toy_random *r, int h, int w);

/* An image of it; or, with a mask pen, its classes as values. */
void toy_ground_draw(toy_pen *p, const toy_ground *g);

#endif
