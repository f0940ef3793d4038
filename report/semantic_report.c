#include "report/semantic_report.h"

#include "base/memory.h"
#include "base/path.h"
#include "core/label_map.h"
#include "eval/rank.h"
#include "io/image/png.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

enum { SHOWN = 12, COLOURS = DP_SEMANTIC_VALUES };

/* ---- head and classes ------------------------------------------------------------------ */

static void add_percent(dp_text *t, double fraction)
{
    if (isnan(fraction))
        dp_text_add(t, "n/a");
    else
        dp_text_add(t, "%.2f", 100 * fraction);
}

static void add_card(dp_text *t, const char *name, double fraction)
{
    dp_text_add(t, "<li><b>");
    add_percent(t, fraction);
    dp_text_add(t, "</b>%s</li>\n", name);
}

static void add_bad(dp_text *t, const dp_semantic_result *r)
{
    if (r->counts->images == r->pair_count)
        return;
    dp_text_add(t, "<h3>Left out</h3>\n<ul>\n");
    for (size_t i = 0; i < r->pair_count; i++) {
        if (r->pairs[i].kind == DP_SEMANTIC_GOOD)
            continue;
        dp_text_add(t, "<li><code>");
        dp_page_add_escaped(t, r->pairs[i].problem);
        dp_text_add(t, "</code></li>\n");
    }
    dp_text_add(t, "</ul>\n");
}

static void add_head(dp_text *t, const dp_semantic_report *p)
{
    const dp_semantic_result *r = p->result;
    dp_text_add(t, "<h1>Label maps against true ones</h1>\n<p>Predictions <code>");
    dp_page_add_escaped(t, p->prediction_path);
    dp_text_add(t, "</code>, truth <code>");
    dp_page_add_escaped(t, p->truth_path);
    dp_text_add(t, "</code>: %zu images, %llu pixels counted.</p>\n<p class=\"soft\">",
                r->counts->images, (unsigned long long)r->scores.pixels);
    dp_semantic_add_settings(t, &r->counts->settings);
    dp_text_add(t, ".</p>\n<ul class=\"cards\">\n");
    add_card(t, "mIoU, %", r->scores.m_iou);
    add_card(t, "mAcc, %", r->scores.m_acc);
    add_card(t, "aAcc, %", r->scores.a_acc);
    dp_text_add(t, "</ul>\n");
    if (r->scores.unassigned > 0)
        dp_text_add(t,
                    "<p>%llu pixels are predicted as an ignored value, which counts as "
                    "wrong.</p>\n",
                    (unsigned long long)r->scores.unassigned);
    add_bad(t, r);
}

static void add_bar(dp_text *t, double fraction)
{
    dp_text_add(t, "<td data-v=\"%.6f\">", isnan(fraction) ? -1 : fraction);
    add_percent(t, fraction);
    dp_text_add(t,
                "</td><td data-v=\"%.6f\" style=\"text-align:left\"><span "
                "style=\"display:inline-block;height:.7rem;width:%.2frem;"
                "background:var(--blue)\"></span></td>",
                isnan(fraction) ? -1 : fraction, isnan(fraction) ? 0 : 9 * fraction);
}

static void add_classes(dp_text *t, const dp_semantic_result *r)
{
    char room[DP_SEMANTIC_NAME_ROOM];
    dp_text_add(t,
                "<h2>Classes</h2>\n<div class=\"wide\"><table class=\"sorts\">\n"
                "<thead><tr><th>class</th><th>true pixels</th><th>predicted</th>"
                "<th>IoU</th><th>of 100</th><th>Acc</th><th>of 100</th></tr></thead>\n"
                "<tbody>\n");
    for (int k = 0; k < r->counts->settings.classes; k++) {
        const dp_semantic_class *c = &r->classes[k];
        const char *name = dp_semantic_class_name(r, k, room);
        dp_text_add(t, "<tr><td data-v=\"");
        dp_page_add_escaped(t, name);
        dp_text_add(t, "\">");
        dp_page_add_escaped(t, name);
        dp_text_add(t,
                    "</td><td data-v=\"%llu\">%llu</td><td data-v=\"%llu\">%llu</td>",
                    (unsigned long long)c->label, (unsigned long long)c->label,
                    (unsigned long long)c->pred, (unsigned long long)c->pred);
        add_bar(t, c->iou);
        add_bar(t, c->acc);
        dp_text_add(t, "</tr>\n");
    }
    dp_text_add(t, "</tbody></table></div>\n");
}

/* ---- confusion --------------------------------------------------------------------------- */

/* The classes that occur, in truth or prediction: most of a data set's classes do not in
 * a small one. */
typedef struct confusion {
    const dp_semantic_result *result;
    int classes[DP_SEMANTIC_VALUES];
    char names[DP_SEMANTIC_VALUES][DP_SEMANTIC_NAME_ROOM]; /* of those without one */
    size_t count;
} confusion;

static uint64_t count_of(const void *arg, size_t row, size_t column)
{
    const confusion *c = arg;
    const int K = c->result->counts->settings.classes;
    const int p = column < c->count ? c->classes[column] : K;
    return c->result->counts
        ->confusion[(size_t)c->classes[row] * ((size_t)K + 1) + (size_t)p];
}

static const char *row_name(const void *arg, size_t row)
{
    const confusion *c = arg;
    const dp_dataset *d = c->result->dataset;
    return d && c->classes[row] < d->count ? d->list[c->classes[row]].name
                                           : c->names[row];
}

static const char *column_name(const void *arg, size_t column)
{
    const confusion *c = arg;
    return column < c->count ? row_name(arg, column) : "(no class)";
}

static void add_confusion(dp_text *t, const dp_semantic_result *r)
{
    confusion c = {.result = r};
    for (int k = 0; k < r->counts->settings.classes; k++)
        if (!isnan(r->classes[k].iou)) {
            dp_semantic_class_name(r, k, c.names[c.count]);
            c.classes[c.count++] = k;
        }
    dp_text_add(t, "<h2>Confusion matrix</h2>\n<p>Rows are true classes, columns what "
                   "their pixels are predicted as; of classes that occur.</p>\n");
    dp_page_add_matrix(
        t, &(dp_page_matrix){.arg = &c,
                             .rows = c.count,
                             .columns = c.count + (r->scores.unassigned > 0),
                             .classes = c.count,
                             .count = count_of,
                             .row_name = row_name,
                             .column_name = column_name,
                             .row_head = "class",
                             .count_head = "pixels"});
}

/* ---- the worst images -------------------------------------------------------------------- */

/* Values of label maps as colours: the data set's, else shades that are far apart; black
 * is no class. */
static void fill_palette(uint8_t palette[3 * COLOURS], const dp_semantic_result *r,
                         const int16_t *class_of)
{
    memset(palette, 0, 3 * COLOURS);
    for (int v = 0; v < COLOURS; v++) {
        const int k = class_of[v];
        if (k < 0)
            continue;
        if (r->dataset && k < r->dataset->count)
            memcpy(palette + 3 * v, r->dataset->list[k].colour, 3);
        else
            for (int i = 0; i < 3; i++)
                palette[3 * v + i] = (uint8_t)(40 + (k + 1) * (37 + 22 * i) % 200);
    }
}

static void add_map(dp_text *t, const char *path, const uint8_t *palette,
                    const char *what)
{
    dp_label_map map = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    dp_error err = {0};
    dp_status st = dp_png_load_labels(&err, &map, path);
    if (st == DP_OK)
        st = dp_png_encode_labels(&err, &bytes, &size, &map, palette, COLOURS);
    dp_text_add(t, "<figure>");
    if (st == DP_OK) {
        dp_text_add(t,
                    "<div class=\"shot\"><img alt=\"\" src=\"data:image/png;base64,");
        dp_page_add_base64(t, bytes, size);
        dp_text_add(t, "\"></div>");
    } else {
        dp_text_add(t, "<p class=\"soft\">");
        dp_page_add_escaped(t, err.text);
        dp_text_add(t, "</p>");
    }
    dp_text_add(t, "<figcaption>%s</figcaption></figure>\n", what);
    dp_free(bytes);
    dp_label_map_done(&map);
}

static void add_photo(dp_text *t, const char *folder, const char *stem, int size)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png", ".JPG", ".JPEG"};
    dp_text shot = {.err = t->err};
    dp_text_add(t, "<figure>");
    bool shown = false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && !shown; i++) {
        dp_text name = {.err = t->err};
        dp_text_add(&name, "%.*s%s", size, stem, suffixes[i]);
        shown = dp_page_add_image(&shot, folder, dp_text_get(&name));
        dp_text_done(&name);
    }
    if (shown)
        dp_text_add(t, "<div class=\"shot\">%s</div>", dp_text_get(&shot));
    else
        dp_text_add(t, "<p class=\"soft\">The photo could not be shown.</p>");
    dp_text_add(t, "<figcaption>photo</figcaption></figure>\n");
    dp_text_done(&shot);
}

static double share_right(const dp_semantic_pair *p)
{
    return (double)p->correct / (double)p->pixels;
}

/* Those with the smallest share of pixels right, the first of equals first. */
static int find_worst(dp_ranked list[SHOWN], const dp_semantic_result *r)
{
    int count = 0;
    for (size_t i = 0; i < r->pair_count; i++) {
        const dp_semantic_pair *p = &r->pairs[i];
        if (p->kind == DP_SEMANTIC_GOOD && p->correct < p->pixels)
            dp_ranked_keep(list, &count, SHOWN,
                           (dp_ranked){-share_right(p), (uint32_t)i, 0});
    }
    return count;
}

static void add_images(dp_text *t, const dp_semantic_report *page)
{
    const dp_semantic_settings *s = &page->result->counts->settings;
    uint8_t palette[3 * COLOURS], predicted[3 * COLOURS];
    dp_ranked worst[SHOWN];
    const int count = find_worst(worst, page->result);
    fill_palette(palette, page->result, s->class_of);
    fill_palette(predicted, page->result, dp_semantic_settings_predicted(s));
    dp_text_add(t, "<h2>Images with the fewest pixels right</h2>\n");
    if (count == 0)
        dp_text_add(t, "<p>There are none.</p>\n");
    for (int i = 0; i < count; i++) {
        const dp_semantic_pair *p = &page->result->pairs[worst[i].index];
        const char *slash = strrchr(p->truth, '/');
        const char *name = slash ? slash + 1 : p->truth;
        const char *dot = strrchr(name, '.');
        dp_text_add(t, "<h3>");
        dp_page_add_escaped(t, name);
        dp_text_add(t, ": %.2f %% of %llu pixels right</h3>\n<div class=\"images\">\n",
                    100 * share_right(p), (unsigned long long)p->pixels);
        if (page->images)
            add_photo(t, page->images, name,
                      dot ? (int)(dot - name) : (int)strlen(name));
        add_map(t, p->truth, palette, "truth (black: ignored)");
        add_map(t, p->prediction, predicted, "prediction");
        dp_text_add(t, "</div>\n");
    }
}

dp_status dp_semantic_report_save(dp_error *err, const dp_semantic_report *page,
                                  const char *folder)
{
    dp_status st = dp_path_make_folders(err, folder);
    if (st != DP_OK)
        return st;
    dp_text t = {.err = err};
    dp_page_open(&t, "Evaluation of", page->prediction_path);
    add_head(&t, page);
    add_classes(&t, page->result);
    add_confusion(&t, page->result);
    add_images(&t, page);
    dp_page_close(&t);
    st = dp_page_save(err, folder, "index.html", &t);
    dp_text_done(&t);
    return st;
}
