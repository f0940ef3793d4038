#include "report/draw_labels.h"

#include "core/limits.h"
#include "report/canvas.h"
#include "report/draw.h"

#include <math.h>
#include <string.h>

enum { NAMED = 10, ENTRY_TEXT = 288 };

typedef struct entry {
    int label; /* -1: the other classes */
    char text[ENTRY_TEXT];
    double x, y; /* of its left upper corner, in the strip */
} entry;

typedef struct legend {
    const dp_dataset *dataset;
    entry entries[NAMED + 1];
    int count;
    double size;     /* of letters                              */
    int width;       /* of the image; becomes that of the strip */
    int height, top; /* of the strip, in the image's rows      */
} legend;

/* Two parts of the colour, two of the image; at a border it is darker. */
static void tint_pixel(uint8_t *to, const uint8_t *from, const uint8_t rgb[3],
                       bool border)
{
    for (int i = 0; i < 3; i++) {
        const int mixed = (from[i] * 2 + rgb[2 - i] * 3 + 2) / 5;
        to[i] = (uint8_t)(border ? mixed * 5 / 8 : mixed);
    }
}

static bool is_border(const dp_label_map *m, int y, int x)
{
    const uint8_t *at = m->labels + (size_t)y * (size_t)m->w + x;
    return (x + 1 < m->w && at[1] != at[0]) || (y + 1 < m->h && at[m->w] != at[0]);
}

static void tint(dp_pixels *out, const dp_pixels *image, const dp_label_map *m,
                 const dp_dataset *dataset)
{
    for (int y = 0; y < m->h; y++)
        for (int x = 0; x < m->w; x++) {
            const size_t at = (size_t)y * (size_t)m->w + (size_t)x;
            const uint8_t *from = image->data + 3 * at;
            uint8_t *to = out->data + 3 * ((size_t)y * (size_t)out->w + (size_t)x);
            if (m->labels[at] < dataset->count)
                tint_pixel(to, from, dataset->list[m->labels[at]].colour,
                           is_border(m, y, x));
            else
                memmove(to, from, 3); /* which may be the same */
        }
}

static void add_entry(legend *l, int label, const char *name, double share)
{
    entry *e = &l->entries[l->count++];
    e->label = label;
    if (share < 0.0005)
        snprintf(e->text, sizeof e->text, "%.255s <0.1%%", name);
    else
        snprintf(e->text, sizeof e->text, "%.255s %.1f%%", name, 100 * share);
}

/* The largest classes, and what the others have together. */
static void list_entries(legend *l, const dp_label_map *m)
{
    const double all = (double)m->h * m->w;
    dp_label_count counts[DP_LABELS];
    const int count = dp_label_map_count(m, l->dataset->count, counts);
    size_t rest = 0;

    for (int i = 0; i < count; i++)
        if (i < NAMED)
            add_entry(l, counts[i].label, l->dataset->list[counts[i].label].name,
                      (double)counts[i].pixels / all);
        else
            rest += counts[i].pixels;
    if (count > NAMED) {
        char name[32];
        snprintf(name, sizeof name, "%d more", count - NAMED);
        add_entry(l, -1, name, (double)rest / all);
    }
}

/* Place the entries in columns, row by row, as many columns as fit. */
static void measure(cairo_t *cr, void *arg)
{
    legend *l = arg;
    const double row = ceil(l->size * 1.5), margin = ceil(l->size / 2);
    double cell = 0;

    for (int i = 0; i < l->count; i++) {
        cairo_text_extents_t text;
        dp_canvas_set_font(cr, l->size, l->entries[i].text);
        cairo_text_extents(cr, l->entries[i].text, &text);
        cell = fmax(cell, ceil(text.x_advance + l->size * 2.5));
    }
    const double room = l->width - 2 * margin;
    const int columns = l->count > 0 && room >= 2 * cell ? (int)(room / cell) : 1;
    const int rows = (l->count + columns - 1) / columns;
    for (int i = 0; i < l->count; i++) {
        /* Down a column first, as such lists are read. */
        l->entries[i].x = margin + i / rows * cell;
        l->entries[i].y = margin + i % rows * row;
    }
    l->width = (int)fmax(l->width, columns * cell + 2 * margin);
    l->height = (int)(rows * row + 2 * margin);
}

static void draw_swatch(cairo_t *cr, const uint8_t rgb[3], double x, double y,
                        double side)
{
    cairo_rectangle(cr, x, y, side, side);
    cairo_set_source_rgb(cr, rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0);
    cairo_fill_preserve(cr);
    cairo_set_source_rgb(cr, 0.25, 0.25, 0.25); /* white swatches need an edge */
    cairo_set_line_width(cr, 1);
    cairo_stroke(cr);
}

static void draw(cairo_t *cr, void *arg)
{
    const legend *l = arg;
    const double swatch = l->size * 1.1, row = ceil(l->size * 1.5);

    for (int i = 0; i < l->count; i++) {
        const entry *e = &l->entries[i];
        const double y = l->top + e->y;

        if (e->label >= 0)
            draw_swatch(cr, l->dataset->list[e->label].colour, e->x,
                        y + (row - swatch) / 2, swatch);
        cairo_set_source_rgb(cr, 0, 0, 0);
        cairo_font_extents_t font;
        dp_canvas_set_font(cr, l->size, e->text);
        cairo_font_extents(cr, &font);
        cairo_move_to(cr, e->x + l->size * 1.6,
                      y + (row - font.ascent - font.descent) / 2 + font.ascent);
        cairo_show_text(cr, e->text);
    }
}

static bool fits(const legend *l)
{
    const size_t h = (size_t)l->top + (size_t)l->height, w = (size_t)l->width;
    return h <= DP_MAX_IMAGE_SIDE && w <= DP_MAX_IMAGE_SIDE &&
           h * w <= DP_MAX_IMAGE_PIXELS;
}

static dp_status check_sizes(dp_error *err, const dp_pixels *image,
                             const dp_label_map *labels)
{
    if (image->h == labels->h && image->w == labels->w)
        return DP_OK;
    return dp_fail(err, DP_EARG,
                   "a drawing: found a label map of %d x %d, expected %d x %d",
                   labels->h, labels->w, image->h, image->w);
}

dp_status dp_draw_tint(dp_error *err, dp_pixels *image, const dp_label_map *labels,
                       const dp_dataset *dataset)
{
    const dp_status st = check_sizes(err, image, labels);
    if (st == DP_OK)
        tint(image, image, labels, dataset);
    return st;
}

dp_status dp_draw_labels(dp_error *err, dp_pixels *out, const dp_pixels *image,
                         const dp_label_map *labels, const dp_dataset *dataset)
{
    legend l = {.dataset = dataset, .width = image->w, .top = image->h};

    *out = (dp_pixels){0};
    const dp_status checked = check_sizes(err, image, labels);
    if (checked != DP_OK)
        return checked;
    l.size = dp_draw_text_size(image->h, image->w);
    list_entries(&l, labels);
    dp_status st = dp_canvas_measure(err, measure, &l);
    if (st == DP_OK && !fits(&l)) {
        l.count = l.height = 0;
        l.width = image->w;
    }
    if (st == DP_OK)
        st = dp_pixels_init(err, out, l.top + l.height, l.width);
    if (st != DP_OK)
        return st;
    memset(out->data, 255, (size_t)out->h * (size_t)out->w * 3);
    tint(out, image, labels, dataset);
    st = dp_canvas_draw(err, out, draw, &l);
    if (st != DP_OK)
        dp_pixels_done(out);
    return st;
}
