#include "base/file.h"
#include "base/memory.h"
#include "io/data/coco.h"
#include "io/data/coco_record.h"

#include <stdio.h>
#include <string.h>

/* Of one piece of the text. */
struct notes {
    dp_coco_lint lint;
    bool any; /* a category id was seen: */
    int64_t lowest, highest;
};

struct loading {
    dp_coco_results *results;
    const dp_coco_truth *truth;
    const char *path;
    dp_coco_wish wish;
    dp_file_map map;
    size_t forgotten; /* bytes of the map given back     */
    bool box_areas;   /* the first record has a box      */
    size_t detection_room, payload_room;
    struct notes notes;
};

/* ---- one record -------------------------------------------------------------------- */

/* Why the record cannot take part; the kind is set when there is something. */
static bool is_broken(const struct loading *l, dp_coco_record *r, dp_coco_kind *kind)
{
    char *what = r->what;
    const size_t size = sizeof r->what;
    *kind = r->is_finite ? DP_COCO_BAD_RESULT : DP_COCO_NOT_FINITE;
    if (what[0])
        return true;
    if (!r->has_image || !r->has_category || !r->has_score)
        snprintf(what, size, "%s: missing; must be a number",
                 !r->has_image      ? "image_id"
                 : !r->has_category ? "category_id"
                                    : "score");
    else if (!r->has_box && r->mask.kind == DP_COCO_MASK_NONE)
        snprintf(what, size, "neither bbox nor segmentation");
    else if (!r->has_box && r->mask.kind == DP_COCO_MASK_POLYGONS)
        snprintf(what, size,
                 "segmentation: must be run lengths where there is no bbox");
    if (what[0])
        return true;
    const int image = dp_id_index_find(&l->truth->image_index, r->image);
    if (image < 0) {
        *kind = DP_COCO_RESULT_UNKNOWN_IMAGE;
        snprintf(what, size, "image_id: %lld is no image of the annotations",
                 (long long)r->image);
        return true;
    }
    const dp_coco_image *i = &l->truth->images[image];
    if (r->mask.kind == DP_COCO_MASK_RLE && i->h > 0 &&
        (r->mask_h != i->h || r->mask_w != i->w)) {
        *kind = DP_COCO_RESULT_MASK_SIZE;
        snprintf(what, size, "size: found %d x %d, expected %d x %d as image %lld",
                 r->mask_h, r->mask_w, i->h, i->w, (long long)r->image);
        return true;
    }
    return false;
}

static void note_oddities(const struct loading *l, const dp_coco_record *r,
                          const dp_coco_image *image, dp_coco_lint *lint, size_t number,
                          const char *place)
{
    if (r->score < 0 || r->score > 1)
        dp_coco_lint_add(lint, DP_COCO_SCORE_RANGE, number, place,
                         "score: found %g, expected 0 to 1", r->score);
    if (r->degenerate)
        dp_coco_lint_add(lint, DP_COCO_RESULT_POLYGON_DEGENERATE, number, place,
                         "segmentation: a polygon encloses nothing");
    if (l->wish.masks && r->mask.kind == DP_COCO_MASK_NONE)
        dp_coco_lint_add(lint, DP_COCO_RESULT_WITHOUT_MASK, number, place,
                         "no segmentation; the bbox is taken as mask");
    if (!r->has_box)
        return;
    const double *box = r->box;
    if (box[2] <= 0 || box[3] <= 0)
        dp_coco_lint_add(lint, DP_COCO_RESULT_BOX_EMPTY, number, place,
                         "bbox: width %g and height %g", box[2], box[3]);
    else if (image->w > 0 &&
             (box[0] < -1 || box[1] < -1 || box[0] + box[2] > image->w + 1 ||
              box[1] + box[3] > image->h + 1))
        dp_coco_lint_add(lint, DP_COCO_RESULT_BOX_OUTSIDE, number, place,
                         "bbox: %g %g %g %g in an image of %d x %d pixels", box[0],
                         box[1], box[2], box[3], image->w, image->h);
}

static void keep(const struct loading *l, dp_json_slot *slot, const dp_coco_record *r,
                 int image, int category)
{
    dp_coco_detection *d =
        (dp_coco_detection *)(void *)slot->items + slot->item_count++;
    *d = (dp_coco_detection){
        .score = r->score, .mask = r->mask, .image = image, .category = category};
    if (r->has_box) {
        memcpy(d->box, r->box, sizeof d->box);
    } else {
        d->box[0] = (double)r->mask_box.x1;
        d->box[1] = (double)r->mask_box.y1;
        d->box[2] = (double)(r->mask_box.x2 - r->mask_box.x1);
        d->box[3] = (double)(r->mask_box.y2 - r->mask_box.y1);
    }
    const bool by_box =
        r->has_box && (l->box_areas || r->mask.kind != DP_COCO_MASK_RLE);
    d->area = by_box ? r->box[2] * r->box[3] : r->mask_area;
}

static bool read_result(void *arg, dp_json_slot *slot, dp_json_stream *s)
{
    const struct loading *l = arg;
    struct notes *notes = slot->notes;
    dp_coco_record r;
    dp_coco_kind kind;
    if (slot->item_count == slot->item_room)
        return false;
    dp_json_stream_peek(s);
    const char *const place = s->at;
    const size_t payload = slot->payload_size;
    if (!dp_coco_record_read(&r, slot, s,
                             l->wish.masks ? DP_COCO_MASKS_ALWAYS
                                           : DP_COCO_MASKS_WITHOUT_BOX))
        return false;
    const size_t number = slot->seen++;
    if (s->expected)
        return true;
    if (r.has_category) {
        notes->lowest =
            notes->any && notes->lowest < r.category ? notes->lowest : r.category;
        notes->highest =
            notes->any && notes->highest > r.category ? notes->highest : r.category;
        notes->any = true;
    }
    if (is_broken(l, &r, &kind)) {
        dp_coco_lint_add(&notes->lint, kind, number, place, "%s", r.what);
        slot->payload_size = payload;
        return true;
    }
    const int image = dp_id_index_find(&l->truth->image_index, r.image);
    const int category = dp_id_index_find(&l->truth->category_index, r.category);
    note_oddities(l, &r, &l->truth->images[image], &notes->lint, number, place);
    if (category < 0) {
        dp_coco_lint_add(
            &notes->lint, DP_COCO_RESULT_UNKNOWN_CATEGORY, number, place,
            "category_id: %lld is no category of the annotations; left out",
            (long long)r.category);
        slot->payload_size = payload;
        return true;
    }
    if (!l->wish.masks)
        slot->payload_size = payload; /* the mask has given its box */
    keep(l, slot, &r, image, category);
    return true;
}

static dp_status take_results(dp_error *err, void *arg, const dp_json_slot *slot)
{
    struct loading *l = arg;
    dp_coco_results *t = l->results;
    const struct notes *notes = slot->notes;
    dp_status st = dp_grow(err, &t->detections, &l->detection_room,
                           t->detection_count + slot->item_count, sizeof *t->detections,
                           "detections");
    size_t base = 0;
    if (st == DP_OK)
        st = dp_coco_payload_append(err, &t->payload, &t->payload_size,
                                    &l->payload_room, &base, slot);
    if (st != DP_OK)
        return st;
    const dp_coco_detection *from =
        (const dp_coco_detection *)(const void *)slot->items;
    for (size_t i = 0; i < slot->item_count; i++) {
        t->detections[t->detection_count] = from[i];
        t->detections[t->detection_count++].mask.at += base;
    }
    dp_coco_lint_merge(&t->lint, &notes->lint, t->records);
    t->records += slot->seen;
    if (notes->any) {
        struct notes *all = &l->notes;
        all->lowest =
            all->any && all->lowest < notes->lowest ? all->lowest : notes->lowest;
        all->highest =
            all->any && all->highest > notes->highest ? all->highest : notes->highest;
        all->any = true;
    }
    return DP_OK;
}

/* ---- the file ---------------------------------------------------------------------- */

static void forget(void *arg, const char *place)
{
    struct loading *l = arg;
    const size_t passed = (size_t)((const unsigned char *)place - l->map.data);
    dp_file_map_forget(&l->map, l->forgotten, passed);
    l->forgotten = passed;
}

/* Results numbered 0 to 79 (or 1 to 80) where the annotations have gaps to 90. */
static void lint_categories(struct loading *l)
{
    const dp_coco_truth *t = l->truth;
    const int64_t count = (int64_t)t->category_count;
    if (l->results->lint.of[DP_COCO_RESULT_UNKNOWN_CATEGORY].count == 0 ||
        l->notes.lowest < 0 || l->notes.highest > count ||
        t->categories[count - 1].id <= count)
        return;
    dp_coco_lint_add(&l->results->lint, DP_COCO_CONTIGUOUS_CATEGORIES, 0, NULL,
                     "category ids %lld to %lld look like class indices; the "
                     "annotations have %lld categories with ids to %lld",
                     (long long)l->notes.lowest, (long long)l->notes.highest,
                     (long long)count, (long long)t->categories[count - 1].id);
}

/* Look at the first record, with a stream of one's own. */
static dp_coco_wish peek(dp_json_stream s)
{
    dp_coco_wish holds = {false, false};
    dp_json_slice key;
    if (dp_json_stream_peek(&s) != DP_JSON_ARRAY || !dp_json_stream_array(&s) ||
        !dp_json_stream_item(&s) || !dp_json_stream_object(&s))
        return holds;
    while (dp_json_stream_member(&s, &key)) {
        const dp_json_kind kind = dp_json_stream_peek(&s);
        if (dp_json_slice_is(key, "bbox") && kind == DP_JSON_ARRAY) {
            dp_json_stream inside = s;
            dp_json_stream_array(&inside);
            holds.boxes = dp_json_stream_item(&inside); /* [] is none */
        } else if (dp_json_slice_is(key, "segmentation")) {
            holds.masks = kind == DP_JSON_OBJECT || kind == DP_JSON_ARRAY;
        }
        dp_json_stream_skip(&s);
    }
    return holds;
}

dp_status dp_coco_results_peek(dp_error *err, dp_coco_wish *holds, const char *path)
{
    dp_file_map map;
    dp_json_stream s;
    *holds = (dp_coco_wish){false, false};
    const dp_status st = dp_file_map_open(err, &map, path);
    if (st != DP_OK)
        return st;
    dp_json_stream_init(&s, (const char *)map.data, map.size);
    s.nonfinite = true;
    *holds = peek(s);
    dp_file_map_close(&map);
    return DP_OK;
}

static dp_status load_mapped(dp_error *err, struct loading *l, dp_pool *pool)
{
    dp_json_stream s;
    dp_json_stream_init(&s, (const char *)l->map.data, l->map.size);
    s.nonfinite = true;
    l->box_areas = peek(s).boxes;
    const dp_json_reader reader = {
        .item_size = sizeof(dp_coco_detection),
        .item_text = 40, /* {"image_id":1,"category_id":1,"score":1}, */
        .note_size = sizeof(struct notes),
        .read = read_result,
        .take = take_results,
        .passed = forget,
        .arg = l};
    dp_status st = dp_json_records_read(err, &s, &reader, pool);
    if (st != DP_OK)
        return st;
    dp_json_stream_finish(&s);
    st = dp_json_stream_status(err, &s, l->path);
    if (st != DP_OK)
        return st;
    lint_categories(l);
    if (l->results->records == 0)
        dp_coco_lint_add(&l->results->lint, DP_COCO_NO_RESULTS, 0, NULL,
                         "no results at all; everything counts as missed");
    dp_coco_lint_set_lines(&l->results->lint, &s);
    return DP_OK;
}

dp_status dp_coco_results_load(dp_error *err, dp_coco_results *results,
                               const dp_coco_truth *truth, const char *path,
                               dp_coco_wish wish, dp_pool *pool)
{
    struct loading l = {.results = results, .truth = truth, .path = path, .wish = wish};
    *results = (dp_coco_results){0};
    dp_status st = dp_file_map_open(err, &l.map, path);
    if (st != DP_OK)
        return st;
    st = load_mapped(err, &l, pool);
    dp_file_map_close(&l.map);
    if (st != DP_OK)
        dp_coco_results_done(results);
    return st;
}

void dp_coco_results_done(dp_coco_results *results)
{
    dp_free(results->detections);
    dp_free(results->payload);
    *results = (dp_coco_results){0};
}
