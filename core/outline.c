#include "core/outline.h"

#include "base/memory.h"

#include <stdlib.h>

/* Ones that follow each other in a column, with none above first and none below end - 1. */
typedef struct dp_span {
    int x, first, end;
    int part;     /* while parts are joined: another span of it, or itself */
    bool started; /* a ring has gone along its upper edge                  */
} span;

/* Where the spans of column x begin in the list: columns[x], up to columns[x + 1]. */
typedef struct shape {
    span *spans;
    size_t count;
    size_t *columns;
    int w;
} shape;

static dp_status add_span(dp_error *err, dp_outline *o, shape *s, int x, int first,
                          int end)
{
    void *data = o->spans;
    const dp_status st = dp_grow(err, &data, &o->span_capacity, s->count + 1,
                                 sizeof(span), "an outline");
    o->spans = s->spans = data;
    if (st != DP_OK)
        return st;
    span *last = s->count > 0 ? &s->spans[s->count - 1] : NULL;
    if (last && last->x == x && last->end == first) {
        last->end = end; /* a run of no zeros lay between */
    } else {
        s->spans[s->count] = (span){x, first, end, (int)s->count, false};
        s->count++;
    }
    return DP_OK;
}

/* Cut the runs of ones at the ends of columns. */
static dp_status cut_spans(dp_error *err, dp_outline *o, shape *s, const dp_rle *mask)
{
    const size_t h = (size_t)mask->h;
    size_t at = 0;

    for (size_t i = 0; i < mask->count; i++) {
        const size_t end = at + mask->counts[i];
        while (i % 2 == 1 && at < end) {
            const size_t x = at / h, stop = end < (x + 1) * h ? end : (x + 1) * h;
            const dp_status st =
                add_span(err, o, s, (int)x, (int)(at - x * h), (int)(stop - x * h));
            if (st != DP_OK)
                return st;
            at = stop;
        }
        at = end;
    }
    return DP_OK;
}

static dp_status index_columns(dp_error *err, dp_outline *o, shape *s)
{
    void *data = o->columns;
    const dp_status st = dp_grow(err, &data, &o->column_capacity, (size_t)s->w + 1,
                                 sizeof *o->columns, "an outline");
    o->columns = s->columns = data;
    if (st != DP_OK)
        return st;
    size_t i = 0;
    for (int x = 0; x <= s->w; x++) {
        while (i < s->count && s->spans[i].x < x)
            i++;
        s->columns[x] = i;
    }
    return DP_OK;
}

static int root_of(span *spans, int i)
{
    while (spans[i].part != i) {
        spans[i].part = spans[spans[i].part].part;
        i = spans[i].part;
    }
    return i;
}

/* Join spans that touch along an edge; the earlier is the root. Then number the parts. */
static void join_parts(shape *s)
{
    span *v = s->spans;
    int parts = 0;

    for (int x = 1; x < s->w; x++) {
        size_t a = s->columns[x - 1], b = s->columns[x];
        while (a < s->columns[x] && b < s->columns[x + 1]) {
            if (v[a].first < v[b].end && v[b].first < v[a].end) {
                const int i = root_of(v, (int)a), j = root_of(v, (int)b);
                v[i < j ? j : i].part = i < j ? i : j;
            }
            if (v[a].end < v[b].end)
                a++;
            else
                b++;
        }
    }
    for (size_t i = 0; i < s->count; i++)
        v[i].part = root_of(v, (int)i);
    /* A root comes before its spans, so it has its number when they ask for it. */
    for (size_t i = 0; i < s->count; i++)
        v[i].part = v[i].part == (int)i ? parts++ : v[v[i].part].part;
}

/* The span that holds pixel (x, y), or NULL. */
static span *find_span(const shape *s, int x, int y)
{
    if (x < 0 || x >= s->w)
        return NULL;
    size_t low = s->columns[x], high = s->columns[x + 1];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->spans[middle].end <= y)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->columns[x + 1] && s->spans[low].first <= y ? &s->spans[low] : NULL;
}

static dp_status add_point(dp_error *err, dp_outline *o, int x, int y)
{
    const dp_status st = dp_grow(err, &o->points, &o->point_capacity,
                                 o->point_count + 1, sizeof *o->points, "an outline");
    if (st == DP_OK)
        o->points[o->point_count++] = (dp_point){x, y};
    return st;
}

/* Steps along the edges, right, down, left, up, with the mask on the right-hand side. */
static const int step_x[] = {1, 0, -1, 0}, step_y[] = {0, 1, 0, -1};

/* Follow one ring from the upper edge of `start`, at its left corner. At a corner where
 * two pixels of the mask meet only there, turn right: they are not joined. */
static dp_status follow(dp_error *err, dp_outline *o, const shape *s, span *start)
{
    int x = start->x, y = start->first, way = 0;
    dp_status st = DP_OK;

    start->started = true;
    do {
        x += step_x[way];
        y += step_y[way];
        /* The pixels ahead of the corner, right and left of the way. */
        const int right_x = x - (way == 1 || way == 2), right_y = y - (way >= 2);
        const int left_x = x - (way == 2 || way == 3),
                  left_y = y - (way == 0 || way == 3);
        int turn = 0;
        if (!find_span(s, right_x, right_y))
            turn = 1;
        else if (find_span(s, left_x, left_y))
            turn = 3;
        if (turn != 0) {
            st = add_point(err, o, x, y);
            way = (way + turn) % 4;
        }
        if (way == 0) {
            span *along = find_span(s, x, y);
            along->started = true;
        }
    } while (st == DP_OK && !(x == start->x && y == start->first && way == 0));
    return st;
}

static int by_part(const void *a, const void *b)
{
    const dp_ring *p = a, *q = b;
    if (p->part != q->part)
        return p->part < q->part ? -1 : 1;
    return p->first < q->first ? -1 : 1;
}

static dp_status trace_rings(dp_error *err, dp_outline *o, const shape *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->spans[i].started)
            continue;
        dp_status st = dp_grow(err, &o->rings, &o->ring_capacity, o->ring_count + 1,
                               sizeof *o->rings, "an outline");
        if (st != DP_OK)
            return st;
        const size_t first = o->point_count;
        st = follow(err, o, s, &s->spans[i]);
        if (st != DP_OK)
            return st;
        o->rings[o->ring_count++] =
            (dp_ring){first, o->point_count - first, s->spans[i].part, true};
    }
    if (o->ring_count > 0)
        qsort(o->rings, o->ring_count, sizeof *o->rings, by_part);
    /* The first ring of a part starts in its leftmost column, where no hole can be. */
    for (size_t i = 0; i < o->ring_count; i++)
        if (i == 0 || o->rings[i].part != o->rings[i - 1].part)
            o->rings[i].hole = false;
    return DP_OK;
}

dp_status dp_outline_trace(dp_error *err, dp_outline *o, const dp_rle *mask)
{
    shape s = {NULL, 0, NULL, mask->w};

    o->ring_count = o->point_count = 0;
    dp_status st = cut_spans(err, o, &s, mask);
    if (st == DP_OK)
        st = index_columns(err, o, &s);
    if (st == DP_OK) {
        join_parts(&s);
        st = trace_rings(err, o, &s);
    }
    if (st != DP_OK)
        o->ring_count = o->point_count = 0;
    return st;
}

dp_status dp_outline_join(dp_error *err, dp_outline *o, size_t first, size_t count)
{
    const dp_ring *rings = o->rings + first;
    size_t room = 0, n = 0;

    for (size_t i = 0; i < count; i++)
        room += rings[i].count + 2;
    const dp_status st =
        dp_grow(err, &o->path, &o->path_capacity, room, sizeof *o->path, "an outline");
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < count; i++) {
        const dp_point *ring = o->points + rings[i].first;
        for (size_t k = 0; k < rings[i].count; k++)
            o->path[n++] = ring[k];
        if (count > 1)
            o->path[n++] = ring[0];
        if (i > 0 && i + 1 < count)
            o->path[n++] = o->points[rings[0].first];
    }
    o->path_count = n;
    return DP_OK;
}

dp_status dp_outline_join_part(dp_error *err, dp_outline *o, size_t *first)
{
    const size_t from = *first;
    size_t end = from + 1;

    while (end < o->ring_count && o->rings[end].part == o->rings[from].part)
        end++;
    *first = end;
    return dp_outline_join(err, o, from, end - from);
}

/* ---- fewer points ----------------------------------------------------------------- */

/* Points of a ring between two that stay. */
typedef struct dp_stretch {
    size_t first, last; /* last may be the ring's count: its first point again */
} stretch;

/* Squared, to the segment from a to b. */
static double distance(dp_point p, dp_point a, dp_point b)
{
    const double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    const double along = (p.x - a.x) * dx + (p.y - a.y) * dy;
    const double part = length > 0 ? along / length : 0;
    const double at = part < 0 ? 0 : part > 1 ? 1 : part;
    const double x = p.x - a.x - at * dx, y = p.y - a.y - at * dy;
    return x * x + y * y;
}

/* The point within the stretch that is farthest from the line between its ends. */
static size_t find_farthest(const dp_point *ring, size_t count, stretch s, double *most)
{
    const dp_point a = ring[s.first], b = ring[s.last % count];
    size_t farthest = s.first;

    *most = -1;
    for (size_t i = s.first + 1; i < s.last; i++) {
        const double d = distance(ring[i], a, b);
        if (d > *most) {
            *most = d;
            farthest = i;
        }
    }
    return farthest;
}

/* Mark the points that stay; returns how many. No more than `count` stretches wait at a
 * time, as each has a point of its own. */
static size_t mark_kept(dp_outline *o, const dp_ring *r, double tolerance)
{
    const dp_point *ring = o->points + r->first;
    stretch *waiting = o->stretches;
    size_t n = 0, kept = 1;
    double most;

    for (size_t i = 0; i < r->count; i++)
        o->kept[i] = i == 0;
    /* From a point to itself: the first to stay is the farthest from it. */
    waiting[n++] = (stretch){0, r->count};
    while (n > 0) {
        const stretch s = waiting[--n];
        const size_t at = find_farthest(ring, r->count, s, &most);
        if (at == s.first || most <= tolerance * tolerance)
            continue;
        o->kept[at] = true;
        kept++;
        waiting[n++] = (stretch){s.first, at};
        waiting[n++] = (stretch){at, s.last};
    }
    return kept;
}

static dp_status simplify_ring(dp_error *err, dp_outline *o, dp_ring *r,
                               double tolerance)
{
    size_t to = r->first;
    dp_status st = dp_grow(err, &o->kept, &o->kept_capacity, r->count, sizeof *o->kept,
                           "an outline");
    if (st == DP_OK)
        st = dp_grow(err, &o->stretches, &o->stretch_capacity, r->count + 1,
                     sizeof *o->stretches, "an outline");
    if (st != DP_OK)
        return st;
    while (mark_kept(o, r, tolerance) < 3)
        tolerance /= 2;
    for (size_t i = 0; i < r->count; i++)
        if (o->kept[i])
            o->points[to++] = o->points[r->first + i];
    r->count = to - r->first;
    return DP_OK;
}

dp_status dp_outline_simplify(dp_error *err, dp_outline *o, double tolerance)
{
    dp_status st = DP_OK;
    for (size_t i = 0; st == DP_OK && tolerance > 0 && i < o->ring_count; i++)
        st = simplify_ring(err, o, &o->rings[i], tolerance);
    return st;
}

void dp_outline_done(dp_outline *o)
{
    dp_free(o->kept);
    dp_free(o->stretches);
    dp_free(o->path);
    dp_free(o->rings);
    dp_free(o->points);
    dp_free(o->spans);
    dp_free(o->columns);
    *o = (dp_outline){0};
}
