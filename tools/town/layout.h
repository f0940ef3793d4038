/* layout.h - one image's town: what stands where, and what of it can be seen
 */
#ifndef DP_TOOLS_TOWN_LAYOUT_H
#define DP_TOOLS_TOWN_LAYOUT_H

#include "base/status.h"
#include "tools/town/ground.h"
#include "tools/town/things.h"

enum { TOY_MOST_THINGS = 16 };

/* Zero-initialise. The memory serves layout after layout; all are of one size. */
typedef struct toy_layout {
    int h, w;
    toy_ground ground;
    int count; /* of things, the farthest first         */
    toy_thing things[TOY_MOST_THINGS];
    uint8_t *stuff;       /* h x w classes of the ground alone     */
    uint8_t *owner;       /* h x w: 1 + the thing seen there, or 0 */
    uint8_t *masks;       /* of each thing, h x w, 0 or not        */
    cairo_surface_t *ink; /* A8: where masks are drawn             */
} toy_layout;

/* Room for layouts of h x w. DP_ENOMEM. */
dp_status toy_layout_init(dp_error *err, toy_layout *s, int h, int w) DP_MUST_CHECK;

/* Plan another town. A thing of which less than 45 percent, or hardly anything, would be
 * seen is left out of the image and of the truth. */
void toy_layout_plan(toy_layout *s, toy_random *r);

/* Its colours and outlines, on a surface of its size. */
void toy_layout_draw(const toy_layout *s, cairo_t *cr);

/* Release. A zeroed s is allowed. */
void toy_layout_done(toy_layout *s);

#endif
