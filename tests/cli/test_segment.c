/* densepred segment, run as a user runs it, on the small segmentor of tests/golden. */
#include "io/checkpoint/checkpoint.h"
#include "io/image/image.h"
#include "io/image/png.h"
#include "tests/support/encoded.h"
#include "tests/support/program.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* The labels of classes.json, by class index. */
static const uint8_t ids[] = {1, 2, 3, 5, 8, 13, 21};

/* Run "densepred segment CONFIG -w MODEL ..." on the tiny model. */
static const program_result *segment(const char *config, const char *rest)
{
    const char *root = program_root();
    return program_run("densepred segment '%s/tests/golden/upernet_tiny/%s' "
                       "-w '%s/tests/golden/upernet_tiny/model.safetensors' %s",
                       root, config, root, rest);
}

static const char *golden_image(void)
{
    static char path[4096];
    snprintf(path, sizeof path, "'%s/tests/golden/upernet_tiny/000000000201.png'",
             program_root());
    return path;
}

static dp_label_map load_labels(const char *name)
{
    dp_error err = {0};
    dp_label_map map = {0};
    ck_assert_msg(dp_png_load_labels(&err, &map, scratch_path(name)) == DP_OK, "%s",
                  err.text);
    return map;
}

static bool is_there(const char *name)
{
    return access(scratch_path(name), F_OK) == 0;
}

static void expect_ok(const program_result *r)
{
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_str_eq(r->err, "");
}

static void expect_same(const char *a, const char *b)
{
    dp_label_map x = load_labels(a), y = load_labels(b);
    ck_assert(x.h == y.h && x.w == y.w);
    ck_assert_mem_eq(x.labels, y.labels, (size_t)x.h * (size_t)x.w);
    dp_label_map_done(&x);
    dp_label_map_done(&y);
}

/* The reference's labels, in the data set's numbers. */
static void expect_golden(const char *name, const char *golden)
{
    dp_error err = {0};
    dp_checkpoint *file;
    char path[200];
    size_t count;
    snprintf(path, sizeof path, "tests/golden/upernet_tiny/201_%s.safetensors", golden);
    ck_assert_int_eq(dp_checkpoint_open(&err, &file, path), DP_OK);
    const dp_named_tensor *t = dp_checkpoint_tensors(file, &count);
    while (strcmp(t->name, "labels") != 0) {
        ck_assert_uint_gt(--count, 0);
        t++;
    }
    dp_label_map map = load_labels(name);
    ck_assert(map.h == t->shape[0] && map.w == t->shape[1]);
    for (int i = 0; i < map.h * map.w; i++)
        ck_assert_int_eq(map.labels[i], ids[((const uint8_t *)t->data)[i]]);
    dp_label_map_done(&map);
    dp_checkpoint_close(file);
}

static const struct {
    const char *config, *options, *golden;
} modes[] = {
    {"config_slide.json", "", "slide"},
    {"config_slide.json", "--mode slide", "slide"},
    {"config_slide.json", "--mode whole", "whole"},
    {"config_whole.json", "", "whole"},
    {"config_whole.json", "--mode=slide", "slide"},
    {"config_slide.json", "--ms-flip", "multi_scale"},
    {"config_multi_scale.json", "", "multi_scale"},
};

START_TEST(labels_are_the_references_in_the_data_sets_numbers)
{
    char rest[4300];
    snprintf(rest, sizeof rest, "%s %s -o out", golden_image(), modes[_i].options);
    expect_ok(segment(modes[_i].config, rest));
    expect_golden("out/000000000201.png", modes[_i].golden);
}
END_TEST

START_TEST(the_overlay_is_the_image_with_a_legend)
{
    char rest[4300];
    dp_error err = {0};
    dp_pixels p;
    snprintf(rest, sizeof rest, "%s -o some/folder", golden_image());
    expect_ok(segment("config_whole.json", rest));
    ck_assert_int_eq(
        dp_pixels_load(&err, &p, scratch_path("some/folder/000000000201_overlay.jpg")),
        DP_OK);
    ck_assert(p.h > 37 && p.w >= 53);
    dp_pixels_done(&p);
    ck_assert(!is_there("some/folder/000000000201_scores.safetensors"));
}
END_TEST

START_TEST(scores_are_probabilities_and_highest_where_the_label_is)
{
    enum { H = 37, W = 53, K = 7 };
    char rest[4300];
    dp_error err = {0};
    dp_checkpoint *file;
    size_t count;
    snprintf(rest, sizeof rest, "%s --scores%s", golden_image(),
             _i ? " --ms-flip" : "");
    expect_ok(segment("config_slide.json", rest));
    dp_label_map map = load_labels("000000000201.png");
    ck_assert_int_eq(dp_checkpoint_open(
                         &err, &file, scratch_path("000000000201_scores.safetensors")),
                     DP_OK);
    const dp_named_tensor *t = dp_checkpoint_tensors(file, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(t->name, "probability");
    ck_assert(t->rank == 4 && t->shape[0] == 1 && t->shape[1] == K &&
              t->shape[2] == H && t->shape[3] == W && t->dtype == DP_DTYPE_F32);
    float *scores = malloc(K * H * W * sizeof *scores);
    ck_assert(dp_named_tensor_to_f32(t, scores));
    for (int i = 0; i < H * W; i++) {
        int best = 0;
        double sum = 0;
        for (int k = 0; k < K; k++) {
            sum += (double)scores[k * H * W + i];
            best = scores[k * H * W + i] > scores[best * H * W + i] ? k : best;
        }
        ck_assert(fabs(sum - 1) < 1e-5);
        ck_assert_int_eq(map.labels[i], ids[best]);
    }
    free(scores);
    dp_checkpoint_close(file);
    dp_label_map_done(&map);
}
END_TEST

/* ---- images of every kind ---------------------------------------------------------- */

enum { SIDE = 40, WIDE = 24 };

static void write_encoded(const char *name, encoded e)
{
    scratch_file(name, e.data, e.size);
    free(e.data);
}

static void fill(uint8_t *bytes, size_t n)
{
    uint64_t seed = 30;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 2 % 200 + (size_t)random_int(&seed, 56));
}

/* A grey image as grey, as palette and as three equal colours is one image. */
START_TEST(grey_palette_and_colour_are_read_alike)
{
    static uint8_t grey[SIDE * WIDE], colour[SIDE * WIDE * 3], palette[256 * 3];
    fill(grey, sizeof grey);
    for (int i = 0; i < SIDE * WIDE * 3; i++)
        colour[i] = grey[i / 3];
    for (int i = 0; i < 256 * 3; i++)
        palette[i] = (uint8_t)(i / 3);
    write_encoded("grey.png",
                  encode_png(&(png_kind){
                      .w = WIDE, .h = SIDE, .bits = 8, .color = 0, .rows = grey}));
    write_encoded("colour.png",
                  encode_png(&(png_kind){
                      .w = WIDE, .h = SIDE, .bits = 8, .color = 2, .rows = colour}));
    write_encoded("palette.png", encode_png(&(png_kind){.w = WIDE,
                                                        .h = SIDE,
                                                        .bits = 8,
                                                        .color = 3,
                                                        .rows = grey,
                                                        .palette = palette,
                                                        .colours = 256}));
    expect_ok(segment("config_whole.json", "grey.png colour.png palette.png -o out"));
    expect_same("out/grey.png", "out/colour.png");
    expect_same("out/grey.png", "out/palette.png");
}
END_TEST

START_TEST(rotated_and_cmyk_images_are_upright_and_labelled)
{
    static uint8_t pixels[SIDE * WIDE * 4];
    uint8_t exif[6 + TIFF_SIZE] = "Exif\0";
    fill(pixels, sizeof pixels);
    make_tiff(exif + 6, 6, false);
    write_encoded("turned.jpg", encode_jpeg(&(jpeg_kind){.w = WIDE,
                                                         .h = SIDE,
                                                         .channels = 3,
                                                         .pixels = pixels,
                                                         .quality = 90,
                                                         .app1 = exif,
                                                         .app1_size = sizeof exif}));
    write_encoded(
        "cmyk.jpg",
        encode_jpeg(&(jpeg_kind){
            .w = WIDE, .h = SIDE, .channels = 4, .pixels = pixels, .quality = 90}));
    expect_ok(segment("config_whole.json", "turned.jpg cmyk.jpg"));
    dp_label_map turned = load_labels("turned.png"), cmyk = load_labels("cmyk.png");
    ck_assert(turned.h == WIDE && turned.w == SIDE);
    ck_assert(cmyk.h == SIDE && cmyk.w == WIDE);
    dp_label_map_done(&turned);
    dp_label_map_done(&cmyk);
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------ */

static void copy_image(const char *name)
{
    char line[5000];
    snprintf(line, sizeof line, "cp %s '%s'", golden_image(), scratch_path(name));
    ck_assert_int_eq(system(line), 0);
}

START_TEST(a_bad_image_does_not_stop_the_others)
{
    scratch_text("in/b.jpg", "no image");
    copy_image("in/a.png");
    copy_image("in/c.png");
    const program_result *r = segment("config_whole.json", "in -o out");
    ck_assert_int_eq(r->status, 1);
    ck_assert_ptr_nonnull(strstr(r->err, "densepred: in/b.jpg: "));
    expect_golden("out/a.png", "whole");
    expect_same("out/a.png", "out/c.png");
    ck_assert(!is_there("out/b.png"));
}
END_TEST

START_TEST(standard_input_is_an_image_too)
{
    char rest[4300];
    snprintf(rest, sizeof rest, "- <%s", golden_image());
    expect_ok(segment("config_whole.json", rest));
    expect_golden("stdin.png", "whole");
}
END_TEST

static const struct {
    const char *rest;
    int status;
    const char *said;
} mistakes[] = {
    {"none.jpg -o out", 1, "none.jpg"},
    {"a.png -o a.png", 2, "--out: found \"a.png\", expected a folder"},
    {"a.png -o file", 4, "file: cannot be made a folder: File exists"},
    {"a.png --mode tiles -o out", 2,
     "--mode: found \"tiles\", expected one of slide|whole"},
    {"a.png --scores -o /dev/full", 4, "/dev/full: cannot be made a folder"},
};

START_TEST(mistakes_have_a_status_and_a_sentence)
{
    copy_image("a.png");
    scratch_text("file", "");
    const program_result *r = segment("config_whole.json", mistakes[_i].rest);
    ck_assert_msg(r->status == mistakes[_i].status, "%d: %s", r->status, r->err);
    ck_assert_msg(strstr(r->err, mistakes[_i].said) != NULL, "%s", r->err);
}
END_TEST

START_TEST(weights_are_needed_and_a_detector_is_refused)
{
    const char *root = program_root();
    const program_result *r = program_run(
        "densepred segment '%s/tests/golden/upernet_tiny/config_whole.json' a.png",
        root);
    ck_assert_int_eq(r->status, 2);
    ck_assert_ptr_nonnull(
        strstr(r->err, "ships without a checkpoint: give one (--weights FILE)"));
    r = program_run("densepred segment '%s/tests/golden/mask_rcnn_tiny/config.json' -w "
                    "'%s/tests/golden/mask_rcnn_tiny/model.pth' a.png",
                    root, root);
    ck_assert_int_eq(r->status, 3);
    ck_assert_ptr_nonnull(strstr(r->err, "segment needs a segmentor"));
}
END_TEST

START_TEST(ids_beyond_a_label_map_are_refused)
{
    char text[2000];
    snprintf(text, sizeof text,
             "{\"base\": \"%s/tests/golden/upernet_tiny/config_whole.json\","
             " \"dataset\": \"many.json\"}",
             program_root());
    scratch_text("config.json", text);
    scratch_text("many.json", "{\"name\": \"many\", \"classes\": ["
                              "{\"name\": \"a\", \"id\": 1, \"colour\": [0, 0, 0]},"
                              "{\"name\": \"b\", \"id\": 2, \"colour\": [0, 0, 0]},"
                              "{\"name\": \"c\", \"id\": 256, \"colour\": [0, 0, 0]},"
                              "{\"name\": \"d\", \"id\": 4, \"colour\": [0, 0, 0]},"
                              "{\"name\": \"e\", \"id\": 5, \"colour\": [0, 0, 0]},"
                              "{\"name\": \"f\", \"id\": 6, \"colour\": [0, 0, 0]},"
                              "{\"name\": \"g\", \"id\": 7, \"colour\": [0, 0, 0]}]}");
    const program_result *r =
        program_run("densepred segment config.json -w "
                    "'%s/tests/golden/upernet_tiny/model.safetensors' a.png",
                    program_root());
    ck_assert_int_eq(r->status, 3);
    ck_assert_msg(
        strstr(r->err, "class c: label maps hold 0 to 255, not its number 256") != NULL,
        "%s", r->err);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cli/segment");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, labels_are_the_references_in_the_data_sets_numbers, 0,
                        COUNT(modes));
    tcase_add_test(t, the_overlay_is_the_image_with_a_legend);
    tcase_add_loop_test(t, scores_are_probabilities_and_highest_where_the_label_is, 0,
                        2);
    tcase_add_test(t, grey_palette_and_colour_are_read_alike);
    tcase_add_test(t, rotated_and_cmyk_images_are_upright_and_labelled);
    tcase_add_test(t, a_bad_image_does_not_stop_the_others);
    tcase_add_test(t, standard_input_is_an_image_too);
    tcase_add_loop_test(t, mistakes_have_a_status_and_a_sentence, 0, COUNT(mistakes));
    tcase_add_test(t, weights_are_needed_and_a_detector_is_refused);
    tcase_add_test(t, ids_beyond_a_label_map_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
