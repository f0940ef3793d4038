#include "base/memory.h"
#include "report/chart.h"
#include "report/coco_report_parts.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

enum {
    LEFT = DP_CHART_LEFT,
    TOP = DP_CHART_TOP,
    WIDTH = DP_CHART_WIDTH,
    HEIGHT = DP_CHART_HEIGHT
};

/* ---- curves --------------------------------------------------------------------------- */

/* Precision at each recall, averaged over the classes that have ground truth. */
static bool mean_curve(const dp_coco_scores *s, int threshold, double *mean)
{
    const int last = s->matches->settings->cap_count - 1;
    size_t count = 0;
    memset(mean, 0, DP_COCO_RECALLS * sizeof *mean);
    for (size_t k = 0; k < s->category_count; k++) {
        const double *p = dp_coco_scores_precision(s, k, 0, last, threshold);
        if (p[0] < 0)
            continue;
        count++;
        for (int r = 0; r < DP_COCO_RECALLS; r++)
            mean[r] += p[r];
    }
    for (int r = 0; r < DP_COCO_RECALLS && count > 0; r++)
        mean[r] /= (double)count;
    return count > 0;
}

void dp_coco_report_add_curves(dp_text *t, const dp_coco_report_part *part)
{
    const dp_coco_scores *s = part->scores;
    const dp_coco_settings *set = s->matches->settings;
    double mean[DP_COCO_RECALLS];
    dp_text_add(
        t, "<h3>Precision over recall</h3>\n<p>The mean of the classes, a line for "
           "each IoU threshold: the area below it is AP there.</p>\n");
    if (!mean_curve(s, 0, mean)) {
        dp_text_add(t, "<p>n/a (no ground truth)</p>\n");
        return;
    }
    dp_chart_open(t, "Precision over recall, a line for each IoU threshold", "recall",
                  "precision", 1);
    for (int i = 0; i < set->threshold_count; i++) {
        const int hue = 220 - 190 * i / set->threshold_count;
        mean_curve(s, i, mean);
        dp_text_add(
            t,
            "<path fill=\"none\" stroke=\"hsl(%d 60%% 48%%)\" stroke-width=\"2\" "
            "d=\"M",
            hue);
        for (int r = 0; r < DP_COCO_RECALLS; r++)
            dp_text_add(t, "%s%.1f %.1f", r ? "L" : "", LEFT + WIDTH * s->recalls[r],
                        TOP + HEIGHT * (1 - mean[r]));
        dp_text_add(t, "\"><title>IoU %.2f</title></path>\n", set->thresholds[i]);
    }
    dp_text_add(t, "</svg>\n<p class=\"key\">");
    for (int i = 0; i < set->threshold_count; i++)
        dp_text_add(t,
                    "<span><i style=\"background:hsl(%d 60%% 48%%)\"></i>IoU %.2f: %.3f"
                    "</span> ",
                    220 - 190 * i / set->threshold_count, set->thresholds[i],
                    dp_coco_scores_ap(s, -1, 0, set->cap_count - 1, i));
    dp_text_add(t, "</p>\n");
}

/* ---- scores ----------------------------------------------------------------------------- */

enum { BINS = 20 };

void dp_coco_report_add_histogram(dp_text *t, const dp_coco_report_part *part)
{
    const dp_coco_matches *m = part->scores->matches;
    size_t right[BINS] = {0}, wrong[BINS] = {0}, most = 1;
    for (size_t i = 0; i < m->entry_count; i++) {
        const dp_coco_cause cause = part->errors->detections[i].cause;
        const double score = m->results->detections[m->entries[i].detection].score;
        const double at = fmin(fmax(score * BINS, 0), BINS - 1);
        if (cause != DP_COCO_IGNORED)
            (cause == DP_COCO_TRUE_POSITIVE ? right : wrong)[(int)at]++;
    }
    for (int b = 0; b < BINS; b++)
        most = right[b] + wrong[b] > most ? right[b] + wrong[b] : most;
    most = (most + 4) / 5 * 5; /* whole numbers at the axis */
    dp_text_add(t,
                "<h3>Scores</h3>\n<p>How many detections have which score: those that "
                "match an object (below) and those that do not (on top), at IoU %.2f."
                "</p>\n",
                m->settings->thresholds[m->focus]);
    dp_chart_open(t, "Histogram of scores, right and wrong detections", "score",
                  "detections", (double)most);
    for (int b = 0; b < BINS; b++) {
        const double low = (double)HEIGHT * (double)right[b] / (double)most;
        const double high = (double)HEIGHT * (double)wrong[b] / (double)most;
        const double x = LEFT + (double)WIDTH * b / BINS + 1;
        dp_text_add(
            t,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
            "fill=\"var(--green)\"><title>%.2f to %.2f: %zu right</title></rect>"
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
            "fill=\"var(--red)\"><title>%.2f to %.2f: %zu wrong</title></rect>\n",
            x, TOP + HEIGHT - low, (double)WIDTH / BINS - 2, low, b / (double)BINS,
            (b + 1) / (double)BINS, right[b], x, TOP + HEIGHT - low - high,
            (double)WIDTH / BINS - 2, high, b / (double)BINS, (b + 1) / (double)BINS,
            wrong[b]);
    }
    dp_text_add(
        t, "</svg>\n<p class=\"key\"><span><i style=\"background:var(--green)\"></i>"
           "matches an object</span> <span><i style=\"background:var(--red)\"></i>"
           "does not</span></p>\n");
}

/* ---- confusion --------------------------------------------------------------------------- */

/* The matrix as the page takes it. */
typedef struct confusion {
    const dp_coco_matches *matches;
    const size_t *counts; /* (side, side) */
    size_t side;
} confusion;

static uint64_t count_of(const void *arg, size_t row, size_t column)
{
    const confusion *c = arg;
    return c->counts[row * c->side + column];
}

static const char *name_of(const dp_coco_matches *m, size_t k, const char *none)
{
    return k == m->category_count ? none : dp_coco_class_name(m, k);
}

static const char *row_name(const void *arg, size_t row)
{
    return name_of(((const confusion *)arg)->matches, row, "(nothing there)");
}

static const char *column_name(const void *arg, size_t column)
{
    return name_of(((const confusion *)arg)->matches, column, "(missed)");
}

void dp_coco_report_add_confusion(dp_text *t, const dp_coco_report_part *part,
                                  double score)
{
    const dp_coco_matches *m = part->scores->matches;
    const size_t side = m->category_count + 1;
    void *memory;
    size_t cells;
    if (t->status != DP_OK || !m->settings->use_categories ||
        !dp_mul_size(&cells, side, side))
        return;
    t->status = dp_alloc(t->err, &memory, cells, sizeof(size_t), "a confusion matrix");
    if (t->status != DP_OK)
        return;
    dp_coco_errors_confusion(memory, part->errors, score);
    dp_text_add(
        t,
        "<h3>Confusion matrix</h3>\n<p>Rows are the objects, columns what they are "
        "detected as, with a score of %.2f or more at IoU %.2f; the last row is "
        "detections of nothing annotated, the last column objects that are "
        "missed.</p>\n",
        score, m->settings->thresholds[m->focus]);
    const confusion c = {m, memory, side};
    dp_page_add_matrix(t, &(dp_page_matrix){.arg = &c,
                                            .rows = side,
                                            .columns = side,
                                            .classes = m->category_count,
                                            .count = count_of,
                                            .row_name = row_name,
                                            .column_name = column_name,
                                            .row_head = "object",
                                            .count_head = "times"});
    dp_free(memory);
}
