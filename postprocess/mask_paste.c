#include "postprocess/mask_paste.h"

#include "postprocess/run_writer.h"
#include "postprocess/scratch.h"

#include <math.h>
#include <stdbool.h>

/* One axis of the box: which pixels see the mask, first to end - 1. */
typedef struct axis {
    float low, high; /* edges of the box */
    int side;        /* cells            */
    int first, end;
} axis;

/* Rows that lie between the centres of the same two rows of cells. */
typedef struct band {
    int first, end; /* rows of the image                             */
    int cell;       /* of the upper one, 0 for the zeros above all  */
} band;

typedef struct pieces {
    float *cells;  /* (M + 2, M + 2) column by column, with zeros all around */
    float *column; /* M + 2: cells mixed for one column of pixels            */
    float *south;  /* image rows: distance to the upper row of cells         */
    band *bands;   /* M + 1                                                  */
} pieces;

static size_t lay_out(pieces *p, void *scratch, const dp_mask_paste *q)
{
    dp_scratch s = {scratch, 0};
    const size_t side = (size_t)q->side + 2;

    p->cells = dp_scratch_take(&s, side * side, sizeof *p->cells);
    p->column = dp_scratch_take(&s, side, sizeof *p->column);
    p->south = dp_scratch_take(&s, (size_t)q->image.h, sizeof *p->south);
    p->bands = dp_scratch_take(&s, side, sizeof *p->bands);
    return s.used;
}

size_t dp_mask_paste_scratch(const dp_mask_paste *p)
{
    pieces s;
    return lay_out(&s, NULL, p);
}

/* Where the centre of pixel i lies among the cells; cell 0's centre is at 0. It never
 * falls from one pixel to the next, and may be infinite. */
static float locate(const axis *a, int i)
{
    const float grid = ((float)i + 0.5f - a->low) / (a->high - a->low) * 2 - 1;
    return fmaf(grid + 1, (float)a->side * 0.5f, -0.5f);
}

/* The first pixel in [0, n) that lies at `at` or beyond; n for none. */
static int find_pixel(const axis *a, float at, int n)
{
    int low = 0, high = n;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (locate(a, middle) >= at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The reach of the box along an axis of n pixels. */
static axis reach(float low, float high, int side, int n)
{
    axis a = {low, high, side, 0, 0};
    if (!isfinite(low) || !isfinite(high) || !(high > low))
        return a;
    a.first = find_pixel(&a, -1, n);
    a.end = find_pixel(&a, (float)side, n);
    return a;
}

static axis reach_x(const dp_mask_paste *p, dp_box box)
{
    return reach(box.x1, box.x2, p->side, p->image.w);
}

static axis reach_y(const dp_mask_paste *p, dp_box box)
{
    axis a = reach(box.y1, box.y2, p->side, p->image.h);
    if (box.y2 == 0)
        a.end = a.first;
    return a;
}

size_t dp_mask_paste_max_runs(const dp_mask_paste *p, dp_box box)
{
    const axis x = reach_x(p, box), y = reach_y(p, box);
    const size_t columns = (size_t)(x.end - x.first);
    const size_t rows = (size_t)(y.end - y.first);
    /* A column of r rows has at most (r + 1) / 2 runs of ones, each with one of zeros. */
    return columns * ((rows + 1) / 2) * 2 + 1;
}

float dp_mask_frame(float *cells, const float *mask, int M)
{
    const int side = M + 2;
    float most = 0;

    for (int x = 0; x < side; x++)
        for (int y = 0; y < side; y++) {
            const bool inside = x > 0 && x <= M && y > 0 && y <= M;
            const float v = inside ? mask[(y - 1) * M + x - 1] : 0;
            cells[x * side + y] = v;
            if (!(fabsf(v) <= most) && most == most)
                most = fabsf(v);
        }
    return most;
}

/* The bands of the rows in reach, and each row's place in its band. */
static int cut_bands(const pieces *p, const axis *y)
{
    int n = 0;
    for (int row = y->first; row < y->end; row++) {
        const float v = locate(y, row);
        const float upper = floorf(v);
        const int cell = (int)upper + 1;

        p->south[row] = v - upper;
        if (n == 0 || p->bands[n - 1].cell != cell)
            p->bands[n++] = (band){row, row, cell};
        p->bands[n - 1].end = row + 1;
    }
    return n;
}

/* The value of a pixel, bit for bit: nw..se the four cells around, e and w, s and n the
 * weights of the west and east, north and south ones. */
static float sample(const float *west, const float *east, float w, float n)
{
    const float e = 1 - w, s = 1 - n;
    float v = west[0] * (s * e);
    v = fmaf(east[0], s * w, v);
    v = fmaf(west[1], n * e, v);
    return fmaf(east[1], n * w, v);
}

/* What a value computed another way must exceed, or miss, for the exact one to be on the
 * same side of the threshold: each way rounds at most six times values of at most
 * `most`, so both together stray by less than 16 * 2^-24 * most. */
typedef struct margin {
    float sure, never;
} margin;

static margin margin_of(float threshold, float most)
{
    const float stray = (most > threshold ? most : threshold) * 0x1p-19f;
    if (!(most < 1e30f))
        return (margin){NAN, NAN}; /* nothing is sure */
    return (margin){threshold + stray, threshold - stray};
}

typedef struct column {
    const float *west, *east; /* cells */
    const float *mixed;       /* of both */
    float w;                  /* distance to the west ones */
    float threshold;
    margin margin;
} column;

static bool is_set(const column *c, int cell, float n)
{
    const float near = c->mixed[cell] * (1 - n) + c->mixed[cell + 1] * n;
    if (near >= c->margin.sure)
        return true;
    if (near < c->margin.never)
        return false;
    return sample(c->west + cell, c->east + cell, c->w, n) >= c->threshold;
}

/* Write the runs of one column of pixels. `open` is the row where ones began, or -1. */
static void paste_column(dp_run_writer *to, const column *c, const pieces *p, int bands,
                         size_t base)
{
    int open = -1;

    for (int i = 0; i < bands; i++) {
        const band b = p->bands[i];
        const float u = c->mixed[b.cell], l = c->mixed[b.cell + 1];
        const bool all = u >= c->margin.sure && l >= c->margin.sure;
        const bool none = u < c->margin.never && l < c->margin.never;
        /* Between its two cells a value is between theirs: a band may be decided whole. */
        const int last = all || none ? b.first + 1 : b.end;

        for (int row = b.first; row < last; row++) {
            const bool set = all || (!none && is_set(c, b.cell, p->south[row]));
            if (set && open < 0)
                open = row;
            if (!set && open >= 0) {
                dp_run_writer_put(to, base + (size_t)open, base + (size_t)row);
                open = -1;
            }
        }
    }
    if (open >= 0)
        dp_run_writer_put(to, base + (size_t)open,
                          base + (size_t)p->bands[bands - 1].end);
}

size_t dp_mask_paste_run(uint32_t *counts, size_t capacity, const dp_mask_paste *q,
                         const float *mask, dp_box box, void *scratch)
{
    const size_t pixels = (size_t)q->image.h * (size_t)q->image.w;
    const int side = q->side + 2;
    const axis x = reach_x(q, box), y = reach_y(q, box);
    dp_run_writer to = {counts, capacity, 0, 0};
    pieces p;

    if (x.first >= x.end || y.first >= y.end)
        return dp_run_writer_end(&to, pixels);
    lay_out(&p, scratch, q);

    const float most = dp_mask_frame(p.cells, mask, q->side);
    const int bands = cut_bands(&p, &y);
    column c = {.mixed = p.column,
                .threshold = q->threshold,
                .margin = margin_of(q->threshold, most)};
    for (int i = x.first; i < x.end; i++) {
        const float u = locate(&x, i), cell = floorf(u);
        c.w = u - cell;
        c.west = p.cells + ((int)cell + 1) * side;
        c.east = c.west + side;
        for (int j = 0; j < side; j++)
            p.column[j] = c.west[j] * (1 - c.w) + c.east[j] * c.w;
        paste_column(&to, &c, &p, bands, (size_t)i * (size_t)q->image.h);
    }
    return dp_run_writer_end(&to, pixels);
}

const dp_paste_rule dp_paste_sampled = {dp_mask_paste_run, dp_mask_paste_scratch};
