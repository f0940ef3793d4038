#include "base/file.h"
#include "base/memory.h"
#include "io/data/coco.h"
#include "io/data/coco_record.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An annotation whose image and category may stand later in the text. */
struct item {
    dp_coco_annotation a;
    int64_t image_id, category_id;
    const char *place;
    size_t record;
    int mask_h, mask_w;
    bool has_id, has_crowd, has_area, has_box, degenerate;
};

struct loading {
    dp_coco_truth *truth;
    const char *path;
    dp_coco_wish wish;
    dp_pool *pool;
    dp_file_map map;
    dp_json_stream s;
    size_t forgotten; /* bytes of the map given back */

    size_t image_room, category_room, names_size, names_room, payload_room;
    struct item *items; /* owned */
    size_t item_count, item_room, records;
    bool has_images, has_annotations, has_categories;
};

/* ---- annotations ------------------------------------------------------------------- */

static bool read_annotation(void *arg, dp_json_slot *slot, dp_json_stream *s)
{
    const struct loading *l = arg;
    dp_coco_lint *lint = slot->notes;
    dp_coco_record r;
    if (slot->item_count == slot->item_room)
        return false;
    dp_json_stream_peek(s);
    const char *const place = s->at;
    if (!dp_coco_record_read(
            &r, slot, s, l->wish.masks ? DP_COCO_MASKS_ALWAYS : DP_COCO_MASKS_NEVER))
        return false;
    const size_t number = slot->seen++;
    if (s->expected)
        return true;
    if (!r.what[0] && !r.has_image)
        snprintf(r.what, sizeof r.what, "image_id: missing; must be a number");
    if (!r.what[0] && !r.has_category)
        snprintf(r.what, sizeof r.what, "category_id: missing; must be a number");
    if (!r.what[0] && !r.has_area && !r.has_box)
        snprintf(r.what, sizeof r.what, "neither area nor bbox");
    if (r.what[0]) {
        dp_coco_lint_add(lint, DP_COCO_BAD_ANNOTATION, number, place, "%s", r.what);
        return true;
    }
    struct item *item = (struct item *)(void *)slot->items + slot->item_count++;
    *item = (struct item){.a = {.id = r.id,
                                .box = {r.box[0], r.box[1], r.box[2], r.box[3]},
                                .area = r.has_area ? r.area : r.box[2] * r.box[3],
                                .mask = r.mask,
                                .crowd = r.crowd},
                          .image_id = r.image,
                          .category_id = r.category,
                          .place = place,
                          .record = number,
                          .mask_h = r.mask_h,
                          .mask_w = r.mask_w,
                          .has_id = r.has_id,
                          .has_crowd = r.has_crowd,
                          .has_area = r.has_area,
                          .has_box = r.has_box,
                          .degenerate = r.degenerate};
    return true;
}

static dp_status take_annotations(dp_error *err, void *arg, const dp_json_slot *slot)
{
    struct loading *l = arg;
    dp_coco_truth *t = l->truth;
    dp_status st =
        dp_grow(err, &l->items, &l->item_room, l->item_count + slot->item_count,
                sizeof *l->items, "annotations");
    size_t base = 0;
    if (st == DP_OK)
        st = dp_coco_payload_append(err, &t->payload, &t->payload_size,
                                    &l->payload_room, &base, slot);
    if (st != DP_OK)
        return st;
    const struct item *from = (const struct item *)(const void *)slot->items;
    for (size_t i = 0; i < slot->item_count; i++) {
        struct item *to = &l->items[l->item_count++];
        *to = from[i];
        to->record += l->records;
        to->a.mask.at += base;
    }
    dp_coco_lint_merge(&t->lint, slot->notes, l->records);
    l->records += slot->seen;
    return DP_OK;
}

static void forget(void *arg, const char *place)
{
    struct loading *l = arg;
    const size_t passed = (size_t)((const unsigned char *)place - l->map.data);
    dp_file_map_forget(&l->map, l->forgotten, passed);
    l->forgotten = passed;
}

static dp_status read_annotations(dp_error *err, struct loading *l)
{
    const dp_json_reader reader = {.item_size = sizeof(struct item),
                                   .item_text =
                                       30, /* {"image_id":1,"category_id":1}, */
                                   .note_size = sizeof(dp_coco_lint),
                                   .read = read_annotation,
                                   .take = take_annotations,
                                   .passed = forget,
                                   .arg = l};
    return dp_json_records_read(err, &l->s, &reader, l->pool);
}

/* ---- images and categories --------------------------------------------------------- */

static dp_status keep_name(dp_error *err, struct loading *l, dp_json_slice slice,
                           size_t *name)
{
    const dp_status st = dp_grow(err, &l->truth->names, &l->names_room,
                                 l->names_size + slice.size + 1, 1, "names");
    if (st != DP_OK)
        return st;
    *name = l->names_size;
    l->names_size += dp_json_slice_copy(slice, l->truth->names + l->names_size);
    l->truth->names[l->names_size++] = '\0';
    return DP_OK;
}

/* What an image and a category have between them. */
struct entry {
    bool has_id, has_h, has_w;
    int64_t id, h, w;
    size_t name;
};

static bool read_whole(dp_json_stream *s, int64_t *value)
{
    dp_json_number n;
    if (dp_json_stream_peek(s) != DP_JSON_NUMBER) {
        dp_json_stream_skip(s);
        return false;
    }
    if (!dp_json_stream_number(s, &n) || !n.is_integer)
        return false;
    *value = n.integer;
    return true;
}

static dp_status read_entry(dp_error *err, struct loading *l, struct entry *e,
                            const char *name_key)
{
    dp_json_stream *s = &l->s;
    dp_json_slice key, slice;
    *e = (struct entry){0};
    if (dp_json_stream_peek(s) != DP_JSON_OBJECT) {
        dp_json_stream_skip(s);
        return DP_OK;
    }
    dp_json_stream_object(s);
    while (dp_json_stream_member(s, &key)) {
        if (dp_json_slice_is(key, "id")) {
            e->has_id = read_whole(s, &e->id);
        } else if (dp_json_slice_is(key, "height")) {
            e->has_h = read_whole(s, &e->h);
        } else if (dp_json_slice_is(key, "width")) {
            e->has_w = read_whole(s, &e->w);
        } else if (dp_json_slice_is(key, name_key) &&
                   dp_json_stream_peek(s) == DP_JSON_STRING) {
            if (!dp_json_stream_string(s, &slice))
                break;
            const dp_status st = keep_name(err, l, slice, &e->name);
            if (st != DP_OK)
                return st;
        } else {
            dp_json_stream_skip(s);
        }
    }
    return DP_OK;
}

static bool is_side(bool there, int64_t side)
{
    return there && side >= 1 && side <= INT_MAX;
}

/* `keep` takes one entry; `record` is its index in the array. */
static dp_status read_entries(dp_error *err, struct loading *l, const char *name_key,
                              dp_status (*keep)(dp_error *, struct loading *,
                                                const struct entry *, size_t record,
                                                const char *place))
{
    if (!dp_json_stream_array(&l->s))
        return DP_OK;
    for (size_t record = 0; dp_json_stream_item(&l->s); record++) {
        const char *const place = l->s.at;
        struct entry e;
        dp_status st = read_entry(err, l, &e, name_key);
        if (l->s.expected)
            return st;
        if (st == DP_OK)
            st = keep(err, l, &e, record, place);
        if (st != DP_OK)
            return st;
    }
    return DP_OK;
}

static dp_status keep_image(dp_error *err, struct loading *l, const struct entry *e,
                            size_t record, const char *place)
{
    dp_coco_truth *t = l->truth;
    const bool sized = is_side(e->has_h, e->h) && is_side(e->has_w, e->w);
    if (!e->has_id || (l->wish.masks && !sized)) {
        dp_coco_lint_add(&t->lint, DP_COCO_BAD_IMAGE, record, place,
                         "%s: missing; must be a whole number",
                         e->has_id ? "width and height" : "id");
        return DP_OK;
    }
    const dp_status st = dp_grow(err, &t->images, &l->image_room, t->image_count + 1,
                                 sizeof *t->images, "images");
    if (st == DP_OK)
        t->images[t->image_count++] = (dp_coco_image){e->id, sized ? (int)e->h : 0,
                                                      sized ? (int)e->w : 0, e->name};
    return st;
}

static dp_status keep_category(dp_error *err, struct loading *l, const struct entry *e,
                               size_t record, const char *place)
{
    dp_coco_truth *t = l->truth;
    if (!e->has_id) {
        dp_coco_lint_add(&t->lint, DP_COCO_BAD_CATEGORY, record, place,
                         "id: missing; must be a whole number");
        return DP_OK;
    }
    const dp_status st =
        dp_grow(err, &t->categories, &l->category_room, t->category_count + 1,
                sizeof *t->categories, "categories");
    if (st == DP_OK)
        t->categories[t->category_count++] = (dp_coco_category){e->id, e->name};
    return st;
}

static dp_status read_images(dp_error *err, struct loading *l)
{
    return read_entries(err, l, "file_name", keep_image);
}

static dp_status read_categories(dp_error *err, struct loading *l)
{
    return read_entries(err, l, "name", keep_category);
}

/* By id; the names, which are kept in the file's order, put equal ids in that order. */
static int compare_ids(int64_t a, size_t a_name, int64_t b, size_t b_name)
{
    if (a != b)
        return a < b ? -1 : 1;
    return (a_name > b_name) - (a_name < b_name);
}

static int compare_images(const void *p, const void *q)
{
    const dp_coco_image *a = p, *b = q;
    return compare_ids(a->id, a->name, b->id, b->name);
}

static int compare_categories(const void *p, const void *q)
{
    const dp_coco_category *a = p, *b = q;
    return compare_ids(a->id, a->name, b->id, b->name);
}

/* Sort by id, leave out what comes twice, and make the indices. */
static dp_status index_ids(dp_error *err, dp_coco_truth *t)
{
    if (t->image_count > INT_MAX || t->category_count > INT_MAX)
        return dp_fail(err, DP_EFORMAT, "more than %d images or categories", INT_MAX);
    dp_status st = dp_id_index_init(err, &t->image_index, t->image_count);
    if (st == DP_OK)
        st = dp_id_index_init(err, &t->category_index, t->category_count);
    if (st != DP_OK)
        return st;
    if (t->image_count > 0)
        qsort(t->images, t->image_count, sizeof *t->images, compare_images);
    if (t->category_count > 0)
        qsort(t->categories, t->category_count, sizeof *t->categories,
              compare_categories);

    size_t kept = 0;
    for (size_t i = 0; i < t->image_count; i++) {
        t->images[kept] = t->images[i];
        if (dp_id_index_add(&t->image_index, t->images[i].id, (int)kept) < 0)
            kept++;
        else
            dp_coco_lint_add(&t->lint, DP_COCO_DUPLICATE_IMAGE, 0, NULL,
                             "images: id %lld stands more than once (%.24s, %.24s); "
                             "the first is used",
                             (long long)t->images[i].id,
                             t->names + t->images[kept - 1].name,
                             t->names + t->images[kept].name);
    }
    t->image_count = kept;
    kept = 0;
    for (size_t i = 0; i < t->category_count; i++) {
        t->categories[kept] = t->categories[i];
        if (dp_id_index_add(&t->category_index, t->categories[i].id, (int)kept) < 0)
            kept++;
        else
            dp_coco_lint_add(
                &t->lint, DP_COCO_DUPLICATE_CATEGORY, 0, NULL,
                "categories: id %lld stands more than once; the first is used",
                (long long)t->categories[i].id);
    }
    t->category_count = kept;
    return DP_OK;
}

/* ---- putting it together ----------------------------------------------------------- */

static void note(struct loading *l, const struct item *item, dp_coco_kind kind,
                 const char *what)
{
    dp_coco_lint_add(&l->truth->lint, kind, item->record, item->place, "%s", what);
}

static void note_id(struct loading *l, const struct item *item, dp_coco_kind kind,
                    const char *key, int64_t id, const char *what)
{
    dp_coco_lint_add(&l->truth->lint, kind, item->record, item->place, "%s: %lld%s",
                     key, (long long)id, what);
}

/* Look at what can be odd about an annotation that is whole. */
static void lint_item(struct loading *l, const struct item *item,
                      const dp_coco_image *image)
{
    const double *box = item->a.box;
    if (item->has_id && item->a.id == 0)
        note(l, item, DP_COCO_ZERO_ID,
             "id: 0: pycocotools counts what matches it as a miss, here it counts");
    if (!item->has_id)
        note(l, item, DP_COCO_MISSING_ID, "id: missing; must be a whole number");
    if (!item->has_crowd)
        note(l, item, DP_COCO_MISSING_ISCROWD, "iscrowd: missing; 0 is taken");
    if (!item->has_area)
        note(l, item, DP_COCO_MISSING_AREA, "area: missing; that of bbox is taken");
    if (item->degenerate)
        note(l, item, DP_COCO_POLYGON_DEGENERATE,
             "segmentation: a polygon encloses nothing");
    if (!item->has_box)
        return;
    if (box[2] <= 0 || box[3] <= 0)
        dp_coco_lint_add(&l->truth->lint, DP_COCO_BOX_EMPTY, item->record, item->place,
                         "bbox: width %g and height %g", box[2], box[3]);
    else if (image->w > 0 &&
             (box[0] < -1 || box[1] < -1 || box[0] + box[2] > image->w + 1 ||
              box[1] + box[3] > image->h + 1))
        dp_coco_lint_add(&l->truth->lint, DP_COCO_BOX_OUTSIDE, item->record,
                         item->place, "bbox: %g %g %g %g in an image of %d x %d pixels",
                         box[0], box[1], box[2], box[3], image->w, image->h);
}

/* Whether the annotation takes part. */
static bool resolve(struct loading *l, struct item *item)
{
    const dp_coco_truth *t = l->truth;
    item->a.image = dp_id_index_find(&t->image_index, item->image_id);
    item->a.category = dp_id_index_find(&t->category_index, item->category_id);
    if (item->a.image < 0) {
        note_id(l, item, DP_COCO_UNKNOWN_IMAGE, "image_id", item->image_id,
                " is none of the images; left out");
        return false;
    }
    if (item->a.category < 0) {
        note_id(l, item, DP_COCO_UNKNOWN_CATEGORY, "category_id", item->category_id,
                " is none of the categories; left out");
        return false;
    }
    const dp_coco_image *image = &t->images[item->a.image];
    if (l->wish.boxes && !item->has_box) {
        note(l, item, DP_COCO_MISSING_BBOX, "bbox: missing; must be 4 numbers");
        return false;
    }
    if (l->wish.masks && item->a.mask.kind == DP_COCO_MASK_NONE) {
        note(l, item, DP_COCO_MISSING_MASK, "segmentation: missing; must be a mask");
        return false;
    }
    if (item->a.mask.kind == DP_COCO_MASK_RLE &&
        (item->mask_h != image->h || item->mask_w != image->w)) {
        dp_coco_lint_add(&l->truth->lint, DP_COCO_MASK_SIZE, item->record, item->place,
                         "size: found %d x %d, expected %d x %d as the image",
                         item->mask_h, item->mask_w, image->h, image->w);
        return false;
    }
    lint_item(l, item, image);
    return true;
}

static dp_status resolve_all(dp_error *err, struct loading *l)
{
    dp_coco_truth *t = l->truth;
    dp_id_index ids;
    dp_status st = dp_id_index_init(err, &ids, l->item_count);
    if (st == DP_OK)
        st = dp_alloc(err, &t->annotations, l->item_count, sizeof *t->annotations,
                      "annotations");
    if (st != DP_OK) {
        dp_id_index_done(&ids);
        return st;
    }
    for (size_t i = 0; i < l->item_count; i++) {
        struct item *item = &l->items[i];
        if (item->has_id && dp_id_index_add(&ids, item->a.id, 0) >= 0)
            note_id(
                l, item, DP_COCO_DUPLICATE_ID, "id", item->a.id,
                " again: pycocotools takes the last one each time, here each counts");
        if (resolve(l, item))
            t->annotations[t->annotation_count++] = item->a;
    }
    dp_id_index_done(&ids);
    return DP_OK;
}

static dp_status read_part(dp_error *err, struct loading *l, dp_json_slice key)
{
    bool *there;
    dp_status (*read)(dp_error *, struct loading *);
    if (dp_json_slice_is(key, "annotations")) {
        there = &l->has_annotations;
        read = read_annotations;
    } else if (dp_json_slice_is(key, "images")) {
        there = &l->has_images;
        read = read_images;
    } else if (dp_json_slice_is(key, "categories")) {
        there = &l->has_categories;
        read = read_categories;
    } else {
        dp_json_stream_skip(&l->s);
        return DP_OK;
    }
    if (*there)
        return dp_fail(err, DP_EFORMAT, "%s: \"%.*s\" stands twice", l->path,
                       (int)key.size, key.text);
    *there = true;
    return read(err, l);
}

static dp_status read_document(dp_error *err, struct loading *l)
{
    dp_json_slice key;
    dp_json_stream_object(&l->s);
    while (dp_json_stream_member(&l->s, &key)) {
        const dp_status st = read_part(err, l, key);
        if (st != DP_OK)
            return st;
    }
    dp_json_stream_finish(&l->s);
    const dp_status st = dp_json_stream_status(err, &l->s, l->path);
    if (st != DP_OK)
        return st;
    const char *missing = !l->has_images        ? "images"
                          : !l->has_annotations ? "annotations"
                          : !l->has_categories  ? "categories"
                                                : NULL;
    if (missing)
        return dp_fail(err, DP_EFORMAT, "%s: no \"%s\"; these are no COCO annotations",
                       l->path, missing);
    return DP_OK;
}

static dp_status load_mapped(dp_error *err, struct loading *l)
{
    dp_coco_truth *t = l->truth;
    dp_status st =
        keep_name(err, l, (dp_json_slice){.text = "", .size = 0}, &(size_t){0});
    if (st == DP_OK)
        st = read_document(err, l);
    if (st == DP_OK)
        st = index_ids(err, t);
    if (st != DP_OK)
        return st;
    if (t->category_count == 0)
        return dp_fail(err, DP_EFORMAT, "%s: categories: there are none", l->path);
    st = resolve_all(err, l);
    dp_coco_lint_set_lines(&t->lint, &l->s);
    return st;
}

dp_status dp_coco_truth_load(dp_error *err, dp_coco_truth *truth, const char *path,
                             dp_coco_wish wish, dp_pool *pool)
{
    struct loading l = {.truth = truth, .path = path, .wish = wish, .pool = pool};
    *truth = (dp_coco_truth){0};
    dp_status st = dp_file_map_open(err, &l.map, path);
    if (st != DP_OK)
        return st;
    dp_json_stream_init(&l.s, (const char *)l.map.data, l.map.size);
    l.s.nonfinite = true;
    st = load_mapped(err, &l);
    dp_file_map_close(&l.map);
    dp_free(l.items);
    if (st != DP_OK)
        dp_coco_truth_done(truth);
    return st;
}

void dp_coco_truth_done(dp_coco_truth *truth)
{
    dp_free(truth->images);
    dp_free(truth->categories);
    dp_free(truth->annotations);
    dp_free(truth->payload);
    dp_free(truth->names);
    dp_id_index_done(&truth->image_index);
    dp_id_index_done(&truth->category_index);
    *truth = (dp_coco_truth){0};
}
