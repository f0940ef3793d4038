#include "core/label_map.h"

#include "base/memory.h"

#include <stdlib.h>

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

static int by_pixels(const void *a, const void *b)
{
    const dp_label_count *p = a, *q = b;
    if (p->pixels != q->pixels)
        return p->pixels > q->pixels ? -1 : 1;
    return p->label - q->label;
}

int dp_label_map_count(const dp_label_map *m, int classes,
                       dp_label_count counts[DP_LABELS])
{
    const size_t all = (size_t)m->h * (size_t)m->w;
    size_t pixels[DP_LABELS] = {0};
    int count = 0;

    for (size_t i = 0; i < all; i++)
        pixels[m->labels[i]]++;
    for (int k = 0; k < DP_LABELS && k < classes; k++)
        if (pixels[k] > 0)
            counts[count++] = (dp_label_count){k, pixels[k]};
    qsort(counts, (size_t)count, sizeof *counts, by_pixels);
    return count;
}

void dp_label_map_done(dp_label_map *m)
{
    dp_free(m->labels);
    *m = (dp_label_map){0};
}
