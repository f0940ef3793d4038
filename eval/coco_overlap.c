#include "eval/coco_overlap.h"

#include "base/memory.h"
#include "core/limits.h"
#include "core/rle_polygon.h"

#include <math.h>
#include <string.h>

/* A box without mask, as the polygon that pycocotools makes of it. */
static void box_polygon(double xy[8], const double box[4])
{
    const double x1 = box[0], y1 = box[1], x2 = box[0] + box[2], y2 = box[1] + box[3];
    const double corners[8] = {x1, y1, x1, y2, x2, y2, x2, y1};
    memcpy(xy, corners, sizeof corners);
}

/* ---- how much room ------------------------------------------------------------------ */

/* An upper bound of the runs of a mask; 0: too many. */
static size_t mask_bound(const dp_coco_mask *mask, const unsigned char *payload,
                         const double box[4], int w)
{
    if (mask->kind == DP_COCO_MASK_RLE)
        return (size_t)mask->size + 1;
    if (mask->kind == DP_COCO_MASK_NONE) {
        double xy[8];
        box_polygon(xy, box);
        return dp_rle_polygon_bound(xy, 4, w);
    }
    const double *p = (const double *)(const void *)(payload + mask->at);
    const double *const end = p + mask->size / sizeof *p;
    size_t sum = 0;
    while (p < end) {
        const size_t n = (size_t)*p;
        const size_t bound = dp_rle_polygon_bound(p + 1, n / 2, w);
        if (bound == 0 || (sum += bound) > DP_MAX_POLYGON_RUNS)
            return 0;
        p += 1 + n;
    }
    return sum + 1;
}

static dp_status too_many(dp_error *err, const dp_coco_image *image)
{
    return dp_fail(
        err, DP_EUNSUPPORTED,
        "image %lld: its masks have more than %d runs, or points too far outside",
        (long long)image->id, DP_MAX_POLYGON_RUNS);
}

static void widen(size_t *most, size_t value)
{
    *most = *most > value ? *most : value;
}

dp_status dp_coco_overlap_plan_objects(dp_error *err, dp_coco_overlap_size *size,
                                       const dp_coco_truth *truth,
                                       const uint32_t *objects, size_t count,
                                       bool masks)
{
    size_t sum = 0;
    widen(&size->objects, count);
    for (size_t i = 0; masks && i < count; i++) {
        const dp_coco_annotation *a = &truth->annotations[objects[i]];
        const dp_coco_image *image = &truth->images[a->image];
        const size_t bound = mask_bound(&a->mask, truth->payload, a->box, image->w);
        if (bound == 0 || (sum += bound) > DP_MAX_POLYGON_RUNS)
            return too_many(err, image);
        widen(&size->one, bound);
        widen(&size->width, (size_t)image->w);
    }
    widen(&size->runs, sum);
    return DP_OK;
}

dp_status dp_coco_overlap_plan_detection(dp_error *err, dp_coco_overlap_size *size,
                                         const dp_coco_truth *truth,
                                         const dp_coco_results *results,
                                         const dp_coco_detection *d, bool masks)
{
    if (!masks)
        return DP_OK;
    const dp_coco_image *image = &truth->images[d->image];
    const size_t bound = mask_bound(&d->mask, results->payload, d->box, image->w);
    if (bound == 0)
        return too_many(err, image);
    widen(&size->one, bound);
    widen(&size->width, (size_t)image->w);
    return DP_OK;
}

dp_status dp_coco_overlap_init(dp_error *err, dp_coco_overlap *o,
                               const dp_coco_overlap_size *size,
                               const dp_coco_truth *truth,
                               const dp_coco_results *results, bool masks)
{
    *o = (dp_coco_overlap){.truth = truth, .results = results, .masks = masks};
    if (!masks)
        return DP_OK;
    const dp_array arrays[] = {
        DP_ARRAY(o->rle, size->objects),      DP_ARRAY(o->area, size->objects),
        DP_ARRAY(o->tight, size->objects),    DP_ARRAY(o->runs, size->runs),
        DP_ARRAY(o->part, size->one),         DP_ARRAY(o->scratch, size->one),
        DP_ARRAY(o->merged, size->one),       DP_ARRAY(o->own.counts, size->one),
        DP_ARRAY(o->columns, size->width + 1)};
    const dp_status st =
        dp_alloc_arrays(err, arrays, sizeof arrays / sizeof *arrays, "masks");
    if (st != DP_OK)
        dp_coco_overlap_done(o);
    return st;
}

void dp_coco_overlap_done(dp_coco_overlap *o)
{
    dp_free(o->rle);
    dp_free(o->area);
    dp_free(o->tight);
    dp_free(o->runs);
    dp_free(o->part);
    dp_free(o->scratch);
    dp_free(o->merged);
    dp_free(o->own.counts);
    dp_free(o->columns);
    *o = (dp_coco_overlap){0};
}

/* ---- masks -------------------------------------------------------------------------- */

/* The union of polygons, in mask->counts, which has room. */
static void draw(dp_coco_overlap *o, dp_rle *mask, const double *p, const double *end)
{
    mask->count = 0;
    while (p < end) {
        const size_t n = (size_t)*p;
        if (mask->count == 0) {
            mask->count = dp_rle_polygon(mask->counts, o->scratch, o->columns, p + 1,
                                         n / 2, mask->h, mask->w);
        } else {
            dp_rle part = {mask->h, mask->w, 0, o->part};
            part.count = dp_rle_polygon(part.counts, o->scratch, o->columns, p + 1,
                                        n / 2, mask->h, mask->w);
            mask->count = dp_rle_merge(o->merged, mask, &part, false);
            memcpy(mask->counts, o->merged, mask->count * sizeof *mask->counts);
        }
        p += 1 + n;
    }
}

static void decode(dp_coco_overlap *o, dp_rle *mask, const dp_coco_mask *from,
                   const unsigned char *payload, const double box[4])
{
    double polygon[9] = {8};
    dp_error err;
    switch (from->kind) {
    case DP_COCO_MASK_RLE:
        /* Was parsed once when it was read, so this cannot fail. */
        if (dp_rle_parse(&err, mask->counts, &mask->count,
                         (const char *)payload + from->at, from->size, mask->h,
                         mask->w) != DP_OK)
            mask->count = 0;
        break;
    case DP_COCO_MASK_POLYGONS: {
        const double *p = (const double *)(const void *)(payload + from->at);
        draw(o, mask, p, p + from->size / sizeof *p);
        break;
    }
    default:
        box_polygon(polygon + 1, box);
        draw(o, mask, polygon, polygon + 9);
        break;
    }
}

void dp_coco_overlap_set_objects(dp_coco_overlap *o, const uint32_t *objects,
                                 size_t count)
{
    o->objects = objects;
    o->count = count;
    if (!o->masks)
        return;
    uint32_t *room = o->runs;
    for (size_t i = 0; i < count; i++) {
        const dp_coco_annotation *a = &o->truth->annotations[objects[i]];
        const dp_coco_image *image = &o->truth->images[a->image];
        dp_rle *mask = &o->rle[i];
        *mask = (dp_rle){image->h, image->w, 0, room};
        decode(o, mask, &a->mask, o->truth->payload, a->box);
        o->area[i] = dp_rle_area(mask);
        o->tight[i] = dp_rle_box(mask);
        room += mask->count;
    }
}

void dp_coco_overlap_set_detection(dp_coco_overlap *o, const dp_coco_detection *d)
{
    o->detection = d;
    if (!o->masks)
        return;
    const dp_coco_image *image = &o->truth->images[d->image];
    o->own.h = image->h;
    o->own.w = image->w;
    decode(o, &o->own, &d->mask, o->results->payload, d->box);
    o->own_area = dp_rle_area(&o->own);
    o->own_tight = dp_rle_box(&o->own);
}

static double box_iou(const double d[4], const double g[4], bool crowd)
{
    const double w = fmin(d[0] + d[2], g[0] + g[2]) - fmax(d[0], g[0]);
    if (w <= 0)
        return 0;
    const double h = fmin(d[1] + d[3], g[1] + g[3]) - fmax(d[1], g[1]);
    if (h <= 0)
        return 0;
    const double both = w * h, own = d[2] * d[3];
    return both / (crowd ? own : own + g[2] * g[3] - both);
}

double dp_coco_overlap_iou(const dp_coco_overlap *o, size_t i, bool as_crowd)
{
    if (!o->masks)
        return box_iou(o->detection->box, o->truth->annotations[o->objects[i]].box,
                       as_crowd);
    const dp_box *a = &o->own_tight, *b = &o->tight[i];
    if (a->x2 <= b->x1 || b->x2 <= a->x1 || a->y2 <= b->y1 || b->y2 <= a->y1)
        return 0;
    const uint64_t both = dp_rle_intersection(&o->own, &o->rle[i]);
    if (both == 0)
        return 0;
    const uint64_t either = as_crowd ? o->own_area : o->own_area + o->area[i] - both;
    return (double)both / (double)either;
}
