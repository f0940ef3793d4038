#include "report/canvas.h"

#include <stdint.h>
#include <string.h>

enum { TILE = 2048 };

typedef struct tile {
    int x, y, w, h;
} tile;

/* Cairo's pixel is one number of 32 bits in the machine's order: red above green above
 * blue. */
static void copy_in(unsigned char *to, int stride, const dp_pixels *p, tile t)
{
    for (int y = 0; y < t.h; y++, to += stride) {
        const uint8_t *from =
            p->data + ((size_t)(t.y + y) * (size_t)p->w + (size_t)t.x) * 3;
        for (int x = 0; x < t.w; x++, from += 3) {
            const uint32_t v =
                (uint32_t)from[2] << 16 | (uint32_t)from[1] << 8 | (uint32_t)from[0];
            memcpy(to + 4 * x, &v, sizeof v);
        }
    }
}

static void copy_out(dp_pixels *p, const unsigned char *from, int stride, tile t)
{
    for (int y = 0; y < t.h; y++, from += stride) {
        uint8_t *to = p->data + ((size_t)(t.y + y) * (size_t)p->w + (size_t)t.x) * 3;
        for (int x = 0; x < t.w; x++, to += 3) {
            uint32_t v;
            memcpy(&v, from + 4 * x, sizeof v);
            to[0] = (uint8_t)v;
            to[1] = (uint8_t)(v >> 8);
            to[2] = (uint8_t)(v >> 16);
        }
    }
}

void dp_canvas_set_font(cairo_t *cr, double size, const char *text)
{
    const char *family = "@cairo:";
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p > '~')
            family = "sans-serif";
    cairo_select_font_face(cr, family, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(cr, size);
}

static dp_status refused(dp_error *err, cairo_status_t status)
{
    if (status == CAIRO_STATUS_NO_MEMORY)
        return dp_fail(err, DP_ENOMEM, "out of memory: a drawing");
    return dp_fail(err, DP_EARG, "a drawing: %s", cairo_status_to_string(status));
}

/* Draw on an image of cairo's, whose pixel (0, 0) is (x, y) of the image. */
static dp_status run(dp_error *err, cairo_surface_t *surface, int x, int y,
                     dp_canvas_fn *draw, void *arg)
{
    cairo_t *cr = cairo_create(surface);
    cairo_translate(cr, -x, -y);
    draw(cr, arg);
    const cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_flush(surface);
    return status == CAIRO_STATUS_SUCCESS ? DP_OK : refused(err, status);
}

dp_status dp_canvas_measure(dp_error *err, dp_canvas_fn *measure, void *arg)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    const dp_status st = run(err, surface, 0, 0, measure, arg);
    cairo_surface_destroy(surface);
    return st;
}

static dp_status draw_tile(dp_error *err, dp_pixels *image, tile t, dp_canvas_fn *draw,
                           void *arg)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, t.w, t.h);
    const cairo_status_t status = cairo_surface_status(surface);
    dp_status st = status == CAIRO_STATUS_SUCCESS ? DP_OK : refused(err, status);

    if (st == DP_OK) {
        const int stride = cairo_image_surface_get_stride(surface);
        unsigned char *data = cairo_image_surface_get_data(surface);
        copy_in(data, stride, image, t);
        cairo_surface_mark_dirty(surface);
        st = run(err, surface, t.x, t.y, draw, arg);
        if (st == DP_OK)
            copy_out(image, data, stride, t);
    }
    cairo_surface_destroy(surface);
    return st;
}

dp_status dp_canvas_draw(dp_error *err, dp_pixels *image, dp_canvas_fn *draw, void *arg)
{
    for (int y = 0; y < image->h; y += TILE)
        for (int x = 0; x < image->w; x += TILE) {
            const tile t = {x, y, image->w - x < TILE ? image->w - x : TILE,
                            image->h - y < TILE ? image->h - y : TILE};
            const dp_status st = draw_tile(err, image, t, draw, arg);
            if (st != DP_OK)
                return st;
        }
    return DP_OK;
}
