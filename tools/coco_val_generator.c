/* coco_val_generator - a COCO data set of val2017's size, with results, to time with
 *
 * usage: coco_val_generator FOLDER [IMAGES]
 *
 * Writes instances.json (5,000 images; about 37,000 objects with polygons of 8 to 60
 * corners, one in ninety a crowd region), results_bbox.json and results_segm.json (48.8
 * detections an image: 244,000). Classes, sizes, overlaps, scores and the digits of
 * numbers are as detectors and annotators leave them. The same seed every time.
 */
#include "base/memory.h"
#include "base/text.h"
#include "core/rle.h"
#include "core/rle_polygon.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CATEGORIES = 80, CORNERS = 60, RUNS = 1 << 15, PER_IMAGE = 512 };

typedef struct shape {
    int category; /* index */
    int corners;
    double xy[2 * CORNERS];
    double box[4]; /* x y w h */
    double area;
} shape;

typedef struct writer {
    FILE *truth, *boxes, *masks;
    dp_text text;
    dp_error err;
    long annotations, detections;
    uint32_t counts[RUNS], scratch[RUNS], columns[1024];
    char string[RUNS];
} writer;

static uint64_t state = 20170917;

static uint64_t next(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* In [0, 1). */
static double uniform(void)
{
    return (double)(next() >> 11) * 0x1p-53;
}

/* About normal, of variance 1. */
static double bell(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum;
}

/* COCO's ids have gaps; a third of all objects are of the first class. */
static int category_id(int index)
{
    static const int gaps[] = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
    int id = index + 1;
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
        id += id >= gaps[i];
    return id;
}

static int random_category(void)
{
    return uniform() < .3 ? 0 : (int)(CATEGORIES * pow(uniform(), 1.7));
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

/* Set box and area from the corners, which are kept inside the image. */
static void measure(shape *s, int h, int w)
{
    double low[2] = {1e9, 1e9}, high[2] = {-1e9, -1e9}, twice = 0;
    for (int i = 0; i < 2 * s->corners; i++) {
        s->xy[i] = clamp(s->xy[i], 0, i % 2 ? h : w);
        low[i & 1] = fmin(low[i & 1], s->xy[i]);
        high[i & 1] = fmax(high[i & 1], s->xy[i]);
    }
    for (int i = 0; i < s->corners; i++) {
        const int j = (i + 1) % s->corners;
        twice += s->xy[2 * i] * s->xy[2 * j + 1] - s->xy[2 * j] * s->xy[2 * i + 1];
    }
    s->box[0] = low[0];
    s->box[1] = low[1];
    s->box[2] = high[0] - low[0];
    s->box[3] = high[1] - low[1];
    s->area = fabs(twice) / 2;
}

/* A blob whose outline wobbles. */
static void blob(shape *s, double x, double y, double rx, double ry, int h, int w)
{
    double phase[4], size[4];
    for (int k = 0; k < 4; k++) {
        phase[k] = 6.283 * uniform();
        size[k] = .22 * bell() / (k + 1.5);
    }
    s->corners = (int)clamp(8 + sqrt(rx * ry) / 3 + 6 * uniform(), 8, CORNERS);
    for (int i = 0; i < s->corners; i++) {
        const double angle = 6.283185307179586 * i / s->corners;
        double r = 1 + .05 * bell();
        for (int k = 0; k < 4; k++)
            r += size[k] * sin((k + 2) * angle + phase[k]);
        r = fmax(r, .15);
        s->xy[2 * i] = x + rx * r * cos(angle);
        s->xy[2 * i + 1] = y + ry * r * sin(angle);
    }
    measure(s, h, w);
}

static void random_shape(shape *s, int h, int w)
{
    s->category = random_category();
    do {
        const double size = exp(clamp(3.45 + 1.05 * bell(), 1, 5.7));
        const double form = exp(.4 * bell());
        blob(s, w * uniform(), h * uniform(), size * form / 1.6, size / form / 1.6, h,
             w);
    } while (s->box[2] < 3 || s->box[3] < 3);
}

/* What a detector makes of a shape: moved, stretched, with an outline of its own. */
static void distort(shape *to, const shape *from, double amount, int h, int w)
{
    const double cx = from->box[0] + from->box[2] / 2,
                 cy = from->box[1] + from->box[3] / 2;
    const double sx = 1 + amount * bell(), sy = 1 + amount * bell();
    const double dx = amount * bell() * from->box[2],
                 dy = amount * bell() * from->box[3];
    *to = *from;
    for (int i = 0; i < to->corners; i++) {
        const double wobble = 1 + .04 * bell();
        to->xy[2 * i] = cx + dx + (from->xy[2 * i] - cx) * sx * wobble;
        to->xy[2 * i + 1] = cy + dy + (from->xy[2 * i + 1] - cy) * sy * wobble;
    }
    measure(to, h, w);
}

static void flush_to(writer *out, FILE *f)
{
    fputs(dp_text_get(&out->text), f);
    out->text.size = 0;
}

/* The runs of a shape in out->counts. */
static size_t runs_of(writer *out, const shape *s, int h, int w)
{
    if (dp_rle_polygon_bound(s->xy, (size_t)s->corners, w) > RUNS) {
        fprintf(stderr, "coco_val_generator: a shape has too many runs\n");
        exit(1);
    }
    return dp_rle_polygon(out->counts, out->scratch, out->columns, s->xy,
                          (size_t)s->corners, h, w);
}

static void write_object(writer *out, const shape *s, bool crowd, long image, int h,
                         int w)
{
    dp_text *t = &out->text;
    dp_text_add(t, "%s{\"segmentation\": ", out->annotations ? ", " : "");
    if (crowd) {
        const size_t n = runs_of(out, s, h, w);
        dp_text_add(t, "{\"counts\": [");
        for (size_t i = 0; i < n; i++)
            dp_text_add(t, "%s%u", i ? ", " : "", (unsigned)out->counts[i]);
        dp_text_add(t, "], \"size\": [%d, %d]}", h, w);
    } else {
        for (int i = 0; i < 2 * s->corners; i++)
            dp_text_add(t, "%s%.2f", i ? ", " : "[[", s->xy[i]);
        dp_text_add(t, "]]");
    }
    dp_text_add(
        t,
        ", \"area\": %.4f, \"iscrowd\": %d, \"image_id\": %ld, \"bbox\": [%.2f, "
        "%.2f, %.2f, %.2f], \"category_id\": %d, \"id\": %ld}",
        s->area, crowd, image, s->box[0], s->box[1], s->box[2], s->box[3],
        category_id(s->category), 100000 + out->annotations);
    out->annotations++;
    flush_to(out, out->truth);
}

static void write_detection(writer *out, const shape *s, double score, long image,
                            int h, int w)
{
    dp_text *t = &out->text;
    const char *comma = out->detections ? ", " : "";
    for (int with_mask = 0; with_mask < 2; with_mask++) {
        dp_text_add(t, "%s{\"image_id\": %ld, \"bbox\": [", comma, image);
        for (int i = 0; i < 4; i++) {
            dp_text_add(t, "%s", i ? ", " : "");
            dp_text_add_double(t, (double)(float)s->box[i]);
        }
        dp_text_add(t, "], \"score\": ");
        dp_text_add_double(t, (double)(float)score);
        dp_text_add(t, ", \"category_id\": %d", category_id(s->category));
        if (with_mask) {
            const size_t n = runs_of(out, s, h, w);
            dp_text_add(t, ", \"segmentation\": {\"size\": [%d, %d], \"counts\": ", h,
                        w);
            dp_rle_format(out->string, out->counts, n);
            dp_text_add_quoted(t, out->string);
            dp_text_add(t, "}");
        }
        dp_text_add(t, "}");
        flush_to(out, with_mask ? out->masks : out->boxes);
    }
    out->detections++;
}

/* Fill `count` detections for the objects of an image, best first by and large. */
static void write_detections(writer *out, const shape *objects, int object_count,
                             int count, long image, int h, int w)
{
    for (int i = 0; i < count; i++) {
        shape s;
        double score;
        if (object_count > 0 && i < object_count && uniform() < .85) {
            distort(&s, &objects[i], .02 + .1 * uniform(), h, w);
            score = 1 - .7 * pow(uniform(), 1.5);
        } else if (object_count > 0 && uniform() < .6) {
            distort(&s, &objects[next() % (uint64_t)object_count], .3 * uniform(), h,
                    w);
            score = .05 + .4 * pow(uniform(), 2.5);
            if (uniform() < .5)
                s.category = random_category();
        } else {
            random_shape(&s, h, w);
            score = .05 + .3 * pow(uniform(), 4);
        }
        write_detection(out, &s, score, image, h, w);
    }
}

static int object_count(void)
{
    const int n = (int)(-7.3 * log(1 - uniform()) + .55);
    return n < 60 ? n : 60;
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

static void write_head(writer *out, long images, const int *h, const int *w)
{
    fprintf(out->truth, "{\"info\": {\"description\": \"made to time evaluators\"}, "
                        "\"licenses\": [], \"images\": [");
    for (long i = 0; i < images; i++)
        fprintf(
            out->truth,
            "%s{\"license\": 4, \"file_name\": \"%012ld.jpg\", \"coco_url\": "
            "\"http://images.example.org/val/%012ld.jpg\", \"height\": %d, \"width\": "
            "%d, \"date_captured\": \"2013-11-14 17:02:52\", \"id\": %ld}",
            i ? ", " : "", 139 + 116 * i, 139 + 116 * i, h[i], w[i], 139 + 116 * i);
    fprintf(out->truth, "], \"annotations\": [");
}

static void write_tail(writer *out)
{
    fprintf(out->truth, "], \"categories\": [");
    for (int k = 0; k < CATEGORIES; k++)
        fprintf(out->truth,
                "%s{\"supercategory\": \"thing\", \"id\": %d, \"name\": "
                "\"class %d\"}",
                k ? ", " : "", category_id(k), category_id(k));
    fprintf(out->truth, "]}\n");
    fprintf(out->boxes, "]\n");
    fprintf(out->masks, "]\n");
}

static int close_all(writer *out)
{
    int failed = 0;
    FILE *const files[] = {out->truth, out->boxes, out->masks};
    for (int i = 0; i < 3; i++) {
        failed |= ferror(files[i]);
        failed |= fclose(files[i]);
    }
    return failed;
}

int main(int argc, char **argv)
{
    static const int sides[][2] = {{480, 640}, {427, 640}, {640, 480},
                                   {640, 427}, {375, 500}, {612, 612}};
    const long images = argc > 2 ? strtol(argv[2], NULL, 10) : 5000;
    if (argc < 2 || images < 1 || images > 1000000) {
        fprintf(stderr, "usage: coco_val_generator FOLDER [IMAGES]\n");
        return 2;
    }
    writer *out = calloc(1, sizeof *out);
    int *h = calloc((size_t)images, sizeof *h), *w = calloc((size_t)images, sizeof *w);
    shape *objects = calloc(PER_IMAGE, sizeof *objects);
    if (!out || !h || !w || !objects) {
        fprintf(stderr, "coco_val_generator: out of memory\n");
        return 1;
    }
    out->text.err = &out->err;
    out->truth = open_in(argv[1], "instances.json");
    out->boxes = open_in(argv[1], "results_bbox.json");
    out->masks = open_in(argv[1], "results_segm.json");
    fprintf(out->boxes, "[");
    fprintf(out->masks, "[");
    for (long i = 0; i < images; i++) {
        const int *side = sides[(size_t)(next() % (sizeof sides / sizeof *sides))];
        h[i] = side[0];
        w[i] = side[1];
    }
    write_head(out, images, h, w);
    for (long i = 0; i < images; i++) {
        const int n = object_count();
        for (int k = 0; k < n; k++) {
            random_shape(&objects[k], h[i], w[i]);
            write_object(out, &objects[k], uniform() < 1. / 90, 139 + 116 * i, h[i],
                         w[i]);
        }
        /* 48.8 an image in all, more where there is more to see. */
        const long due = (long)(48.8 * (double)(i + 1)) - out->detections;
        const int count = (int)clamp((double)due * (.5 + .07 * n), 1, 100);
        write_detections(out, objects, n,
                         i + 1 == images ? (int)clamp((double)due, 0, 100000) : count,
                         139 + 116 * i, h[i], w[i]);
    }
    write_tail(out);
    const long annotations = out->annotations, detections = out->detections;
    const dp_status st = out->text.status;
    dp_text_done(&out->text);
    const int failed = close_all(out);
    free(out);
    free(objects);
    free(h);
    free(w);
    if (failed || st != DP_OK) {
        fprintf(stderr, "coco_val_generator: cannot write all of it\n");
        return 1;
    }
    printf("%ld images, %ld objects, %ld detections\n", images, annotations,
           detections);
    return 0;
}
