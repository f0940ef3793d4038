#include "io/data/labelme.h"

#include "core/outline.h"

/* One shape up to its points, of which the caller writes what is inside the brackets. */
static void begin_shape(dp_text *t, bool first, const char *label)
{
    dp_text_add(t, "%s\n    {\"label\": ", first ? "" : ",");
    dp_results_add_name(t, label);
    dp_text_add(t, ", \"points\": [");
}

static void end_shape(dp_text *t, const char *type, bool grouped, size_t group,
                      float score)
{
    dp_text_add(t, "], \"group_id\": ");
    if (grouped)
        dp_text_add(t, "%zu", group);
    else
        dp_text_add(t, "null");
    dp_text_add(t,
                ", \"shape_type\": \"%s\", \"flags\": {}, \"description\": \"\", "
                "\"score\": ",
                type);
    dp_text_add_float(t, score);
    dp_text_add(t, "}");
}

static void add_box(dp_text *t, dp_box b)
{
    const float numbers[] = {b.x1, b.y1, b.x2, b.y2};
    static const char *const before[] = {"[", ", ", "], [", ", "};
    for (int i = 0; i < 4; i++) {
        dp_text_add(t, "%s", before[i]);
        dp_text_add_float(t, numbers[i]);
    }
    dp_text_add(t, "]");
}

static dp_status add_detection(dp_error *err, dp_text *t, dp_outline *o,
                               const dp_found *f, size_t i, bool *first)
{
    const dp_detection *d = &f->detections->list[i];
    const char *label = f->dataset->list[d->label].name;
    const dp_rle mask = dp_detections_mask(f->detections, i);
    dp_status st = dp_outline_trace(err, o, &mask);

    if (st == DP_OK)
        st = dp_outline_simplify(err, o, (double)f->polygon_tolerance);
    if (st == DP_OK && o->ring_count == 0) {
        begin_shape(t, *first, label);
        add_box(t, d->box);
        end_shape(t, "rectangle", false, i, d->score);
        *first = false;
    }
    for (size_t r = 0; st == DP_OK && r < o->ring_count;) {
        const bool whole = o->rings[o->ring_count - 1].part == 0;
        st = dp_outline_join_part(err, o, &r);
        if (st != DP_OK)
            break;
        begin_shape(t, *first, label);
        for (size_t k = 0; k < o->path_count; k++)
            dp_text_add(t, "%s[%d, %d]", k > 0 ? ", " : "", o->path[k].x, o->path[k].y);
        end_shape(t, "polygon", !whole, i, d->score);
        *first = false;
    }
    return st;
}

static dp_status format(dp_error *err, dp_text *t, const dp_found *found)
{
    dp_outline outline = {0};
    dp_status st = DP_OK;
    bool first = true;

    dp_text_add(t, "{\n  \"version\": \"5.0.1\",\n  \"flags\": {},\n  \"shapes\": [");
    for (size_t i = 0; st == DP_OK && i < found->detections->count; i++)
        if (found->detections->list[i].score >= found->score_thr)
            st = add_detection(err, t, &outline, found, i, &first);
    dp_text_add(t, "%s],\n  \"imagePath\": ", first ? "" : "\n  ");
    dp_results_add_name(t, found->file_name ? found->file_name : "");
    dp_text_add(t,
                ",\n  \"imageData\": null,\n  \"imageHeight\": %d,\n"
                "  \"imageWidth\": %d\n}\n",
                found->detections->image.h, found->detections->image.w);
    dp_outline_done(&outline);
    return st != DP_OK ? st : t->status;
}

dp_status dp_labelme_save(dp_error *err, const char *path, const dp_found *found)
{
    dp_text t = {.err = err};
    dp_status st = format(err, &t, found);
    if (st == DP_OK)
        st = dp_results_save(err, path, &t);
    dp_text_done(&t);
    return st;
}
