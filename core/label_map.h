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

/* Release. A zeroed m is allowed. */
void dp_label_map_done(dp_label_map *m);

#endif
