#include "core/rle.h"

#include <string.h>

uint64_t dp_rle_area(const dp_rle *r)
{
    uint64_t area = 0;
    for (size_t i = 1; i < r->count; i += 2)
        area += r->counts[i];
    return area;
}

/* Move the column that starts at *start to the one that holds `place`, which does not lie
 * before it. Mostly it is the same or the next, which saves the division. */
static void find_column(uint64_t *start, uint64_t place, uint64_t h)
{
    if (place - *start >= h)
        *start += place - *start < 2 * h ? h : (place - *start) / h * h;
}

dp_box dp_rle_box(const dp_rle *r)
{
    const uint64_t h = (uint64_t)r->h;
    uint64_t y1 = h, y2 = 0, at = 0, column = 0, first_column = UINT64_MAX;
    for (size_t i = 1; i < r->count; i += 2) {
        const uint64_t first = at + r->counts[i - 1];
        at = first + r->counts[i];
        if (at == first)
            continue;
        find_column(&column, first, h);
        if (first_column == UINT64_MAX)
            first_column = column;
        uint64_t top = first - column, bottom = at - column;
        if (bottom > h) { /* around the end of a column: touches top and bottom */
            find_column(&column, at - 1, h);
            top = 0;
            bottom = h;
        }
        y1 = top < y1 ? top : y1;
        y2 = bottom > y2 ? bottom : y2;
    }
    if (first_column == UINT64_MAX)
        return (dp_box){0};
    return (dp_box){(float)(first_column / h), (float)y1, (float)(column / h + 1),
                    (float)y2};
}

/* Walks the runs of ones as half-open intervals. */
struct ones {
    const uint32_t *counts;
    size_t count, i;
    uint64_t from, to;
};

static struct ones ones_start(const dp_rle *r)
{
    return (struct ones){.counts = r->counts, .count = r->count};
}

static bool ones_next(struct ones *o)
{
    if (o->i + 1 >= o->count)
        return false;
    o->from = o->to + o->counts[o->i];
    o->to = o->from + o->counts[o->i + 1];
    o->i += 2;
    return true;
}

uint64_t dp_rle_intersection(const dp_rle *a, const dp_rle *b)
{
    struct ones p = ones_start(a), q = ones_start(b);
    uint64_t both = 0;
    bool more = ones_next(&p) && ones_next(&q);
    while (more) {
        const uint64_t from = p.from > q.from ? p.from : q.from;
        const uint64_t to = p.to < q.to ? p.to : q.to;
        both += to > from ? to - from : 0;
        more = p.to < q.to ? ones_next(&p) : ones_next(&q);
    }
    return both;
}

/* What is left of the run that a merge stands in. */
struct cursor {
    const uint32_t *counts;
    size_t count, next;
    uint32_t left;
    bool one;
};

static struct cursor cursor_start(const dp_rle *r)
{
    struct cursor c = {.counts = r->counts, .count = r->count};
    if (r->count > 0)
        c.left = r->counts[c.next++];
    return c;
}

/* Go `step` pixels on, and over runs of no length. False at the end of the mask. */
static bool cursor_pass(struct cursor *c, uint32_t step)
{
    c->left -= step;
    while (c->left == 0 && c->next < c->count) {
        c->left = c->counts[c->next++];
        c->one = !c->one;
    }
    return c->left > 0;
}

size_t dp_rle_merge(uint32_t *counts, const dp_rle *a, const dp_rle *b, bool intersect)
{
    struct cursor p = cursor_start(a), q = cursor_start(b);
    size_t n = 0;
    uint32_t run = 0;
    bool one = false;
    bool more = cursor_pass(&p, 0);
    more = cursor_pass(&q, 0) && more;
    while (more) {
        const bool now = intersect ? p.one && q.one : p.one || q.one;
        if (now != one) {
            counts[n++] = run;
            run = 0;
            one = now;
        }
        const uint32_t step = p.left < q.left ? p.left : q.left;
        run += step;
        more = cursor_pass(&p, step);
        more = cursor_pass(&q, step) && more;
    }
    counts[n++] = run;
    return n;
}

void dp_rle_decode(const dp_rle *r, uint8_t *mask)
{
    const size_t h = (size_t)r->h, w = (size_t)r->w;
    memset(mask, 0, h * w);
    struct ones o = ones_start(r);
    while (ones_next(&o)) {
        size_t x = (size_t)o.from / h, y = (size_t)o.from % h;
        for (uint64_t k = o.from; k < o.to; k++) {
            mask[y * w + x] = 1;
            if (++y == h) {
                y = 0;
                x++;
            }
        }
    }
}

size_t dp_rle_encode(uint32_t *counts, const uint8_t *mask, int h, int w)
{
    size_t n = 0;
    uint32_t run = 0;
    bool one = false;
    for (int x = 0; x < w; x++)
        for (int y = 0; y < h; y++) {
            const bool now = mask[(size_t)y * (size_t)w + (size_t)x] != 0;
            if (now != one) {
                counts[n++] = run;
                run = 0;
                one = now;
            }
            run++;
        }
    counts[n++] = run;
    return n;
}

/* ---- the string form --------------------------------------------------------- */

/* The value that stands for run i: from the fourth on, the difference to the run two
 * before, which is small for compact shapes. */
static int64_t delta(const uint32_t *counts, size_t i)
{
    return i > 2 ? (int64_t)counts[i] - (int64_t)counts[i - 2] : (int64_t)counts[i];
}

/* One value as groups of five bits, low first; bit 5 says that more follow. Returns the
 * number of characters; writes them when text is not NULL. */
static size_t put_value(char *text, int64_t x)
{
    size_t n = 0;
    bool more;
    do {
        int c = (int)(x & 31);
        x >>= 5;
        more = (c & 16) ? x != -1 : x != 0;
        if (more)
            c |= 32;
        if (text)
            text[n] = (char)(c + 48);
        n++;
    } while (more);
    return n;
}

size_t dp_rle_string_size(const uint32_t *counts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += put_value(NULL, delta(counts, i));
    return size;
}

void dp_rle_format(char *text, const uint32_t *counts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text += put_value(text, delta(counts, i));
    *text = '\0';
}

/* A value of the string at *at: false when it is cut off, longer than a run can be, or
 * has a character that is not of the alphabet. */
static bool get_value(const char **at, const char *end, int64_t *value)
{
    int64_t x = 0;
    for (int shift = 0; *at < end && shift < 40; shift += 5) {
        const unsigned c = (unsigned char)*(*at)++ - 48u;
        if (c > 63)
            return false;
        x += (int64_t)(c & 31) << shift;
        if (!(c & 32)) {
            *value = (c & 16) ? x - ((int64_t)32 << shift) : x;
            return true;
        }
    }
    return false;
}

dp_status dp_rle_parse(dp_error *err, uint32_t *counts, size_t *count, const char *text,
                       size_t size, int h, int w)
{
    const char *at = text, *end = text + size;
    const int64_t pixels = (int64_t)h * w;
    int64_t left = pixels;
    size_t n = 0;
    while (at < end) {
        const char *const start = at;
        int64_t x;
        if (!get_value(&at, end, &x))
            return dp_fail(err, DP_EFORMAT,
                           "RLE string: no whole value at byte %zu of %zu",
                           (size_t)(start - text), size);
        if (n > 2)
            x += counts[n - 2];
        if (x < 0 || x > left)
            return dp_fail(
                err, DP_EFORMAT,
                "RLE string: a run of %lld pixels, where %lld of %d x %d are left",
                (long long)x, (long long)left, h, w);
        left -= x;
        counts[n++] = (uint32_t)x;
    }
    *count = n;
    if (left != 0)
        return dp_fail(err, DP_EFORMAT,
                       "RLE string: found %lld pixels, expected %d x %d = %lld",
                       (long long)(pixels - left), h, w, (long long)pixels);
    return DP_OK;
}
