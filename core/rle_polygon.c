#include "core/rle_polygon.h"

#include "core/limits.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { FINE = 5 }; /* grid lines per pixel */

/* An edge on the fine grid, turned so that it runs up its longer axis. */
struct edge {
    int x, y;     /* where it starts                        */
    int dx, dy;   /* extents, not negative                  */
    double slope; /* of the short axis per step of the long */
};

static int fine(double v)
{
    return (int)(FINE * v + 0.5);
}

static struct edge edge_between(const double *p, const double *q)
{
    int xs = fine(p[0]), ys = fine(p[1]), xe = fine(q[0]), ye = fine(q[1]);
    struct edge e = {.dx = xe > xs ? xe - xs : xs - xe,
                     .dy = ye > ys ? ye - ys : ys - ye};
    if (e.dx >= e.dy ? xs > xe : ys > ye) {
        int t = xs;
        xs = xe;
        xe = t;
        t = ys;
        ys = ye;
        ye = t;
    }
    e.x = xs;
    e.y = ys;
    if (e.dx >= e.dy)
        e.slope = e.dx > 0 ? (double)(ye - ys) / e.dx : 0;
    else
        e.slope = (double)(xe - xs) / e.dy;
    return e;
}

/* The columns whose centre lies between grid lines lo and hi: *first to *last, none when
 * first > last. The centre of column k is passed between lines 5k + 2 and 5k + 3. */
static void columns_between(int lo, int hi, int w, int *first, int *last)
{
    *first = lo <= 2 ? 0 : (lo - 2 + FINE - 1) / FINE;
    *last = hi < 3 ? -1 : (hi - 3) / FINE;
    if (*last > w - 1)
        *last = w - 1;
}

/* The pixel row at which column k changes, from the fine row that the reference takes. */
static uint32_t row_of(int v, int h)
{
    double y = (v + 0.5) / FINE - 0.5;
    if (y < 0)
        y = 0;
    else if (y > h)
        y = h;
    return (uint32_t)ceil(y);
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Places x * h + y of the changes that an edge makes, appended to at. */
static size_t edge_flat(const struct edge *e, uint32_t *at, int h, int w)
{
    int first, last;
    size_t n = 0;
    columns_between(e->x, e->x + e->dx, w, &first, &last);
    for (int k = first; k <= last; k++) {
        const int t = FINE * k + 3 - e->x;
        const int v = min_int((int)(e->y + e->slope * t + 0.5),
                              (int)(e->y + e->slope * (t - 1) + 0.5));
        at[n++] = (uint32_t)k * (uint32_t)h + row_of(v, h);
    }
    return n;
}

static int steep_x(const struct edge *e, int t)
{
    return (int)(e->x + e->slope * t + 0.5);
}

static bool has_passed(const struct edge *e, int t, int k)
{
    const int u = steep_x(e, t);
    return e->slope > 0 ? u >= FINE * k + 3 : u <= FINE * k + 2;
}

static size_t edge_steep(const struct edge *e, uint32_t *at, int h, int w)
{
    const int xa = steep_x(e, 0), xb = steep_x(e, e->dy);
    int first, last;
    size_t n = 0;
    columns_between(min_int(xa, xb), xa > xb ? xa : xb, w, &first, &last);
    for (int k = first; k <= last; k++) {
        /* The first step that has passed: solved, then put right against rounding. */
        int t = (int)((FINE * k + 2.5 - e->x) / e->slope);
        t = t < 1 ? 1 : t > e->dy ? e->dy : t;
        while (t > 1 && has_passed(e, t - 1, k))
            t--;
        while (t < e->dy && !has_passed(e, t, k))
            t++;
        at[n++] = (uint32_t)k * (uint32_t)h + row_of(e->y + t - 1, h);
    }
    return n;
}

size_t dp_rle_polygon_bound(const double *xy, size_t points, int w)
{
    size_t bound = 2;
    for (size_t i = 0; i < 2 * points; i++)
        if (!(fabs(xy[i]) <= DP_MAX_POLYGON_COORD))
            return 0;
    for (size_t i = 0; i < points; i++) {
        const double *q = i + 1 < points ? xy + 2 * i + 2 : xy;
        const double a = fmin(fmax(xy[2 * i], -1), w), b = fmin(fmax(q[0], -1), w);
        bound += (size_t)fabs(a - b) + 2;
        if (bound > DP_MAX_POLYGON_RUNS)
            return 0;
    }
    return bound;
}

static void sift(uint32_t *v, size_t n, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && v[child + 1] > v[child])
            child++;
        if (v[i] >= v[child])
            return;
        const uint32_t t = v[i];
        v[i] = v[child];
        v[child] = t;
    }
}

/* Sort one column's places: a pair in nearly every polygon, many only in hostile ones. */
static void sort_few(uint32_t *v, size_t n)
{
    if (n > 32) {
        for (size_t i = n / 2; i-- > 0;)
            sift(v, n, i);
        while (n > 1) {
            const uint32_t t = v[--n];
            v[n] = v[0];
            v[0] = t;
            sift(v, n, 0);
        }
        return;
    }
    for (size_t i = 1; i < n; i++) {
        const uint32_t x = v[i];
        size_t k = i;
        for (; k > 0 && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

/* Sort the n places of `from` into `to`: by column with one count each, then inside each.
 * A place in row h belongs to the next column's top, which changes nothing. */
static void sort_places(uint32_t *to, const uint32_t *from, size_t n, uint32_t *columns,
                        uint32_t h, size_t w)
{
    memset(columns, 0, (w + 1) * sizeof *columns);
    for (size_t i = 0; i < n; i++)
        columns[from[i] / h]++;
    uint32_t sum = 0;
    for (size_t x = 0; x <= w; x++) {
        const uint32_t here = columns[x];
        columns[x] = sum;
        sum += here;
    }
    for (size_t i = 0; i < n; i++)
        to[columns[from[i] / h]++] = from[i];
    size_t start = 0;
    for (size_t x = 0; x <= w; x++) {
        sort_few(to + start, columns[x] - start);
        start = columns[x];
    }
}

size_t dp_rle_polygon(uint32_t *counts, uint32_t *scratch, uint32_t *columns,
                      const double *xy, size_t points, int h, int w)
{
    size_t n = 0;
    for (size_t i = 0; i < points; i++) {
        const double *q = i + 1 < points ? xy + 2 * i + 2 : xy;
        const struct edge e = edge_between(xy + 2 * i, q);
        n += e.dx >= e.dy ? edge_flat(&e, scratch + n, h, w)
                          : edge_steep(&e, scratch + n, h, w);
    }
    sort_places(counts, scratch, n, columns, (uint32_t)h, (size_t)w);
    counts[n++] = (uint32_t)h * (uint32_t)w;

    /* Places to runs; two changes at one place undo each other. */
    size_t runs = 0;
    uint32_t before = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t place = counts[i], run = place - before;
        before = place;
        if (run > 0 || i == 0) {
            counts[runs++] = run;
        } else if (i + 1 < n) {
            counts[runs - 1] += counts[i + 1] - place;
            before = counts[++i];
        }
    }
    return runs;
}
