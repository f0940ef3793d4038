#include "core/label_map.h"

#include "base/memory.h"

dp_status dp_label_map_resize(dp_error *err, dp_label_map *m, int h, int w)
{
    const dp_status st =
        dp_grow(err, &m->labels, &m->capacity, (size_t)h * (size_t)w, 1, "a label map");
    if (st == DP_OK) {
        m->h = h;
        m->w = w;
    }
    return st;
}

void dp_label_map_done(dp_label_map *m)
{
    dp_free(m->labels);
    *m = (dp_label_map){0};
}
