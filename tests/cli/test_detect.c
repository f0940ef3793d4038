/* densepred detect, run as a user runs it, on the small detector of tests/golden: what it
 * writes, and what it says of inputs, checkpoints and configs that are wrong. */
#include "tests/support/encoded.h"
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

/* Run "densepred detect CONFIG -w WEIGHTS REST" on the tiny model, or another one. */
static const program_result *detect_with(const char *config, const char *weights,
                                         const char *rest)
{
    return program_run("densepred detect '%s' -w '%s' %s", config, weights, rest);
}

static const char *tiny(const char *name)
{
    static char path[4][4200];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/tests/golden/mask_rcnn_tiny/%s",
             program_root(), name);
    return path[next];
}

static const program_result *detect(const char *rest)
{
    return detect_with(tiny("config.json"), tiny("model.pth"), rest);
}

/* The rest of a command line: two images of tests/golden and options. */
static const char *both(const char *options)
{
    static char rest[9000];
    snprintf(rest, sizeof rest, "'%s' '%s' %s", tiny("000000000101.png"),
             tiny("000000000102.png"), options);
    return rest;
}

static bool is_there(const char *name)
{
    return access(scratch_path(name), F_OK) == 0;
}

static cJSON *json_of(const char *name)
{
    return json_load(scratch_path(name));
}

/* ---- results ------------------------------------------------------------------------ */

/* Each record of the reference has a partner of its class within the bounds of
 * tests/golden/README.md for boxes and scores. */
static void expect_records(const cJSON *got, const char *golden)
{
    cJSON *want = json_load(tiny(golden));
    const cJSON *w, *g;
    cJSON_ArrayForEach(w, want)
    {
        bool found = false;
        cJSON_ArrayForEach(g, got)
        {
            bool same =
                json_number(w, "image_id") == json_number(g, "image_id") &&
                json_number(w, "category_id") == json_number(g, "category_id") &&
                fabs(json_number(w, "score") - json_number(g, "score")) < 3e-4;
            for (int k = 0; k < 4 && same; k++)
                same = fabs(cJSON_GetArrayItem(json_get(w, "bbox"), k)->valuedouble -
                            cJSON_GetArrayItem(json_get(g, "bbox"), k)->valuedouble) <
                       0.02;
            found = found || same;
        }
        ck_assert_msg(found, "%s: a record has no partner", golden);
    }
    cJSON_Delete(want);
}

START_TEST(json_holds_the_references_records)
{
    const program_result *r = detect(both("--json results.json"));
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "000000000101.png: "));
    cJSON *got = json_of("results.json");
    expect_records(got, "101_results.json");
    expect_records(got, "102_results.json");
    cJSON *one = json_load(tiny("101_results.json")),
          *two = json_load(tiny("102_results.json"));
    ck_assert_int_eq(cJSON_GetArraySize(got),
                     cJSON_GetArraySize(one) + cJSON_GetArraySize(two));
    /* The keys and their order are those of upstream's files. */
    static const char *const keys[] = {"image_id", "bbox", "score", "category_id",
                                       "segmentation"};
    int k = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, got->child) ck_assert_str_eq(value->string, keys[k++]);
    ck_assert_int_eq(k, COUNT(keys));
    cJSON_Delete(one);
    cJSON_Delete(two);
    cJSON_Delete(got);
}
END_TEST

START_TEST(threads_write_the_same_bytes)
{
    static const char *const options[] = {"-t 2 --json b.json", "-t 3 --json b.json",
                                          "-t 7 --json b.json"};
    ck_assert_int_eq(detect(both("-t 1 --json a.json"))->status, 0);
    ck_assert_int_eq(detect(both(options[_i]))->status, 0);
    size_t a_size, b_size;
    char *a = file_load(scratch_path("a.json"), &a_size);
    char *b = file_load(scratch_path("b.json"), &b_size);
    ck_assert_uint_gt(a_size, 1000);
    ck_assert_uint_eq(a_size, b_size);
    ck_assert_mem_eq(a, b, a_size);
    free(a);
    free(b);
}
END_TEST

START_TEST(every_format_is_written)
{
    const program_result *r = detect(both("-o out --format coco,csv,yolo,labelme"));
    ck_assert_msg(r->status == 0, "%s", r->err);
    static const char *const files[] = {
        "out/results.json",      "out/results.csv",
        "out/classes.txt",       "out/000000000101.txt",
        "out/000000000101.json", "out/000000000102_overlay.jpg"};
    for (int i = 0; i < COUNT(files); i++)
        ck_assert_msg(is_there(files[i]), "%s", files[i]);
    cJSON_Delete(json_of("out/results.json"));
    cJSON_Delete(json_of("out/000000000101.json"));
}
END_TEST

START_TEST(options_choose_what_is_kept)
{
    ck_assert_int_eq(detect(both("--json all.json"))->status, 0);
    ck_assert_int_eq(
        detect(both("--json few.json --classes disc,cross --max-dets 3 --score-thr 0.1 "
                    "--no-mask --file-names"))
            ->status,
        0);
    cJSON *all = json_of("all.json"), *few = json_of("few.json");
    ck_assert_int_le(cJSON_GetArraySize(few), 6);
    ck_assert_int_gt(cJSON_GetArraySize(few), 0);
    ck_assert_int_gt(cJSON_GetArraySize(all), cJSON_GetArraySize(few));
    const cJSON *record;
    cJSON_ArrayForEach(record, few)
    {
        const double id = json_number(record, "category_id");
        ck_assert(id == 1 || id == 7);
        ck_assert(json_number(record, "score") >= (double)0.1f);
        ck_assert_ptr_null(cJSON_GetObjectItem(record, "segmentation"));
        ck_assert_ptr_nonnull(strstr(json_text(record, "file_name"), ".png"));
    }
    cJSON_Delete(all);
    cJSON_Delete(few);
}
END_TEST

/* The same detections, whether threshold and limit stand in the config or on the
 * command line. */
START_TEST(options_reach_below_and_above_the_config)
{
    char base[5000];
    ck_assert_int_eq(detect(both("--json usual.json"))->status, 0);
    ck_assert_int_eq(
        detect(both("--json more.json --score-thr 0.001 --max-dets 2000"))->status, 0);
    ck_assert_int_eq(
        detect(both("--json all.json --score-thr 0 --max-dets 10000"))->status, 0);
    ck_assert_int_eq(detect(both("--json tiles.json --tile 2000 --score-thr 0.001 "
                                 "--max-dets 2000"))
                         ->status,
                     0);
    snprintf(base, sizeof base,
             "{\"base\": \"%s\", \"test\": {\"score_thr\": 0.001, \"max_per_img\": "
             "2000}}",
             tiny("config.json"));
    const char *config = scratch_file("low.json", base, strlen(base));
    ck_assert_int_eq(
        detect_with(config, tiny("model.pth"), both("--json config.json"))->status, 0);
    char *more = file_load(scratch_path("more.json"), NULL);
    char *same = file_load(scratch_path("config.json"), NULL);
    char *tiles = file_load(scratch_path("tiles.json"), NULL);
    ck_assert_str_eq(more, same);
    ck_assert_str_eq(more, tiles);
    free(more);
    free(same);
    free(tiles);
    cJSON *few = json_of("usual.json"), *many = json_of("more.json");
    cJSON *all = json_of("all.json");
    ck_assert_int_gt(cJSON_GetArraySize(many), cJSON_GetArraySize(few));
    ck_assert_int_gt(cJSON_GetArraySize(many), 2 * 100);
    ck_assert_int_gt(cJSON_GetArraySize(all), cJSON_GetArraySize(many));
    cJSON_Delete(few);
    cJSON_Delete(many);
    cJSON_Delete(all);
}
END_TEST

START_TEST(standard_streams_serve_as_files)
{
    char rest[5000];
    snprintf(rest, sizeof rest, "- --json - < '%s'", tiny("000000000101.png"));
    const program_result *r = detect(rest);
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_int_eq(r->out[0], '[');
    cJSON *got = cJSON_Parse(r->out);
    ck_assert_ptr_nonnull(got);
    ck_assert_int_gt(cJSON_GetArraySize(got), 0);
    ck_assert_int_eq((int)json_number(got->child, "image_id"), 1); /* its position */
    cJSON_Delete(got);
}
END_TEST

/* Inputs, and their ids or (status 2) what is said of them. */
static const struct {
    const char *inputs, *options;
    int ids[2], status;
    const char *says;
} numberings[] = {
    {"7.png 139.png", "--json r.json", {7, 139}, 0, NULL},
    {"b.png a.png", "--json r.json", {1, 2}, 0, NULL},
    {"139.png a.png", "--json r.json", {1, 2}, 0, "as the name of a.png is no number"},
    {"139.png a.png", "-q --json r.json", {1, 2}, 0, NULL},
    {"1.png a.png", "-q --json r.json", {1, 2}, 0, NULL},
    {"2.png a.png", "--json r.json", {0}, 2, "2.png (by its name) and a.png (by its"},
    {"2.png 02.png", "--json r.json", {0}, 2, "2.png and 02.png would both be 2"},
    {"02.png 2.png", "--json -", {0}, 2, "02.png and 2.png would both be 2"},
    {"2.png d/2.png", "-o out --format coco", {0}, 2, "2.png and d/2.png would both"},
    {"2.png 02.png", "-o out --format csv", {0}, 2, "2.png and 02.png would both be 2"},
    {"2.png 02.png", "-o out --format yolo", {0}, 0, NULL}, /* no ids in it */
};

START_TEST(no_two_images_have_the_same_id)
{
    char line[256];
    program_run("mkdir d; for f in 7 139 1 2 02 a b d/2; do cp '%s' $f.png; done",
                tiny("000000000101.png"));
    snprintf(line, sizeof line, "%s %s", numberings[_i].inputs, numberings[_i].options);
    const program_result *r = detect(line);
    ck_assert_msg(r->status == numberings[_i].status, "%s: %d: %s", line, r->status,
                  r->err);
    if (numberings[_i].says)
        ck_assert_msg(strstr(r->err, numberings[_i].says) != NULL, "%s", r->err);
    else
        ck_assert_str_eq(r->err, "");
    ck_assert(is_there("r.json") == (numberings[_i].ids[0] > 0));
    if (!is_there("r.json"))
        return;
    cJSON *got = json_of("r.json");
    const int count = cJSON_GetArraySize(got);
    ck_assert_int_gt(count, 1);
    ck_assert(json_number(cJSON_GetArrayItem(got, 0), "image_id") ==
              numberings[_i].ids[0]);
    ck_assert(json_number(cJSON_GetArrayItem(got, count - 1), "image_id") ==
              numberings[_i].ids[1]);
    cJSON_Delete(got);
}
END_TEST

START_TEST(a_window_as_large_as_the_image_changes_nothing)
{
    ck_assert_int_eq(detect(both("--json whole.json"))->status, 0);
    ck_assert_int_eq(detect(both("--json tiles.json --tile 2000"))->status, 0);
    char *a = file_load(scratch_path("whole.json"), NULL);
    char *b = file_load(scratch_path("tiles.json"), NULL);
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
}
END_TEST

START_TEST(windows_give_boxes_and_masks_inside_the_image)
{
    ck_assert_int_eq(detect(both("--json tiles.json --tile 48 --overlap 0.25"))->status,
                     0);
    cJSON *got = json_of("tiles.json");
    ck_assert_int_gt(cJSON_GetArraySize(got), 0);
    const cJSON *record;
    cJSON_ArrayForEach(record, got)
    {
        const cJSON *box = json_get(record, "bbox");
        const cJSON *size = json_get(json_get(record, "segmentation"), "size");
        const double x = cJSON_GetArrayItem(box, 0)->valuedouble;
        const double w = cJSON_GetArrayItem(box, 2)->valuedouble;
        ck_assert(x >= 0 && w > 0);
        ck_assert(x + w <= cJSON_GetArrayItem(size, 1)->valuedouble + 1e-3);
    }
    cJSON_Delete(got);
}
END_TEST

/* ---- inputs that are wrong: the others are finished, exit status 1 -------------------- */

static void write_image(const char *name, int w, int h)
{
    uint8_t *rows = calloc((size_t)w * (size_t)h, 3);
    encoded e =
        encode_png(&(png_kind){.w = w, .h = h, .bits = 8, .color = 2, .rows = rows});
    scratch_file(name, e.data, e.size);
    free(e.data);
    free(rows);
}

static void write_cut_jpeg(const char *name)
{
    static uint8_t pixels[64 * 64 * 3];
    encoded e = encode_jpeg(
        &(jpeg_kind){.w = 64, .h = 64, .channels = 3, .pixels = pixels, .quality = 90});
    scratch_file(name, e.data, e.size * 2 / 3);
    free(e.data);
}

static const struct {
    const char *name, *says;
} bad_inputs[] = {
    {"1.jpg", "not JPEG"}, {"2.jpg", "2.jpg"}, /* cut */
    {"3.png", "3.png"},                        /* empty */
    {"4.jpg", "No such"},                      /* missing */
    {"5.jpg", "5.jpg"},                        /* a folder */
};

START_TEST(a_bad_input_is_named_and_the_others_are_finished)
{
    char rest[9000];
    scratch_file("1.jpg", "This is not an image.\n", 23);
    scratch_file("3.png", "", 0);
    write_cut_jpeg("2.jpg");
    program_run("mkdir 5.jpg");
    snprintf(rest, sizeof rest, "%s %s", bad_inputs[_i].name, both("--json out.json"));
    const program_result *r = detect(rest);
    ck_assert_msg(r->status == 1, "%s: status %d: %s", bad_inputs[_i].name, r->status,
                  r->err);
    ck_assert_int_eq(strncmp(r->err, "densepred: ", 11), 0);
    ck_assert_ptr_eq(strchr(r->err, '\n'), r->err + strlen(r->err) - 1); /* one line */
    ck_assert_ptr_nonnull(strstr(r->err, bad_inputs[_i].name));
    ck_assert_ptr_nonnull(strstr(r->err, bad_inputs[_i].says));
    cJSON *got = json_of("out.json");
    expect_records(got, "101_results.json");
    expect_records(got, "102_results.json");
    cJSON_Delete(got);
}
END_TEST

START_TEST(images_of_odd_sizes_are_images)
{
    write_image("1.png", 1, 1);
    write_image("2.png", 20000, 3);
    write_image("3.png", 3, 2000);
    const program_result *r = detect("1.png 2.png 3.png --json out.json");
    ck_assert_msg(r->status == 0, "%s", r->err);
    cJSON_Delete(json_of("out.json"));
}
END_TEST

/* ---- models that are wrong: exit status 3 ---------------------------------------------- */

static void expect_model_error(const program_result *r, const char *says)
{
    ck_assert_msg(r->status == 3, "status %d: %s", r->status, r->err);
    ck_assert_msg(strstr(r->err, says) != NULL, "found: %s, expected: %s", r->err,
                  says);
    ck_assert_str_eq(r->out, "");
}

START_TEST(a_checkpoint_of_another_model_lists_every_name)
{
    char other[4300];
    snprintf(other, sizeof other, "%s/tests/golden/upernet_tiny/model.safetensors",
             program_root());
    const program_result *r =
        detect_with(tiny("config.json"), other, both("--verbose --json out.json"));
    expect_model_error(r, "missing: rpn_head.rpn_conv.weight");
    expect_model_error(r, "unexpected: decode_head.conv_seg.weight");
    expect_model_error(r, "as weights of");
    ck_assert(!is_there("out.json"));
}
END_TEST

START_TEST(partial_weights_are_loaded_when_asked_and_every_name_is_said)
{
    char other[4300];
    snprintf(other, sizeof other, "%s/tests/golden/upernet_tiny/model.safetensors",
             program_root());
    const program_result *r = detect_with(tiny("config.json"), other,
                                          both("--partial --verbose --json out.json"));
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->err, "missing: rpn_head.rpn_conv.weight"));
    cJSON_Delete(json_of("out.json"));
}
END_TEST

/* Two tensors that share bytes, as a safetensors header. */
static const char overlapping[] =
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}";

/* A pickle that would run a command: nothing is executed, and it has no tensors. */
static const char hostile[] = "\x80\x02"
                              "cos\nsystem\nq"
                              "\0X\x04\0\0\0trueq\x01\x85q\x02Rq\x03.";

#define BYTES(text) text, sizeof text - 1

static const struct {
    const char *bytes;
    size_t size;
    const char *says;
} bad_weights[] = {
    {BYTES(""), "weights"},
    {BYTES("hello, world"), "not a file of torch.save"},
    {BYTES(hostile), "weights"},
    {BYTES(overlapping), "weights"},
};

START_TEST(bad_weights_are_refused)
{
    char bytes[256] = {0};
    const size_t size = bad_weights[_i].size;
    size_t total = size;
    if (bad_weights[_i].bytes == overlapping) {
        bytes[0] = (char)size; /* 64 bits, little endian; and 12 bytes of data follow */
        memcpy(bytes + 8, overlapping, size);
        total = 8 + size + 12;
    } else {
        memcpy(bytes, bad_weights[_i].bytes, size);
    }
    const char *path = scratch_file("weights", bytes, total);
    expect_model_error(detect_with(tiny("config.json"), path, both("")),
                       bad_weights[_i].says);
}
END_TEST

static const struct {
    const char *config, *says;
} bad_configs[] = {
    {"{", "config.json:1:"},
    {"{\"base\": \"%s\", \"backbone\": {\"type\": \"convnext\", \"depth\": [1, 1, 2, "
     "1]}}",
     "did you mean"},
    {"{\"base\": \"%s\", \"backbone\": {\"type\": \"convnexd\"}}", "convnexd"},
    {"{\"base\": \"%s\", \"test\": {\"score_thr\": 7}}", "score_thr"},
    {"{\"base\": \"%s\", \"mask_head\": {\"num_classes\": 6}}", "6"},
    {"{\"base\": \"nowhere.json\"}", "nowhere.json"},
};

START_TEST(bad_configs_are_refused_with_file_and_key)
{
    char text[5000];
    snprintf(text, sizeof text, "%s", bad_configs[_i].config);
    char *hole = strstr(text, "%s");
    if (hole) {
        char tail[500];
        snprintf(tail, sizeof tail, "%s", hole + 2);
        snprintf(hole, sizeof text - (size_t)(hole - text), "%s%s", tiny("config.json"),
                 tail);
    }
    const char *path = scratch_file("config.json", text, strlen(text));
    const program_result *r = detect_with(path, tiny("model.pth"), both(""));
    expect_model_error(r, bad_configs[_i].says);
    expect_model_error(r, ".json");
}
END_TEST

/* ---- the command line, the machine ------------------------------------------------------ */

static const struct {
    const char *options, *says;
} bad_lines[] = {
    {"--jsn x", "--json"},
    {"--classes disk", "disc"},
    {"--format voc -o out", "voc"},
    {"--format coco", "--out"},
    {"--score-thr 2", "--score-thr"},
    {"--tile 3", "--tile"},
    {"--cpu z80", "--cpu"},
    {"-t 0", "--threads"},
};

START_TEST(a_bad_command_line_is_status_2)
{
    const program_result *r = detect(both(bad_lines[_i].options));
    ck_assert_msg(r->status == 2, "%s: status %d: %s", bad_lines[_i].options, r->status,
                  r->err);
    ck_assert_msg(strstr(r->err, bad_lines[_i].says) != NULL, "%s", r->err);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_status_4)
{
    static const char *const options[] = {"--json file/results.json", "-o file/out",
                                          "--json /dev/full"};
    scratch_file("file", "x", 1);
    const program_result *r = detect(both(options[_i]));
    ck_assert_msg(r->status == 4, "%s: status %d: %s", options[_i], r->status, r->err);
    ck_assert_int_eq(strncmp(r->err, "densepred: ", 11), 0);
}
END_TEST

START_TEST(a_segmentor_cannot_detect)
{
    char config[4300], weights[4300];
    snprintf(config, sizeof config, "%s/tests/golden/upernet_tiny/config_whole.json",
             program_root());
    snprintf(weights, sizeof weights, "%s/tests/golden/upernet_tiny/model.safetensors",
             program_root());
    expect_model_error(detect_with(config, weights, both("")),
                       "detect needs a detector");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("detect");
    TCase *t = tcase_create("detect");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, json_holds_the_references_records);
    tcase_add_loop_test(t, threads_write_the_same_bytes, 0, 3);
    tcase_add_test(t, every_format_is_written);
    tcase_add_test(t, options_choose_what_is_kept);
    tcase_add_test(t, options_reach_below_and_above_the_config);
    tcase_add_test(t, standard_streams_serve_as_files);
    tcase_add_loop_test(t, no_two_images_have_the_same_id, 0, COUNT(numberings));
    tcase_add_test(t, a_window_as_large_as_the_image_changes_nothing);
    tcase_add_test(t, windows_give_boxes_and_masks_inside_the_image);
    tcase_add_loop_test(t, a_bad_input_is_named_and_the_others_are_finished, 0,
                        COUNT(bad_inputs));
    tcase_add_test(t, images_of_odd_sizes_are_images);
    tcase_add_test(t, a_checkpoint_of_another_model_lists_every_name);
    tcase_add_test(t, partial_weights_are_loaded_when_asked_and_every_name_is_said);
    tcase_add_loop_test(t, bad_weights_are_refused, 0, COUNT(bad_weights));
    tcase_add_loop_test(t, bad_configs_are_refused_with_file_and_key, 0,
                        COUNT(bad_configs));
    tcase_add_loop_test(t, a_bad_command_line_is_status_2, 0, COUNT(bad_lines));
    tcase_add_loop_test(t, a_place_that_cannot_be_written_is_status_4, 0, 3);
    tcase_add_test(t, a_segmentor_cannot_detect);
    suite_add_tcase(s, t);
    return suite_run(s);
}
