/* What commands write, and how it is called: on the small models of tests/golden. */
#include "io/image/image.h"
#include "tests/support/program.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const program_result *detect(const char *rest)
{
    const char *root = program_root();
    return program_run("densepred detect '%s/tests/golden/mask_rcnn_tiny/config.json' "
                       "-w '%s/tests/golden/mask_rcnn_tiny/model.pth' %s",
                       root, root, rest);
}

static const program_result *segment(const char *rest)
{
    const char *root = program_root();
    return program_run("densepred segment '%s/tests/golden/upernet_tiny/"
                       "config_whole.json' -w '%s/tests/golden/upernet_tiny/"
                       "model.safetensors' %s",
                       root, root, rest);
}

static void copy_images(const char *names)
{
    program_run("mkdir -p a b in && for f in %s; do cp '%s/tests/golden/mask_rcnn_tiny/"
                "000000000101.png' \"$f\"; done",
                names, program_root());
}

static bool is_there(const char *name)
{
    return access(scratch_path(name), F_OK) == 0;
}

static void expect_there(const char *const *names)
{
    for (; *names; names++)
        ck_assert_msg(is_there(*names), "%s", *names);
}

static void expect_ok(const program_result *r)
{
    ck_assert_msg(r->status == 0, "%d: %s", r->status, r->err);
}

static char *text_of(const char *name)
{
    return file_load(scratch_path(name), NULL);
}

/* ---- names ------------------------------------------------------------------------ */

START_TEST(inputs_of_one_name_are_told_apart)
{
    static const char *const files[] = {"out/x.txt",
                                        "out/x-2.txt",
                                        "out/x-3.txt",
                                        "out/x_overlay.jpg",
                                        "out/x-2_overlay.jpg",
                                        "out/x-3_overlay.jpg",
                                        NULL};
    copy_images("a/x.png b/x.png x-2.png");
    const program_result *r =
        detect("a/x.png b/x.png x-2.png -o out --format yolo,csv --file-names");
    expect_ok(r);
    ck_assert_str_eq(
        r->err,
        "densepred: b/x.png: its outputs are called x-3, as its own name is taken\n");
    expect_there(files);
    char *csv = text_of("out/results.csv");
    ck_assert_ptr_nonnull(strstr(csv, "\na/x.png,1,"));
    ck_assert_ptr_nonnull(strstr(csv, "\nb/x.png,2,"));
    ck_assert_ptr_nonnull(strstr(csv, "\nx-2.png,3,"));
    free(csv);
}
END_TEST

/* Names that files of all images have. */
START_TEST(inputs_called_like_our_files_do_not_replace_them)
{
    static const char *const files[] = {"out/results.json",
                                        "out/results-2.json",
                                        "out/classes.txt",
                                        "out/classes-2.txt",
                                        "out/x_overlay.json",
                                        "out/x.json",
                                        NULL};
    copy_images("results.png classes.png x.png x_overlay.png");
    expect_ok(detect("results.png classes.png x.png x_overlay.png -q -o out "
                     "--format coco,yolo,labelme"));
    expect_there(files);
    char *results = text_of("out/results.json"), *classes = text_of("out/classes.txt");
    ck_assert_int_eq(strncmp(results, "[{\"image_id\"", 12), 0);
    ck_assert_int_eq(strncmp(classes, "disc\n", 5), 0);
    free(results);
    free(classes);
}
END_TEST

START_TEST(no_output_replaces_an_input)
{
    copy_images("x.png");
    program_run("cp x.png x_overlay.jpg");
    const program_result *r = detect("x.png x_overlay.jpg -o .");
    ck_assert_int_eq(r->status, 1);
    ck_assert_ptr_nonnull(
        strstr(r->err, "x.png: its output would replace the input x_overlay.jpg; give "
                       "another --out"));
    ck_assert_int_eq(program_run("cmp x.png x_overlay.jpg")->status, 0);
    ck_assert(is_there("x_overlay_overlay.jpg"));
    r = segment("x.png");
    ck_assert_int_eq(r->status, 1);
    ck_assert_ptr_nonnull(strstr(r->err, "x.png: its own output would replace it"));
}
END_TEST

/* ---- one image -------------------------------------------------------------------- */

START_TEST(out_may_be_the_image_to_write)
{
    dp_error err = {0};
    dp_pixels p;
    copy_images("x.png");
    expect_ok(detect("x.png -o found.jpg"));
    ck_assert_int_eq(dp_pixels_load(&err, &p, scratch_path("found.jpg")), DP_OK);
    dp_pixels_done(&p);
    char *bytes = text_of("found.jpg");
    ck_assert_int_eq(memcmp(bytes, "\xff\xd8\xff", 3), 0);
    free(bytes);
    ck_assert_int_eq(detect("x.png -o x.png")->status, 1);
    ck_assert_int_eq(dp_pixels_load(&err, &p, scratch_path("x.png")), DP_OK);
    dp_pixels_done(&p);
}
END_TEST

static const struct {
    const char *command, *says;
} wrong[] = {
    {"x.png x.png -o found.jpg", "--out found.jpg is one image: found 2 inputs"},
    {"x.png -o found.jpg --format csv", "--format needs --out DIR: found the image"},
    {"x.png --format labelstudio", "--format needs --out DIR"},
    {"x.png --json - --coco-dataset -", "need standard output both"},
    {"x.png --polygon-tolerance -1", "--polygon-tolerance"},
};

START_TEST(outputs_that_cannot_be_are_status_2)
{
    copy_images("x.png");
    const program_result *r = detect(wrong[_i].command);
    ck_assert_msg(r->status == 2, "%d: %s", r->status, r->err);
    ck_assert_msg(strstr(r->err, wrong[_i].says) != NULL, "%s", r->err);
    ck_assert(!is_there("found.jpg"));
}
END_TEST

START_TEST(segment_writes_no_single_image)
{
    copy_images("x.png");
    const program_result *r = segment("x.png -o found.jpg");
    ck_assert_int_eq(r->status, 2);
    ck_assert_ptr_nonnull(strstr(r->err, "expected a folder"));
    ck_assert(!is_there("found.jpg"));
}
END_TEST

/* ---- files for other tools ---------------------------------------------------------- */

START_TEST(labelme_finds_its_image)
{
    copy_images("in/x.png in/y.png");
    expect_ok(detect("in -q -o out/deep --format labelme"));
    cJSON *json = json_load(scratch_path("out/deep/y.json"));
    ck_assert_str_eq(json_text(json, "imagePath"), "../../in/y.png");
    ck_assert_int_eq(program_run("cd out/deep && test -f ../../in/y.png")->status, 0);
    cJSON_Delete(json);
}
END_TEST

static size_t size_of(const char *name)
{
    size_t size;
    free(file_load(scratch_path(name), &size));
    return size;
}

START_TEST(polygons_are_simplified_by_default)
{
    copy_images("x.png");
    expect_ok(detect("x.png -o one --format labelme --no-overlay"));
    expect_ok(detect("x.png -o same --format labelme --no-overlay "
                     "--polygon-tolerance 1"));
    expect_ok(detect("x.png -o exact --format labelme --no-overlay "
                     "--polygon-tolerance 0"));
    ck_assert_uint_eq(size_of("one/x.json"), size_of("same/x.json"));
    ck_assert_uint_lt(size_of("one/x.json"), size_of("exact/x.json"));
}
END_TEST

/* Numbers in the first line of a file. */
static int numbers_in(const char *name)
{
    char *text = text_of(name);
    int n = 1;
    for (const char *p = text; *p && *p != '\n'; p++)
        n += *p == ' ';
    free(text);
    return n;
}

START_TEST(yolo_has_scores_only_when_asked_for)
{
    copy_images("x.png");
    expect_ok(detect("x.png -o plain --format yolo --no-mask"));
    expect_ok(detect("x.png -o conf --format yolo --no-mask --save-conf"));
    ck_assert_int_eq(numbers_in("plain/x.txt"), 5);
    ck_assert_int_eq(numbers_in("conf/x.txt"), 6);
}
END_TEST

/* The data set is ground truth for its own results: every box is found. */
START_TEST(coco_dataset_is_ground_truth_for_the_evaluator)
{
    copy_images("x.png y.png");
    expect_ok(detect("x.png y.png --coco-dataset gt.json --json dt.json --no-mask "
                     "--score-thr 0.3"));
    const program_result *r = program_run("densepred eval coco gt.json dt.json");
    expect_ok(r);
    ck_assert_str_eq(r->err, "");
    ck_assert_ptr_nonnull(strstr(r->out, "maxDets=100 ] = 1.000"));
}
END_TEST

START_TEST(coco_dataset_is_loaded_by_pycocotools)
{
    copy_images("x.png y.png");
    expect_ok(detect("x.png y.png --coco-dataset gt.json --json dt.json"));
    if (program_run("python3 -c 'import pycocotools'")->status != 0) {
        printf("skipped: python3 has no pycocotools\n");
        return;
    }
    const program_result *r =
        program_run("python3 -c \"\n"
                    "from pycocotools.coco import COCO\n"
                    "gt = COCO('gt.json')\n"
                    "assert len(gt.getImgIds()) == 2 and len(gt.getCatIds()) > 0\n"
                    "for a in gt.loadAnns(gt.getAnnIds()):\n"
                    "    drawn = gt.annToMask(a).sum()\n"
                    "    assert abs(drawn - a['area']) <= 0.2 * a['area'] + 20, "
                    "(drawn, a['area'])\n"
                    "gt.loadRes('dt.json')\n\"");
    expect_ok(r);
}
END_TEST

START_TEST(label_studio_has_urls_and_an_interface)
{
    program_run("mkdir -p 'a b'");
    copy_images("'a b/x&1.png' y.png");
    expect_ok(detect("'a b/x&1.png' y.png -o out --format labelstudio --no-overlay"));
    cJSON *json = json_load(scratch_path("out/labelstudio.json"));
    ck_assert_int_eq(cJSON_GetArraySize(json), 2);
    ck_assert_str_eq(json_text(json_get(json->child, "data"), "image"),
                     "/data/local-files/?d=x%261.png");
    cJSON_Delete(json);
    char *xml = text_of("out/labelstudio.xml");
    ck_assert_ptr_nonnull(strstr(xml, "<Label value=\"disc\""));
    free(xml);
    expect_ok(detect("y.png -o out2 --format labelstudio --image-url http://h/"));
    json = json_load(scratch_path("out2/labelstudio.json"));
    ck_assert_str_eq(json_text(json_get(json->child, "data"), "image"),
                     "http://h/y.png");
    cJSON_Delete(json);
}
END_TEST

/* ---- segment ------------------------------------------------------------------------ */

/* "PATH: class 12.3%, ..." with shares that go down and sum to about 100. */
START_TEST(segment_says_the_classes_and_their_shares)
{
    copy_images("in/x.png in/y.png");
    const program_result *r = segment("in -o out");
    expect_ok(r);
    ck_assert_int_eq(strncmp(r->out, "in/x.png: ", 10), 0);
    const char *second = strstr(r->out, "\nin/y.png: ");
    ck_assert_ptr_nonnull(second);
    double sum = 0, before = 100;
    for (const char *p = r->out; p < second; p++)
        if (*p == '%') {
            const char *from = p;
            while (from[-1] != ' ')
                from--;
            const double share = strtod(from, NULL);
            ck_assert(share <= before);
            before = share;
            sum += share;
        }
    ck_assert_msg(fabs(sum - 100) < 0.5, "%g: %s", sum, r->out);
}
END_TEST

START_TEST(segment_has_json_too)
{
    copy_images("x.png");
    const program_result *r = segment("x.png -o out --json -");
    expect_ok(r);
    cJSON *json = cJSON_Parse(r->out);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_text(json->child, "file_name"), "x.png");
    double pixels = 0, share = 0;
    const cJSON *c;
    cJSON_ArrayForEach(c, json_get(json->child, "classes"))
    {
        json_text(c, "name");
        json_number(c, "id");
        pixels += json_number(c, "pixels");
        share += json_number(c, "share");
    }
    ck_assert(pixels ==
              json_number(json->child, "height") * json_number(json->child, "width"));
    ck_assert(fabs(share - 1) < 1e-9);
    cJSON_Delete(json);
    r = segment("x.png -o out --json shares.json");
    expect_ok(r);
    ck_assert_int_eq(strncmp(r->out, "x.png: ", 7), 0);
    json = json_load(scratch_path("shares.json"));
    ck_assert_int_eq(cJSON_GetArraySize(json), 1);
    cJSON_Delete(json);
}
END_TEST

/* ---- --json and convert ---------------------------------------------------------------- */

/* On every command a file, and with - standard output, which holds nothing else then. */
static const char *const json_commands[] = {
    "info coco/mask_rcnn_convnext_tiny",
    "inspect '%s/tests/golden/mask_rcnn_tiny/model.pth'",
    "bench '%s/tests/golden/mask_rcnn_tiny/config.json' --size 64x64 --runs 1",
};

START_TEST(json_is_a_file_on_every_command)
{
    char line[3][5000];
    snprintf(line[0], sizeof line[0], "densepred %s", json_commands[_i]);
    char *hole = strstr(line[0], "%s");
    if (hole) {
        snprintf(line[1], sizeof line[1], "%.*s%s%s", (int)(hole - line[0]), line[0],
                 program_root(), hole + 2);
        snprintf(line[0], sizeof line[0], "%s", line[1]);
    }
    const program_result *r = program_run("%s --json found.json", line[0]);
    expect_ok(r);
    ck_assert(*r->out && *r->out != '{');
    cJSON_Delete(json_load(scratch_path("found.json")));
    r = program_run("%s --json -", line[0]);
    expect_ok(r);
    cJSON *json = cJSON_Parse(r->out);
    ck_assert_ptr_nonnull(json);
    cJSON_Delete(json);
    ck_assert_int_eq(program_run("%s --json /nowhere/f.json", line[0])->status, 4);
}
END_TEST

START_TEST(convert_refuses_other_endings)
{
    static const char *const names[] = {"out.pth", "out", "out.safetensor", "a.b/out"};
    const program_result *r =
        program_run("densepred convert '%s/tests/golden/mask_rcnn_tiny/model.pth' %s",
                    program_root(), names[_i]);
    ck_assert_int_eq(r->status, 2);
    ck_assert_ptr_nonnull(strstr(r->err, "must end in .safetensors"));
    ck_assert(!is_there(names[_i]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/outputs");
    TCase *t = tcase_create("outputs");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, inputs_of_one_name_are_told_apart);
    tcase_add_test(t, inputs_called_like_our_files_do_not_replace_them);
    tcase_add_test(t, no_output_replaces_an_input);
    tcase_add_test(t, out_may_be_the_image_to_write);
    tcase_add_loop_test(t, outputs_that_cannot_be_are_status_2, 0, COUNT(wrong));
    tcase_add_test(t, segment_writes_no_single_image);
    tcase_add_test(t, labelme_finds_its_image);
    tcase_add_test(t, polygons_are_simplified_by_default);
    tcase_add_test(t, yolo_has_scores_only_when_asked_for);
    tcase_add_test(t, coco_dataset_is_ground_truth_for_the_evaluator);
    tcase_add_test(t, coco_dataset_is_loaded_by_pycocotools);
    tcase_add_test(t, label_studio_has_urls_and_an_interface);
    tcase_add_test(t, segment_says_the_classes_and_their_shares);
    tcase_add_test(t, segment_has_json_too);
    tcase_add_loop_test(t, json_is_a_file_on_every_command, 0, COUNT(json_commands));
    tcase_add_loop_test(t, convert_refuses_other_endings, 0, 4);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
