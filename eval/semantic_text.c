#include "eval/semantic_text.h"

#include "io/data/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *dp_semantic_class_name(const dp_semantic_result *r, int class,
                                   char room[DP_SEMANTIC_NAME_ROOM])
{
    if (r->dataset && class < r->dataset->count)
        return r->dataset->list[class].name;
    snprintf(room, DP_SEMANTIC_NAME_ROOM, "class %d", class);
    return room;
}

/* ---- settings ------------------------------------------------------------------------- */

/* The values that stand for classes (or are ignored), runs as "FIRST to LAST". Returns how
 * many there are. */
static int add_values(dp_text *t, const int16_t *class_of, bool classes)
{
    int count = 0;
    for (int v = 0; v < DP_SEMANTIC_VALUES; v++) {
        const int from = v;
        while (v < DP_SEMANTIC_VALUES &&
               (classes ? class_of[v] >= 0 : class_of[v] == DP_SEMANTIC_IGNORED))
            v++;
        if (v == from)
            continue;
        dp_text_add(t, v == from + 1 ? "%s%d" : "%s%d to %d", count > 0 ? ", " : "",
                    from, v - 1);
        count += v - from;
    }
    return count;
}

void dp_semantic_add_settings(dp_text *t, const dp_semantic_settings *s)
{
    dp_text_add(t, "label values that are classes: ");
    add_values(t, s->class_of, true);
    dp_text_add(t, " (%d); ignored: ", s->classes);
    if (add_values(t, s->class_of, false) == 0)
        dp_text_add(t, "none");
    if (s->class_of[0] == DP_SEMANTIC_IGNORED && s->class_of[1] == 0)
        dp_text_add(t, " (reduce_zero_label)");
    if (s->own_predictions) {
        dp_text_add(t, "; classes in predictions: ");
        add_values(t, s->class_predicted, true);
    }
}

void dp_semantic_add_counts(dp_text *t, const dp_semantic_result *r)
{
    const size_t images = r->counts->images;
    dp_semantic_add_settings(t, &r->counts->settings);
    dp_text_add(t, "\n%zu image%s, %llu pixels counted", images, images == 1 ? "" : "s",
                (unsigned long long)r->scores.pixels);
    if (r->pair_count > images)
        dp_text_add(t, ", %zu bad left out", r->pair_count - images);
    if (r->scores.unassigned > 0)
        dp_text_add(t, ", %llu of them predicted as an ignored value (wrong)",
                    (unsigned long long)r->scores.unassigned);
    dp_text_add(t, "\n\n");
}

/* ---- tables ---------------------------------------------------------------------------- */

enum { CELL = 32 };

/* Percent with two decimals, as few as say the same, but one at least: 75.0, 87.48. */
static void format_percent(char cell[CELL], double fraction)
{
    if (isnan(fraction)) {
        snprintf(cell, CELL, "n/a");
        return;
    }
    snprintf(cell, CELL, "%.2f", rint(fraction * 100 * 100) / 100);
    const size_t size = strlen(cell);
    if (cell[size - 1] == '0')
        cell[size - 1] = '\0';
}

/* Characters, not bytes. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void add_rule(dp_text *t, const int *widths, int columns)
{
    for (int i = 0; i < columns; i++) {
        dp_text_add(t, "+");
        for (int k = 0; k < widths[i] + 2; k++)
            dp_text_add(t, "-");
    }
    dp_text_add(t, "+\n");
}

/* Centred; an odd blank goes to the right of a text of odd length, else to the left. */
static void add_row(dp_text *t, const char *const *cells, const int *widths,
                    int columns)
{
    for (int i = 0; i < columns; i++) {
        const int size = width_of(cells[i]), excess = widths[i] - size;
        const int left = excess / 2 + (excess % 2 && size % 2 == 0);
        dp_text_add(t, "| %*s%s%*s ", left, "", cells[i], excess - left, "");
    }
    dp_text_add(t, "|\n");
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static void add_class_table(dp_text *t, const dp_semantic_result *r)
{
    static const char *const head[] = {"Class", "IoU", "Acc"};
    char room[DP_SEMANTIC_NAME_ROOM], iou[CELL], acc[CELL];
    const char *cells[] = {NULL, iou, acc};
    int widths[] = {5, 3, 3};
    const int K = r->counts->settings.classes;
    for (int k = 0; k < K; k++) {
        format_percent(iou, r->classes[k].iou);
        format_percent(acc, r->classes[k].acc);
        widths[0] = larger(widths[0], width_of(dp_semantic_class_name(r, k, room)));
        widths[1] = larger(widths[1], width_of(iou));
        widths[2] = larger(widths[2], width_of(acc));
    }
    add_rule(t, widths, 3);
    add_row(t, head, widths, 3);
    add_rule(t, widths, 3);
    for (int k = 0; k < K; k++) {
        cells[0] = dp_semantic_class_name(r, k, room);
        format_percent(iou, r->classes[k].iou);
        format_percent(acc, r->classes[k].acc);
        add_row(t, cells, widths, 3);
    }
    add_rule(t, widths, 3);
}

static void add_summary_table(dp_text *t, const dp_semantic_scores *s)
{
    static const char *const head[] = {"aAcc", "mIoU", "mAcc"};
    const double values[] = {s->a_acc, s->m_iou, s->m_acc};
    char text[3][CELL];
    const char *const cells[] = {text[0], text[1], text[2]};
    int widths[3];
    for (int i = 0; i < 3; i++) {
        format_percent(text[i], values[i]);
        widths[i] = larger(4, width_of(text[i]));
    }
    add_rule(t, widths, 3);
    add_row(t, head, widths, 3);
    add_rule(t, widths, 3);
    add_row(t, cells, widths, 3);
    add_rule(t, widths, 3);
}

void dp_semantic_add_tables(dp_text *t, const dp_semantic_result *r)
{
    dp_text_add(t, "per class results:\n\n");
    add_class_table(t, r);
    dp_text_add(t, "Summary:\n\n");
    add_summary_table(t, &r->scores);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void add_number(dp_text *t, const char *key, double value)
{
    dp_text_add(t, "\"%s\": ", key);
    if (isnan(value))
        dp_text_add(t, "null");
    else
        dp_text_add_double(t, value);
    dp_text_add(t, ", ");
}

static void add_class(dp_text *t, const dp_semantic_result *r, int k)
{
    const dp_semantic_class *c = &r->classes[k];
    char room[DP_SEMANTIC_NAME_ROOM];
    dp_text_add(t, "%s\n  {\"label\": %d, \"name\": ", k > 0 ? "," : "",
                dp_semantic_settings_value(&r->counts->settings, k));
    dp_text_add_quoted(t, dp_semantic_class_name(r, k, room));
    dp_text_add(t, ", ");
    add_number(t, "IoU", c->iou);
    add_number(t, "Acc", c->acc);
    dp_text_add(t, "\"pixels\": %llu, \"predicted\": %llu, \"intersect\": %llu}",
                (unsigned long long)c->label, (unsigned long long)c->pred,
                (unsigned long long)c->intersect);
}

static void add_bad(dp_text *t, const dp_semantic_result *r)
{
    bool any = false;
    dp_text_add(t, "\"bad\": [");
    for (size_t i = 0; i < r->pair_count; i++) {
        const dp_semantic_pair *p = &r->pairs[i];
        if (p->kind == DP_SEMANTIC_GOOD)
            continue;
        dp_text_add(t, "%s\n  {\"kind\": \"%s\", \"message\": ", any ? "," : "",
                    dp_semantic_kind_name(p->kind));
        dp_results_add_name(t, p->problem);
        dp_text_add(t, "}");
        any = true;
    }
    dp_text_add(t, "]");
}

void dp_semantic_add_json(dp_text *t, const dp_semantic_result *r)
{
    const dp_semantic_settings *s = &r->counts->settings;
    dp_text_add(t, "{");
    add_number(t, "aAcc", r->scores.a_acc);
    add_number(t, "mIoU", r->scores.m_iou);
    add_number(t, "mAcc", r->scores.m_acc);
    dp_text_add(t, "\"images\": %zu, \"pixels\": %llu,\n\"classes\": [",
                r->counts->images, (unsigned long long)r->scores.pixels);
    for (int k = 0; k < s->classes; k++)
        add_class(t, r, k);
    dp_text_add(
        t,
        "],\n\"unassigned\": %llu, \"skipped\": %zu,\n\"settings\": {\"classes\": %d, "
        "\"labels\": ",
        (unsigned long long)r->scores.unassigned, r->pair_count - r->counts->images,
        s->classes);
    dp_text said = {.err = t->err};
    dp_semantic_add_settings(&said, s);
    dp_text_add_quoted(t, dp_text_get(&said));
    dp_text_done(&said);
    dp_text_add(t, "},\n");
    add_bad(t, r);
    dp_text_add(t, "}\n");
}
