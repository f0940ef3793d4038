/* demo_page - the page of `make demo`: what two models found in images never seen before
 *
 * usage: demo_page FOLDER
 *
 * FOLDER is what tools/demo.sh has filled: boxes/ and labels/ with NAME_overlay.jpg,
 * detect/metrics.json and segment/metrics.json of `densepred test`, times.json with
 * "images", and seconds of "detect" and "segment". Writes FOLDER/index.html: one file,
 * no network, legible on a phone.
 */
#include "base/json.h"
#include "report/chart.h"
#include "report/page.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 12, NAME_ROOM = 256, PATH_ROOM = 1024 };
enum { RECALLS = 101 };

typedef struct demo {
    const char *folder;
    cJSON *boxes, *labels, *times; /* owned */
    dp_text page;
    dp_error err;
} demo;

/* NaN when there is no such number. */
static double number(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(value) ? value->valuedouble : (double)NAN;
}

static const char *name_of(const cJSON *class)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(class, "name");
    return cJSON_IsString(name) ? name->valuestring : "?";
}

static const cJSON *classes_of(const cJSON *evaluation)
{
    return cJSON_GetObjectItemCaseSensitive(evaluation, "classes");
}

static void add_cell(dp_text *t, double value)
{
    if (isnan(value) || value < 0)
        dp_text_add(t, "<td data-v=\"-1\">n/a</td>");
    else
        dp_text_add(t, "<td data-v=\"%.6f\">%.3f</td>", value, value);
}

static void add_card(dp_text *t, const char *what, double value, int digits,
                     const char *unit)
{
    dp_text_add(t, "<li><b>%.*f%s</b>%s</li>\n", digits, value, unit, what);
}

static void add_head(demo *d)
{
    dp_text *t = &d->page;
    const cJSON *box = cJSON_GetObjectItemCaseSensitive(d->boxes, "bbox");
    const cJSON *mask = cJSON_GetObjectItemCaseSensitive(d->boxes, "segm");
    const double images = number(d->times, "images");
    dp_page_open(t, "densepred in a", "drawn town");
    dp_text_add(
        t,
        "<h1>densepred in a drawn town</h1>\n<p>%.0f images that the training "
        "never saw, two small models that ship with the program: Mask R-CNN and "
        "UperNet on a ConvNeXt backbone. Everything here was computed on this "
        "machine just now, against the exact truth of the drawings.</p>\n"
        "<ul class=\"cards\">\n",
        images);
    add_card(t, "box AP", number(box, "AP"), 3, "");
    add_card(t, "mask AP", number(mask, "AP"), 3, "");
    add_card(t, "mIoU", number(d->labels, "mIoU"), 3, "");
    add_card(t, "pixels right", number(d->labels, "aAcc"), 3, "");
    add_card(t, "to detect, an image", 1000 * number(d->times, "detect") / images, 0,
             " ms");
    add_card(t, "to segment, an image", 1000 * number(d->times, "segment") / images, 0,
             " ms");
    dp_text_add(
        t, "</ul>\n<p class=\"soft\">AP is COCO's, over IoU 0.50 to 0.95. Times are "
           "of the whole program: start, decoding, network, drawing, files. More: "
           "<a href=\"detect/report/index.html\">report of the detector</a>, "
           "<a href=\"segment/report/index.html\">report of the segmentor</a>.</p>\n");
}

/* ---- images ---------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The first overlays in `folder` by name: all names are of one length. */
static int list_overlays(const char *folder, char names[][NAME_ROOM], int room)
{
    DIR *dir = opendir(folder);
    int count = 0;
    if (!dir)
        return 0;
    for (const struct dirent *e; (e = readdir(dir)) != NULL && count < room;)
        if (strstr(e->d_name, "_overlay.jpg") && strlen(e->d_name) < NAME_ROOM)
            strcpy(names[count++], e->d_name);
    closedir(dir);
    qsort(names, (size_t)count, NAME_ROOM, by_name);
    return count;
}

static void add_images(demo *d)
{
    enum { MOST = 1000 };
    static char names[MOST][NAME_ROOM];
    dp_text *t = &d->page;
    char boxes[PATH_ROOM], labels[PATH_ROOM];
    snprintf(boxes, sizeof boxes, "%s/boxes", d->folder);
    snprintf(labels, sizeof labels, "%s/labels", d->folder);
    const int count = list_overlays(boxes, names, MOST);
    dp_text_add(t,
                "<h2>Images</h2>\n<p>Boxes, masks, classes and scores on the left or "
                "above; a class for every pixel on the right or below.</p>\n"
                "<div class=\"images large\">\n");
    for (int i = 0; i < count && i < SHOWN; i++) {
        const char *folders[] = {boxes, labels};
        for (int k = 0; k < 2; k++) {
            dp_text_add(t, "<figure><div class=\"shot\">");
            if (!dp_page_add_image(t, folders[k], names[i]))
                dp_text_add(t, "<p>could not be shown</p>");
            dp_text_add(t, "</div><figcaption>%.*s, %s</figcaption></figure>\n",
                        (int)strcspn(names[i], "_"), names[i],
                        k ? "classes" : "objects");
        }
    }
    dp_text_add(t, "</div>\n");
}

/* ---- objects ----------------------------------------------------------------------------- */

static void add_object_table(demo *d)
{
    static const char *const columns[] = {"AP", "AP50", "AP75", "AR"};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    dp_text *t = &d->page;
    const cJSON *boxes = classes_of(cJSON_GetObjectItemCaseSensitive(d->boxes, "bbox"));
    const cJSON *masks = classes_of(cJSON_GetObjectItemCaseSensitive(d->boxes, "segm"));
    dp_text_add(
        t, "<h2>Objects</h2>\n<div class=\"wide\"><table class=\"sorts\"><thead><tr>"
           "<th>class</th><th>objects</th>");
    for (int k = 0; k < 2; k++)
        for (int c = 0; c < COLUMNS; c++)
            dp_text_add(t, "<th>%s %s</th>", k ? "mask" : "box", columns[c]);
    dp_text_add(t, "</tr></thead><tbody>\n");
    for (int i = 0; i < cJSON_GetArraySize(boxes); i++) {
        const cJSON *class = cJSON_GetArrayItem(boxes, i);
        const double objects = number(class, "objects");
        dp_text_add(t, "<tr><td data-v=\"%s\">%s</td><td data-v=\"%.0f\">%.0f</td>",
                    name_of(class), name_of(class), objects, objects);
        for (int k = 0; k < 2; k++)
            for (int c = 0; c < COLUMNS; c++)
                add_cell(t,
                         number(k ? cJSON_GetArrayItem(masks, i) : class, columns[c]));
        dp_text_add(t, "</tr>\n");
    }
    dp_text_add(t, "</tbody></table></div>\n");
}

static int hue(int i, int count)
{
    return 360 * i / count;
}

/* Neighbouring hues are told apart by dashes too. */
static const char *dash(int i)
{
    static const char *const patterns[] = {"", "6 3", "2 3"};
    return patterns[i % 3];
}

static void add_curve(dp_text *t, const cJSON *class, int i, int count)
{
    const cJSON *precision = cJSON_GetObjectItemCaseSensitive(class, "precision");
    if (cJSON_GetArraySize(precision) != RECALLS)
        return;
    dp_text_add(t,
                "<path fill=\"none\" stroke=\"hsl(%d 65%% 45%%)\" stroke-width=\"2\" "
                "stroke-dasharray=\"%s\" d=\"M",
                hue(i, count), dash(i));
    int r = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, precision)
    {
        const double p = fmax(cJSON_IsNumber(value) ? value->valuedouble : 0, 0);
        dp_text_add(t, "%s%.1f %.1f", r ? "L" : "",
                    DP_CHART_LEFT + DP_CHART_WIDTH * r / (RECALLS - 1.),
                    DP_CHART_TOP + DP_CHART_HEIGHT * (1 - p));
        r++;
    }
    dp_text_add(t, "\"><title>%s</title></path>\n", name_of(class));
}

static void add_curves(demo *d)
{
    static const char *const kinds[] = {"bbox", "segm"};
    static const char *const heads[] = {"Boxes", "Masks"};
    dp_text *t = &d->page;
    dp_text_add(t, "<h3>Precision over recall, at IoU 0.50</h3>\n<div class=\"images "
                   "large\">\n");
    const cJSON *classes = NULL;
    for (int k = 0; k < 2; k++) {
        classes = classes_of(cJSON_GetObjectItemCaseSensitive(d->boxes, kinds[k]));
        const int count = cJSON_GetArraySize(classes);
        dp_text_add(t, "<figure>");
        dp_chart_open(t, heads[k], "recall", "precision", 1);
        for (int i = 0; i < count; i++)
            add_curve(t, cJSON_GetArrayItem(classes, i), i, count);
        dp_text_add(t, "</svg><figcaption>%s</figcaption></figure>\n", heads[k]);
    }
    dp_text_add(t, "</div>\n<p class=\"key\">");
    const int count = cJSON_GetArraySize(classes);
    for (int i = 0; i < count; i++)
        dp_text_add(
            t,
            "<span><svg width=\"26\" height=\"8\" style=\"display:inline-block\">"
            "<path d=\"M0 4H26\" stroke=\"hsl(%d 65%% 45%%)\" stroke-width=\"3\" "
            "stroke-dasharray=\"%s\"/></svg> %s</span> ",
            hue(i, count), dash(i), name_of(cJSON_GetArrayItem(classes, i)));
    dp_text_add(t, "</p>\n");
}

/* ---- classes of pixels ------------------------------------------------------------------------------- */

static void add_label_table(demo *d)
{
    dp_text *t = &d->page;
    const cJSON *class;
    dp_text_add(t, "<h2>Classes of pixels</h2>\n<div class=\"wide\"><table "
                   "class=\"sorts\"><thead><tr>"
                   "<th>class</th><th>IoU</th><th>accuracy</th></tr></thead><tbody>\n");
    cJSON_ArrayForEach(class, classes_of(d->labels))
    {
        dp_text_add(t, "<tr><td data-v=\"%s\">%s</td>", name_of(class), name_of(class));
        add_cell(t, number(class, "IoU"));
        add_cell(t, number(class, "Acc"));
        dp_text_add(t, "</tr>\n");
    }
    dp_text_add(t, "</tbody></table></div>\n");
}

static dp_status load(demo *d, cJSON **out, const char *name)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/%s", d->folder, name);
    return dp_json_load(&d->err, out, path);
}

static dp_status make(demo *d)
{
    dp_status st = load(d, &d->boxes, "detect/metrics.json");
    if (st == DP_OK)
        st = load(d, &d->labels, "segment/metrics.json");
    if (st == DP_OK)
        st = load(d, &d->times, "times.json");
    if (st != DP_OK)
        return st;
    add_head(d);
    add_images(d);
    add_object_table(d);
    add_curves(d);
    add_label_table(d);
    dp_page_close(&d->page);
    return dp_page_save(&d->err, d->folder, "index.html", &d->page);
}

int main(int argc, char **argv)
{
    demo d = {.page = {.err = NULL}};
    if (argc != 2) {
        fprintf(stderr, "usage: demo_page FOLDER\n");
        return 2;
    }
    d.folder = argv[1];
    d.page.err = &d.err;
    const dp_status st = make(&d);
    if (st != DP_OK)
        fprintf(stderr, "demo_page: %s\n", d.err.text);
    cJSON_Delete(d.boxes);
    cJSON_Delete(d.labels);
    cJSON_Delete(d.times);
    dp_text_done(&d.page);
    return st == DP_OK ? 0 : 1;
}
