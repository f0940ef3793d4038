/* tools/toytown: the same seed the same bytes, and a truth that agrees with itself */
#include "core/rle.h"
#include "core/rle_polygon.h"
#include "io/image/png.h"
#include "tests/support/program.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tools/town/classes.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The generator stands beside the program. */
#define WITH_TOYTOWN \
    "toytown() { \"$(dirname \"$(command -v densepred)\")/tools/toytown\" \"$@\"; }; "

/* A town of this seed has every class, and crowds. */
enum { SEED = 4, PICTURES = 40 };
enum { H = 192, W = 256, MOST_RUNS = 4 * H * W };

/* ---- bytes ---- */

START_TEST(a_seed_gives_the_same_bytes)
{
    const program_result *r =
        program_run(WITH_TOYTOWN "toytown a --count 4 --seed 7 && "
                                 "toytown b --count 4 --seed 7 && "
                                 "diff -r a b");
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
}
END_TEST

START_TEST(an_image_does_not_depend_on_the_others)
{
    const program_result *r =
        program_run(WITH_TOYTOWN
                    "toytown a --count 4 --seed 7 && "
                    "toytown b --count 1 --seed 7 --start 3 && ls b/images b/labels && "
                    "cmp a/images/000003.jpg b/images/000003.jpg && "
                    "cmp a/labels/000003.png b/labels/000003.png");
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
    ck_assert_str_eq(r->out, "b/images:\n000003.jpg\n\nb/labels:\n000003.png\n");
}
END_TEST

START_TEST(another_seed_gives_other_images)
{
    const program_result *r =
        program_run(WITH_TOYTOWN "toytown a --count 1 --seed 7 && "
                                 "toytown b --count 1 --seed 8 && "
                                 "cmp -s a/images/000000.jpg b/images/000000.jpg");
    ck_assert_int_eq(r->status, 1);
}
END_TEST

START_TEST(crops_are_in_folders_of_their_classes)
{
    const program_result *r =
        program_run(WITH_TOYTOWN
                    "toytown a --count 12 --seed 4 --crops && "
                    "toytown b --count 1 --seed 4 --start 3 --crops && ls a | wc -l && "
                    "for f in b/*/*; do cmp $f a/${f#b/} || exit 1; done");
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
    ck_assert_str_eq(r->out, "10\n");
}
END_TEST

/* ---- truth ---- */

static void add_polygon(dp_rle *mask, const cJSON *polygon)
{
    static double xy[MOST_RUNS];
    static uint32_t part[MOST_RUNS], scratch[MOST_RUNS], columns[W + 1],
        merged[2 * MOST_RUNS];
    const size_t points = (size_t)cJSON_GetArraySize(polygon) / 2;
    size_t n = 0;
    const cJSON *value;
    ck_assert_uint_le(2 * points, MOST_RUNS);
    cJSON_ArrayForEach(value, polygon) xy[n++] = value->valuedouble;
    ck_assert_uint_le(dp_rle_polygon_bound(xy, points, W), MOST_RUNS);
    dp_rle r = {.h = H, .w = W, .counts = part};
    r.count = dp_rle_polygon(part, scratch, columns, xy, points, H, W);
    mask->count = dp_rle_merge(merged, mask, &r, false);
    ck_assert_uint_le(mask->count, MOST_RUNS);
    memcpy(mask->counts, merged, mask->count * sizeof *merged);
}

static bool is_crowd(const cJSON *annotation)
{
    return json_number(annotation, "iscrowd") != 0;
}

/* The annotation's pixels, by COCO's rule for polygons. */
static dp_rle mask_of(const cJSON *annotation)
{
    static uint32_t counts[MOST_RUNS];
    dp_rle mask = {.h = H, .w = W, .count = 1, .counts = counts};
    const cJSON *segmentation = json_get(annotation, "segmentation"), *part;
    counts[0] = H * W;
    if (!is_crowd(annotation)) {
        cJSON_ArrayForEach(part, segmentation) add_polygon(&mask, part);
        return mask;
    }
    mask.count = 0;
    cJSON_ArrayForEach(part, json_get(segmentation, "counts")) counts[mask.count++] =
        (uint32_t)part->valuedouble;
    return mask;
}

static void check_measures(const cJSON *annotation, const dp_rle *mask)
{
    const dp_box box = dp_rle_box(mask);
    const double want[4] = {(double)box.x1, (double)box.y1, (double)(box.x2 - box.x1),
                            (double)(box.y2 - box.y1)};
    ck_assert_double_eq(json_number(annotation, "area"), (double)dp_rle_area(mask));
    for (int k = 0; k < 4; k++)
        ck_assert_double_eq(
            cJSON_GetArrayItem(json_get(annotation, "bbox"), k)->valuedouble, want[k]);
}

static void load_labels(dp_label_map *map, int image)
{
    dp_error err = {0};
    char name[64];
    snprintf(name, sizeof name, "town/labels/%06d.png", image);
    ck_assert_msg(dp_png_load_labels(&err, map, scratch_path(name)) == DP_OK, "%s",
                  err.text);
    ck_assert_int_eq(map->h, H);
    ck_assert_int_eq(map->w, W);
}

/* Count into found[] the image's pixels of each label, and how often its annotations
 * say another thing than its labels. */
static int compare_image(const cJSON *annotations, int image,
                         int found[TOY_CLASSES + 1])
{
    static uint8_t said[H * W], mask[H * W], crowd[H * W];
    dp_label_map labels = {0};
    const cJSON *a;
    int wrong = 0;
    memset(said, 0, sizeof said);
    memset(crowd, 0, sizeof crowd);
    load_labels(&labels, image);
    cJSON_ArrayForEach(a, annotations)
    {
        if (json_number(a, "image_id") != image)
            continue;
        const dp_rle r = mask_of(a);
        check_measures(a, &r);
        dp_rle_decode(&r, mask);
        const int class = (int)json_number(a, "category_id");
        for (int k = 0; k < H * W; k++) {
            wrong += mask[k] && said[k]; /* of two things at once */
            if (mask[k])
                said[k] = (uint8_t) class;
            crowd[k] |= mask[k] && is_crowd(a);
        }
    }
    for (int k = 0; k < H * W; k++) {
        const int label = labels.labels[k], thing = label <= TOY_THINGS ? label : 0;
        ck_assert_int_le(label, TOY_CLASSES);
        wrong += crowd[k] ? label != 0 : thing != said[k] || label == 0;
        found[label]++;
    }
    dp_label_map_done(&labels);
    return wrong;
}

START_TEST(annotations_and_labels_agree_in_every_pixel)
{
    const program_result *r =
        program_run(WITH_TOYTOWN "toytown town --count %d --seed %d", PICTURES, SEED);
    ck_assert_msg(r->status == 0, "%s", r->err);
    cJSON *truth = json_load(scratch_path("town/annotations/instances.json"));
    const cJSON *annotations = json_get(truth, "annotations");
    int found[TOY_CLASSES + 1] = {0};
    ck_assert_int_eq(cJSON_GetArraySize(json_get(truth, "images")), PICTURES);
    for (int i = 0; i < PICTURES; i++)
        ck_assert_msg(compare_image(annotations, i, found) == 0, "image %d", i);
    for (int c = 0; c <= TOY_CLASSES; c++) /* 0: a crowd */
        ck_assert_msg(found[c] > 0, "no pixel of class %d", c);
    cJSON_Delete(truth);
}
END_TEST

/* The annotations as results of a perfect detector. */
static void write_results(const char *name, const cJSON *annotations)
{
    static char text[8 * MOST_RUNS];
    cJSON *results = cJSON_CreateArray();
    const cJSON *a;
    cJSON_ArrayForEach(a, annotations)
    {
        if (is_crowd(a))
            continue;
        const dp_rle r = mask_of(a);
        const int size[2] = {H, W};
        cJSON *result = cJSON_CreateObject(), *mask = cJSON_CreateObject();
        ck_assert_uint_lt(dp_rle_string_size(r.counts, r.count), sizeof text);
        dp_rle_format(text, r.counts, r.count);
        cJSON_AddItemToObject(mask, "size", cJSON_CreateIntArray(size, 2));
        cJSON_AddStringToObject(mask, "counts", text);
        cJSON_AddNumberToObject(result, "image_id", json_number(a, "image_id"));
        cJSON_AddNumberToObject(result, "category_id", json_number(a, "category_id"));
        cJSON_AddNumberToObject(result, "score", 1);
        cJSON_AddItemToObject(result, "bbox",
                              cJSON_Duplicate(json_get(a, "bbox"), true));
        cJSON_AddItemToObject(result, "segmentation", mask);
        cJSON_AddItemToArray(results, result);
    }
    char *all = cJSON_PrintUnformatted(results);
    scratch_text(name, all);
    cJSON_free(all);
    cJSON_Delete(results);
}

START_TEST(the_truth_against_itself_is_perfect)
{
    const program_result *r =
        program_run(WITH_TOYTOWN "toytown town --count %d --seed %d", PICTURES, SEED);
    ck_assert_msg(r->status == 0, "%s", r->err);
    cJSON *truth = json_load(scratch_path("town/annotations/instances.json"));
    write_results("results.json", json_get(truth, "annotations"));
    cJSON_Delete(truth);
    r = program_run(
        "densepred eval coco town/annotations/instances.json results.json >table && "
        "grep -c 'Average Precision.*IoU=0.50:0.95 | area=   all.* = 1.000' table");
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
    ck_assert_str_eq(r->out, "2\n"); /* boxes and masks */
    ck_assert_str_eq(r->err, "");    /* the evaluator has nothing to warn of */
}
END_TEST

/* ---- bad input ---- */

START_TEST(bad_arguments_are_named)
{
    static const struct {
        const char *arguments, *message;
    } cases[] = {
        {"", "a folder is missing; see toytown --help"},
        {"out --seed 1", "--count N is missing; see toytown --help"},
        {"out --count 1", "--seed S is missing; see toytown --help"},
        {"out --count 0 --seed 1",
         "--count: found 0, expected a whole number, 1 to 1000000"},
        {"out --count 2x --seed 1",
         "--count: found 2x, expected a whole number, 1 to 1000000"},
        {"out --seed",
         "--seed: found nothing, expected a whole number, 0 to 2147483647"},
        {"out --size 95x256 --count 1 --seed 1",
         "--size: found 95x256, expected HxW, each 96 to 2048"},
        {"out --size 256 --count 1 --seed 1",
         "--size: found 256, expected HxW, each 96 to 2048"},
        {"out --frogs 3", "--frogs: unknown option, see toytown --help"},
        {"out more --count 1 --seed 1", "more is too much; give one folder"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[160];
        snprintf(want, sizeof want, "toytown: %s\n", cases[i].message);
        const program_result *r =
            program_run(WITH_TOYTOWN "toytown %s", cases[i].arguments);
        ck_assert_str_eq(r->err, want);
        ck_assert_int_eq(r->status, 2);
    }
}
END_TEST

START_TEST(a_folder_that_cannot_be_is_named)
{
    const program_result *r =
        program_run(WITH_TOYTOWN "touch file && toytown file/town --count 1 --seed 1");
    ck_assert_int_eq(r->status, 4);
    ck_assert_ptr_nonnull(strstr(r->err, "file"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("town generator");
    TCase *t = tcase_create("toytown");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, a_seed_gives_the_same_bytes);
    tcase_add_test(t, an_image_does_not_depend_on_the_others);
    tcase_add_test(t, another_seed_gives_other_images);
    tcase_add_test(t, crops_are_in_folders_of_their_classes);
    tcase_add_test(t, annotations_and_labels_agree_in_every_pixel);
    tcase_add_test(t, the_truth_against_itself_is_perfect);
    tcase_add_test(t, bad_arguments_are_named);
    tcase_add_test(t, a_folder_that_cannot_be_is_named);
    suite_add_tcase(s, t);
    return suite_run(s);
}
