/* densepred classify, run as a user runs it, on a classifier whose answer is known. */
#include "tests/support/encoded.h"
#include "tests/support/program.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/tiny_classifier.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* exp of them: 1 2 4 8 16 32, and the sum is 63. */
static const float logits[TINY_CLASSES] = {0,           0.69314718f, 1.38629436f,
                                           2.07944154f, 2.77258872f, 3.46573590f};

static const program_result *classify(const char *rest)
{
    return program_run(
        "densepred classify tiny/config.json -w tiny/model.safetensors %s", rest);
}

static void write_image(const char *name)
{
    static uint8_t pixels[40 * 30 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7 % 251);
    encoded e = encode_png(
        &(png_kind){.w = 40, .h = 30, .bits = 8, .color = 2, .rows = pixels});
    scratch_file(name, e.data, e.size);
    free(e.data);
}

static void setup(void)
{
    scratch_setup();
    tiny_classifier_write(logits, "crop");
    write_image("b.png");
    write_image("a.png");
}

static const char table[] = "a.png:\n"
                            "  0.5079     15  class f\n"
                            "  0.2540     14  class e\n"
                            "  0.1270     13  class d\n";

START_TEST(the_likeliest_classes_are_printed)
{
    const program_result *r = classify("a.png");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_str_eq(r->out, table);
    ck_assert_str_eq(r->err, "");
    r = classify("--top 1 a.png b.png");
    ck_assert_str_eq(r->out, "a.png:\n  0.5079     15  class f\n"
                             "b.png:\n  0.5079     15  class f\n");
    r = classify("--top=9 a.png -t 3 --cpu ref");
    ck_assert_ptr_nonnull(strstr(r->out, "\n  0.0159     10  class a\n"));
}
END_TEST

START_TEST(a_weight_cache_is_written_read_and_mended)
{
    static const char cache[] = "tiny/model.safetensors.dpcache";
    const program_result *r = classify("--weight-cache a.png");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_str_eq(r->out, table);
    ck_assert_str_eq(r->err, "");
    ck_assert_int_eq(access(scratch_path(cache), F_OK), 0);
    r = classify("a.png --weight-cache");
    ck_assert_str_eq(r->out, table);
    ck_assert_str_eq(r->err, "");
    scratch_text(cache, "not a cache");
    r = classify("a.png --weight-cache");
    ck_assert_int_eq(r->status, 0);
    ck_assert_str_eq(r->out, table);
    ck_assert_str_eq(r->err,
                     "  weight cache made anew: tiny/model.safetensors.dpcache: "
                     "not a weight cache\n");
    r = classify("a.png --weight-cache");
    ck_assert_str_eq(r->out, table);
    ck_assert_str_eq(r->err, "");
}
END_TEST

static void check_json(const cJSON *list, int files, int classes)
{
    static const char *const names[] = {"a.png", "b.png"};
    ck_assert_int_eq(cJSON_GetArraySize(list), files);
    for (int i = 0; i < files; i++) {
        const cJSON *record = cJSON_GetArrayItem(list, i);
        const cJSON *found = json_get(record, "classes");
        ck_assert_str_eq(json_text(record, "file_name"), names[i]);
        ck_assert_int_eq(cJSON_GetArraySize(found), classes);
        for (int k = 0; k < classes; k++) {
            const cJSON *c = cJSON_GetArrayItem(found, k);
            char name[] = "class f";
            name[6] = (char)('f' - k);
            ck_assert_str_eq(json_text(c, "name"), name);
            ck_assert_int_eq((int)json_number(c, "id"), 15 - k);
            ck_assert(fabs(json_number(c, "score") - 32.0 / (1 << k) / 63) < 1e-6);
        }
    }
}

START_TEST(json_goes_to_a_file_beside_the_table)
{
    const program_result *r = classify("a.png b.png --json out.json --top 6");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "b.png:\n"));
    cJSON *list = json_load(scratch_path("out.json"));
    check_json(list, 2, 6);
    cJSON_Delete(list);
}
END_TEST

START_TEST(json_on_standard_output_is_alone_there)
{
    const program_result *r = classify("a.png --json -");
    ck_assert_int_eq(r->status, 0);
    cJSON *list = cJSON_Parse(r->out);
    ck_assert_ptr_nonnull(list);
    check_json(list, 1, 3);
    cJSON_Delete(list);
}
END_TEST

START_TEST(a_bad_image_does_not_stop_the_others)
{
    scratch_text("bad.jpg", "no image");
    const program_result *r = classify("bad.jpg a.png --json out.json");
    ck_assert_int_eq(r->status, 1);
    ck_assert_str_eq(r->out, table);
    ck_assert_ptr_nonnull(strstr(r->err, "densepred: bad.jpg: text"));
    cJSON *list = json_load(scratch_path("out.json"));
    check_json(list, 1, 3);
    cJSON_Delete(list);
}
END_TEST

static const struct {
    const char *command;
    int status;
    const char *sentence;
} wrong[] = {
    {"densepred classify tiny/config.json a.png", 2, "weights"},
    {"densepred classify tiny/config.json -w tiny/model.safetensors", 2, "INPUT"},
    {"densepred classify tiny/config.json -w tiny/model.safetensors a.png --top 0", 2,
     "--top"},
    {"densepred classify tiny/config.json -w tiny/classes.json a.png", 3,
     "tiny/classes.json"},
    {"densepred classify \"$ROOT/tests/golden/mask_rcnn_tiny/config.json\" -w "
     "\"$ROOT/tests/golden/mask_rcnn_tiny/model.pth\" a.png",
     3, "is a model of type mask_rcnn"},
    {"densepred detect tiny/config.json -w tiny/model.safetensors a.png", 3,
     "detect needs a detector; tiny/config.json is a model of type classifier"},
    {"densepred segment tiny/config.json -w tiny/model.safetensors a.png", 3,
     "segment needs a segmentor; tiny/config.json is a model of type classifier"},
    {"densepred classify tiny/config.json -w tiny/model.safetensors a.png --json "
     "no/folder/out.json",
     4, "no/folder/out.json"},
    {"densepred classify tiny/config.json -w tiny/model.safetensors nothing.png", 1,
     "nothing.png"},
};

START_TEST(what_is_wrong_is_said_and_has_its_status)
{
    const program_result *r =
        program_run("ROOT='%s'; %s", program_root(), wrong[_i].command);
    ck_assert_msg(r->status == wrong[_i].status, "status %d: %s", r->status, r->err);
    ck_assert_msg(strstr(r->err, wrong[_i].sentence), "%s", r->err);
}
END_TEST

START_TEST(features_of_a_classifier_are_its_maps)
{
    const program_result *r =
        program_run("densepred features tiny/config.json -w tiny/model.safetensors "
                    "a.png -o maps.safetensors --all");
    ck_assert_msg(r->status == 0, "%s", r->err);
    r = program_run("densepred inspect maps.safetensors");
    ck_assert_ptr_nonnull(strstr(r->out, "stage4"));
    ck_assert_ptr_nonnull(strstr(r->out, "pooled"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classify");
    TCase *tc = tcase_create("classify");
    tcase_add_checked_fixture(tc, setup, scratch_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_likeliest_classes_are_printed);
    tcase_add_test(tc, a_weight_cache_is_written_read_and_mended);
    tcase_add_test(tc, json_goes_to_a_file_beside_the_table);
    tcase_add_test(tc, json_on_standard_output_is_alone_there);
    tcase_add_test(tc, a_bad_image_does_not_stop_the_others);
    tcase_add_loop_test(tc, what_is_wrong_is_said_and_has_its_status, 0,
                        (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_test(tc, features_of_a_classifier_are_its_maps);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
