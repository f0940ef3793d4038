#include "io/data/coco_dataset.h"

void dp_coco_dataset_begin(dp_text *t, const dp_dataset *dataset)
{
    const int count = dataset ? dataset->count : 0;

    dp_text_add(t, "{\"info\": {\"description\": \"found by densepred\"}, "
                   "\"licenses\": [], \"categories\": [");
    for (int i = 0; i < count; i++) {
        dp_text_add(t, "%s\n{\"id\": %d, \"name\": ", i > 0 ? "," : "",
                    dataset->list[i].id);
        dp_text_add_quoted(t, dataset->list[i].name);
        dp_text_add(t, ", \"supercategory\": \"\"}");
    }
    dp_text_add(t, "],\n\"annotations\": [");
}

static dp_status add_polygons(dp_text *t, dp_outline *o, const dp_rle *mask,
                              double tolerance)
{
    dp_status st = dp_outline_trace(t->err, o, mask);
    if (st == DP_OK)
        st = dp_outline_simplify(t->err, o, tolerance);
    for (size_t r = 0; st == DP_OK && r < o->ring_count;) {
        dp_text_add(t, "%s[", r > 0 ? ", " : "");
        st = dp_outline_join_part(t->err, o, &r);
        for (size_t k = 0; st == DP_OK && k < o->path_count; k++)
            dp_text_add(t, "%s%d, %d", k > 0 ? ", " : "", o->path[k].x, o->path[k].y);
        dp_text_add(t, "]");
    }
    return st;
}

static void add_annotation(dp_text *t, dp_outline *o, size_t number, const dp_found *f,
                           size_t i)
{
    const dp_detection *d = &f->detections->list[i];
    const dp_rle mask = dp_detections_mask(f->detections, i);
    const double w = (double)d->box.x2 - (double)d->box.x1;
    const double h = (double)d->box.y2 - (double)d->box.y1;
    const double numbers[] = {(double)d->box.x1, (double)d->box.y1, w, h};

    dp_text_add(
        t, "%s\n{\"id\": %zu, \"image_id\": %lld, \"category_id\": %d, \"bbox\": [",
        number > 1 ? "," : "", number, (long long)f->image_id,
        f->dataset->list[d->label].id);
    for (int k = 0; k < 4; k++) {
        dp_text_add(t, "%s", k > 0 ? ", " : "");
        dp_text_add_double(t, numbers[k]);
    }
    dp_text_add(t, "], \"area\": ");
    dp_text_add_double(t, mask.count > 0 ? (double)dp_rle_area(&mask) : w * h);
    dp_text_add(t, ", \"segmentation\": [");
    const dp_status st = add_polygons(t, o, &mask, (double)f->polygon_tolerance);
    if (t->status == DP_OK)
        t->status = st;
    dp_text_add(t, "], \"iscrowd\": 0, \"score\": ");
    dp_text_add_float(t, d->score);
    dp_text_add(t, "}");
}

void dp_coco_dataset_add(dp_text *t, dp_text *images, dp_outline *outline,
                         size_t *records, const dp_found *found)
{
    const dp_detections *d = found->detections;

    for (size_t i = 0; i < d->count; i++)
        if (d->list[i].score >= found->score_thr)
            add_annotation(t, outline, ++*records, found, i);
    dp_text_add(images,
                "%s\n{\"id\": %lld, \"width\": %d, \"height\": %d, \"file_name\": ",
                images->size > 0 ? "," : "", (long long)found->image_id, d->image.w,
                d->image.h);
    dp_results_add_name(images, found->file_name ? found->file_name : "");
    dp_text_add(images, "}");
    if (t->status == DP_OK)
        t->status = images->status;
}

void dp_coco_dataset_end(dp_text *t, const dp_text *images)
{
    dp_text_add(t, "],\n\"images\": [%s]}\n", dp_text_get(images));
}
