/* The two models that ship, end to end on five images that the training never saw:
 * tests/toytown keeps the images and what the models gave when they were new. */
#include "core/rle.h"
#include "io/image/png.h"
#include "tests/support/program.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURES = 5, MOST_RUNS = 4096 };

/* Other processors may multiply in another order, and plain C leaves matrix multiplication to a
 * library: these are the bounds of the golden cases for boxes, scores and masks. */
static const double box_bound = 0.02, score_bound = 3e-4;
enum { MASK_PIXELS = 10, LABEL_PIXELS = 5 };

static const char *const detector = "toytown/mask_rcnn_convnext_toytown";
static const char *const segmentor = "toytown/upernet_convnext_toytown";

static const program_result *run(const char *command, const char *model,
                                 const char *rest)
{
    const char *root = program_root();
    return program_run("densepred %s %s -w '%s/configs/%s.safetensors' "
                       "'%s/tests/toytown/images' --configs '%s/configs' --quiet %s",
                       command, model, root, model, root, root, rest);
}

static cJSON *golden_results(void)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/tests/toytown/results.json", program_root());
    return json_load(path);
}

static dp_rle mask_of(const cJSON *record, uint32_t counts[MOST_RUNS])
{
    dp_error err = {0};
    const cJSON *segmentation = json_get(record, "segmentation");
    const cJSON *size = json_get(segmentation, "size");
    const char *text = json_text(segmentation, "counts");
    dp_rle r = {.h = cJSON_GetArrayItem(size, 0)->valueint,
                .w = cJSON_GetArrayItem(size, 1)->valueint,
                .counts = counts};
    ck_assert_uint_le(strlen(text), MOST_RUNS);
    ck_assert_msg(dp_rle_parse(&err, counts, &r.count, text, strlen(text), r.h, r.w) ==
                      DP_OK,
                  "%s", err.text);
    return r;
}

static uint64_t pixels_different(const cJSON *a, const cJSON *b)
{
    static uint32_t room[2][MOST_RUNS];
    const dp_rle x = mask_of(a, room[0]), y = mask_of(b, room[1]);
    return dp_rle_area(&x) + dp_rle_area(&y) - 2 * dp_rle_intersection(&x, &y);
}

static bool is_partner(const cJSON *got, const cJSON *want)
{
    if (json_number(got, "image_id") != json_number(want, "image_id") ||
        json_number(got, "category_id") != json_number(want, "category_id") ||
        fabs(json_number(got, "score") - json_number(want, "score")) > score_bound)
        return false;
    for (int k = 0; k < 4; k++)
        if (fabs(cJSON_GetArrayItem(json_get(got, "bbox"), k)->valuedouble -
                 cJSON_GetArrayItem(json_get(want, "bbox"), k)->valuedouble) >
            box_bound)
            return false;
    return pixels_different(got, want) <= MASK_PIXELS;
}

START_TEST(objects_are_those_that_were_kept)
{
    const program_result *r = run("detect", detector, "--json got.json");
    ck_assert_msg(r->status == 0, "%s", r->err);
    cJSON *want = golden_results(), *got = json_load(scratch_path("got.json"));
    const cJSON *w, *g;
    ck_assert_int_eq(cJSON_GetArraySize(got), cJSON_GetArraySize(want));
    cJSON_ArrayForEach(w, want)
    {
        bool found = false;
        cJSON_ArrayForEach(g, got) found = found || is_partner(g, w);
        ck_assert_msg(found, "image %g, class %g, score %g: no partner",
                      json_number(w, "image_id"), json_number(w, "category_id"),
                      json_number(w, "score"));
    }
    cJSON_Delete(want);
    cJSON_Delete(got);
}
END_TEST

static dp_label_map labels_at(const char *path)
{
    dp_error err = {0};
    dp_label_map map = {0};
    ck_assert_msg(dp_png_load_labels(&err, &map, path) == DP_OK, "%s", err.text);
    return map;
}

START_TEST(labels_are_those_that_were_kept)
{
    const program_result *r = run("segment", segmentor, "-o .");
    ck_assert_msg(r->status == 0, "%s", r->err);
    for (int i = 0; i < PICTURES; i++) {
        char golden[4200], name[32];
        snprintf(name, sizeof name, "%06d.png", i);
        snprintf(golden, sizeof golden, "%s/tests/toytown/labels/%s", program_root(),
                 name);
        dp_label_map want = labels_at(golden), got = labels_at(scratch_path(name));
        ck_assert_int_eq(got.h, want.h);
        ck_assert_int_eq(got.w, want.w);
        int different = 0;
        for (int k = 0; k < want.h * want.w; k++)
            different += got.labels[k] != want.labels[k];
        ck_assert_msg(different <= LABEL_PIXELS, "%s: %d pixels", name, different);
        dp_label_map_done(&want);
        dp_label_map_done(&got);
    }
}
END_TEST

START_TEST(threads_change_no_byte)
{
    static const char *const threads[] = {"1", "2", "3", "7"};
    for (int i = 0; i < 4; i++) {
        char rest[64];
        snprintf(rest, sizeof rest, "-t %s --json %s.json", threads[i], threads[i]);
        ck_assert_int_eq(run("detect", detector, rest)->status, 0);
        snprintf(rest, sizeof rest, "-t %s -o labels%s", threads[i], threads[i]);
        ck_assert_int_eq(run("segment", segmentor, rest)->status, 0);
    }
    const program_result *r = program_run("for t in 2 3 7; do cmp 1.json $t.json && "
                                          "diff -r labels1 labels$t || exit 1; done");
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
}
END_TEST

START_TEST(they_are_found_without_being_named)
{
    ck_assert_int_eq(run("detect", detector, "--json named.json")->status, 0);
    const char *root = program_root();
    const program_result *r = program_run(
        "densepred detect %s '%s/tests/toytown/images' --configs '%s/configs' --quiet "
        "--json got.json && cmp named.json got.json",
        detector, root, root);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
    /* test looks for them itself, to know a run again. */
    r = program_run("densepred test %s --images '%s/tests/toytown/images' "
                    "--annotations '%s/tests/toytown/labels' --work work --configs "
                    "'%s/configs' --quiet && grep -q "
                    "'/configs/toytown/upernet_convnext_toytown.safetensors' "
                    "work/run.json",
                    segmentor, root, root, root);
    ck_assert_msg(r->status == 0, "%s%s", r->out, r->err);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("shipped models");
    TCase *t = tcase_create("end to end");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, objects_are_those_that_were_kept);
    tcase_add_test(t, labels_are_those_that_were_kept);
    tcase_add_test(t, threads_change_no_byte);
    tcase_add_test(t, they_are_found_without_being_named);
    suite_add_tcase(s, t);
    return suite_run(s);
}
