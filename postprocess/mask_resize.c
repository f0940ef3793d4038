#include "postprocess/mask_resize.h"

#include "postprocess/run_writer.h"
#include "postprocess/scratch.h"

#include <math.h>
#include <stdbool.h>

/* A pixel of the resized mask between two of its cells. */
typedef struct tap {
    int low, high;
    float weight; /* of the high one */
} tap;

/* One axis of the box: pixels start to start + size - 1, of which [first, end) are in the
 * image. */
typedef struct axis {
    int start, size;
    int first, end;
} axis;

typedef struct pieces {
    float *cells;  /* (M + 2, M + 2) column by column, with zeros all around */
    float *column; /* M + 2: cells mixed for one column of pixels            */
    tap *rows;     /* image rows: where they lie in the mask                 */
} pieces;

static size_t lay_out(pieces *p, void *scratch, const dp_mask_paste *q)
{
    dp_scratch s = {scratch, 0};
    const size_t side = (size_t)q->side + 2;
    p->cells = dp_scratch_take(&s, side * side, sizeof *p->cells);
    p->column = dp_scratch_take(&s, side, sizeof *p->column);
    p->rows = dp_scratch_take(&s, (size_t)q->image.h, sizeof *p->rows);
    return s.used;
}

size_t dp_mask_resize_scratch(const dp_mask_paste *p)
{
    pieces s;
    return lay_out(&s, NULL, p);
}

/* The axis between two edges of the box, in an image of n pixels. */
static axis grow(float low, float high, int M, int n)
{
    const float scale = (float)((double)(M + 2) / (double)M);
    const float half = (high - low) * 0.5f * scale;
    const float centre = (high + low) * 0.5f;
    const float from = centre - half, to = centre + half;
    axis a = {0};
    if (!(fabsf(from) <= 0x1p24f && fabsf(to) <= 0x1p24f))
        return a;
    const int last = (int)to;
    a.start = (int)from;
    a.size = last - a.start + 1 > 1 ? last - a.start + 1 : 1;
    a.first = a.start > 0 ? a.start : 0;
    a.end = a.start + a.size < n ? a.start + a.size : n;
    return a;
}

/* Pixel i of a side of `size` that is made of `cells`. */
static tap locate(int i, int size, int cells)
{
    const float scale = (float)cells / (float)size;
    const double at = (double)scale * ((double)i + 0.5) - 0.5;
    tap t = {.low = at > 0 ? (int)at : 0};
    if (t.low > cells - 1)
        t.low = cells - 1;
    t.high = t.low < cells - 1 ? t.low + 1 : t.low;
    t.weight = (float)((at > 0 ? at : 0) - (double)t.low);
    return t;
}

static float mix(float low, float high, float weight)
{
    return fmaf(low, 1 - weight, high * weight);
}

/* Write the runs of one column of pixels, the first of which is number `base`. */
static void paste_column(dp_run_writer *to, const pieces *p, const axis *y,
                         float threshold, size_t base)
{
    int open = -1;
    for (int row = y->first; row < y->end; row++) {
        const tap *t = &p->rows[row];
        const float value = mix(p->column[t->low], p->column[t->high], t->weight);
        if (value > threshold && open < 0)
            open = row;
        if (!(value > threshold) && open >= 0) {
            dp_run_writer_put(to, base + (size_t)open, base + (size_t)row);
            open = -1;
        }
    }
    if (open >= 0)
        dp_run_writer_put(to, base + (size_t)open, base + (size_t)y->end);
}

size_t dp_mask_resize_run(uint32_t *counts, size_t capacity, const dp_mask_paste *q,
                          const float *mask, dp_box box, void *scratch)
{
    const int side = q->side + 2;
    const axis x = grow(box.x1, box.x2, q->side, q->image.w);
    const axis y = grow(box.y1, box.y2, q->side, q->image.h);
    dp_run_writer to = {counts, capacity, 0, 0};
    pieces p;
    lay_out(&p, scratch, q);
    (void)dp_mask_frame(p.cells, mask, q->side);
    for (int row = y.first; row < y.end; row++)
        p.rows[row] = locate(row - y.start, y.size, side);
    for (int i = x.first; i < x.end && y.first < y.end; i++) {
        const tap t = locate(i - x.start, x.size, side);
        const float *west = p.cells + t.low * side, *east = p.cells + t.high * side;
        for (int j = 0; j < side; j++)
            p.column[j] = mix(west[j], east[j], t.weight);
        paste_column(&to, &p, &y, q->threshold, (size_t)i * (size_t)q->image.h);
    }
    return dp_run_writer_end(&to, (size_t)q->image.h * (size_t)q->image.w);
}

const dp_paste_rule dp_paste_resized = {dp_mask_resize_run, dp_mask_resize_scratch};
