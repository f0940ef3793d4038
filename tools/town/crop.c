#include "tools/town/crop.h"

#include <string.h>

enum { CHANNELS = 3 };

static const double margin = 1.3; /* side of the square / longer side of the thing */

typedef struct extent {
    int left, top, right, bottom; /* [left, right) x [top, bottom) */
} extent;

static extent find_extent(const toy_layout *s, int i)
{
    extent e = {s->w, s->h, 0, 0};
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++)
            if (s->owner[(size_t)y * (size_t)s->w + (size_t)x] == i + 1) {
                e.left = x < e.left ? x : e.left;
                e.top = y < e.top ? y : e.top;
                e.right = x >= e.right ? x + 1 : e.right;
                e.bottom = y + 1;
            }
    return e;
}

/* Where a piece of `side` about the middle of [from, to) begins, inside [0, length). */
static int place(int from, int to, int side, int length)
{
    const int at = (from + to - side) / 2;
    return at < 0 ? 0 : at > length - side ? length - side : at;
}

bool toy_crop_cut(dp_error *err, dp_status *st, dp_pixels *out, const dp_pixels *image,
                  const toy_layout *s, int i)
{
    const extent e = find_extent(s, i);
    const int w = e.right - e.left, h = e.bottom - e.top;
    const int side = (int)(margin * (w > h ? w : h));
    *out = (dp_pixels){0};
    if (s->things[i].crowd || side < 1 || side > s->w || side > s->h)
        return false;
    *st = dp_pixels_init(err, out, side, side);
    const int left = place(e.left, e.right, side, s->w),
              top = place(e.top, e.bottom, side, s->h);
    for (int y = 0; *st == DP_OK && y < side; y++)
        memcpy(out->data + (size_t)y * (size_t)side * CHANNELS,
               image->data +
                   ((size_t)(top + y) * (size_t)s->w + (size_t)left) * CHANNELS,
               (size_t)side * CHANNELS);
    return *st == DP_OK;
}
