#include "report/coco_report.h"

#include "base/path.h"
#include "report/coco_report_parts.h"
#include "report/page.h"

/* ---- the errors as a table --------------------------------------------------------------- */

static void add_quoted(dp_text *t, const char *text)
{
    dp_text_add(t, "\"");
    for (; *text; text++)
        dp_text_add(t, *text == '"' ? "\"\"" : "%c", *text);
    dp_text_add(t, "\"");
}

/* What detections and objects have alike: image, class, score and IoU, box. */
static void add_row(dp_text *t, const dp_coco_matches *m, const char *what,
                    dp_coco_cause cause, int image, int category, double score,
                    double iou, const double box[4])
{
    const dp_coco_truth *truth = m->truth;
    dp_text_add(t, "%s,%s,%lld,", what, dp_coco_cause_name(cause),
                (long long)truth->images[image].id);
    add_quoted(t, truth->names + truth->images[image].name);
    dp_text_add(t, ",");
    add_quoted(t, truth->names + truth->categories[category].name);
    dp_text_add(t, ",");
    if (score >= 0)
        dp_text_add_double(t, score);
    dp_text_add(t, ",%.4f", iou);
    for (int i = 0; i < 4; i++) {
        dp_text_add(t, ",");
        dp_text_add_double(t, box[i]);
    }
}

static void add_object(dp_text *t, const dp_coco_truth *truth, int32_t annotation)
{
    dp_text_add(t, ",");
    if (annotation >= 0) {
        const dp_coco_annotation *a = &truth->annotations[annotation];
        dp_text_add(t, "%lld,", (long long)a->id);
        add_quoted(t, truth->names + truth->categories[a->category].name);
    } else {
        dp_text_add(t, ",");
    }
    dp_text_add(t, "\n");
}

static void add_errors(dp_text *t, const dp_coco_errors *e, double score)
{
    const dp_coco_matches *m = e->matches;
    dp_text_add(t, "what,cause,image_id,file_name,category,score,iou,x,y,w,h,object_id,"
                   "object_category\n");
    for (size_t i = 0; i < m->entry_count; i++) {
        const dp_coco_detection_cause *v = &e->detections[i];
        const dp_coco_detection *d = &m->results->detections[m->entries[i].detection];
        if (v->cause == DP_COCO_TRUE_POSITIVE || v->cause == DP_COCO_IGNORED ||
            d->score < score)
            continue;
        add_row(t, m, "false positive", v->cause, d->image, d->category, d->score,
                v->iou, d->box);
        add_object(t, m->truth, v->object);
    }
    for (size_t i = 0; i < m->object_count; i++) {
        const dp_coco_cause cause = dp_coco_errors_object_cause(e, i, score);
        const dp_coco_annotation *a = &m->truth->annotations[m->objects[i]];
        if (cause == DP_COCO_TRUE_POSITIVE || cause == DP_COCO_IGNORED)
            continue;
        add_row(t, m, "false negative", cause, a->image, a->category, -1, 0, a->box);
        add_object(t, m->truth, (int32_t)m->objects[i]);
    }
}

static dp_status write_errors(dp_error *err, const dp_coco_report_part *part,
                              const char *folder, double score)
{
    dp_text t = {.err = err};
    add_errors(&t, part->errors, score);
    const bool masks = part->scores->matches->settings->masks;
    const dp_status st =
        dp_page_save(err, folder, masks ? "errors_segm.csv" : "errors_bbox.csv", &t);
    dp_text_done(&t);
    return st;
}

/* ---- the page ---------------------------------------------------------------------------- */

static void add_part(dp_text *t, const dp_coco_report *r,
                     const dp_coco_report_part *part)
{
    dp_text_add(t, "<h2>%s</h2>\n",
                part->scores->matches->settings->masks ? "Masks (segm)"
                                                       : "Boxes (bbox)");
    dp_coco_report_add_summary(t, part);
    dp_text_add(t, "<div class=\"images large\">\n<section>\n");
    dp_coco_report_add_curves(t, part);
    dp_text_add(t, "</section>\n<section>\n");
    dp_coco_report_add_histogram(t, part);
    dp_text_add(t, "</section>\n</div>\n");
    dp_coco_report_add_causes(t, part, r->score_threshold);
    dp_coco_report_add_classes(t, part);
    dp_coco_report_add_confusion(t, part, r->score_threshold);
    dp_coco_report_add_images(t, r, part);
}

dp_status dp_coco_report_save(dp_error *err, const dp_coco_report *report,
                              const char *folder)
{
    dp_status st = dp_path_make_folders(err, folder);
    if (st != DP_OK)
        return st;
    dp_text t = {.err = err};
    dp_coco_report_add_head(&t, report);
    for (int i = 0; i < report->part_count; i++)
        add_part(&t, report, &report->parts[i]);
    dp_page_close(&t);
    st = dp_page_save(err, folder, "index.html", &t);
    dp_text_done(&t);
    for (int i = 0; i < report->part_count && st == DP_OK; i++)
        st = write_errors(err, &report->parts[i], folder, report->score_threshold);
    return st;
}
