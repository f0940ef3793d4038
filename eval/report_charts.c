#include "core/memory.h"
#include "eval/page.h"
#include "eval/report_parts.h"

#include <math.h>
#include <string.h>

enum { LEFT = 44, TOP = 10, WIDTH = 520, HEIGHT = 300 };

/* ---- curves --------------------------------------------------------------------------- */

/* Axes from 0 to 1 with a grid at the fifths; the caller closes the svg. */
static void open_chart(dp_text *t, const char *label, const char *x, const char *y,
                       double y_top)
{
    dp_text_add(
        t, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"%s\">\n",
        LEFT + WIDTH + 20, TOP + HEIGHT + 44, LEFT + WIDTH + 20, label);
    for (int i = 0; i <= 5; i++) {
        const int gx = LEFT + WIDTH * i / 5, gy = TOP + HEIGHT * (5 - i) / 5;
        dp_text_add(t,
                    "<path class=\"axis\" d=\"M%d %dV%dM%d %dH%d\"/>"
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%.1f</text>"
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.4g</text>\n",
                    gx, TOP, TOP + HEIGHT, LEFT, gy, LEFT + WIDTH, gx,
                    TOP + HEIGHT + 16, i / 5., LEFT - 6, gy + 4, y_top * i / 5);
    }
    dp_text_add(t,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>"
                "<text x=\"%d\" y=\"%d\">%s</text>\n",
                LEFT + WIDTH / 2, TOP + HEIGHT + 36, x, LEFT + 6, TOP + 14, y);
}

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

void dp_report_add_curves(dp_text *t, const dp_report_part *part)
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
    open_chart(t, "Precision over recall, a line for each IoU threshold", "recall",
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

void dp_report_add_histogram(dp_text *t, const dp_report_part *part)
{
    const dp_coco_matches *m = part->scores->matches;
    size_t right[BINS] = {0}, wrong[BINS] = {0}, most = 1;
    for (size_t i = 0; i < m->entry_count; i++) {
        const dp_coco_cause cause = part->errors->verdicts[i].cause;
        const double score = m->results->detections[m->entries[i].detection].score;
        const double at = fmin(fmax(score * BINS, 0), BINS - 1);
        if (cause != DP_COCO_IGNORED)
            (cause == DP_COCO_RIGHT ? right : wrong)[(int)at]++;
    }
    for (int b = 0; b < BINS; b++)
        most = right[b] + wrong[b] > most ? right[b] + wrong[b] : most;
    most = (most + 4) / 5 * 5; /* whole numbers at the axis */
    dp_text_add(t,
                "<h3>Scores</h3>\n<p>How many detections have which score: those that "
                "match an object (below) and those that do not (on top), at IoU %.2f."
                "</p>\n",
                m->settings->thresholds[m->focus]);
    open_chart(t, "Histogram of scores, right and wrong detections", "score",
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

enum { CELL = 11, NAME = 110, LISTED = 20, LARGEST = 200 };

static const char *name_of(const dp_coco_matches *m, size_t k, const char *none)
{
    return k == m->category_count ? none : dp_report_class_name(m, k);
}

/* The heat map: a square per pair of classes that occurs. */
static void add_map(dp_text *t, const dp_coco_matches *m, const size_t *matrix)
{
    const size_t side = m->category_count + 1;
    const size_t extent = NAME + side * CELL + 4;
    dp_text_add(
        t,
        "<div class=\"wide\"><svg style=\"max-width:none\" width=\"%zu\" "
        "height=\"%zu\" viewBox=\"0 0 %zu %zu\" role=\"img\" aria-label=\"Confusion "
        "matrix; the table below lists its largest entries\">\n",
        extent, extent, extent, extent);
    for (size_t i = 0; i < side; i++) {
        const size_t at = NAME + i * CELL + 9;
        dp_text_add(t,
                    "<text style=\"font-size:9px\" x=\"%d\" y=\"%zu\" "
                    "text-anchor=\"end\">",
                    NAME - 4, at);
        dp_page_add_escaped(t, name_of(m, i, "(nothing there)"));
        dp_text_add(
            t,
            "</text><text style=\"font-size:9px\" transform=\"translate(%zu %d) "
            "rotate(-90)\">",
            at, NAME - 4);
        dp_page_add_escaped(t, name_of(m, i, "(missed)"));
        dp_text_add(t, "</text>\n");
    }
    for (size_t row = 0; row < side; row++) {
        size_t sum = 0;
        for (size_t k = 0; k < side; k++)
            sum += matrix[row * side + k];
        for (size_t k = 0; k < side; k++) {
            const size_t count = matrix[row * side + k];
            if (count == 0)
                continue;
            dp_text_add(t,
                        "<rect x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" "
                        "fill=\"var(--%s)\" fill-opacity=\"%.2f\"><title>",
                        NAME + k * CELL, NAME + row * CELL, CELL - 1, CELL - 1,
                        row == k ? "green" : "red",
                        .15 + .85 * sqrt((double)count / (double)sum));
            dp_page_add_escaped(t, name_of(m, row, "(nothing there)"));
            dp_text_add(t, " as ");
            dp_page_add_escaped(t, name_of(m, k, "(missed)"));
            dp_text_add(t, ": %zu</title></rect>\n", count);
        }
    }
    dp_text_add(t, "</svg></div>\n");
}

/* The pairs of different classes that are confused most, the first of equals first. */
static void add_list(dp_text *t, const dp_coco_matches *m, const size_t *matrix)
{
    const size_t K = m->category_count, side = K + 1;
    size_t above = SIZE_MAX, position = 0; /* of the pair listed last */
    dp_text_add(
        t, "<div class=\"wide\"><table>\n<thead><tr><th>object</th>"
           "<th style=\"text-align:left\">taken for</th><th>times</th></tr></thead>\n"
           "<tbody>\n");
    for (int listed = 0; listed < LISTED; listed++) {
        size_t best = 0, best_at = 0;
        for (size_t i = 0; i < K * side; i++) {
            const size_t count = matrix[i];
            const bool fresh = count < above || (count == above && i > position);
            if (i % side < K && i / side != i % side && fresh && count > best) {
                best = count;
                best_at = i;
            }
        }
        if (best == 0)
            break;
        above = best;
        position = best_at;
        dp_text_add(t, "<tr><td>");
        dp_page_add_escaped(t, dp_report_class_name(m, best_at / side));
        dp_text_add(t, "</td><td style=\"text-align:left\">");
        dp_page_add_escaped(t, dp_report_class_name(m, best_at % side));
        dp_text_add(t, "</td><td>%zu</td></tr>\n", best);
    }
    dp_text_add(t, "</tbody></table></div>\n");
}

void dp_report_add_confusion(dp_text *t, const dp_report_part *part, double score)
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
    if (side <= LARGEST)
        add_map(t, m, memory);
    dp_text_add(t, "<p>What is confused most:</p>\n");
    add_list(t, m, memory);
    dp_free(memory);
}
