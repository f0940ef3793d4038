/* Results files: COCO, CSV, YOLO, LabelMe. */
#define _XOPEN_SOURCE 700 /* open_memstream */
#include "core/outline.h"
#include "io/data/labelme.h"
#include "io/data/results.h"
#include "io/data/yolo.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static char person[] = "person", light[] = "traffic, light";
static dp_class classes[] = {{person, 1, {255, 0, 0}}, {light, 10, {0, 0, 9}}};
static const dp_dataset dataset = {NULL, 2, classes};

/* A square ring of 3 x 3 without its middle, at (1, 1) in 6 x 8, and two pixels apart. */
static uint32_t runs[] = {7, 3, 3, 1, 1, 1, 3, 3, 26};

static dp_detection list[] = {
    {{1.5f, 1, 4.25f, 4}, 0.9f, 1, 0, 9},
    {{0, 0, 8, 6}, 1e-5f, 0, 0, 0},
};
static const dp_detections two = {
    .image = {6, 8}, .count = 2, .list = list, .run_count = 9, .runs = runs};

/* Everything in one writer's file. The caller's to free. */
static char *write_all(dp_results_format format, const dp_found *images, int count)
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
    return bytes;
}

static void check_text(char *got, const char *want)
{
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(coco_records_go_by_class)
{
    const dp_found f = {&two, &dataset, NULL, 139, 0, 0, false};
    check_text(write_all(DP_RESULTS_COCO, &f, 1),
               "[{\"image_id\": 139, \"bbox\": [0.0, 0.0, 8.0, 6.0], "
               "\"score\": 9.999999747378752e-06, \"category_id\": 1}, "
               "{\"image_id\": 139, \"bbox\": [1.5, 1.0, 2.75, 3.0], "
               "\"score\": 0.8999999761581421, \"category_id\": 10, "
               "\"segmentation\": {\"size\": [6, 8], \"counts\": \"733NN022g0\"}}]\n");
}
END_TEST

START_TEST(coco_without_images_is_a_list)
{
    check_text(write_all(DP_RESULTS_COCO, NULL, 0), "[]\n");
}
END_TEST

START_TEST(coco_without_detections_is_a_list)
{
    const dp_detections none = {.image = {6, 8}};
    const dp_found f[2] = {{&none, &dataset, NULL, 1, 0, 0, false},
                           {&none, &dataset, NULL, 2, 0, 0, false}};
    check_text(write_all(DP_RESULTS_COCO, f, 2), "[]\n");
}
END_TEST

START_TEST(coco_leaves_low_scores_out_and_names_files)
{
    const dp_found f[2] = {{&two, &dataset, "a \"b\".jpg", -3, 0.9f, 0, false},
                           {&two, &dataset, "\xff.jpg", 5000000000, 0.9f, 0, false}};
    char *text = write_all(DP_RESULTS_COCO, f, 2);
    cJSON *json = cJSON_Parse(text);
    ck_assert_int_eq(cJSON_GetArraySize(json), 2);
    const cJSON *first = cJSON_GetArrayItem(json, 0),
                *second = cJSON_GetArrayItem(json, 1);
    ck_assert_str_eq(cJSON_GetObjectItem(first, "file_name")->valuestring,
                     "a \"b\".jpg");
    ck_assert_str_eq(cJSON_GetObjectItem(second, "file_name")->valuestring, "?.jpg");
    ck_assert_ptr_nonnull(strstr(text, "\"image_id\": 5000000000,"));
    cJSON_Delete(json);
    free(text);
}
END_TEST

START_TEST(coco_escapes_backslashes_of_masks)
{
    uint32_t long_runs[] = {12, 76, 400000};
    dp_detection d = {{0, 0, 1, 1}, 1, 0, 0, 3};
    const dp_detections one = {
        .image = {488, 1}, .count = 1, .list = &d, .runs = long_runs};
    const dp_found f = {&one, &dataset, NULL, 1, 0, 0, false};
    char want[64];
    dp_rle_format(want, long_runs, 3);
    ck_assert_ptr_nonnull(strchr(want, '\\'));

    char *text = write_all(DP_RESULTS_COCO, &f, 1);
    cJSON *json = cJSON_Parse(text);
    const cJSON *s = cJSON_GetObjectItem(cJSON_GetArrayItem(json, 0), "segmentation");
    ck_assert_str_eq(cJSON_GetObjectItem(s, "counts")->valuestring, want);
    cJSON_Delete(json);
    free(text);
}
END_TEST

/* A stream that cannot be written, told at the latest when its buffer is flushed. */
START_TEST(results_tell_a_full_disk)
{
    FILE *stream = fopen(scratch_path("out.json"), "wb");
    const dp_found f = {&two, &dataset, NULL, 1, 0, 0, false};
    dp_results_writer w;
    dp_error err = {0};

    ck_assert_ptr_nonnull(stream);
    scratch_limit_writes(16);
    dp_results_writer_init(&w, DP_RESULTS_COCO, stream, "out.json");
    dp_status st = dp_results_writer_add(&err, &w, &f);
    if (st == DP_OK)
        st = dp_results_writer_end(&err, &w);
    ck_assert_int_eq(st, DP_EIO);
    ck_assert_str_eq(err.text, "out.json: cannot write: File too large");
    dp_results_writer_done(&w);
    fclose(stream);
}
END_TEST

START_TEST(csv_worked)
{
    const dp_found f = {&two, &dataset, "a,\"b\".jpg", 7, 0, 0, false};
    check_text(write_all(DP_RESULTS_CSV, &f, 1),
               "file_name,image_id,class,category_id,score,x1,y1,x2,y2,mask_area\n"
               "\"a,\"\"b\"\".jpg\",7,\"traffic, light\",10,0.9,1.5,1,4.25,4,8\n"
               "\"a,\"\"b\"\".jpg\",7,person,1,1e-05,0,0,8,6,\n");
    check_text(write_all(DP_RESULTS_CSV, NULL, 0),
               "file_name,image_id,class,category_id,score,x1,y1,x2,y2,mask_area\n");
}
END_TEST

START_TEST(csv_leaves_low_scores_out)
{
    const dp_found f = {&two, &dataset, "a.jpg", 7, 0.5f, 0, false};
    char *text = write_all(DP_RESULTS_CSV, &f, 1);
    ck_assert_ptr_nonnull(strstr(text, "traffic"));
    ck_assert_ptr_null(strstr(text, "person"));
    free(text);
}
END_TEST

START_TEST(yolo_boxes)
{
    const dp_detections boxes = {.image = {6, 8}, .count = 1, .list = list + 1};
    const dp_found f = {&boxes, &dataset, NULL, 0, 0, 0, false};
    dp_error err = {0};
    ck_assert_int_eq(dp_yolo_save(&err, scratch_path("a.txt"), &f), DP_OK);
    check_text(file_load(scratch_path("a.txt"), NULL), "0 0.5 0.5 1 1\n");
}
END_TEST

START_TEST(yolo_scores_when_asked_for)
{
    const dp_detections boxes = {.image = {6, 8}, .count = 1, .list = list + 1};
    const dp_found f = {&boxes, &dataset, NULL, 0, 0, 0, true};
    dp_error err = {0};
    ck_assert_int_eq(dp_yolo_save(&err, scratch_path("a.txt"), &f), DP_OK);
    check_text(file_load(scratch_path("a.txt"), NULL), "0 0.5 0.5 1 1 1e-05\n");
}
END_TEST

/* The ring of pixels from 1 to 4: round it, back, over to the hole, round that, and (by
 * closing) back again. */
START_TEST(yolo_outline_with_a_hole)
{
    const dp_found f = {&two, &dataset, NULL, 0, 0.5f, 0, false};
    dp_error err = {0};
    ck_assert_int_eq(dp_yolo_save(&err, scratch_path("a.txt"), &f), DP_OK);

    char *text = file_load(scratch_path("a.txt"), NULL);
    static const int path[][2] = {{4, 1}, {4, 4}, {1, 4}, {1, 1}, {4, 1},
                                  {3, 3}, {3, 2}, {2, 2}, {2, 3}, {3, 3}};
    char want[512];
    int n = snprintf(want, sizeof want, "1");
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        n += snprintf(want + n, sizeof want - (size_t)n, " %.9g %.9g", path[i][0] / 8.0,
                      (double)((float)path[i][1] / 6));
    (void)n;
    /* Numbers are compared as numbers: ours have fewer digits. */
    const char *p = text, *q = want;
    while (*q) {
        char *p_end, *q_end;
        const float got = strtof(p, &p_end), expected = strtof(q, &q_end);
        ck_assert_msg(got == expected, "%s: expected %s", p, q);
        ck_assert_ptr_ne(p, p_end);
        p = p_end;
        q = q_end;
    }
    ck_assert_str_eq(p, "\n");
    free(text);
}
END_TEST

START_TEST(yolo_classes)
{
    dp_error err = {0};
    ck_assert_int_eq(dp_yolo_save_classes(&err, scratch_path("classes.txt"), &dataset),
                     DP_OK);
    check_text(file_load(scratch_path("classes.txt"), NULL),
               "person\ntraffic, light\n");
}
END_TEST

START_TEST(results_refuse_a_folder_that_is_not_there)
{
    const dp_found f = {&two, &dataset, NULL, 0, 0, 0, false};
    dp_error err = {0};
    ck_assert_int_eq(dp_yolo_save(&err, "/nowhere/a.txt", &f), DP_EIO);
    ck_assert_int_eq(dp_labelme_save(&err, "/nowhere/a.json", &f), DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/a.json"));
}
END_TEST

static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(value != NULL, "%s is missing", key);
    return value;
}

static cJSON *load_json(const char *name)
{
    char *text = file_load(scratch_path(name), NULL);
    cJSON *json = cJSON_Parse(text);
    ck_assert_ptr_nonnull(json);
    free(text);
    return json;
}

/* Two parts, one with a hole, and a box. */
START_TEST(labelme_shapes)
{
    static uint8_t pixels[6 * 8];
    static const char drawing[] = "........"
                                  ".###...."
                                  ".#.#..#."
                                  ".###..#."
                                  "........"
                                  "........";
    uint32_t counts[6 * 8 + 1];
    dp_detection both[] = {{{1, 1, 7, 4}, 0.75f, 1, 0, 0},
                           {{0, 0.5f, 8, 6}, 0.5f, 0, 0, 0}};
    for (int i = 0; i < 48; i++)
        pixels[i] = drawing[i] == '#';
    both[0].mask_count = dp_rle_encode(counts, pixels, 6, 8);
    const dp_detections d = {.image = {6, 8}, .count = 2, .list = both, .runs = counts};
    const dp_found f = {&d, &dataset, "photo.jpg", 0, 0, 0, false};
    dp_error err = {0};

    ck_assert_int_eq(dp_labelme_save(&err, scratch_path("a.json"), &f), DP_OK);
    cJSON *json = load_json("a.json");
    ck_assert_str_eq(get(json, "imagePath")->valuestring, "photo.jpg");
    ck_assert_int_eq(get(json, "imageHeight")->valueint, 6);
    ck_assert_int_eq(get(json, "imageWidth")->valueint, 8);
    ck_assert(cJSON_IsNull(get(json, "imageData")));
    get(json, "version");
    get(json, "flags");

    const cJSON *shapes = get(json, "shapes");
    ck_assert_int_eq(cJSON_GetArraySize(shapes), 3);
    static const int points[] = {10, 4, 2};
    for (int i = 0; i < 3; i++) {
        const cJSON *s = cJSON_GetArrayItem(shapes, i);
        ck_assert_str_eq(get(s, "label")->valuestring, classes[i < 2].name);
        ck_assert_str_eq(get(s, "shape_type")->valuestring,
                         i < 2 ? "polygon" : "rectangle");
        ck_assert_int_eq(cJSON_GetArraySize(get(s, "points")), points[i]);
        ck_assert(i < 2 ? get(s, "group_id")->valueint == 0
                        : cJSON_IsNull(get(s, "group_id")));
        ck_assert(get(s, "score")->valuedouble == (i < 2 ? 0.75 : 0.5));
    }
    const cJSON *corner =
        cJSON_GetArrayItem(get(cJSON_GetArrayItem(shapes, 2), "points"), 0);
    ck_assert(cJSON_GetArrayItem(corner, 1)->valuedouble == 0.5);
    cJSON_Delete(json);
}
END_TEST

/* An object of one part, with a hole, needs no group. */
START_TEST(labelme_groups_parts_only)
{
    const dp_found f = {&two, &dataset, "photo.jpg", 0, 0.5f, 0, false};
    dp_error err = {0};
    ck_assert_int_eq(dp_labelme_save(&err, scratch_path("a.json"), &f), DP_OK);
    cJSON *json = load_json("a.json");
    const cJSON *shapes = get(json, "shapes");
    ck_assert_int_eq(cJSON_GetArraySize(shapes), 1);
    ck_assert(cJSON_IsNull(get(cJSON_GetArrayItem(shapes, 0), "group_id")));
    cJSON_Delete(json);
}
END_TEST

START_TEST(labelme_without_detections)
{
    const dp_detections none = {.image = {6, 8}};
    const dp_found f = {&none, &dataset, "photo.jpg", 0, 0, 0, false};
    dp_error err = {0};
    ck_assert_int_eq(dp_labelme_save(&err, scratch_path("a.json"), &f), DP_OK);
    cJSON *json = load_json("a.json");
    ck_assert_int_eq(cJSON_GetArraySize(get(json, "shapes")), 0);
    cJSON_Delete(json);
}
END_TEST

/* What upstream wrote, read and written again: the same bytes. */
typedef struct rebuilt {
    dp_dataset dataset;
    dp_class classes[128];
    dp_detections found;
} rebuilt;

static void add_record(rebuilt *r, const cJSON *record)
{
    const cJSON *box = get(record, "bbox"),
                *mask = cJSON_GetObjectItem(record, "segmentation");
    const int category = get(record, "category_id")->valueint;
    double at[4];
    dp_error err = {0};
    dp_detection d = {.score = (float)get(record, "score")->valuedouble};

    for (int i = 0; i < 4; i++)
        at[i] = cJSON_GetArrayItem(box, i)->valuedouble;
    d.box = (dp_box){(float)at[0], (float)at[1], (float)(at[0] + at[2]),
                     (float)(at[1] + at[3])};
    for (d.label = 0; r->classes[d.label].id != category;)
        d.label++;
    const char *string = mask ? get(mask, "counts")->valuestring : "";
    ck_assert_int_eq(dp_detections_reserve(&err, &r->found, r->found.count + 1,
                                           r->found.run_count + strlen(string)),
                     DP_OK);
    if (mask) {
        d.mask_first = r->found.run_count;
        r->found.image = (dp_size){cJSON_GetArrayItem(get(mask, "size"), 0)->valueint,
                                   cJSON_GetArrayItem(get(mask, "size"), 1)->valueint};
        ck_assert_int_eq(dp_rle_parse(&err, r->found.runs + d.mask_first, &d.mask_count,
                                      string, strlen(string), r->found.image.h,
                                      r->found.image.w),
                         DP_OK);
        r->found.run_count += d.mask_count;
    }
    r->found.list[r->found.count++] = d;
}

static void check_golden(const char *path)
{
    char *text = file_load(shared_path("%s", path), NULL), *bytes = NULL;
    cJSON *records = cJSON_Parse(text);
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    rebuilt *r = calloc(1, sizeof *r);
    dp_results_writer w;
    dp_error err = {0};
    const cJSON *record = records->child;

    for (int i = 0; i < 128; i++) /* category ids ascend with the class */
        r->classes[i].id = i;
    r->dataset = (dp_dataset){NULL, 128, r->classes};
    dp_results_writer_init(&w, DP_RESULTS_COCO, stream, path);
    while (record) {
        const int id = get(record, "image_id")->valueint;
        dp_detections_reset(&r->found, (dp_size){0, 0});
        for (; record && get(record, "image_id")->valueint == id; record = record->next)
            add_record(r, record);
        const dp_found f = {&r->found, &r->dataset, NULL, id, 0, 0, false};
        ck_assert_int_eq(dp_results_writer_add(&err, &w, &f), DP_OK);
    }
    ck_assert_int_eq(dp_results_writer_end(&err, &w), DP_OK);
    fclose(stream);
    ck_assert_uint_gt(w.records, 100);
    ck_assert_uint_eq(size, strlen(text) + 1); /* and a newline */
    ck_assert_mem_eq(bytes, text, size - 1);
    dp_results_writer_done(&w);
    dp_detections_done(&r->found);
    cJSON_Delete(records);
    free(r);
    free(bytes);
    free(text);
}

START_TEST(coco_golden_files_are_reproduced)
{
    if (!shared_has("golden/mask_rcnn_b/results.segm.json"))
        return;
    check_golden("golden/mask_rcnn_b/results.segm.json");
    check_golden("golden/mask_rcnn_b/results.bbox.json");
    check_golden("golden/cascade_a/results.segm.json");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("results");
    TCase *t = tcase_create("results");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, coco_records_go_by_class);
    tcase_add_test(t, coco_without_images_is_a_list);
    tcase_add_test(t, coco_without_detections_is_a_list);
    tcase_add_test(t, coco_leaves_low_scores_out_and_names_files);
    tcase_add_test(t, coco_escapes_backslashes_of_masks);
    tcase_add_test(t, results_tell_a_full_disk);
    tcase_add_test(t, csv_worked);
    tcase_add_test(t, csv_leaves_low_scores_out);
    tcase_add_test(t, yolo_boxes);
    tcase_add_test(t, yolo_scores_when_asked_for);
    tcase_add_test(t, yolo_outline_with_a_hole);
    tcase_add_test(t, yolo_classes);
    tcase_add_test(t, results_refuse_a_folder_that_is_not_there);
    tcase_add_test(t, labelme_shapes);
    tcase_add_test(t, labelme_groups_parts_only);
    tcase_add_test(t, labelme_without_detections);
    tcase_add_test(t, coco_golden_files_are_reproduced);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
