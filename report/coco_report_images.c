#include "eval/rank.h"
#include "report/coco_report_parts.h"
#include "report/page.h"

enum { SHOWN = 12 };

/* An image and what went wrong in it. */
typedef struct worst {
    size_t image, wrong, missed, right;
} worst;

static worst look_at(const dp_coco_errors *e, size_t image, double score)
{
    const dp_coco_matches *m = e->matches;
    worst w = {.image = image};
    for (size_t i = m->first_entry[image]; i < m->first_entry[image + 1]; i++) {
        const dp_coco_cause cause = e->detections[i].cause;
        if (m->results->detections[m->entries[i].detection].score < score ||
            cause == DP_COCO_IGNORED)
            continue;
        w.right += cause == DP_COCO_TRUE_POSITIVE;
        w.wrong += cause != DP_COCO_TRUE_POSITIVE;
    }
    for (size_t i = m->first_object[image]; i < m->first_object[image + 1]; i++) {
        const dp_coco_cause cause = dp_coco_errors_object_cause(e, i, score);
        w.missed += cause != DP_COCO_TRUE_POSITIVE && cause != DP_COCO_IGNORED;
    }
    return w;
}

/* The images with the most errors, the lower id first among equals. */
static int find_worst(dp_ranked *list, const dp_coco_errors *e, double score)
{
    int count = 0;
    for (size_t i = 0; i < e->matches->truth->image_count; i++) {
        const worst w = look_at(e, i, score);
        if (w.wrong + w.missed > 0)
            dp_ranked_keep(list, &count, SHOWN,
                           (dp_ranked){(double)(w.wrong + w.missed), (uint32_t)i, 0});
    }
    return count;
}

static void add_box(dp_text *t, const double box[4], double line, const char *colour,
                    bool dashed)
{
    dp_text_add(
        t,
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
        "stroke=\"%s\" stroke-width=\"%.1f\"",
        box[0], box[1], box[2] > 0 ? box[2] : 0, box[3] > 0 ? box[3] : 0, colour, line);
    if (dashed)
        dp_text_add(t, " stroke-dasharray=\"%.1f\"", 3 * line);
    dp_text_add(t, "><title>");
}

static void add_boxes(dp_text *t, const dp_coco_report *r, const dp_coco_errors *e,
                      const worst *w, double line)
{
    const dp_coco_matches *m = e->matches;
    for (size_t i = m->first_object[w->image]; i < m->first_object[w->image + 1]; i++) {
        const dp_coco_cause cause =
            dp_coco_errors_object_cause(e, i, r->score_threshold);
        const dp_coco_annotation *a = &m->truth->annotations[m->objects[i]];
        if (cause == DP_COCO_TRUE_POSITIVE || cause == DP_COCO_IGNORED)
            continue;
        add_box(t, a->box, line, "#ffb000", true);
        dp_page_add_escaped(t,
                            m->truth->names + m->truth->categories[a->category].name);
        dp_text_add(t, ": %s</title></rect>\n", dp_coco_cause_name(cause));
    }
    for (size_t i = m->first_entry[w->image]; i < m->first_entry[w->image + 1]; i++) {
        const dp_coco_detection *d = &m->results->detections[m->entries[i].detection];
        const dp_coco_cause cause = e->detections[i].cause;
        if (d->score < r->score_threshold || cause == DP_COCO_IGNORED)
            continue;
        add_box(t, d->box, line, cause == DP_COCO_TRUE_POSITIVE ? "#3ddc84" : "#ff3b30",
                false);
        dp_page_add_escaped(t,
                            m->truth->names + m->truth->categories[d->category].name);
        dp_text_add(t, " %.2f: %s</title></rect>\n", d->score,
                    dp_coco_cause_name(cause));
    }
}

static void add_figure(dp_text *t, const dp_coco_report *r, const dp_coco_errors *e,
                       const worst *w)
{
    const dp_coco_truth *truth = e->matches->truth;
    const dp_coco_image *image = &truth->images[w->image];
    const char *name = truth->names + image->name;
    dp_text_add(t, "<figure>");
    if (r->images && image->w > 0) {
        dp_text shot = {.err = t->err};
        const bool shown = dp_page_add_image(&shot, r->images, name);
        dp_text_add(t, "<div class=\"shot%s\">", shown ? "" : " bare");
        dp_text_add(
            t,
            "%s<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Boxes in this "
            "image\">\n",
            dp_text_get(&shot), image->w, image->h);
        add_boxes(t, r, e, w, (image->w > image->h ? image->w : image->h) / 250.);
        dp_text_add(t, "</svg></div>");
        if (!shown)
            dp_text_add(t, "<p class=\"soft\">The image could not be shown.</p>");
        if (shot.status != DP_OK)
            t->status = shot.status;
        dp_text_done(&shot);
    }
    dp_text_add(t, "<figcaption>");
    dp_page_add_escaped(t, *name ? name : "(without name)");
    dp_text_add(t,
                " (id %lld): %zu right, %zu wrong, %zu missed</figcaption></figure>\n",
                (long long)image->id, w->right, w->wrong, w->missed);
}

void dp_coco_report_add_images(dp_text *t, const dp_coco_report *r,
                               const dp_coco_report_part *part)
{
    dp_ranked list[SHOWN];
    const int count = find_worst(list, part->errors, r->score_threshold);
    dp_text_add(
        t,
        "<h3>Images with the most errors</h3>\n<p>Counted at scores of %.2f or "
        "more.%s</p>\n",
        r->score_threshold,
        r->images ? " Green boxes match an object, red ones do not, dashed amber ones "
                    "are objects that are missed."
                  : "");
    if (count == 0)
        dp_text_add(t, "<p>There are none.</p>\n");
    dp_text_add(t, "<div class=\"images\">\n");
    for (int i = 0; i < count; i++) {
        const worst w = look_at(part->errors, list[i].index, r->score_threshold);
        add_figure(t, r, part->errors, &w);
    }
    dp_text_add(t, "</div>\n");
}
