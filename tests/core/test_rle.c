/* RLE algebra: worked cases, properties, and the reference's own strings and IoUs. */
#include "base/json.h"
#include "core/limits.h"
#include "core/rle.h"
#include "core/rle_polygon.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "../shared/data/coco_eval/golden/"

enum { ROOM = 1 << 16, SIDE = 24 };

static uint32_t room[4][ROOM], columns[ROOM];
static unsigned long long seed = 1;

static unsigned next(unsigned below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % below;
}

/* A random mask of blocks, so that runs are of all lengths. */
static void random_mask(uint8_t *mask, int h, int w)
{
    const unsigned density = next(5);
    for (int i = 0; i < h * w; i++)
        mask[i] = next(4) < density;
}

static bool shared_is_there(const char *path)
{
    FILE *f = fopen(path, "r");
    if (f)
        fclose(f);
    else
        suite_skip("%s is not there", path);
    return f != NULL;
}

/* As the evaluators have it: of a crowd's, the union is the area of `a`. */
static double iou_of(const dp_rle *a, const dp_rle *b, bool crowd)
{
    const uint64_t both = dp_rle_intersection(a, b), area = dp_rle_area(a);
    return both ? (double)both / (double)(crowd ? area : area + dp_rle_area(b) - both)
                : 0;
}

START_TEST(runs_go_down_the_columns_and_start_with_zeros)
{
    const uint8_t mask[6] = {1, 0, 0, 1, 1, 0}; /* 2 x 3; columns 11 01 00 */
    const uint32_t want[] = {0, 2, 1, 1, 2};
    ck_assert_uint_eq(dp_rle_encode(room[0], mask, 2, 3), 5);
    ck_assert_mem_eq(room[0], want, sizeof want);

    const dp_rle r = {2, 3, 5, room[0]};
    const dp_box box = dp_rle_box(&r);
    ck_assert_uint_eq(dp_rle_area(&r), 3);
    ck_assert(box.x1 == 0 && box.y1 == 0 && box.x2 == 2 && box.y2 == 2);
}
END_TEST

START_TEST(an_empty_mask_has_an_empty_box)
{
    uint32_t runs[] = {12};
    const dp_rle r = {3, 4, 1, runs};
    const dp_box box = dp_rle_box(&r);
    ck_assert_uint_eq(dp_rle_area(&r), 0);
    ck_assert(box.x1 == 0 && box.y1 == 0 && box.x2 == 0 && box.y2 == 0);
    ck_assert(iou_of(&r, &r, false) == 0);
}
END_TEST

START_TEST(algebra_equals_the_same_on_pixels)
{
    static uint8_t a[SIDE * SIDE], b[SIDE * SIDE], got[SIDE * SIDE];
    static char text[ROOM];
    for (int round = 0; round < 2000; round++) {
        const int h = 1 + (int)next(SIDE), w = 1 + (int)next(SIDE);
        random_mask(a, h, w);
        random_mask(b, h, w);
        const dp_rle p = {h, w, dp_rle_encode(room[0], a, h, w), room[0]};
        const dp_rle q = {h, w, dp_rle_encode(room[1], b, h, w), room[1]};

        uint64_t both = 0, either = 0, ones = 0;
        dp_box box = {(float)w, (float)h, 0, 0};
        for (int i = 0; i < h * w; i++) {
            both += a[i] & b[i];
            either += a[i] | b[i];
            ones += a[i];
            if (!a[i])
                continue;
            const float x = (float)(i % w), y = (float)(i / w);
            box = (dp_box){fminf(box.x1, x), fminf(box.y1, y), fmaxf(box.x2, x + 1),
                           fmaxf(box.y2, y + 1)};
        }
        if (ones == 0)
            box = (dp_box){0};
        const dp_box found = dp_rle_box(&p);
        ck_assert_mem_eq(&found, &box, sizeof box);
        ck_assert_uint_eq(dp_rle_area(&p), ones);
        ck_assert_uint_eq(dp_rle_intersection(&p, &q), both);
        const double iou = both ? (double)both / (double)either : 0;
        const double inside = both ? (double)both / (double)ones : 0;
        ck_assert(iou_of(&p, &q, false) == iou);
        ck_assert(iou_of(&q, &p, false) == iou);
        ck_assert(iou_of(&p, &q, true) == inside);

        dp_rle_decode(&p, got);
        ck_assert_mem_eq(got, a, (size_t)(h * w));
        for (int meet = 0; meet < 2; meet++) {
            const dp_rle m = {h, w, dp_rle_merge(room[2], &p, &q, meet), room[2]};
            dp_rle_decode(&m, got);
            for (int i = 0; i < h * w; i++)
                ck_assert_int_eq(got[i], meet ? a[i] & b[i] : a[i] | b[i]);
            ck_assert_uint_eq(dp_rle_encode(room[3], got, h, w), m.count);
            ck_assert_mem_eq(room[3], room[2], m.count * sizeof room[3][0]);
        }

        dp_error err = {0};
        size_t count;
        dp_rle_format(text, p.counts, p.count);
        const size_t size = strlen(text);
        ck_assert_uint_eq(size, dp_rle_string_size(p.counts, p.count));
        ck_assert_int_eq(dp_rle_parse(&err, room[2], &count, text, size, h, w), DP_OK);
        ck_assert_uint_eq(count, p.count);
        ck_assert_mem_eq(room[2], p.counts, count * sizeof room[2][0]);
    }
}
END_TEST

START_TEST(runs_of_no_length_change_nothing)
{
    uint32_t runs[] = {2, 0, 1, 2, 0, 1, 6, 0};
    const dp_rle r = {3, 4, 8, runs}; /* ones at 3, 4, 5 */
    const dp_box box = dp_rle_box(&r);
    ck_assert(box.x1 == 1 && box.y1 == 0 && box.x2 == 2 && box.y2 == 3);
    ck_assert(iou_of(&r, &r, false) == 1);
    ck_assert_uint_eq(dp_rle_merge(room[0], &r, &r, true), 3);
}
END_TEST

static const struct {
    const char *text;
    const char *said;
} bad_strings[] = {
    {"", "found 0 pixels"},
    {"3", "found 3 pixels"},              /* too few                        */
    {"<1", "a run of 1 pixels, where 0"}, /* 12 and one more                */
    {"d0", "a run of 20"},                /* 20 at once                     */
    {"O", "a run of -1"},                 /* negative                       */
    {"Q", "no whole value"},              /* says that more follows         */
    {"QQQQQQQQQQQQ0", "no whole value"},  /* longer than any run            */
    {"3 6", "no whole value"},            /* not of the alphabet            */
    {"3\xff", "no whole value"},          /* nor this                       */
    {"p0", "no whole value"},             /* 'p' is one beyond the alphabet */
    {"111B", "a run of -13"},             /* a difference below zero        */
};

START_TEST(bad_strings_are_refused)
{
    dp_error err = {0};
    size_t count;
    const char *text = bad_strings[_i].text;
    ck_assert_int_eq(dp_rle_parse(&err, room[0], &count, text, strlen(text), 3, 4),
                     DP_EFORMAT);
    ck_assert_msg(strstr(err.text, bad_strings[_i].said) != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_square_covers_its_pixels)
{
    const double xy[] = {1, 1, 4, 1, 4, 3, 1, 3};
    const size_t bound = dp_rle_polygon_bound(xy, 4, 6);
    ck_assert(bound > 0 && bound <= ROOM);
    const dp_rle r = {5, 6, dp_rle_polygon(room[0], room[1], columns, xy, 4, 5, 6),
                      room[0]};
    const uint32_t want[] = {6, 2, 3, 2, 3, 2, 12};
    ck_assert_uint_eq(r.count, 7);
    ck_assert_mem_eq(r.counts, want, sizeof want);
}
END_TEST

START_TEST(degenerate_polygons_are_empty)
{
    static const double lines[3][6] = {
        {2, 2, 2, 2, 2, 2}, {0, 0, 5, 5, 0, 0}, {-9, -9, -7, 3, -8, 20}};
    const double *xy = lines[_i];
    ck_assert(dp_rle_polygon_bound(xy, 3, 6) > 0);
    const dp_rle r = {5, 6, dp_rle_polygon(room[0], room[1], columns, xy, 3, 5, 6),
                      room[0]};
    ck_assert_uint_eq(dp_rle_area(&r), 0);
}
END_TEST

START_TEST(hostile_polygons_are_bounded)
{
    double far[] = {0, 0, 2e8, 0, 0, 5}, nan[] = {0, 0, (double)NAN, 0, 0, 5};
    ck_assert_uint_eq(dp_rle_polygon_bound(far, 3, 100), 0);
    ck_assert_uint_eq(dp_rle_polygon_bound(nan, 3, 100), 0);

    enum { POINTS = 2000 };
    static double zigzag[2 * POINTS];
    for (int i = 0; i < POINTS; i++) {
        zigzag[2 * i] = i % 2 ? 1e8 : -1e8;
        zigzag[2 * i + 1] = i % 7;
    }
    ck_assert_uint_eq(dp_rle_polygon_bound(zigzag, POINTS, 65500), 0);
    const size_t bound = dp_rle_polygon_bound(zigzag, POINTS, 20);
    ck_assert(bound > 0 && bound < ROOM);
    const size_t count =
        dp_rle_polygon(room[0], room[1], columns, zigzag, POINTS, 9, 20);
    ck_assert(count <= bound);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += room[0][i];
    ck_assert_uint_eq(sum, 180);
}
END_TEST

/* The reference's rasteriser as its rules read (docs of the format), walking every step
 * of every edge: slow, and independent of the one under test. */
static size_t walk_polygon(uint32_t *places, const double *xy, int points, int h, int w)
{
    static int u[1 << 20], v[1 << 20];
    int n = 0;
    size_t m = 0;
    for (int i = 0; i < points; i++) {
        const int j = (i + 1) % points;
        int xs = (int)(5 * xy[2 * i] + .5), ys = (int)(5 * xy[2 * i + 1] + .5);
        int xe = (int)(5 * xy[2 * j] + .5), ye = (int)(5 * xy[2 * j + 1] + .5);
        const int dx = abs(xe - xs), dy = abs(ye - ys), flat = dx >= dy;
        const int flip = flat ? xs > xe : ys > ye, steps = flat ? dx : dy;
        if (flip) {
            int t = xs;
            xs = xe;
            xe = t;
            t = ys;
            ys = ye;
            ye = t;
        }
        const double s =
            steps ? (flat ? (double)(ye - ys) : (double)(xe - xs)) / steps : 0;
        for (int d = 0; d <= steps; d++) {
            const int t = flip ? steps - d : d;
            u[n] = flat ? xs + t : (int)(xs + s * t + .5);
            v[n++] = flat ? (int)(ys + s * t + .5) : ys + t;
        }
    }
    for (int i = 1; i < n; i++) {
        if (u[i] == u[i - 1])
            continue;
        const double x = ((u[i] < u[i - 1] ? u[i] : u[i] - 1) + .5) / 5 - .5;
        double y = ((v[i] < v[i - 1] ? v[i] : v[i - 1]) + .5) / 5 - .5;
        if (floor(x) < x || x < 0 || x > w - 1)
            continue;
        y = ceil(fmin(fmax(y, 0), h));
        places[m++] = (uint32_t)x * (uint32_t)h + (uint32_t)y;
    }
    return m;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

START_TEST(polygons_equal_the_walk_of_every_step)
{
    for (int round = 0; round < 20000; round++) {
        const int h = 1 + (int)next(60), w = 1 + (int)next(60);
        const int points = 1 + (int)next(12);
        double xy[24];
        for (int i = 0; i < 2 * points; i++)
            xy[i] = next(3) ? (int)next(9000) / 100.0 - 15 : (int)next(90) - 15;
        size_t n = walk_polygon(room[0], xy, points, h, w);
        room[0][n++] = (uint32_t)(h * w);
        qsort(room[0], n, sizeof room[0][0], by_value);

        /* As masks by parity: the runs may only differ in how nothing is written. */
        static uint8_t want[3600], got[3600];
        memset(want, 0, sizeof want);
        for (size_t i = 0; i + 1 < n; i += 2)
            for (uint32_t k = room[0][i]; k < room[0][i + 1]; k++)
                want[k % (unsigned)h * (unsigned)w + k / (unsigned)h] = 1;
        ck_assert(dp_rle_polygon_bound(xy, (size_t)points, w) >= n);
        const dp_rle r = {
            h, w, dp_rle_polygon(room[1], room[2], columns, xy, (size_t)points, h, w),
            room[1]};
        dp_rle_decode(&r, got);
        ck_assert_mem_eq(want, got, (size_t)(h * w));
    }
}
END_TEST

/* ---- against the reference ------------------------------------------------------- */

static cJSON *load(const char *path)
{
    dp_error err = {0};
    cJSON *document;
    ck_assert_msg(dp_json_load(&err, &document, path) == DP_OK, "%s", err.text);
    return document;
}

static double number(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key)->valuedouble;
}

/* The mask of an annotation's segmentation, in room[which]. */
static dp_rle mask_of(const cJSON *segmentation, int h, int w, int which)
{
    static double xy[ROOM];
    static uint32_t part[ROOM], scratch[ROOM], merged[ROOM];
    dp_rle all = {h, w, 0, room[which]};
    if (cJSON_IsObject(segmentation)) {
        const cJSON *run;
        cJSON_ArrayForEach(run,
                           cJSON_GetObjectItemCaseSensitive(segmentation, "counts"))
            all.counts[all.count++] = (uint32_t)run->valuedouble;
        return all;
    }
    const cJSON *polygon, *value;
    cJSON_ArrayForEach(polygon, segmentation)
    {
        size_t n = 0;
        cJSON_ArrayForEach(value, polygon) xy[n++] = value->valuedouble;
        ck_assert(dp_rle_polygon_bound(xy, n / 2, w) > 0);
        const dp_rle one = {
            h, w, dp_rle_polygon(part, scratch, columns, xy, n / 2, h, w), part};
        const uint32_t *from = part;
        size_t count = one.count;
        if (polygon != segmentation->child) {
            count = dp_rle_merge(merged, &all, &one, false);
            from = merged;
        }
        memcpy(all.counts, from, count * sizeof *from);
        all.count = count;
    }
    return all;
}

static void image_size(const cJSON *annotations, double id, int *h, int *w)
{
    const cJSON *image;
    cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(
                                  annotations, "images")) if (number(image, "id") == id)
    {
        *h = (int)number(image, "height");
        *w = (int)number(image, "width");
        return;
    }
    ck_abort_msg("no image %.0f", id);
}

static const cJSON *annotation_of(const cJSON *annotations, double id)
{
    const cJSON *a;
    cJSON_ArrayForEach(a, cJSON_GetObjectItemCaseSensitive(
                              annotations, "annotations")) if (number(a, "id") ==
                                                               id) return a;
    ck_abort_msg("no annotation %.0f", id);
    return NULL;
}

static const struct {
    const char *golden;
    const char *annotations; /* NULL: strings only */
    int count;
} files[] = {
    {"rle_coco128_instances",
     "../shared/data/coco128/annotations/instances_val2017.json", 939},
    {"rle_val2014_100", "../shared/data/coco_eval/instances_val2014_100.json", 839},
    {"rle_coco_mini40_train", NULL, 276},
    {"rle_lvis_val_100", NULL, 977},
};

START_TEST(strings_areas_boxes_and_polygons_are_the_references)
{
    static char line[1 << 18], path[256], again[1 << 18];
    snprintf(path, sizeof path, GOLDEN "%s.jsonl", files[_i].golden);
    if (!shared_is_there(path))
        return;
    cJSON *annotations = files[_i].annotations ? load(files[_i].annotations) : NULL;
    FILE *f = fopen(path, "r");
    int lines = 0, drawn = 0;
    while (fgets(line, sizeof line, f)) {
        dp_error err = {0};
        cJSON *record = NULL;
        if (line[0] == '\n')
            continue;
        lines++;
        ck_assert_int_eq(dp_json_parse(&err, &record, line, strlen(line), path), DP_OK);
        const cJSON *size = cJSON_GetObjectItemCaseSensitive(record, "size");
        const int h = size->child->valueint, w = size->child->next->valueint;
        const char *text =
            cJSON_GetObjectItemCaseSensitive(record, "counts")->valuestring;
        dp_rle r = {h, w, 0, room[0]};
        ck_assert_msg(
            dp_rle_parse(&err, r.counts, &r.count, text, strlen(text), h, w) == DP_OK,
            "%s", err.text);
        dp_rle_format(again, r.counts, r.count);
        ck_assert_str_eq(again, text);
        ck_assert(dp_rle_area(&r) == (uint64_t)number(record, "mask_area"));
        const cJSON *box = cJSON_GetObjectItemCaseSensitive(record, "toBbox");
        const dp_box got = dp_rle_box(&r);
        const double xywh[] = {(double)got.x1, (double)got.y1,
                               (double)(got.x2 - got.x1), (double)(got.y2 - got.y1)};
        for (int i = 0; i < 4; i++)
            ck_assert(xywh[i] == cJSON_GetArrayItem(box, i)->valuedouble);

        if (annotations) {
            const cJSON *annotation = annotation_of(annotations, number(record, "id"));
            const dp_rle m = mask_of(
                cJSON_GetObjectItemCaseSensitive(annotation, "segmentation"), h, w, 1);
            ck_assert_uint_eq(m.count, r.count);
            ck_assert_mem_eq(m.counts, r.counts, r.count * sizeof *r.counts);
            drawn++;
        }
        cJSON_Delete(record);
    }
    fclose(f);
    printf("%s: %d strings, %d drawn masks equal\n", files[_i].golden, lines, drawn);
    ck_assert_int_eq(lines, files[_i].count);
    ck_assert_int_eq(drawn, annotations ? lines : 0);
    cJSON_Delete(annotations);
}
END_TEST

START_TEST(mask_ious_are_the_references)
{
    if (!shared_is_there(GOLDEN "iou_matrices_coco128.json"))
        return;
    cJSON *golden = load(GOLDEN "iou_matrices_coco128.json");
    cJSON *annotations =
        load("../shared/data/coco128/annotations/instances_val2017.json");
    const cJSON *image;
    int compared = 0;
    cJSON_ArrayForEach(image, golden)
    {
        int h = 0, w = 0, i = 0;
        image_size(annotations, number(image, "image_id"), &h, &w);
        const cJSON *ids = cJSON_GetObjectItemCaseSensitive(image, "ann_ids");
        const cJSON *rows = cJSON_GetObjectItemCaseSensitive(image, "mask_iou");
        const cJSON *crowds = cJSON_GetObjectItemCaseSensitive(image, "iscrowd");
        const cJSON *a, *b, *row = rows->child;
        for (a = ids->child; a; a = a->next, row = row->next, i++) {
            const dp_rle p =
                mask_of(cJSON_GetObjectItemCaseSensitive(
                            annotation_of(annotations, a->valuedouble), "segmentation"),
                        h, w, 0);
            const cJSON *want = row->child, *crowd = crowds->child;
            for (b = ids->child; b;
                 b = b->next, want = want->next, crowd = crowd->next) {
                const dp_rle q = mask_of(
                    cJSON_GetObjectItemCaseSensitive(
                        annotation_of(annotations, b->valuedouble), "segmentation"),
                    h, w, 1);
                const bool region = crowd->valueint != 0;
                ck_assert(iou_of(&p, &q, region) == want->valuedouble);
                compared++;
            }
        }
    }
    printf("%d mask IoUs equal\n", compared);
    ck_assert_int_eq(compared, 816);
    cJSON_Delete(golden);
    cJSON_Delete(annotations);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rle");
    TCase *tc = tcase_create("rle");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, runs_go_down_the_columns_and_start_with_zeros);
    tcase_add_test(tc, an_empty_mask_has_an_empty_box);
    tcase_add_test(tc, algebra_equals_the_same_on_pixels);
    tcase_add_test(tc, runs_of_no_length_change_nothing);
    tcase_add_loop_test(tc, bad_strings_are_refused, 0,
                        sizeof bad_strings / sizeof *bad_strings);
    tcase_add_test(tc, a_square_covers_its_pixels);
    tcase_add_loop_test(tc, degenerate_polygons_are_empty, 0, 3);
    tcase_add_test(tc, hostile_polygons_are_bounded);
    tcase_add_test(tc, polygons_equal_the_walk_of_every_step);
    tcase_add_loop_test(tc, strings_areas_boxes_and_polygons_are_the_references, 0,
                        sizeof files / sizeof *files);
    tcase_add_test(tc, mask_ious_are_the_references);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
