/* random_erasing.h - rectangles of a network's input overwritten
 *
 * Zhong and others, "Random Erasing Data Augmentation", 2017, as in timm 0.3.2: after
 * normalisation, so that noise is N(0, 1) in the input's own units.
 *
 *   image   (H, W, 3) float32, channels last: red, green, blue
 */
#ifndef DP_TRAIN_RANDOM_ERASING_H
#define DP_TRAIN_RANDOM_ERASING_H

#include "base/random.h"

typedef enum dp_erasing_fill {
    DP_ERASING_PIXEL, /* a normal draw for each value: red's rows, then green's, blue's */
    DP_ERASING_COLOR, /* a normal draw for each channel (timm's "rand") */
    DP_ERASING_ZERO   /* timm's "const"                                 */
} dp_erasing_fill;

typedef struct dp_random_erasing {
    double probability; /* 0: nothing is drawn                            */
    double area[2];     /* of a box: lowest and highest part of the image */
    double ratio;       /* of height to width: from `ratio` to 1 / ratio  */
    int most;           /* boxes: 1 to `most`; at least 1                 */
    dp_erasing_fill fill;
} dp_random_erasing;

/* 0.25; 0.02 to 1/3; 0.3; one box; DP_ERASING_PIXEL. */
extern const dp_random_erasing dp_random_erasing_recipe;

/* Draws unit: more than the probability, nothing happens. If most > 1, between(1, most) is
 * the number of boxes. For each up to 10 tries: uniform(area), divided by that number, and
 * uniform(log ratio, -log ratio). Sides are rounded half to even. If both are less than
 * the image's, between(0, H - h) is the top, between(0, W - w) the left, and the box is
 * filled; after 10 tries it is left out. */
void dp_random_erasing_run(dp_random *r, const dp_random_erasing *e, float *image,
                           int H, int W);

#endif
