/* mosaic.h - the logits of an image, kept as its windows gave them
 *
 * A segmentor's logits come at a fraction of the input, window by window. They stay
 * like that: with a logit every 4 pixels and windows that overlap by a third, they take
 * a seventh of what logits at the input's size would. A row of their mean at the
 * input's size is made when it is asked for.
 *
 *   h, w   of the network's input (the resized image)      K   classes
 */
#ifndef DP_MODEL_MOSAIC_H
#define DP_MODEL_MOSAIC_H

#include "core/box.h"
#include "core/run.h"
#include "postprocess/label_map.h"

typedef struct dp_mosaic_spec {
    int K;
    dp_size crop;   /* of a window                                                */
    dp_size stride; /* from window to window; 1 to the crop                       */
    int multiple;   /* sides of a window are padded to multiples of this; 1: none */
    int least;      /* a window with a side below this is padded to multiples of it */
    int cell;       /* pixels from logit to logit                                 */
} dp_mosaic_spec;

/* Windows in a grid, all of one size. */
typedef struct dp_mosaic {
    dp_size size; /* h and w                                       */
    dp_size stride;
    dp_size window;
    int down, across;         /* windows, row by row                           */
    int multiple;             /* that a window is padded to                    */
    dp_size input;            /* a window, padded below and to the right       */
    dp_tensor logits;         /* (down * across, ?, ?, K), of inputs           */
    dp_blend *rows, *columns; /* of each pixel of a window, its logits   */
    const struct dp_kernels *kernels;
} dp_mosaic;

/* Lay windows over h x w pixels. The last ones end with the image; where it is
 * smaller than a window, windows are as large as the image. Takes room for all
 * logits in r's arena: sides of the input divided by `cell`, rounded up. */
dp_mosaic dp_mosaic_plan(dp_run *r, dp_size size, const dp_mosaic_spec *spec);

/* The top left corner of window i. */
void dp_mosaic_place(const dp_mosaic *m, int i, int *y, int *x);

/* Keep a copy of window i's logits (1, ?, ?, K), 0 first; all are of the same size.
 * What there is no room for is recorded as DP_ESHAPE. */
void dp_mosaic_put(dp_run *r, dp_mosaic *m, int i, dp_tensor logits);

/* out (w, K) = row y of the logits at the image's size: resized to each window's
 * input (bilinear), added in the order of the windows, divided by their number. */
void dp_mosaic_row(const dp_mosaic *m, int y, float *out);

#endif
