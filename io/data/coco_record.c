#include "io/data/coco_record.h"

#include "base/memory.h"
#include "core/limits.h"
#include "core/rle.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A segmentation of run lengths, found and not yet read. */
struct runs {
    bool has_size, has_text, has_list;
    int h, w;
    dp_json_slice text;  /* compressed */
    dp_json_stream list; /* uncompressed: where its array starts */
};

struct reading {
    dp_coco_record *r;
    dp_json_slot *slot;
    dp_json_stream *s;
    dp_coco_masks masks;
    struct runs runs;
    bool full; /* the payload has no room */
};

static void complain(dp_coco_record *r, const char *format, ...) DP_PRINTF(2, 3);

static void complain(dp_coco_record *r, const char *format, ...)
{
    if (r->what[0])
        return;
    va_list list;
    va_start(list, format);
    vsnprintf(r->what, sizeof r->what, format, list);
    va_end(list);
}

static const char *found(dp_json_stream *s)
{
    switch (dp_json_stream_peek(s)) {
    case DP_JSON_OBJECT:
        return "an object";
    case DP_JSON_ARRAY:
        return "an array";
    case DP_JSON_STRING:
        return "a string";
    case DP_JSON_NUMBER:
        return "a number";
    case DP_JSON_LITERAL:
        return *s->at == 'n' ? "null" : *s->at == 't' ? "true" : "false";
    default:
        return "nothing";
    }
}

static bool is_null(dp_json_stream *s)
{
    return dp_json_stream_peek(s) == DP_JSON_LITERAL && *s->at == 'n';
}

/* ---- plain values ---------------------------------------------------------------- */

static bool read_integer(struct reading *g, const char *key, int64_t *value)
{
    dp_json_number n;
    if (dp_json_stream_peek(g->s) != DP_JSON_NUMBER) {
        complain(g->r, "%s: found %s, expected a whole number", key, found(g->s));
        dp_json_stream_skip(g->s);
        return false;
    }
    if (!dp_json_stream_number(g->s, &n))
        return false;
    if (!n.is_integer)
        complain(g->r, "%s: found %.17g, expected a whole number", key, n.value);
    *value = n.integer;
    return n.is_integer;
}

/* An id that only messages need: anything that is not a whole number is as good as none. */
static void read_own_id(struct reading *g)
{
    dp_json_number n;
    if (dp_json_stream_peek(g->s) != DP_JSON_NUMBER)
        dp_json_stream_skip(g->s);
    else if (dp_json_stream_number(g->s, &n)) {
        g->r->has_id = n.is_integer;
        g->r->id = n.integer;
    }
}

static bool read_finite(struct reading *g, const char *key, double *value)
{
    dp_json_number n;
    if (dp_json_stream_peek(g->s) != DP_JSON_NUMBER) {
        complain(g->r, "%s: found %s, expected a number", key, found(g->s));
        dp_json_stream_skip(g->s);
        return false;
    }
    if (!dp_json_stream_number(g->s, &n))
        return false;
    *value = n.value;
    if (!isfinite(n.value)) {
        g->r->is_finite = false;
        complain(g->r, "%s: found %s, expected a finite number", key,
                 isnan(n.value) ? "NaN" : "a number beyond all bounds");
    }
    return true;
}

static bool read_optional(struct reading *g, const char *key, double *value)
{
    if (!is_null(g->s))
        return read_finite(g, key, value);
    dp_json_stream_skip(g->s);
    return false;
}

static void read_crowd(struct reading *g)
{
    double value = 0;
    if (dp_json_stream_peek(g->s) == DP_JSON_LITERAL && *g->s->at != 'n') {
        g->r->crowd = *g->s->at == 't';
        g->r->has_crowd = true;
        dp_json_stream_skip(g->s);
    } else if (read_optional(g, "iscrowd", &value)) {
        g->r->crowd = value != 0;
        g->r->has_crowd = true;
    }
}

static void read_box(struct reading *g)
{
    if (is_null(g->s)) {
        dp_json_stream_skip(g->s);
        return;
    }
    if (dp_json_stream_peek(g->s) != DP_JSON_ARRAY) {
        complain(g->r, "bbox: found %s, expected an array", found(g->s));
        dp_json_stream_skip(g->s);
        return;
    }
    size_t n = 0;
    double value = 0;
    dp_json_stream_array(g->s);
    for (; dp_json_stream_item(g->s); n++) {
        read_finite(g, "bbox", &value);
        if (n < 4)
            g->r->box[n] = value;
    }
    if (n != 0 && n != 4)
        complain(g->r, "bbox: found %zu numbers, expected 4", n);
    g->r->has_box = n == 4;
}

/* ---- polygons -------------------------------------------------------------------- */

static bool put_double(struct reading *g, double value)
{
    dp_json_slot *slot = g->slot;
    if (slot->payload_room - slot->payload_size < sizeof value) {
        g->full = true;
        return false;
    }
    memcpy(slot->payload + slot->payload_size, &value, sizeof value);
    slot->payload_size += sizeof value;
    return true;
}

/* Whether the `n` coordinates at `xy`, which need not be aligned, span an area. */
static bool spans(const unsigned char *xy, size_t n)
{
    double low[2] = {(double)INFINITY, (double)INFINITY}, high[2];
    high[0] = high[1] = -(double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        double v;
        memcpy(&v, xy + i * sizeof v, sizeof v);
        low[i & 1] = fmin(low[i & 1], v);
        high[i & 1] = fmax(high[i & 1], v);
    }
    return n >= 6 && low[0] < high[0] && low[1] < high[1];
}

static void read_polygon(struct reading *g)
{
    if (dp_json_stream_peek(g->s) != DP_JSON_ARRAY) {
        complain(g->r, "segmentation: found %s, expected a polygon", found(g->s));
        dp_json_stream_skip(g->s);
        return;
    }
    const size_t head = g->slot->payload_size;
    size_t n = 0;
    double value = 0;
    bool wild = false, room = put_double(g, 0);
    dp_json_stream_array(g->s);
    while (dp_json_stream_item(g->s)) {
        if (!read_finite(g, "segmentation", &value))
            continue;
        wild |= !(fabs(value) <= DP_MAX_POLYGON_COORD);
        room = room && put_double(g, value);
        n++;
    }
    if (!room)
        return;
    if (wild)
        complain(g->r, "segmentation: a coordinate lies beyond %d",
                 DP_MAX_POLYGON_COORD);
    if (n % 2)
        complain(g->r, "segmentation: %zu coordinates are no pairs", n);
    const double count = (double)n;
    memcpy(g->slot->payload + head, &count, sizeof count);
    g->r->degenerate |= !spans(g->slot->payload + head + sizeof count, n);
    if (n == 0)
        g->slot->payload_size = head;
}

static void read_polygons(struct reading *g)
{
    dp_json_slot *slot = g->slot;
    slot->payload_size = (slot->payload_size + 7) / 8 * 8;
    if (slot->payload_size > slot->payload_room) {
        g->full = true;
        return;
    }
    const size_t at = slot->payload_size;
    dp_json_stream_array(g->s);
    while (dp_json_stream_item(g->s) && !g->full)
        read_polygon(g);
    const size_t size = slot->payload_size - at;
    if (size > UINT32_MAX)
        complain(g->r, "segmentation: the polygons take %zu bytes", size);
    else if (size > 0)
        g->r->mask = (dp_coco_mask){at, (uint32_t)size, DP_COCO_MASK_POLYGONS};
}

/* ---- run lengths ----------------------------------------------------------------- */

static void read_size(struct reading *g)
{
    int64_t side[2] = {0, 0}, value;
    size_t n = 0;
    if (dp_json_stream_peek(g->s) != DP_JSON_ARRAY) {
        complain(g->r, "size: found %s, expected [height, width]", found(g->s));
        dp_json_stream_skip(g->s);
        return;
    }
    dp_json_stream_array(g->s);
    for (; dp_json_stream_item(g->s); n++)
        if (read_integer(g, "size", &value) && n < 2)
            side[n] = value;
    if (n != 2 || side[0] < 1 || side[1] < 1 || side[0] > DP_MAX_IMAGE_SIDE ||
        side[1] > DP_MAX_IMAGE_SIDE || side[0] * side[1] > DP_MAX_IMAGE_PIXELS) {
        complain(g->r, "size: no height and width of an image");
        return;
    }
    g->runs.h = (int)side[0];
    g->runs.w = (int)side[1];
    g->runs.has_size = true;
}

/* Find the parts of a segmentation object; they are read once both are there. */
static void find_runs(struct reading *g)
{
    dp_json_slice key;
    dp_json_stream_object(g->s);
    while (dp_json_stream_member(g->s, &key)) {
        const bool counts = dp_json_slice_is(key, "counts");
        if (dp_json_slice_is(key, "size")) {
            read_size(g);
        } else if (counts && dp_json_stream_peek(g->s) == DP_JSON_STRING) {
            g->runs.has_text = dp_json_stream_string(g->s, &g->runs.text);
        } else if (counts && dp_json_stream_peek(g->s) == DP_JSON_ARRAY) {
            g->runs.list = *g->s;
            g->runs.has_list = dp_json_stream_skip(g->s);
        } else {
            if (counts)
                complain(g->r, "counts: found %s, expected a string or an array",
                         found(g->s));
            dp_json_stream_skip(g->s);
        }
    }
    if (!g->runs.has_size || (!g->runs.has_text && !g->runs.has_list))
        complain(g->r, "segmentation: needs size and counts, but has no %s",
                 g->runs.has_size ? "counts" : "size");
}

/* Room for `bytes` bytes, and behind them for `count` runs, aligned: where those start.
 * 0 when there is none. */
static size_t room_for_runs(struct reading *g, size_t bytes, size_t count)
{
    const size_t start = g->slot->payload_size, room = g->slot->payload_room - start;
    if (bytes > room || count > SIZE_MAX / 8 || room - bytes < 4 * count + 4) {
        g->full = true;
        return 0;
    }
    return (start + bytes + 3) / 4 * 4;
}

/* Keep `size` characters at the end of the payload, whose runs are r. */
static void keep_runs(struct reading *g, size_t size, const dp_rle *runs)
{
    dp_coco_record *r = g->r;
    r->mask = (dp_coco_mask){g->slot->payload_size, (uint32_t)size, DP_COCO_MASK_RLE};
    r->mask_h = runs->h;
    r->mask_w = runs->w;
    r->mask_area = (double)dp_rle_area(runs);
    r->mask_box = dp_rle_box(runs);
    g->slot->payload_size += size;
}

static void read_text(struct reading *g)
{
    dp_json_slot *slot = g->slot;
    const size_t longest = g->runs.text.size;
    const size_t at = room_for_runs(g, longest, longest);
    if (g->full)
        return;
    dp_error err;
    char *text = (char *)slot->payload + slot->payload_size;
    const size_t size = dp_json_slice_copy(g->runs.text, text);
    dp_rle runs = {g->runs.h, g->runs.w, 0, (uint32_t *)(void *)(slot->payload + at)};
    if (size > UINT32_MAX)
        complain(g->r, "counts: too many characters: %zu", size);
    else if (dp_rle_parse(&err, runs.counts, &runs.count, text, size, runs.h, runs.w) !=
             DP_OK)
        complain(g->r, "counts: %s", err.text);
    else
        keep_runs(g, size, &runs);
}

/* Uncompressed runs: read behind where their string will stand, then compressed. */
static void read_list(struct reading *g)
{
    enum { LONGEST = 7 }; /* characters of a run: the difference of two has 33 bits */
    dp_json_slot *slot = g->slot;
    dp_json_stream s = g->runs.list;
    dp_json_number n;
    size_t count = 0;
    int64_t left = (int64_t)g->runs.h * g->runs.w;
    dp_json_stream ahead = s;
    for (dp_json_stream_array(&ahead); dp_json_stream_item(&ahead); count++)
        dp_json_stream_skip(&ahead);
    if (count > UINT32_MAX / LONGEST) {
        complain(g->r, "counts: too many runs: %zu", count);
        return;
    }
    const size_t at = room_for_runs(g, LONGEST * count + 1, count);
    if (g->full)
        return;
    dp_rle runs = {g->runs.h, g->runs.w, 0, (uint32_t *)(void *)(slot->payload + at)};
    dp_json_stream_array(&s);
    while (dp_json_stream_item(&s)) {
        if (dp_json_stream_peek(&s) != DP_JSON_NUMBER ||
            !dp_json_stream_number(&s, &n) || !n.is_integer || n.integer < 0 ||
            n.integer > left) {
            complain(g->r, "counts: no run at position %zu, or one beyond %d x %d",
                     runs.count, g->runs.h, g->runs.w);
            return;
        }
        left -= n.integer;
        runs.counts[runs.count++] = (uint32_t)n.integer;
    }
    if (left != 0)
        complain(g->r, "counts: %lld pixels less than %d x %d", (long long)left,
                 g->runs.h, g->runs.w);
    const size_t size = dp_rle_string_size(runs.counts, runs.count);
    dp_rle_format((char *)slot->payload + slot->payload_size, runs.counts, runs.count);
    keep_runs(g, size, &runs);
}

static void read_segmentation(struct reading *g)
{
    const dp_json_kind kind = dp_json_stream_peek(g->s);
    if (g->masks == DP_COCO_MASKS_NEVER || is_null(g->s)) {
        dp_json_stream_skip(g->s);
    } else if (kind == DP_JSON_OBJECT) {
        find_runs(g);
    } else if (kind == DP_JSON_ARRAY) {
        read_polygons(g);
    } else {
        complain(g->r, "segmentation: found %s, expected polygons or run lengths",
                 found(g->s));
        dp_json_stream_skip(g->s);
    }
}

/* ---- the record ------------------------------------------------------------------ */

enum key { BOX, SCORE, IMAGE, CATEGORY, SEGMENTATION, AREA, CROWD, ID, OTHER };

static enum key key_of(dp_json_slice slice)
{
    static const struct {
        const char *name;
        size_t size;
    } keys[] = {[BOX] = {"bbox", 4},
                [SCORE] = {"score", 5},
                [IMAGE] = {"image_id", 8},
                [CATEGORY] = {"category_id", 11},
                [SEGMENTATION] = {"segmentation", 12},
                [AREA] = {"area", 4},
                [CROWD] = {"iscrowd", 7},
                [ID] = {"id", 2}};
    for (int i = 0; i < OTHER; i++)
        if (slice.escaped ? dp_json_slice_is(slice, keys[i].name)
                          : slice.size == keys[i].size &&
                                memcmp(slice.text, keys[i].name, slice.size) == 0)
            return (enum key)i;
    return OTHER;
}

static void read_value(struct reading *g, enum key key)
{
    dp_coco_record *r = g->r;
    switch (key) {
    case BOX:
        read_box(g);
        break;
    case SCORE:
        r->has_score = read_finite(g, "score", &r->score);
        break;
    case IMAGE:
        r->has_image = read_integer(g, "image_id", &r->image);
        break;
    case CATEGORY:
        r->has_category = read_integer(g, "category_id", &r->category);
        break;
    case SEGMENTATION:
        read_segmentation(g);
        break;
    case AREA:
        r->has_area = read_optional(g, "area", &r->area);
        break;
    case CROWD:
        read_crowd(g);
        break;
    case ID:
        read_own_id(g);
        break;
    case OTHER:
        dp_json_stream_skip(g->s);
        break;
    }
}

bool dp_coco_record_read(dp_coco_record *r, dp_json_slot *slot, dp_json_stream *s,
                         dp_coco_masks masks)
{
    struct reading g = {.r = r, .slot = slot, .s = s, .masks = masks};
    const size_t before = slot->payload_size;
    *r = (dp_coco_record){.is_finite = true};
    if (dp_json_stream_peek(s) != DP_JSON_OBJECT) {
        complain(r, "found %s, expected an object", found(s));
        dp_json_stream_skip(s);
        return true;
    }
    unsigned seen = 0;
    dp_json_slice key;
    dp_json_stream_object(s);
    while (!g.full && dp_json_stream_member(s, &key)) {
        const enum key which = key_of(key);
        if (which != OTHER && (seen & 1u << which))
            complain(r, "key %.*s stands twice", (int)key.size, key.text);
        seen |= 1u << which;
        read_value(&g, which);
    }
    if (masks == DP_COCO_MASKS_ALWAYS || !r->has_box) {
        const bool sized = g.runs.has_size && !s->expected && !g.full;
        if (sized && g.runs.has_text)
            read_text(&g);
        else if (sized && g.runs.has_list)
            read_list(&g);
    }
    if (g.full || r->what[0] || s->expected)
        slot->payload_size = before;
    return !g.full;
}

dp_status dp_coco_payload_append(dp_error *err, unsigned char **payload, size_t *size,
                                 size_t *room, size_t *base, const dp_json_slot *slot)
{
    *base = (*size + 7) / 8 * 8;
    const dp_status st =
        dp_grow(err, payload, room, *base + slot->payload_size, 1, "masks");
    if (st != DP_OK)
        return st;
    if (slot->payload_size > 0)
        memcpy(*payload + *base, slot->payload, slot->payload_size);
    *size = *base + slot->payload_size;
    return DP_OK;
}
