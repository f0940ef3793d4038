#include "model/tiles.h"

#include "base/memory.h"
#include "core/rle_place.h"
#include "model/detector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- windows -------------------------------------------------------------------- */

typedef struct window {
    int y, x, h, w;
} window;

/* Start of window i of `count` along a side: evenly stepped, the last at the end. */
static int window_start(int i, int step, int length, int side)
{
    const long long start = (long long)i * step;
    return start + side > length ? (length > side ? length - side : 0) : (int)start;
}

static int window_count(int length, int side, int step)
{
    return length <= side ? 1 : (length - side + step - 1) / step + 1;
}

static void crop(dp_pixels *out, const dp_pixels *in, window w)
{
    out->h = w.h;
    out->w = w.w;
    for (int y = 0; y < w.h; y++)
        memcpy(out->data + (size_t)y * (size_t)w.w * 3,
               in->data + ((size_t)(w.y + y) * (size_t)in->w + (size_t)w.x) * 3,
               (size_t)w.w * 3);
}

/* Append what was found in a window, in coordinates of the whole image. */
static dp_status append(dp_error *err, dp_detections *all, const dp_detections *part,
                        window w)
{
    size_t runs = 0;
    for (size_t i = 0; i < part->count; i++)
        runs += dp_rle_place_most(part->list[i].mask_count, w.w);
    const dp_status st = dp_detections_reserve(err, all, all->count + part->count,
                                               all->run_count + runs);
    if (st != DP_OK)
        return st;
    for (size_t i = 0; i < part->count; i++) {
        dp_detection d = part->list[i];
        d.box.x1 += (float)w.x;
        d.box.x2 += (float)w.x;
        d.box.y1 += (float)w.y;
        d.box.y2 += (float)w.y;
        d.mask_first = all->run_count;
        if (d.mask_count > 0) {
            const dp_rle mask = dp_detections_mask(part, i);
            d.mask_count = dp_rle_place(all->runs + d.mask_first, &mask, all->image.h,
                                        all->image.w, w.y, w.x);
        }
        all->run_count += d.mask_count;
        all->list[all->count++] = d;
    }
    return DP_OK;
}

/* ---- putting together ------------------------------------------------------------ */

/* Boxes that end so near to where their window was cut may go on beyond it. */
static const float cut_margin = 2.0f;

static const float same_object = 0.5f; /* of the union, and of the smaller box */

static float overlap(float a1, float a2, float b1, float b2)
{
    const float length = fminf(a2, b2) - fmaxf(a1, b1);
    return length > 0 ? length : 0;
}

static float area(dp_box b)
{
    return (b.x2 - b.x1) * (b.y2 - b.y1);
}

/* What the windows found, with the window of each. */
typedef struct finds {
    dp_detections all;
    window *windows; /* one a detection of all */
    size_t window_capacity;
} finds;

static bool touches_cut(const finds *p, size_t i)
{
    const dp_box b = p->all.list[i].box;
    const window w = p->windows[i];
    const dp_size image = p->all.image;
    return (w.x > 0 && b.x1 - (float)w.x < cut_margin) ||
           (w.y > 0 && b.y1 - (float)w.y < cut_margin) ||
           (w.x + w.w < image.w && (float)(w.x + w.w) - b.x2 < cut_margin) ||
           (w.y + w.h < image.h && (float)(w.y + w.h) - b.y2 < cut_margin);
}

typedef enum relation { STRANGERS, THE_SAME, PARTS_OF_ONE } relation;

static relation relate(const finds *p, size_t i, size_t j)
{
    const dp_box a = p->all.list[i].box, b = p->all.list[j].box;
    const float common =
        overlap(a.x1, a.x2, b.x1, b.x2) * overlap(a.y1, a.y2, b.y1, b.y2);
    if (common > same_object * (area(a) + area(b) - common))
        return THE_SAME;
    if (common > same_object * fminf(area(a), area(b)) &&
        (touches_cut(p, i) || touches_cut(p, j)))
        return PARTS_OF_ONE;
    return STRANGERS;
}

/* Make detection i what i and j are together. */
static dp_status unite(dp_error *err, dp_detections *d, size_t i, size_t j)
{
    dp_detection *a = &d->list[i];
    const dp_detection *b = &d->list[j];
    a->box = (dp_box){fminf(a->box.x1, b->box.x1), fminf(a->box.y1, b->box.y1),
                      fmaxf(a->box.x2, b->box.x2), fmaxf(a->box.y2, b->box.y2)};
    if (a->mask_count == 0 || b->mask_count == 0)
        return DP_OK;
    const dp_status st = dp_detections_reserve(
        err, d, d->count, d->run_count + a->mask_count + b->mask_count);
    if (st != DP_OK)
        return st;
    const dp_rle x = dp_detections_mask(d, i), y = dp_detections_mask(d, j);
    a->mask_first = d->run_count;
    a->mask_count = dp_rle_merge(d->runs + d->run_count, &x, &y, false);
    d->run_count += a->mask_count;
    return DP_OK;
}

typedef struct ranked {
    float score;
    size_t index;
} ranked;

static int by_score(const void *x, const void *y)
{
    const ranked *a = x, *b = y;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static dp_status put_together(dp_error *err, finds *p, dp_detections *out)
{
    dp_detections *all = &p->all;
    void *memory;
    dp_status st = dp_alloc(err, &memory, all->count, sizeof(ranked), "a ranking");
    if (st != DP_OK)
        return st;
    ranked *order = memory;
    for (size_t i = 0; i < all->count; i++)
        order[i] = (ranked){all->list[i].score, i};
    qsort(order, all->count, sizeof *order, by_score);

    for (size_t a = 0; a < all->count && st == DP_OK; a++) {
        const size_t i = order[a].index;
        if (all->list[i].label < 0)
            continue;
        for (size_t b = a + 1; b < all->count && st == DP_OK; b++) {
            const size_t j = order[b].index;
            if (all->list[j].label != all->list[i].label)
                continue;
            const relation r = relate(p, i, j);
            if (r == PARTS_OF_ONE)
                st = unite(err, all, i, j);
            if (r != STRANGERS)
                all->list[j].label = -1; /* gone, or part of i now */
        }
    }
    for (size_t a = 0; a < all->count && st == DP_OK; a++) {
        dp_detection d = all->list[order[a].index];
        if (d.label < 0)
            continue;
        st = dp_detections_reserve(err, out, out->count + 1,
                                   out->run_count + d.mask_count);
        if (st != DP_OK)
            break;
        if (d.mask_count > 0)
            memcpy(out->runs + out->run_count, all->runs + d.mask_first,
                   d.mask_count * sizeof *out->runs);
        d.mask_first = out->run_count;
        out->run_count += d.mask_count;
        out->list[out->count++] = d;
    }
    dp_free(order);
    return st;
}

/* ---- all windows ----------------------------------------------------------------- */

static dp_status run_window(dp_context *ctx, const dp_model *m,
                            const dp_model_options *options, const dp_pixels *pixels,
                            window w, dp_pixels *tile, dp_detections *found, finds *p)
{
    crop(tile, pixels, w);
    dp_status st = dp_detector_run_with(ctx, m, tile, options, found);
    const size_t first = p->all.count;
    if (st == DP_OK)
        st = append(&ctx->err, &p->all, found, w);
    void *windows = p->windows;
    if (st == DP_OK)
        st = dp_grow(&ctx->err, &windows, &p->window_capacity, p->all.count,
                     sizeof *p->windows, "a list of detections");
    p->windows = windows;
    for (size_t i = first; i < p->all.count && st == DP_OK; i++)
        p->windows[i] = w;
    return st;
}

dp_status dp_tiles_run(dp_context *ctx, const dp_model *m, const dp_tiles *tiles,
                       const dp_pixels *pixels, dp_detections *out)
{
    const int side = tiles->side;
    if (pixels->h <= side && pixels->w <= side)
        return dp_detector_run_with(ctx, m, pixels, &tiles->options, out);

    const int shared = (int)((float)side * tiles->overlap);
    const int step = side > shared ? side - shared : 1;
    const int h = pixels->h < side ? pixels->h : side;
    const int w = pixels->w < side ? pixels->w : side;
    const int down = window_count(pixels->h, side, step);
    const int across = window_count(pixels->w, side, step);
    dp_pixels tile;
    dp_detections found = {0};
    finds p = {0};
    dp_detections_reset(out, (dp_size){pixels->h, pixels->w});
    dp_detections_reset(&p.all, out->image);
    dp_status st = dp_pixels_init(&ctx->err, &tile, h, w);
    for (int i = 0; i < down * across && st == DP_OK; i++)
        st = run_window(ctx, m, &tiles->options, pixels,
                        (window){window_start(i / across, step, pixels->h, side),
                                 window_start(i % across, step, pixels->w, side), h, w},
                        &tile, &found, &p);
    if (st == DP_OK)
        st = put_together(&ctx->err, &p, out);
    if (st != DP_OK)
        dp_detections_reset(out, out->image);
    dp_free(p.windows);
    dp_detections_done(&p.all);
    dp_detections_done(&found);
    dp_pixels_done(&tile);
    return st;
}
