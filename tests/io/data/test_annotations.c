/* Files for annotation tools, against the rules that their readers check: LabelMe's and
 * Label Studio's JSON, COCO's data sets, YOLO's text.
 *
 * Sources: labelme/label_file.py (5.x). Label Studio's "Import pre-annotations" and its
 * tags PolygonLabels and RectangleLabels. COCO's "Data format" page. Ultralytics'
 * "Detection/Segmentation dataset format". */
#define _XOPEN_SOURCE 700 /* open_memstream */
#include "io/data/label_studio.h"
#include "io/data/labelme.h"
#include "io/data/yolo.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { H = 90, W = 120 };

static char person[] = "person", odd[] = "a \"b\" & <c>";
static dp_class classes[] = {{person, 1, {255, 0, 0}}, {odd, 10, {0, 16, 9}}};
static const dp_dataset dataset = {NULL, 2, classes};

/* Three objects: a disc with a hole beside a bar, a box without a mask, and one of a low
 * score. */
static uint32_t runs[H * W + 1];
static dp_detection list[] = {{{10, 10, 110, 80}, 0.9f, 1, 0, 0},
                              {{1.5f, 2, 60.25f, 40}, 0.75f, 0, 0, 0},
                              {{0, 0, 5, 5}, 0.1f, 0, 0, 0}};
static const dp_detections three = {
    .image = {H, W}, .count = 3, .list = list, .runs = runs};

static void setup(void)
{
    static uint8_t pixels[H * W];
    scratch_setup();
    for (int i = 0; i < H * W; i++) {
        const double r = hypot(i % W - 45, i / W - 45);
        pixels[i] = (r < 35 && r > 9) || (i % W > 100 && i % W < 110 && i / W > 20);
    }
    list[0].mask_count = dp_rle_encode(runs, pixels, H, W);
}

static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(value != NULL, "%s is missing", key);
    return value;
}

static const cJSON *get_array(const cJSON *object, const char *key)
{
    const cJSON *value = get(object, key);
    ck_assert_msg(cJSON_IsArray(value), "%s is no list", key);
    return value;
}

static const char *get_string(const cJSON *object, const char *key)
{
    const cJSON *value = get(object, key);
    ck_assert_msg(cJSON_IsString(value), "%s is no string", key);
    return value->valuestring;
}

static double get_number(const cJSON *object, const char *key)
{
    const cJSON *value = get(object, key);
    ck_assert_msg(cJSON_IsNumber(value), "%s is no number", key);
    return value->valuedouble;
}

static double item(const cJSON *array, int i)
{
    const cJSON *value = cJSON_GetArrayItem(array, i);
    ck_assert(cJSON_IsNumber(value));
    return value->valuedouble;
}

static cJSON *write_all(dp_results_format format, const dp_found *images, int count)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    dp_results_writer w;
    dp_error err = {0};

    dp_results_writer_init(&w, format, stream, "memory");
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(dp_results_writer_add(&err, &w, &images[i]), DP_OK);
    ck_assert_int_eq(dp_results_writer_end(&err, &w), DP_OK);
    dp_results_writer_done(&w);
    fclose(stream);
    cJSON *json = cJSON_Parse(bytes);
    ck_assert_msg(json != NULL, "%s", bytes);
    free(bytes);
    return json;
}

/* ---- LabelMe ---------------------------------------------------------------------- */

/* What LabelMe's reader takes: keys, their kinds, and as many points as a shape needs. */
static void check_labelme(const cJSON *json)
{
    const cJSON *s;
    get_string(json, "version");
    ck_assert(cJSON_IsObject(get(json, "flags")));
    ck_assert(cJSON_IsNull(get(json, "imageData")));
    ck_assert(get_number(json, "imageHeight") == H);
    ck_assert(get_number(json, "imageWidth") == W);
    get_string(json, "imagePath");
    cJSON_ArrayForEach(s, get_array(json, "shapes"))
    {
        const cJSON *points = get_array(s, "points"), *p;
        const bool polygon = strcmp(get_string(s, "shape_type"), "polygon") == 0;
        get_string(s, "label");
        get_string(s, "description");
        ck_assert(cJSON_IsObject(get(s, "flags")));
        ck_assert(cJSON_IsNull(get(s, "group_id")) || get_number(s, "group_id") >= 0);
        if (polygon)
            ck_assert_int_ge(cJSON_GetArraySize(points), 3);
        else {
            ck_assert_str_eq(get_string(s, "shape_type"), "rectangle");
            ck_assert_int_eq(cJSON_GetArraySize(points), 2);
        }
        cJSON_ArrayForEach(p, points)
        {
            ck_assert_int_eq(cJSON_GetArraySize(p), 2);
            ck_assert(item(p, 0) >= 0 && item(p, 0) <= W);
            ck_assert(item(p, 1) >= 0 && item(p, 1) <= H);
        }
    }
}

static int labelme_points(float tolerance)
{
    const dp_found f = {&three, &dataset, "../in/a.jpg", 1, 0.3f, tolerance, false};
    dp_error err = {0};
    ck_assert_int_eq(dp_labelme_save(&err, scratch_path("a.json"), &f), DP_OK);
    char *text = file_load(scratch_path("a.json"), NULL);
    cJSON *json = cJSON_Parse(text);
    check_labelme(json);
    ck_assert_str_eq(get_string(json, "imagePath"), "../in/a.jpg");
    ck_assert_int_eq(cJSON_GetArraySize(get(json, "shapes")), 3);
    const int n =
        cJSON_GetArraySize(get(cJSON_GetArrayItem(get(json, "shapes"), 0), "points"));
    cJSON_Delete(json);
    free(text);
    return n;
}

START_TEST(labelme_is_what_its_reader_takes)
{
    const int exact = labelme_points(0), simple = labelme_points(1);
    ck_assert_int_gt(exact, 150);
    ck_assert_int_lt(simple, 50);
}
END_TEST

/* ---- Label Studio ------------------------------------------------------------------ */

static void check_region(const cJSON *r)
{
    const cJSON *value = get(r, "value"), *p;
    const char *type = get_string(r, "type");
    const bool polygon = strcmp(type, "polygonlabels") == 0;
    get_string(r, "id");
    ck_assert_str_eq(get_string(r, "to_name"), "image");
    ck_assert_str_eq(get_string(r, "from_name"), polygon ? "mask" : "box");
    ck_assert(get_number(r, "original_width") == W);
    ck_assert(get_number(r, "original_height") == H);
    ck_assert(get_number(r, "image_rotation") == 0);
    ck_assert(get_number(r, "score") > 0 && get_number(r, "score") <= 1);
    ck_assert_int_eq(cJSON_GetArraySize(get_array(value, type)), 1);
    ck_assert(cJSON_IsString(cJSON_GetArrayItem(get(value, type), 0)));
    if (!polygon) {
        ck_assert_str_eq(type, "rectanglelabels");
        ck_assert(get_number(value, "x") >= 0 && get_number(value, "y") >= 0);
        ck_assert(get_number(value, "x") + get_number(value, "width") <= 100);
        ck_assert(get_number(value, "y") + get_number(value, "height") <= 100);
        ck_assert(get_number(value, "rotation") == 0);
        return;
    }
    ck_assert(cJSON_IsTrue(get(value, "closed")));
    ck_assert_int_ge(cJSON_GetArraySize(get_array(value, "points")), 3);
    cJSON_ArrayForEach(p, get(value, "points"))
    {
        ck_assert_int_eq(cJSON_GetArraySize(p), 2);
        ck_assert(item(p, 0) >= 0 && item(p, 0) <= 100);
        ck_assert(item(p, 1) >= 0 && item(p, 1) <= 100);
    }
}

START_TEST(label_studio_tasks_are_what_its_import_takes)
{
    const dp_detections none = {.image = {H, W}};
    const dp_found f[] = {{&three, &dataset, "/data/a.jpg", 1, 0.3f, 1, false},
                          {&none, &dataset, "/data/b.jpg", 2, 0.3f, 1, false}};
    cJSON *json = write_all(DP_RESULTS_LABEL_STUDIO, f, 2);
    const cJSON *task, *r;
    int regions = 0, boxes = 0;
    ck_assert(cJSON_IsArray(json));
    ck_assert_int_eq(cJSON_GetArraySize(json), 2);
    cJSON_ArrayForEach(task, json)
    {
        get_string(get(task, "data"), "image");
        const cJSON *prediction = cJSON_GetArrayItem(get_array(task, "predictions"), 0);
        get_string(prediction, "model_version");
        cJSON_ArrayForEach(r, get_array(prediction, "result"))
        {
            check_region(r);
            regions++;
            boxes += strcmp(get_string(r, "from_name"), "box") == 0;
        }
    }
    ck_assert_int_eq(regions, 3); /* two parts of a mask, and a box */
    ck_assert_int_eq(boxes, 1);
    cJSON_Delete(json);
    json = write_all(DP_RESULTS_LABEL_STUDIO, NULL, 0);
    ck_assert(cJSON_IsArray(json) && cJSON_GetArraySize(json) == 0);
    cJSON_Delete(json);
}
END_TEST

START_TEST(label_studio_interface_names_every_class)
{
    dp_error err = {0};
    ck_assert_int_eq(
        dp_label_studio_save_interface(&err, scratch_path("a.xml"), &dataset), DP_OK);
    char *text = file_load(scratch_path("a.xml"), NULL);
    static const char *const wanted[] = {
        "<Image name=\"image\" value=\"$image\"",
        "<PolygonLabels name=\"mask\" toName=\"image\">",
        "<RectangleLabels name=\"box\" toName=\"image\">",
        "<Label value=\"person\" background=\"#ff0000\"/>",
        "<Label value=\"a &#34;b&#34; &#38; &#60;c>\" background=\"#001009\"/>",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        ck_assert_msg(strstr(text, wanted[i]) != NULL, "%s: %s", wanted[i], text);
    free(text);
}
END_TEST

/* ---- COCO -------------------------------------------------------------------------- */

/* The area that a polygon goes round. */
static double polygon_area(const cJSON *polygon)
{
    const int n = cJSON_GetArraySize(polygon) / 2;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const int j = (i + 1) % n;
        sum += item(polygon, 2 * i) * item(polygon, 2 * j + 1) -
               item(polygon, 2 * j) * item(polygon, 2 * i + 1);
    }
    return fabs(sum) / 2;
}

/* What pycocotools' COCO() and CVAT's import look at. */
static void check_dataset(const cJSON *json)
{
    const cJSON *a, *i, *c, *p;
    int number = 0;
    ck_assert(cJSON_IsObject(get(json, "info")));
    get_array(json, "licenses");
    cJSON_ArrayForEach(c, get_array(json, "categories"))
    {
        get_number(c, "id");
        get_string(c, "name");
        get_string(c, "supercategory");
    }
    cJSON_ArrayForEach(i, get_array(json, "images"))
    {
        get_number(i, "id");
        get_string(i, "file_name");
        ck_assert(get_number(i, "width") == W && get_number(i, "height") == H);
    }
    cJSON_ArrayForEach(a, get_array(json, "annotations"))
    {
        double area = 0;
        ck_assert(get_number(a, "id") == ++number);
        get_number(a, "image_id");
        get_number(a, "category_id");
        ck_assert(get_number(a, "iscrowd") == 0);
        ck_assert(get_number(a, "area") > 0);
        ck_assert_int_eq(cJSON_GetArraySize(get_array(a, "bbox")), 4);
        cJSON_ArrayForEach(p, get_array(a, "segmentation"))
        {
            ck_assert_int_ge(cJSON_GetArraySize(p), 6);
            ck_assert_int_eq(cJSON_GetArraySize(p) % 2, 0);
            area += polygon_area(p);
        }
        if (area > 0) /* a pixel along the outline at most */
            ck_assert(fabs(area - get_number(a, "area")) < 400);
    }
}

START_TEST(coco_dataset_stands_alone)
{
    const dp_found f[] = {{&three, &dataset, "a.jpg", 7, 0.3f, 1, false},
                          {&three, &dataset, "b/\"c\".jpg", 9, 0, 0, false}};
    cJSON *json = write_all(DP_RESULTS_COCO_DATASET, f, 2);
    check_dataset(json);
    ck_assert_int_eq(cJSON_GetArraySize(get(json, "images")), 2);
    ck_assert_int_eq(cJSON_GetArraySize(get(json, "categories")), 2);
    const cJSON *all = get(json, "annotations");
    ck_assert_int_eq(cJSON_GetArraySize(all), 5);
    const cJSON *mask = cJSON_GetArrayItem(all, 0), *box = cJSON_GetArrayItem(all, 1);
    const dp_rle rle = dp_detections_mask(&three, 0);
    ck_assert(get_number(mask, "area") == (double)dp_rle_area(&rle));
    ck_assert_int_eq(cJSON_GetArraySize(get(mask, "segmentation")), 2);
    ck_assert(get_number(mask, "category_id") == 10);
    ck_assert(get_number(box, "area") == 58.75 * 38);
    ck_assert_int_eq(cJSON_GetArraySize(get(box, "segmentation")), 0);
    /* Exact polygons go round as many pixels as the mask has. */
    const cJSON *exact = get(cJSON_GetArrayItem(all, 2), "segmentation");
    ck_assert(polygon_area(cJSON_GetArrayItem(exact, 0)) +
                  polygon_area(cJSON_GetArrayItem(exact, 1)) ==
              get_number(mask, "area"));
    cJSON_Delete(json);
    json = write_all(DP_RESULTS_COCO_DATASET, NULL, 0);
    check_dataset(json);
    cJSON_Delete(json);
}
END_TEST

/* ---- YOLO -------------------------------------------------------------------------- */

/* A class index, then 4 numbers or at least 3 pairs, all from 0 to 1. */
START_TEST(yolo_lines_are_what_a_data_set_has)
{
    const dp_found f = {&three, &dataset, NULL, 1, 0.3f, 1, false};
    dp_detections boxes = three;
    dp_error err = {0};
    boxes.count = 1;
    const dp_found masked = {&boxes, &dataset, NULL, 1, 0.3f, 1, false};
    ck_assert_int_eq(dp_yolo_save(&err, scratch_path("a.txt"), _i ? &masked : &f),
                     DP_OK);
    char *text = file_load(scratch_path("a.txt"), NULL);
    int lines = 0;
    for (char *p = text; *p; p++, lines++) {
        int numbers = 0;
        ck_assert_int_lt(strtol(p, &p, 10), dataset.count);
        for (; *p == ' '; numbers++) {
            const double v = strtod(p, &p);
            ck_assert(v >= 0 && v <= 1);
        }
        ck_assert_int_eq(*p, '\n');
        ck_assert_msg(numbers == 4 || (numbers >= 6 && numbers % 2 == 0), "%d numbers",
                      numbers);
    }
    ck_assert_int_eq(lines, _i ? 1 : 2);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("annotations");
    TCase *t = tcase_create("annotations");
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_add_test(t, labelme_is_what_its_reader_takes);
    tcase_add_test(t, label_studio_tasks_are_what_its_import_takes);
    tcase_add_test(t, label_studio_interface_names_every_class);
    tcase_add_test(t, coco_dataset_stands_alone);
    tcase_add_loop_test(t, yolo_lines_are_what_a_data_set_has, 0, 2);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
