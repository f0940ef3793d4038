#include "tools/town/truth.h"

#include "base/memory.h"
#include "core/rle.h"

dp_status toy_truth_init(dp_error *err, toy_truth *t, int h, int w)
{
    const size_t n = (size_t)h * (size_t)w;
    *t = (toy_truth){0};
    dp_status st = dp_alloc(err, &t->mask, n, 1, "a mask");
    if (st == DP_OK)
        st = dp_alloc(err, &t->counts, n + 1, sizeof *t->counts, "run lengths");
    if (st == DP_OK)
        st = dp_label_map_resize(err, &t->labels, h, w);
    if (st != DP_OK)
        toy_truth_done(t);
    return st;
}

void toy_truth_done(toy_truth *t)
{
    dp_free(t->mask);
    dp_free(t->counts);
    dp_outline_done(&t->outline);
    dp_label_map_done(&t->labels);
    *t = (toy_truth){0};
}

dp_status toy_truth_label(dp_error *err, toy_truth *t, const toy_layout *s)
{
    const size_t n = (size_t)s->h * (size_t)s->w;
    const dp_status st = dp_label_map_resize(err, &t->labels, s->h, s->w);
    if (st != DP_OK)
        return st;
    for (size_t k = 0; k < n; k++) {
        const toy_thing *thing = s->owner[k] ? &s->things[s->owner[k] - 1] : NULL;
        t->labels.labels[k] = !thing         ? s->stuff[k]
                              : thing->crowd ? 0
                                             : (uint8_t)thing->class;
    }
    return DP_OK;
}

static void add_runs(dp_text *json, const dp_rle *mask)
{
    dp_text_add(json, "{\"size\":[%d,%d],\"counts\":[", mask->h, mask->w);
    for (size_t i = 0; i < mask->count; i++)
        dp_text_add(json, "%s%u", i ? "," : "", (unsigned)mask->counts[i]);
    dp_text_add(json, "]}");
}

static dp_status add_polygons(dp_error *err, toy_truth *t, dp_text *json,
                              const dp_rle *mask)
{
    dp_outline *o = &t->outline;
    dp_status st = dp_outline_trace(err, o, mask);
    dp_text_add(json, "[");
    for (size_t first = 0, end; st == DP_OK && first < o->ring_count; first = end) {
        for (end = first + 1; end < o->ring_count && o->rings[end].hole;)
            end++;
        st = dp_outline_join(err, o, first, end - first);
        dp_text_add(json, "%s[", first ? "," : "");
        for (size_t i = 0; st == DP_OK && i < o->path_count; i++)
            dp_text_add(json, "%s%d,%d", i ? "," : "", o->path[i].x, o->path[i].y);
        dp_text_add(json, "]");
    }
    dp_text_add(json, "]");
    return st;
}

static dp_status add_annotation(dp_error *err, toy_truth *t, dp_text *json,
                                const toy_layout *s, int i, long image)
{
    const toy_thing *thing = &s->things[i];
    const size_t n = (size_t)s->h * (size_t)s->w;
    for (size_t k = 0; k < n; k++)
        t->mask[k] = s->owner[k] == i + 1;
    dp_rle mask = {.h = s->h, .w = s->w, .counts = t->counts};
    mask.count = dp_rle_encode(t->counts, t->mask, s->h, s->w);
    const dp_box box = dp_rle_box(&mask);
    dp_text_add(json,
                "{\"id\":%ld,\"image_id\":%ld,\"category_id\":%d,\"iscrowd\":%d,"
                "\"area\":%lu,\"bbox\":[%d,%d,%d,%d],\"segmentation\":",
                image * TOY_MOST_THINGS + i + 1, image, thing->class, thing->crowd,
                (unsigned long)dp_rle_area(&mask), (int)box.x1, (int)box.y1,
                (int)(box.x2 - box.x1), (int)(box.y2 - box.y1));
    dp_status st = DP_OK;
    if (thing->crowd)
        add_runs(json, &mask);
    else
        st = add_polygons(err, t, json, &mask);
    dp_text_add(json, "}");
    return st == DP_OK ? json->status : st;
}

dp_status toy_truth_annotate(dp_error *err, toy_truth *t, dp_text *json,
                             const toy_layout *s, long image, long *count)
{
    dp_status st = DP_OK;
    for (int i = 0; st == DP_OK && i < s->count; i++) {
        dp_text_add(json, "%s\n", (*count)++ ? "," : "");
        st = add_annotation(err, t, json, s, i, image);
    }
    return st;
}
