#include "report/draw.h"

#include "base/memory.h"
#include "core/outline.h"
#include "report/canvas.h"

#include <math.h>
#include <string.h>

enum { LABEL_TEXT = 320 };
static const double fill_alpha = 0.42, halo_alpha = 0.45;
static const double most_covered = 0.25; /* of the image, by labels */

typedef struct colour {
    double r, g, b; /* 0 to 1 */
} colour;

typedef struct place {
    double x, y, w, h;
} place;

/* One object as it is drawn. */
typedef struct object {
    size_t index; /* in the detections                     */
    colour colour;
    char text[LABEL_TEXT];
    place label; /* of no width: not drawn */
} object;

typedef struct drawing {
    const dp_found *found;
    object *objects; /* by score, the best first */
    size_t count;
    double size, line; /* of letters; of lines, whole pixels */
    double covered;    /* by labels so far, in pixels        */
    dp_outline *outline;
    dp_status status; /* of the outlines */
    dp_error *err;
} drawing;

double dp_draw_text_size(int h, int w)
{
    /* 13 pixels at 640 x 480; half as fast as the image's sides, for large images are
     * looked at both shrunk and in parts. */
    const double size = 13 * sqrt(sqrt((double)h * w / (640.0 * 480)));
    return fmin(fmax(size, 9), 28);
}

/* ---- colours --------------------------------------------------------------------- */

static double blend(double from, double to, double part)
{
    return from + (to - from) * part;
}

/* The class's colour, in one of three shades. */
static colour shade_of(const uint8_t rgb[3], size_t ordinal)
{
    static const double target[] = {0, 1, 0}, part[] = {0, 0.35, 0.3};
    const double to = target[ordinal % 3], p = part[ordinal % 3];
    return (colour){blend(rgb[0] / 255.0, to, p), blend(rgb[1] / 255.0, to, p),
                    blend(rgb[2] / 255.0, to, p)};
}

static bool is_light(colour c)
{
    return 0.299 * c.r + 0.587 * c.g + 0.114 * c.b > 0.55;
}

static void set_colour(cairo_t *cr, colour c)
{
    cairo_set_source_rgb(cr, c.r, c.g, c.b);
}

/* ---- masks ----------------------------------------------------------------------- */

static void mix_pixel(uint8_t *p, colour c)
{
    p[0] = (uint8_t)lround(blend(p[0], 255 * c.b, fill_alpha));
    p[1] = (uint8_t)lround(blend(p[1], 255 * c.g, fill_alpha));
    p[2] = (uint8_t)lround(blend(p[2], 255 * c.r, fill_alpha));
}

static void fill_mask(dp_pixels *image, const dp_rle *mask, colour c)
{
    const size_t h = (size_t)mask->h, w = (size_t)mask->w;
    size_t at = 0;
    for (size_t i = 0; i < mask->count; i++) {
        for (size_t k = 0; i % 2 == 1 && k < mask->counts[i]; k++)
            mix_pixel(image->data + ((at + k) % h * w + (at + k) / h) * 3, c);
        at += mask->counts[i];
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

/* A ring with its corners cut half a pixel off, which turns stairs into slopes. */
static void add_ring(cairo_t *cr, const dp_point *ring, size_t count)
{
    cairo_new_sub_path(cr); /* else a line would lead here from the ring before */
    for (size_t i = 0; i < count; i++) {
        const dp_point p = ring[i], before = ring[(i + count - 1) % count];
        const dp_point after = ring[(i + 1) % count];
        cairo_line_to(cr, p.x + 0.5 * sign(before.x - p.x),
                      p.y + 0.5 * sign(before.y - p.y));
        cairo_line_to(cr, p.x + 0.5 * sign(after.x - p.x),
                      p.y + 0.5 * sign(after.y - p.y));
    }
    cairo_close_path(cr);
}

/* ---- lines ----------------------------------------------------------------------- */

/* Stroke the path in the colour over a dark halo, so that it shows on any ground. */
static void stroke(cairo_t *cr, colour c, double width)
{
    cairo_set_source_rgba(cr, 0, 0, 0, halo_alpha);
    cairo_set_line_width(cr, width * 2);
    cairo_stroke_preserve(cr);
    set_colour(cr, c);
    cairo_set_line_width(cr, width);
    cairo_stroke(cr);
}

static void draw_outline(cairo_t *cr, drawing *d, const object *o)
{
    const dp_rle mask = dp_detections_mask(d->found->detections, o->index);
    dp_outline *outline = d->outline;

    if (d->status == DP_OK)
        d->status = dp_outline_trace(d->err, outline, &mask);
    if (d->status != DP_OK)
        return;
    cairo_new_path(cr);
    for (size_t r = 0; r < outline->ring_count; r++)
        add_ring(cr, outline->points + outline->rings[r].first,
                 outline->rings[r].count);
    stroke(cr, o->colour, d->line * 0.7);
}

/* The nearest place where a line of this width covers whole pixels, inside the image. */
static double snap(double at, double line, int end)
{
    const double half = line / 2, whole = floor(at + 0.5);
    const double middle = whole + (half - floor(half));
    return fmax(fmin(middle, end - half), half);
}

static void draw_box(cairo_t *cr, const drawing *d, const object *o)
{
    const dp_box b = d->found->detections->list[o->index].box;
    const dp_size image = d->found->detections->image;
    const double x1 = snap((double)b.x1, d->line, image.w);
    const double y1 = snap((double)b.y1, d->line, image.h);
    const double x2 = snap((double)b.x2, d->line, image.w);
    const double y2 = snap((double)b.y2, d->line, image.h);

    cairo_rectangle(cr, x1, y1, x2 - x1, y2 - y1);
    stroke(cr, o->colour, d->line);
}

/* ---- labels ---------------------------------------------------------------------- */

static double shared_area(place a, place b)
{
    const double w = fmin(a.x + a.w, b.x + b.w) - fmax(a.x, b.x);
    const double h = fmin(a.y + a.h, b.y + b.h) - fmax(a.y, b.y);
    return w > 0 && h > 0 ? w * h : 0;
}

static double keep_inside(double at, double size, double end)
{
    return fmax(fmin(at, end - size), 0);
}

static bool is_free(const drawing *d, size_t i, place p)
{
    for (size_t j = 0; j < i; j++)
        if (shared_area(p, d->objects[j].label) > 0)
            return false;
    return true;
}

/* The first place around the box that is free of labels; false when there is none. */
static bool place_label(drawing *d, size_t i, double w, double h)
{
    object *o = &d->objects[i];
    const dp_box b = d->found->detections->list[o->index].box;
    const dp_size image = d->found->detections->image;
    const double x1 = (double)b.x1, y1 = (double)b.y1;
    const double x2 = (double)b.x2, y2 = (double)b.y2;
    const double corners[][2] = {{x1, y1 - h}, {x1, y1},     {x2 - w, y1 - h}, {x1, y2},
                                 {x2 - w, y1}, {x1, y2 - h}, {x2 - w, y2 - h}, {x2, y1},
                                 {x1 - w, y1}, {x1, y1 + h}, {x1, y1 - 2 * h}};
    const double most = most_covered * image.w * image.h;

    if (w > image.w || h > image.h || d->covered + w * h > most)
        return false;
    for (size_t k = 0; k < sizeof corners / sizeof *corners; k++) {
        const place p = {keep_inside(corners[k][0], w, image.w),
                         keep_inside(corners[k][1], h, image.h), w, h};
        if (is_free(d, i, p)) {
            o->label = p;
            d->covered += w * h;
            return true;
        }
    }
    return false;
}

static bool try_label(cairo_t *cr, drawing *d, size_t i)
{
    const char *label = d->objects[i].text;
    cairo_font_extents_t font;
    cairo_text_extents_t text;
    dp_canvas_set_font(cr, d->size, label);
    cairo_font_extents(cr, &font);
    cairo_text_extents(cr, label, &text);
    return place_label(d, i, ceil(text.x_advance + d->size * 0.5),
                       ceil(font.ascent + font.descent + d->size * 0.1));
}

/* Class and score where there is room for them, else the class alone, else nothing. */
static void measure_labels(cairo_t *cr, void *arg)
{
    drawing *d = arg;

    for (size_t i = 0; i < d->count; i++) {
        if (try_label(cr, d, i))
            continue;
        *strrchr(d->objects[i].text, ' ') = '\0'; /* the score */
        (void)try_label(cr, d, i);
    }
}

static void draw_label(cairo_t *cr, const drawing *d, const object *o)
{
    cairo_font_extents_t font;
    const place p = o->label;

    if (p.w <= 0)
        return;
    dp_canvas_set_font(cr, d->size, o->text);
    cairo_font_extents(cr, &font);
    cairo_rectangle(cr, p.x, p.y, p.w, p.h);
    set_colour(cr, o->colour);
    cairo_fill(cr);
    set_colour(cr, is_light(o->colour) ? (colour){0, 0, 0} : (colour){1, 1, 1});
    cairo_move_to(cr, p.x + d->size * 0.25,
                  p.y + (p.h - font.ascent - font.descent) / 2 + font.ascent);
    cairo_show_text(cr, o->text);
}

/* ---- all of it ------------------------------------------------------------------- */

static void draw_all(cairo_t *cr, void *arg)
{
    drawing *d = arg;

    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = d->count; i-- > 0;)
        draw_outline(cr, d, &d->objects[i]);
    for (size_t i = d->count; i-- > 0;)
        draw_box(cr, d, &d->objects[i]);
    for (size_t i = d->count; i-- > 0;)
        draw_label(cr, d, &d->objects[i]);
}

/* List what is drawn. `seen` counts the objects of each class. */
static void collect(drawing *d, size_t *seen)
{
    const dp_detections *found = d->found->detections;
    for (size_t i = 0; i < found->count; i++) {
        const dp_detection *x = &found->list[i];
        if (!(x->score >= d->found->score_thr))
            continue;
        const dp_class *c = &d->found->dataset->list[x->label];
        object *o = &d->objects[d->count++];
        o->index = i;
        o->colour = shade_of(c->colour, seen[x->label]++);
        snprintf(o->text, sizeof o->text, "%.255s %.2f", c->name, (double)x->score);
    }
}

static dp_status draw_collected(drawing *d, dp_pixels *image)
{
    dp_status st = dp_canvas_measure(d->err, measure_labels, d);
    if (st != DP_OK)
        return st;
    for (size_t i = d->count; i-- > 0;) {
        const dp_rle mask =
            dp_detections_mask(d->found->detections, d->objects[i].index);
        fill_mask(image, &mask, d->objects[i].colour);
    }
    st = dp_canvas_draw(d->err, image, draw_all, d);
    return st != DP_OK ? st : d->status;
}

dp_status dp_draw_detections(dp_error *err, dp_pixels *image, const dp_found *found)
{
    const dp_size size = found->detections->image;
    dp_outline outline = {0};
    drawing d = {.found = found, .outline = &outline, .err = err};
    void *objects = NULL, *seen = NULL;

    if (image->h != size.h || image->w != size.w)
        return dp_fail(err, DP_EARG,
                       "a drawing: found an image of %d x %d, expected %d x %d",
                       image->h, image->w, size.h, size.w);
    d.size = dp_draw_text_size(size.h, size.w);
    d.line = fmax(round(d.size / 7), 2);
    dp_status st = dp_alloc(err, &objects, found->detections->count, sizeof *d.objects,
                            "a drawing");
    if (st == DP_OK)
        st = dp_alloc(err, &seen, (size_t)found->dataset->count, sizeof(size_t),
                      "a drawing");
    if (st == DP_OK) {
        d.objects = objects;
        collect(&d, seen);
        st = draw_collected(&d, image);
    }
    dp_outline_done(&outline);
    dp_free(objects);
    dp_free(seen);
    return st;
}
