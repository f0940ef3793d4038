/* demo_picture - draws the picture of `make demo`: a house, a tree and a car by day.
 * usage: demo_picture OUT.jpg */
#include "core/pixels.h"
#include "io/jpeg.h"

#include <cairo.h>
#include <stdio.h>

enum { WIDTH = 640, HEIGHT = 480, QUALITY = 92 };

static const double tau = 6.283185307179586;

static void fill(cairo_t *cr, double r, double g, double b)
{
    cairo_set_source_rgb(cr, r, g, b);
    cairo_fill(cr);
}

static void box(cairo_t *cr, double x, double y, double w, double h)
{
    cairo_rectangle(cr, x, y, w, h);
}

static void disc(cairo_t *cr, double x, double y, double radius)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, x, y, radius, 0, tau);
}

static void draw_ground(cairo_t *cr)
{
    cairo_pattern_t *sky = cairo_pattern_create_linear(0, 0, 0, 300);
    cairo_pattern_add_color_stop_rgb(sky, 0, 0.45, 0.68, 0.93);
    cairo_pattern_add_color_stop_rgb(sky, 1, 0.87, 0.93, 0.98);
    cairo_set_source(cr, sky);
    cairo_paint(cr);
    cairo_pattern_destroy(sky);
    disc(cr, 545, 80, 36);
    fill(cr, 1.0, 0.87, 0.35);
    box(cr, 0, 300, WIDTH, 90);
    fill(cr, 0.42, 0.66, 0.31);
    box(cr, 0, 380, WIDTH, 100);
    fill(cr, 0.38, 0.38, 0.41);
    for (int x = 10; x < WIDTH; x += 90)
        box(cr, x, 426, 48, 6);
    fill(cr, 0.93, 0.92, 0.84);
}

static void draw_house(cairo_t *cr)
{
    box(cr, 70, 180, 200, 150);
    fill(cr, 0.87, 0.76, 0.6);
    cairo_move_to(cr, 50, 184);
    cairo_line_to(cr, 170, 92);
    cairo_line_to(cr, 290, 184);
    cairo_close_path(cr);
    fill(cr, 0.66, 0.25, 0.2);
    box(cr, 100, 215, 46, 46);
    box(cr, 196, 215, 46, 46);
    fill(cr, 0.36, 0.5, 0.62);
    box(cr, 150, 262, 40, 68);
    fill(cr, 0.4, 0.25, 0.15);
}

static void draw_tree(cairo_t *cr)
{
    box(cr, 410, 230, 24, 110);
    fill(cr, 0.42, 0.29, 0.18);
    disc(cr, 422, 190, 62);
    disc(cr, 378, 214, 40);
    disc(cr, 464, 216, 42);
    fill(cr, 0.2, 0.47, 0.22);
}

static void draw_car(cairo_t *cr)
{
    cairo_move_to(cr, 330, 404);
    cairo_line_to(cr, 372, 356);
    cairo_line_to(cr, 470, 356);
    cairo_line_to(cr, 508, 404);
    cairo_close_path(cr);
    fill(cr, 0.75, 0.85, 0.92);
    box(cr, 300, 396, 240, 48);
    fill(cr, 0.8, 0.17, 0.18);
    disc(cr, 350, 444, 24);
    disc(cr, 490, 444, 24);
    fill(cr, 0.1, 0.1, 0.12);
}

int main(int argc, char **argv)
{
    dp_error err = {0};
    dp_pixels out;
    if (argc != 2) {
        fprintf(stderr, "usage: demo_picture OUT.jpg\n");
        return 2;
    }
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_t *cr = cairo_create(surface);
    draw_ground(cr);
    draw_house(cr);
    draw_tree(cr);
    draw_car(cr);
    cairo_surface_flush(surface);

    const unsigned char *rows = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    dp_status st = rows ? dp_pixels_init(&out, HEIGHT, WIDTH, &err)
                        : dp_fail(&err, DP_ENOMEM, "out of memory: the picture");
    if (st == DP_OK) {
        for (int y = 0; y < HEIGHT; y++) /* 32-bit words, blue in the lowest byte */
            for (int x = 0; x < WIDTH; x++)
                for (int c = 0; c < 3; c++)
                    out.data[(y * WIDTH + x) * 3 + c] =
                        rows[(size_t)y * (size_t)stride + (size_t)x * 4 + (size_t)c];
        st = dp_jpeg_save(&err, argv[1], &out, QUALITY);
        dp_pixels_done(&out);
    }
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    if (st != DP_OK)
        fprintf(stderr, "demo_picture: %s\n", err.text);
    return st == DP_OK ? 0 : 1;
}
