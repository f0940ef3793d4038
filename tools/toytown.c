/* toytown - a drawn town with its exact truth: a data set to train and to test with
 *
 * usage: toytown OUT --count N --seed S [--size HxW] [--start I] [--crops]
 *
 * Writes images/000000.jpg ..., annotations/instances.json (COCO: ten things, polygons,
 * a few crowds) and labels/000000.png ... (as ADE20K's: 0 is not asked about, 1 to 10 the
 * things, 11 to 16 the stuff). With --crops instead: CLASS/000000_0.jpg ..., a piece for each
 * thing, as classifiers are trained on. Image I is a matter of the seed and I alone.
 */
#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/path.h"
#include "io/image/jpeg.h"
#include "io/image/png.h"
#include "tools/town/crop.h"
#include "tools/town/finish.h"
#include "tools/town/layout.h"
#include "tools/town/truth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUALITY = 92,
    LEAST_SIDE = 96,
    MOST_SIDE = 2048,
    MOST_IMAGES = 1000000,
    EXIT_USAGE = 2,
    EXIT_MACHINE = 4
};

typedef struct town {
    const char *folder;
    long count, start, seed;
    int h, w;
    bool crops;
    toy_layout layout;
    toy_truth truth;
    cairo_surface_t *surface;
    dp_pixels image;
    dp_text json;
    long annotations;
    dp_atomic_file file; /* of the annotations */
    dp_error err;
} town;

/* ---- the command line ---- */

static const char usage[] =
    "usage: toytown OUT --count N --seed S [--size HxW] [--start I]\n"
    "               [--crops]\n\n"
    "Draws a town: N images with objects and segments, into the folder OUT.\n\n"
    "      --count N    images, 1 to 1000000\n"
    "      --seed S     which town\n"
    "      --size HxW   of each image, 96 to 2048 (default: 192x256)\n"
    "      --start I    number of the first image (default: 0)\n"
    "      --crops      a folder a class, with a piece of an image for each thing\n"
    "  -h, --help       this text\n";

static bool read_number(long *to, const char *option, const char *text, long low,
                        long high)
{
    char *end;
    errno = 0;
    const long v = text ? strtol(text, &end, 10) : 0;
    if (!text || end == text || *end || errno || v < low || v > high) {
        fprintf(stderr, "toytown: %s: found %s, expected a whole number, %ld to %ld\n",
                option, text ? text : "nothing", low, high);
        return false;
    }
    *to = v;
    return true;
}

static bool read_size(town *t, const char *text)
{
    int end = 0;
    if (text && sscanf(text, "%4dx%4d%n", &t->h, &t->w, &end) == 2 && !text[end] &&
        t->h >= LEAST_SIDE && t->w >= LEAST_SIDE && t->h <= MOST_SIDE &&
        t->w <= MOST_SIDE)
        return true;
    fprintf(stderr, "toytown: --size: found %s, expected HxW, each %d to %d\n",
            text ? text : "nothing", LEAST_SIDE, MOST_SIDE);
    return false;
}

static bool read_option(town *t, const char *option, const char *text)
{
    if (strcmp(option, "--count") == 0)
        return read_number(&t->count, option, text, 1, MOST_IMAGES);
    if (strcmp(option, "--seed") == 0)
        return read_number(&t->seed, option, text, 0, INT32_MAX);
    if (strcmp(option, "--start") == 0)
        return read_number(&t->start, option, text, 0, MOST_IMAGES - 1);
    if (strcmp(option, "--size") == 0)
        return read_size(t, text);
    fprintf(stderr, "toytown: %s: unknown option, see toytown --help\n", option);
    return false;
}

static bool read_arguments(town *t, int argc, char **argv)
{
    *t = (town){.count = -1, .seed = -1, .h = 192, .w = 256};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--crops") == 0) {
            t->crops = true;
        } else if (argv[i][0] == '-') {
            if (!read_option(t, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
                return false;
            i++;
        } else if (t->folder) {
            fprintf(stderr, "toytown: %s is too much; give one folder\n", argv[i]);
            return false;
        } else {
            t->folder = argv[i];
        }
    }
    const char *missing = !t->folder     ? "a folder"
                          : t->count < 0 ? "--count N"
                          : t->seed < 0  ? "--seed S"
                                         : NULL;
    if (missing)
        fprintf(stderr, "toytown: %s is missing; see toytown --help\n", missing);
    return !missing;
}

/* ---- the files ---- */

static dp_status path_of(town *t, dp_text *path, const char *part, long image,
                         const char *suffix)
{
    dp_text_done(path);
    path->err = &t->err;
    dp_text_add(path, "%s/%s", t->folder, part);
    if (suffix)
        dp_text_add(path, "/%06ld.%s", image, suffix);
    return path->status;
}

static dp_status make_folders(town *t)
{
    static const char *const parts[] = {"images", "labels", "annotations"};
    dp_text path = {0};
    dp_status st = DP_OK;
    for (size_t i = 0; st == DP_OK && i < sizeof parts / sizeof *parts; i++) {
        st = path_of(t, &path, parts[i], 0, NULL);
        if (st == DP_OK)
            st = dp_path_make_folders(&t->err, dp_text_get(&path));
    }
    dp_text_done(&path);
    return st;
}

/* Append the text to the annotation file, and empty it. */
static dp_status flush_json(town *t)
{
    dp_status st = t->json.status;
    if (st == DP_OK)
        st = dp_atomic_file_write(&t->err, &t->file, dp_text_get(&t->json),
                                  t->json.size);
    dp_text_done(&t->json);
    return st;
}

static dp_status begin_json(town *t)
{
    dp_text path = {0};
    dp_status st = path_of(t, &path, "annotations/instances.json", 0, NULL);
    if (st == DP_OK)
        st = dp_atomic_file_open(&t->err, &t->file, dp_text_get(&path));
    dp_text_done(&path);
    if (st != DP_OK)
        return st;
    t->json.err = &t->err;
    dp_text_add(&t->json,
                "{\"info\":{\"description\":\"toytown, seed %ld\"},\"images\":[",
                t->seed);
    for (long i = 0; i < t->count; i++)
        dp_text_add(&t->json,
                    "%s\n{\"id\":%ld,\"file_name\":\"%06ld.jpg\",\"width\":%d,"
                    "\"height\":%d}",
                    i ? "," : "", t->start + i, t->start + i, t->w, t->h);
    dp_text_add(&t->json, "],\n\"annotations\":[");
    return flush_json(t);
}

static dp_status end_json(town *t)
{
    dp_text_add(&t->json, "],\n\"categories\":[");
    for (int i = 1; i <= TOY_THINGS; i++)
        dp_text_add(&t->json, "%s\n{\"id\":%d,\"name\":\"%s\"}", i > 1 ? "," : "", i,
                    toy_thing_name(i));
    dp_text_add(&t->json, "]}\n");
    const dp_status st = flush_json(t);
    return st == DP_OK ? dp_atomic_file_commit(&t->err, &t->file) : st;
}

/* ---- the images ---- */

static void draw(town *t, toy_random *r)
{
    toy_layout_plan(&t->layout, r);
    cairo_t *cr = cairo_create(t->surface);
    toy_layout_draw(&t->layout, cr);
    cairo_destroy(cr);
    cairo_surface_flush(t->surface);
    toy_finish(&t->image, cairo_image_surface_get_data(t->surface),
               cairo_image_surface_get_stride(t->surface), &t->layout, r);
}

static dp_status save_crop(town *t, dp_text *path, long image, int thing)
{
    dp_pixels crop;
    dp_status st = DP_OK;
    if (!toy_crop_cut(&t->err, &st, &crop, &t->image, &t->layout, thing))
        return st;
    dp_text_done(path);
    path->err = &t->err;
    dp_text_add(path, "%s/%s", t->folder,
                toy_thing_name(t->layout.things[thing].class));
    st = dp_path_make_folders(&t->err, dp_text_get(path));
    dp_text_add(path, "/%06ld_%d.jpg", image, thing);
    if (st == DP_OK)
        st = path->status;
    if (st == DP_OK)
        st = dp_jpeg_save(&t->err, dp_text_get(path), &crop, QUALITY);
    dp_pixels_done(&crop);
    return st;
}

static dp_status make_crops(town *t, long image)
{
    toy_random r = toy_random_for((uint64_t)t->seed, (uint64_t)image);
    dp_text path = {0};
    dp_status st = DP_OK;
    draw(t, &r);
    for (int i = 0; i < t->layout.count && st == DP_OK; i++)
        st = save_crop(t, &path, image, i);
    dp_text_done(&path);
    return st;
}

static dp_status make_image(town *t, long image)
{
    toy_random r = toy_random_for((uint64_t)t->seed, (uint64_t)image);
    dp_text path = {0};
    draw(t, &r);
    dp_status st = path_of(t, &path, "images", image, "jpg");
    if (st == DP_OK)
        st = dp_jpeg_save(&t->err, dp_text_get(&path), &t->image, QUALITY);
    if (st == DP_OK)
        st = toy_truth_label(&t->err, &t->truth, &t->layout);
    if (st == DP_OK)
        st = path_of(t, &path, "labels", image, "png");
    if (st == DP_OK)
        st = dp_png_save_labels(&t->err, dp_text_get(&path), &t->truth.labels, NULL, 0);
    dp_text_done(&path);
    t->json.err = &t->err;
    if (st == DP_OK)
        st = toy_truth_annotate(&t->err, &t->truth, &t->json, &t->layout, image,
                                &t->annotations);
    return st == DP_OK ? flush_json(t) : st;
}

static dp_status make_all(town *t)
{
    dp_status st = t->crops ? DP_OK : make_folders(t);
    if (st == DP_OK)
        st = toy_layout_init(&t->err, &t->layout, t->h, t->w);
    if (st == DP_OK)
        st = toy_truth_init(&t->err, &t->truth, t->h, t->w);
    if (st == DP_OK)
        st = dp_pixels_init(&t->err, &t->image, t->h, t->w);
    if (st == DP_OK) {
        t->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, t->w, t->h);
        if (cairo_surface_status(t->surface) != CAIRO_STATUS_SUCCESS)
            st = dp_fail(&t->err, DP_ENOMEM, "out of memory: the image");
    }
    if (st == DP_OK && !t->crops)
        st = begin_json(t);
    for (long i = 0; st == DP_OK && i < t->count; i++)
        st = (t->crops ? make_crops : make_image)(t, t->start + i);
    return st == DP_OK && !t->crops ? end_json(t) : st;
}

static void release(town *t)
{
    dp_atomic_file_abandon(&t->file);
    dp_text_done(&t->json);
    dp_pixels_done(&t->image);
    toy_truth_done(&t->truth);
    toy_layout_done(&t->layout);
    if (t->surface)
        cairo_surface_destroy(t->surface);
}

int main(int argc, char **argv)
{
    static town t;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return fputs(usage, stdout) < 0 ? EXIT_MACHINE : 0;
    if (!read_arguments(&t, argc, argv))
        return EXIT_USAGE;
    const dp_status st = make_all(&t);
    release(&t);
    if (st != DP_OK)
        fprintf(stderr, "toytown: %s\n", t.err.text);
    return st == DP_OK ? 0 : EXIT_MACHINE;
}
