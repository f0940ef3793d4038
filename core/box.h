/* box.h - boxes, and the units of this project
 *
 * Continuous pixel coordinates: pixel i covers [i, i + 1); x1 y1 is the top left corner,
 * x2 y2 the bottom right one, and a box from 0 to W covers W columns. COCO's x y w h
 * exists only in io and eval. Scores are in [0, 1]. Class indices start at 0 and leave
 * the background out. Order among equals, everywhere: score descending, then index
 * ascending.
 */
#ifndef DP_CORE_BOX_H
#define DP_CORE_BOX_H

typedef struct dp_box {
    float x1, y1, x2, y2;
} dp_box;

/* A size in pixels. */
typedef struct dp_size {
    int h, w;
} dp_size;

#endif
