#include "io/data/yolo.h"

#include "core/outline.h"

static void add_part(dp_text *t, double value, int whole)
{
    dp_text_add(t, " ");
    dp_text_add_float(t, (float)(value / whole));
}

static void add_box(dp_text *t, dp_box b, dp_size image)
{
    add_part(t, ((double)b.x1 + (double)b.x2) / 2, image.w);
    add_part(t, ((double)b.y1 + (double)b.y2) / 2, image.h);
    add_part(t, (double)b.x2 - (double)b.x1, image.w);
    add_part(t, (double)b.y2 - (double)b.y1, image.h);
}

static dp_status add_detection(dp_error *err, dp_text *t, dp_outline *o,
                               const dp_found *f, size_t i)
{
    const dp_detection *d = &f->detections->list[i];
    const dp_rle mask = dp_detections_mask(f->detections, i);
    const dp_size image = f->detections->image;

    if (mask.count > 0) {
        dp_status st = dp_outline_trace(err, o, &mask);
        if (st == DP_OK)
            st = dp_outline_simplify(err, o, (double)f->polygon_tolerance);
        if (st == DP_OK)
            st = dp_outline_join(err, o, 0, o->ring_count);
        if (st != DP_OK || o->path_count == 0)
            return st;
    }
    dp_text_add(t, "%d", d->label);
    if (mask.count == 0)
        add_box(t, d->box, image);
    for (size_t k = 0; mask.count > 0 && k < o->path_count; k++) {
        add_part(t, o->path[k].x, image.w);
        add_part(t, o->path[k].y, image.h);
    }
    if (f->yolo_scores)
        add_part(t, (double)d->score, 1);
    dp_text_add(t, "\n");
    return t->status;
}

dp_status dp_yolo_save(dp_error *err, const char *path, const dp_found *found)
{
    dp_text t = {.err = err};
    dp_outline outline = {0};
    dp_status st = DP_OK;

    for (size_t i = 0; st == DP_OK && i < found->detections->count; i++)
        if (found->detections->list[i].score >= found->score_thr)
            st = add_detection(err, &t, &outline, found, i);
    if (st == DP_OK)
        st = dp_results_save(err, path, &t);
    dp_outline_done(&outline);
    dp_text_done(&t);
    return st;
}

dp_status dp_yolo_save_classes(dp_error *err, const char *path,
                               const dp_dataset *dataset)
{
    dp_text t = {.err = err};
    for (int i = 0; i < dataset->count; i++)
        dp_text_add(&t, "%s\n", dataset->list[i].name);
    const dp_status st = dp_results_save(err, path, &t);
    dp_text_done(&t);
    return st;
}
