/* things.h - how the town's things look, and where they like to stand
 */
#ifndef DP_TOOLS_TOWN_THINGS_H
#define DP_TOOLS_TOWN_THINGS_H

#include "tools/town/classes.h"
#include "tools/town/pen.h"
#include "tools/town/random.h"

typedef struct toy_thing {
    int class;   /* TOY_CAR to TOY_THINGS                                      */
    bool crowd;  /* many small ones of the class, as one                       */
    double x, y; /* where it stands (a bird: its middle), in pixels            */
    double size; /* its longer side, about, in pixels                          */
    double turn; /* radians                                                    */
    bool mirrored;
    int variant; /* of the class's shapes                                      */
    toy_rgb main, second; /* colours                                             */
    double fade;    /* 0 near, up to 1                                            */
    toy_random own; /* for what a crowd does                                     */
} toy_thing;

/* A thing's box when its size is 1 and it stands at (0, 0), y down. */
typedef struct toy_extent {
    double left, right, top, bottom;
} toy_extent;

toy_extent toy_thing_extent(int class);

/* Its size in the foreground of an image 192 pixels high. */
double toy_thing_size(int class);

/* Choose shape and colours. */
void toy_thing_dress(toy_thing *t, toy_random *r);

void toy_thing_draw(toy_pen *p, const toy_thing *t);

/* The shadow on its ground; birds and boats have none. */
void toy_thing_shadow(toy_pen *p, const toy_thing *t);

#endif
