#include "io/data/label_studio.h"

static double percent(double value, int whole)
{
    return 100 * value / whole;
}

/* A region up to its value, of which the caller writes what is special. */
static void begin_region(dp_text *t, size_t number, const char *name, const char *type,
                         const dp_found *f, float score)
{
    dp_text_add(
        t,
        "%s\n    {\"id\": \"%zu\", \"from_name\": \"%s\", \"to_name\": \"image\", "
        "\"type\": \"%s\", \"original_width\": %d, \"original_height\": %d, "
        "\"image_rotation\": 0, \"score\": ",
        number > 1 ? "," : "", number, name, type, f->detections->image.w,
        f->detections->image.h);
    dp_text_add_float(t, score);
    dp_text_add(t, ", \"value\": {");
}

static void end_region(dp_text *t, const char *type, const char *label)
{
    dp_text_add(t, ", \"%s\": [", type);
    dp_results_add_name(t, label);
    dp_text_add(t, "]}}");
}

static void add_number(dp_text *t, const char *before, double value)
{
    dp_text_add(t, "%s", before);
    dp_text_add_double(t, value);
}

static void add_box(dp_text *t, dp_box b, dp_size image)
{
    add_number(t, "\"x\": ", percent((double)b.x1, image.w));
    add_number(t, ", \"y\": ", percent((double)b.y1, image.h));
    add_number(t, ", \"width\": ", percent((double)b.x2 - (double)b.x1, image.w));
    add_number(t, ", \"height\": ", percent((double)b.y2 - (double)b.y1, image.h));
    dp_text_add(t, ", \"rotation\": 0");
}

static void add_path(dp_text *t, const dp_outline *o, dp_size image)
{
    dp_text_add(t, "\"points\": [");
    for (size_t k = 0; k < o->path_count; k++) {
        add_number(t, k > 0 ? ", [" : "[", percent(o->path[k].x, image.w));
        add_number(t, ", ", percent(o->path[k].y, image.h));
        dp_text_add(t, "]");
    }
    dp_text_add(t, "], \"closed\": true");
}

/* The regions of one detection, counted in *regions. */
static dp_status add_detection(dp_text *t, dp_outline *o, size_t *regions,
                               const dp_found *f, size_t i)
{
    static const char box[] = "rectanglelabels", polygon[] = "polygonlabels";
    const dp_detection *d = &f->detections->list[i];
    const char *label = f->dataset->list[d->label].name;
    const dp_rle mask = dp_detections_mask(f->detections, i);
    dp_status st = dp_outline_trace(t->err, o, &mask);

    if (st == DP_OK)
        st = dp_outline_simplify(t->err, o, (double)f->polygon_tolerance);
    if (st == DP_OK && o->ring_count == 0) {
        begin_region(t, ++*regions, "box", box, f, d->score);
        add_box(t, d->box, f->detections->image);
        end_region(t, box, label);
    }
    for (size_t r = 0; st == DP_OK && r < o->ring_count;) {
        st = dp_outline_join_part(t->err, o, &r);
        if (st != DP_OK)
            break;
        begin_region(t, ++*regions, "mask", polygon, f, d->score);
        add_path(t, o, f->detections->image);
        end_region(t, polygon, label);
    }
    return st;
}

void dp_label_studio_add(dp_text *t, dp_outline *outline, size_t *records,
                         const dp_found *found)
{
    dp_status st = DP_OK;
    size_t regions = 0;

    dp_text_add(t, "%s\n{\"data\": {\"image\": ", (*records)++ > 0 ? "," : "");
    dp_results_add_name(t, found->file_name ? found->file_name : "");
    dp_text_add(t, "}, \"predictions\": [{\"model_version\": \"densepred\", "
                   "\"result\": [");
    for (size_t i = 0; st == DP_OK && i < found->detections->count; i++)
        if (found->detections->list[i].score >= found->score_thr)
            st = add_detection(t, outline, &regions, found, i);
    dp_text_add(t, "]}]}");
    if (t->status == DP_OK)
        t->status = st;
}

/* ---- the labelling interface ------------------------------------------------------ */

static void add_attribute(dp_text *t, const char *value)
{
    for (const char *p = value; *p; p++)
        if (*p == '&' || *p == '<' || *p == '"')
            dp_text_add(t, "&#%d;", *p);
        else
            dp_text_add(t, "%c", *p);
}

static void add_labels(dp_text *t, const char *tag, const char *name,
                       const dp_dataset *dataset)
{
    dp_text_add(t, "  <%s name=\"%s\" toName=\"image\">\n", tag, name);
    for (int i = 0; i < dataset->count; i++) {
        const dp_class *c = &dataset->list[i];
        dp_text_add(t, "    <Label value=\"");
        add_attribute(t, c->name);
        dp_text_add(t, "\" background=\"#%02x%02x%02x\"/>\n", c->colour[0],
                    c->colour[1], c->colour[2]);
    }
    dp_text_add(t, "  </%s>\n", tag);
}

dp_status dp_label_studio_save_interface(dp_error *err, const char *path,
                                         const dp_dataset *dataset)
{
    dp_text t = {.err = err};

    dp_text_add(&t,
                "<View>\n  <Image name=\"image\" value=\"$image\" zoom=\"true\"/>\n");
    add_labels(&t, "PolygonLabels", "mask", dataset);
    add_labels(&t, "RectangleLabels", "box", dataset);
    dp_text_add(&t, "</View>\n");
    const dp_status st = dp_results_save(err, path, &t);
    dp_text_done(&t);
    return st;
}
