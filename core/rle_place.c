#include "core/rle_place.h"

/* Runs being written: zeros up to `end` and the ones before it are there. */
typedef struct runs {
    uint32_t *counts;
    size_t count, end;
} runs;

static void add_ones(runs *r, size_t start, size_t length)
{
    if (r->count > 0 && start == r->end) {
        r->counts[r->count - 1] += (uint32_t)length;
    } else {
        r->counts[r->count++] = (uint32_t)(start - r->end);
        r->counts[r->count++] = (uint32_t)length;
    }
    r->end = start + length;
}

size_t dp_rle_place(uint32_t *counts, const dp_rle *part, int h, int w, int y, int x)
{
    const size_t H = (size_t)h, part_h = (size_t)part->h;
    const size_t size = H * (size_t)w;
    runs out = {counts, 0, 0};
    size_t at = 0;
    for (size_t i = 0; i < part->count; i++) {
        const size_t stop = at + part->counts[i];
        /* A run of ones becomes one for each column that it touches. */
        while (i % 2 == 1 && at < stop) {
            const size_t row = at % part_h, column = at / part_h;
            const size_t length = stop - at < part_h - row ? stop - at : part_h - row;
            add_ones(&out, (column + (size_t)x) * H + row + (size_t)y, length);
            at += length;
        }
        at = stop;
    }
    if (out.end < size || out.count == 0)
        out.counts[out.count++] = (uint32_t)(size - out.end);
    return out.count;
}

size_t dp_rle_place_most(size_t count, int columns)
{
    return count + 2 * (size_t)columns + 3;
}
