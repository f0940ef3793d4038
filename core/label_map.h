/* label_map.h - a class for every pixel
 */
#ifndef DP_CORE_LABEL_MAP_H
#define DP_CORE_LABEL_MAP_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Row-major class indices from 0, one byte a pixel, so at most 256 classes. Memory is
 * kept by dp_label_map_resize when it is enough. Zero-initialise. */
typedef struct dp_label_map {
    int h, w;
    uint8_t *labels; /* owned */
    size_t capacity; /* bytes */
} dp_label_map;

/* Room for h x w labels, contents undefined. */
dp_status dp_label_map_resize(dp_error *err, dp_label_map *m, int h,
                              int w) DP_MUST_CHECK;

enum { DP_LABELS = 256 };

/* How many pixels have a label. */
typedef struct dp_label_count {
    int label;
    size_t pixels; /* 1 and up */
} dp_label_count;

/* List the labels below `classes` that occur, those of most pixels first, among equals the
 * lower label first. Returns how many. */
int dp_label_map_count(const dp_label_map *m, int classes,
                       dp_label_count counts[DP_LABELS]);

/* Release. A zeroed m is allowed. */
void dp_label_map_done(dp_label_map *m);

#endif
