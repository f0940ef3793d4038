#include "core/rle.h"
#include "postprocess/mask_paste.h"
#include "tests/support/arrays.h"
#include "tests/support/random.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { M = 28 };

/* Paste with as much room as can be needed. The caller's to free. */
static dp_rle paste(const dp_mask_paste *p, const float *mask, dp_box box)
{
    const size_t room = dp_mask_paste_max_runs(p, box);
    void *scratch = malloc(dp_mask_paste_scratch(p));
    dp_rle r = {p->image.h, p->image.w, 0, malloc(room * sizeof(uint32_t))};
    r.count = dp_mask_paste_run(r.counts, room, p, mask, box, scratch);
    ck_assert_uint_ge(r.count, 1);
    ck_assert_uint_le(r.count, room);
    free(scratch);
    return r;
}

static void check_well_formed(const dp_rle *r)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->count; i++) {
        ck_assert(i == 0 || r->counts[i] > 0);
        sum += r->counts[i];
    }
    ck_assert_uint_eq(sum, (uint64_t)r->h * (uint64_t)r->w);
}

static void check_string(const char *what, const dp_rle *r, const char *want)
{
    char *text = malloc(dp_rle_string_size(r->counts, r->count) + 1);
    dp_rle_format(text, r->counts, r->count);
    ck_assert_msg(strcmp(text, want) == 0, "%s: %s, expected %s", what, text, want);
    free(text);
}

/* The rule of the header for every pixel of the image, with nothing clever. */
static float locate(int i, float low, float high, int side)
{
    const float grid = ((float)i + 0.5f - low) / (high - low) * 2 - 1;
    return fmaf(grid + 1, (float)side / 2, -0.5f);
}

static float cell(const float *mask, int side, int y, int x)
{
    return y < 0 || x < 0 || y >= side || x >= side ? 0 : mask[y * side + x];
}

static float value(const float *mask, int side, float u, float v)
{
    if (!(u >= -1 && u < (float)side && v >= -1 && v < (float)side))
        return 0;
    const int x = (int)floorf(u), y = (int)floorf(v);
    const float w = u - floorf(u), e = 1 - w, n = v - floorf(v), s = 1 - n;
    float sum = cell(mask, side, y, x) * (s * e);
    sum = fmaf(cell(mask, side, y, x + 1), s * w, sum);
    sum = fmaf(cell(mask, side, y + 1, x), n * e, sum);
    return fmaf(cell(mask, side, y + 1, x + 1), n * w, sum);
}

static void check_against_rule(const dp_mask_paste *p, const float *mask, dp_box b)
{
    const size_t pixels = (size_t)p->image.h * (size_t)p->image.w;
    uint8_t *want = malloc(pixels), *got = malloc(pixels);
    for (int y = 0; y < p->image.h; y++)
        for (int x = 0; x < p->image.w; x++)
            want[y * p->image.w + x] =
                value(mask, p->side, locate(x, b.x1, b.x2, p->side),
                      locate(y, b.y1, b.y2, p->side)) >= p->threshold;
    dp_rle r = paste(p, mask, b);
    check_well_formed(&r);
    dp_rle_decode(&r, got);
    for (size_t i = 0; i < pixels; i++)
        ck_assert_msg(got[i] == want[i], "box %.9g %.9g %.9g %.9g: pixel %zu %zu is %d",
                      (double)b.x1, (double)b.y1, (double)b.x2, (double)b.y2,
                      i / (size_t)p->image.w, i % (size_t)p->image.w, got[i]);
    free(r.counts);
    free(want);
    free(got);
}

/* A mask of ones is 1 in the box and fades to nothing in half a cell outside. So at a
 * threshold of a half the box is filled: pixel centres from 2.5 to 5.5, rows 1.5, 2.5. */
START_TEST(paste_of_ones_fills_the_box)
{
    float mask[M * M];
    for (int i = 0; i < M * M; i++)
        mask[i] = 1;
    const dp_mask_paste p = {M, 0.5f, {5, 8}};
    dp_rle r = paste(&p, mask, (dp_box){2, 1, 6, 3});
    static const uint32_t want[] = {2 * 5 + 1, 2, 3, 2, 3, 2, 3, 2, 2 + 2 * 5};
    ck_assert_uint_eq(r.count, sizeof want / sizeof *want);
    ck_assert_mem_eq(r.counts, want, sizeof want);
    free(r.counts);
}
END_TEST

/* Full columns join; a mask that starts with ones begins with a run of no zeros. */
START_TEST(paste_over_the_whole_image_is_one_run)
{
    float mask[M * M];
    for (int i = 0; i < M * M; i++)
        mask[i] = 1;
    const dp_mask_paste p = {M, 0.5f, {4, 3}};
    dp_rle r = paste(&p, mask, (dp_box){0, 0, 3, 4});
    ck_assert_uint_eq(r.count, 2);
    ck_assert_uint_eq(r.counts[0], 0);
    ck_assert_uint_eq(r.counts[1], 12);
    free(r.counts);
}
END_TEST

START_TEST(paste_threshold_is_included)
{
    const float half = 0.5f;
    dp_mask_paste p = {1, 0.5f, {1, 1}};
    dp_rle r = paste(&p, &half, (dp_box){0, 0, 1, 1});
    ck_assert_uint_eq(dp_rle_area(&r), 1);
    free(r.counts);
    p.threshold = nextafterf(0.5f, 1);
    r = paste(&p, &half, (dp_box){0, 0, 1, 1});
    ck_assert_uint_eq(dp_rle_area(&r), 0);
    free(r.counts);
}
END_TEST

static const dp_box
    empty[] =
        {
            {5, 5, 5, 20},   /* no width                    */
            {5, 5, 20, 5},   /* no height                   */
            {20, 5, 5, 20},  /* turned round                */
            {0, 0, 0, 0},    /* nothing                     */
            {-3, -9, 20, 0}, /* y2 is 0                     */
            {NAN, 5, 20, 20},      {5, NAN, 20, 20},     {5, 5, NAN, 20},
            {5, 5, 20, NAN},       {5, 5, INFINITY, 20}, {-INFINITY, 5, 20, 20},
            {40, 5, 60, 20},       /* right of the image          */
            {-60, 5, -40, 20},     /* left of it                  */
            {5, 500, 20, 600},     /* below                       */
            {5.6f, 5.6f, 6.4f, 9}, /* between the pixels' centres */
};

START_TEST(paste_empty_mask_is_one_run)
{
    float mask[M * M];
    for (int i = 0; i < M * M; i++)
        mask[i] = 1;
    const dp_mask_paste p = {M, 0.5f, {30, 30}};
    dp_rle r = paste(&p, mask, empty[_i]);
    ck_assert_uint_eq(r.count, 1);
    ck_assert_uint_eq(r.counts[0], 900);
    free(r.counts);
}
END_TEST

START_TEST(paste_too_little_room_is_told_and_never_passed)
{
    uint64_t state = 5;
    float *mask = random_floats(&state, M * M, 0, 1);
    const dp_mask_paste p = {M, 0.5f, {60, 50}};
    const dp_box box = {3.3f, 2.2f, 44, 55};
    dp_rle all = paste(&p, mask, box);
    void *scratch = malloc(dp_mask_paste_scratch(&p));

    for (size_t room = 0; room <= all.count; room++) {
        uint32_t *counts = malloc(room * sizeof *counts + 1);
        ck_assert_uint_eq(dp_mask_paste_run(counts, room, &p, mask, box, scratch),
                          all.count);
        if (room == all.count)
            ck_assert_mem_eq(counts, all.counts, room * sizeof *counts);
        free(counts);
    }
    free(scratch);
    free(all.counts);
    free(mask);
}
END_TEST

/* Boxes of every size and place, on masks smooth, rough and flat at the threshold. */
START_TEST(paste_follows_the_rule)
{
    uint64_t state = (uint64_t)_i + 1;
    static const int sides[] = {28, 28, 28, 14, 1, 5};
    const int side = sides[_i % 6];
    float *mask = random_floats(&state, (size_t)(side * side), 0, 1);

    for (int kind = 0; kind < 3; kind++) {
        if (kind == 1) /* a blob */
            for (int i = 0; i < side * side; i++) {
                const float x = (float)(i % side) / (float)side - 0.5f;
                const float y = (float)(i / side) / (float)side - 0.4f;
                mask[i] = 1 / (1 + expf(40 * (x * x + 2 * y * y - 0.1f)));
            }
        if (kind == 2)
            for (int i = 0; i < side * side; i++)
                mask[i] = 0.5f;
        for (int i = 0; i < 60; i++) {
            const dp_mask_paste p = {
                side, 0.5f, {1 + random_int(&state, 90), 1 + random_int(&state, 90)}};
            const float scale = powf(10, random_float(&state, -1, 3));
            const float x = random_float(&state, -40, 100);
            const float y = random_float(&state, -40, 100);
            check_against_rule(&p, mask,
                               (dp_box){x, y, x + random_float(&state, 0.1f, 1) * scale,
                                        y + random_float(&state, 0.1f, 1) * scale});
        }
    }
    free(mask);
}
END_TEST

/* What a broken model may hand over: the mask follows the rule, whatever it is. */
START_TEST(paste_values_that_are_no_probabilities)
{
    uint64_t state = 11;
    float *mask = random_floats(&state, M * M, -1e6f, 1e6f);
    const dp_mask_paste p = {M, 0.5f, {50, 40}};
    check_against_rule(&p, mask, (dp_box){-3, 2, 35, 70});
    mask[200] = NAN;
    mask[300] = INFINITY;
    mask[400] = -INFINITY;
    mask[0] = 3e38f;
    check_against_rule(&p, mask, (dp_box){-3, 2, 35, 70});
    for (int i = 0; i < M * M; i++)
        mask[i] = NAN;
    check_against_rule(&p, mask, (dp_box){-3, 2, 35, 70});
    free(mask);
}
END_TEST

/* Large numbers that cancel to the threshold between two cells, where rounding decides;
 * a NaN and a small number after it must not hide how large they are. */
START_TEST(paste_large_values_that_cancel)
{
    uint64_t state = 1;
    float mask[M * M];
    for (int scale = 3; scale < 12; scale += 2) {
        for (int i = 0; i < M * M; i++)
            mask[i] = random_int(&state, 2) ? 1e6f : 1 - 1e6f;
        mask[(M - 1) * M - 1] = NAN; /* is read next to last, with 0.3 after it */
        mask[M * M - 1] = 0.3f;
        const dp_mask_paste p = {M, 0.5f, {M * scale + 2, M * scale + 2}};
        const float end = 0.5f + (float)(M * scale);
        check_against_rule(&p, mask, (dp_box){0.5f, 0.5f, end, end});
    }
}
END_TEST

/* With a low threshold a mask reaches out of its box by up to half a cell. It does not
 * when the box ends at row 0. */
START_TEST(paste_nothing_below_a_box_that_ends_at_0)
{
    float mask[M * M];
    for (int i = 0; i < M * M; i++)
        mask[i] = 1;
    const dp_mask_paste p = {M, 0.1f, {30, 30}};
    dp_rle r = paste(&p, mask, (dp_box){5, -100, 20, 0.01f});
    ck_assert_uint_gt(dp_rle_area(&r), 0);
    free(r.counts);
    r = paste(&p, mask, (dp_box){5, -100, 20, 0});
    ck_assert_uint_eq(dp_rle_area(&r), 0);
    free(r.counts);
}
END_TEST

START_TEST(paste_bound_is_reached)
{
    /* Cells as large as pixels, one in two set. */
    float mask[64];
    for (int i = 0; i < 64; i++)
        mask[i] = (float)(i / 8 % 2);
    const dp_mask_paste p = {8, 0.5f, {12, 8}};
    const dp_box box = {0, 2, 8, 10};
    dp_rle r = paste(&p, mask, box);
    /* It counts the row above and below the box too, which see half a cell of it. */
    ck_assert_uint_eq(r.count, 8 * 4 * 2 + 1);
    ck_assert_uint_eq(dp_mask_paste_max_runs(&p, box), 8 * 5 * 2 + 1);
    ck_assert_uint_eq(dp_mask_paste_max_runs(&p, (dp_box){3, 3, 3, 9}), 1);
    free(r.counts);
}
END_TEST

START_TEST(paste_golden_edge_cases_are_identical)
{
    if (!shared_has("golden/paste_edge/paste.json"))
        return;
    size_t n;
    float *mask = floats_load(shared_path("golden/paste_edge/mask28.npy"), &n);
    char *text = file_load(shared_path("golden/paste_edge/paste.json"), NULL);
    for (char *nan; (nan = strstr(text, "NaN")) != NULL;)
        memcpy(nan, "0.0", 3); /* NaN is no JSON; the value is not looked at */
    cJSON *json = cJSON_Parse(text);
    const cJSON *size = cJSON_GetObjectItem(json, "size"), *row;
    const dp_mask_paste p = {
        M,
        0.5f,
        {cJSON_GetArrayItem(size, 0)->valueint, cJSON_GetArrayItem(size, 1)->valueint}};
    int with_area = 0;

    ck_assert_uint_eq(n, M * M);
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "rows"))
    {
        const cJSON *b = cJSON_GetObjectItem(row, "box");
        float at[4];
        for (int i = 0; i < 4; i++)
            at[i] = (float)cJSON_GetArrayItem(b, i)->valuedouble;
        const dp_box box = {at[0], at[1], at[2], at[3]};
        dp_rle r = paste(&p, mask, box);
        if (box.x2 > box.x1 && box.y2 > box.y1) {
            check_string("edge", &r,
                         cJSON_GetObjectItem(row, "gpu_path_counts")->valuestring);
            with_area++;
        } else {
            ck_assert_uint_eq(r.count, 1); /* ours: empty, where upstream paints */
        }
        free(r.counts);
    }
    ck_assert_int_eq(with_area, 12);
    cJSON_Delete(json);
    free(text);
    free(mask);
}
END_TEST

static bool same_number(const cJSON *number, float want)
{
    return (float)number->valuedouble == want;
}

/* The record of this box among those of the first image. */
static const cJSON *find_record(const cJSON *records, const float *row)
{
    const int id = cJSON_GetObjectItem(records->child, "image_id")->valueint;
    const cJSON *r;
    cJSON_ArrayForEach(r, records)
    {
        const cJSON *box = cJSON_GetObjectItem(r, "bbox");
        if (cJSON_GetObjectItem(r, "image_id")->valueint == id &&
            same_number(cJSON_GetObjectItem(r, "score"), row[4]) &&
            same_number(cJSON_GetArrayItem(box, 0), row[0]) &&
            same_number(cJSON_GetArrayItem(box, 1), row[1]))
            return r;
    }
    return NULL;
}

/* From upstream's probabilities upstream's masks, without a differing pixel. */
START_TEST(paste_golden_detections_are_identical)
{
    static const char *const names[] = {"mask_rcnn_a", "mask_rcnn_b", "cascade_a",
                                        "cascade_b"};
    const char *name = names[_i];
    if (!shared_has("golden/README.md"))
        return;
    size_t rows, cells;
    float *dets = floats_load(shared_path("golden/%s/image0_dets.npy", name), &rows);
    float *masks =
        floats_load(shared_path("golden/%s/image0_mask_prob.npy", name), &cells);
    char *text = file_load(shared_path("golden/%s/results.segm.json", name), NULL);
    cJSON *records = cJSON_Parse(text);

    ck_assert_uint_eq(cells, 20 * M * M);
    for (size_t i = 0; i < 20; i++) {
        const float *d = dets + 6 * i;
        const cJSON *record = find_record(records, d);
        ck_assert_msg(record != NULL, "%s: detection %zu is missing", name, i);
        const cJSON *s = cJSON_GetObjectItem(record, "segmentation");
        const cJSON *size = cJSON_GetObjectItem(s, "size");
        const dp_mask_paste p = {M,
                                 0.5f,
                                 {cJSON_GetArrayItem(size, 0)->valueint,
                                  cJSON_GetArrayItem(size, 1)->valueint}};
        dp_rle r = paste(&p, masks + i * M * M, (dp_box){d[0], d[1], d[2], d[3]});
        check_string(name, &r, cJSON_GetObjectItem(s, "counts")->valuestring);
        free(r.counts);
    }
    cJSON_Delete(records);
    free(text);
    free(masks);
    free(dets);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mask_paste");
    TCase *t = tcase_create("mask_paste");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, paste_of_ones_fills_the_box);
    tcase_add_test(t, paste_over_the_whole_image_is_one_run);
    tcase_add_test(t, paste_threshold_is_included);
    tcase_add_loop_test(t, paste_empty_mask_is_one_run, 0,
                        sizeof empty / sizeof *empty);
    tcase_add_test(t, paste_too_little_room_is_told_and_never_passed);
    tcase_add_loop_test(t, paste_follows_the_rule, 0, 12);
    tcase_add_test(t, paste_values_that_are_no_probabilities);
    tcase_add_test(t, paste_large_values_that_cancel);
    tcase_add_test(t, paste_nothing_below_a_box_that_ends_at_0);
    tcase_add_test(t, paste_bound_is_reached);
    tcase_add_test(t, paste_golden_edge_cases_are_identical);
    tcase_add_loop_test(t, paste_golden_detections_are_identical, 0, 4);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
