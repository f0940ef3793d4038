/* --gemm and --precision, run as a user runs it, on the small models of tests/golden: every command that
 * runs a model heeds it. */
#define _POSIX_C_SOURCE 200809L /* strdup */
#include "base/cpu.h"
#include "tests/support/program.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/tiny_classifier.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* "COMMAND tests/golden/FOLDER/CONFIG -w .../WEIGHTS REST" of a small model. */
static const program_result *run(const char *command, const char *rest)
{
    const bool segments = strcmp(command, "segment") == 0;
    const char *folder = segments ? "upernet_tiny" : "mask_rcnn_tiny";
    const char *root = program_root();
    return program_run("densepred %s '%s/tests/golden/%s/%s.json' -w "
                       "'%s/tests/golden/%s/%s' %s",
                       command, root, folder, segments ? "config_whole" : "config",
                       root, folder, segments ? "model.safetensors" : "model.pth",
                       rest);
}

static void expect_ok(const program_result *r)
{
    ck_assert_msg(r->status == 0, "%d: %s", r->status, r->err);
}

static const char *image(const char *rest)
{
    static char text[9000];
    snprintf(text, sizeof text, "'%s/tests/golden/mask_rcnn_tiny/000000000101.png' %s",
             program_root(), rest);
    return text;
}

/* ---- one command after the other ---------------------------------------------------- */

/* The values of a features file, and how many. */
static float *maps_of(const char *name, size_t *count)
{
    FILE *file = fopen(scratch_path(name), "rb");
    ck_assert_ptr_nonnull(file);
    uint64_t header;
    ck_assert_uint_eq(fread(&header, sizeof header, 1, file), 1);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *count = ((size_t)ftell(file) - (size_t)header - 8) / sizeof(float);
    ck_assert_int_eq(fseek(file, 8 + (long)header, SEEK_SET), 0);
    float *values = malloc(*count * sizeof *values);
    ck_assert_uint_eq(fread(values, sizeof *values, *count, file), *count);
    fclose(file);
    return values;
}

/* Root of the mean square of the difference, in parts of the values'; over all maps. */
static double difference(const char *a, const char *b)
{
    size_t n, m;
    float *x = maps_of(a, &n), *y = maps_of(b, &m);
    double off = 0, all = 0;
    ck_assert_uint_eq(n, m);
    for (size_t i = 0; i < n; i++) {
        off += pow((double)x[i] - (double)y[i], 2);
        all += pow((double)x[i], 2);
    }
    free(x);
    free(y);
    return sqrt(off / all);
}

/* Sums in another order: other bits, and the same numbers. */
START_TEST(features_are_the_same_numbers_by_another_engine)
{
    expect_ok(run("features", image("-o own.st")));
    expect_ok(run("features", image("--gemm own -o named.st")));
    expect_ok(run("features", image("--gemm openblas -o blas.st")));
    ck_assert(difference("own.st", "named.st") == 0);
    const double off = difference("own.st", "blas.st");
    ck_assert_msg(off > 0 && off < 1e-6, "%g of the values", off);
}
END_TEST

static int count_found(const char *options, const char *name)
{
    expect_ok(run("detect", image(options)));
    cJSON *list = json_load(scratch_path(name));
    const int count = cJSON_GetArraySize(list);
    cJSON_Delete(list);
    return count;
}

START_TEST(a_detector_finds_the_same_things)
{
    const int own = count_found("--json own.json", "own.json");
    ck_assert_int_gt(own, 0);
    ck_assert_int_eq(count_found("--gemm openblas --json b.json", "b.json"), own);
}
END_TEST

START_TEST(a_segmentor_gives_the_same_labels)
{
    char rest[5000];
    snprintf(rest, sizeof rest,
             "'%s/tests/golden/upernet_tiny/000000000201.png' -o own", program_root());
    expect_ok(run("segment", rest));
    strcat(rest, "2 --gemm openblas");
    expect_ok(run("segment", rest));
    expect_ok(program_run("cmp own/000000000201.png own2/000000000201.png"));
}
END_TEST

static const program_result *classify(const char *options)
{
    return program_run("densepred classify tiny/config.json -w tiny/model.safetensors "
                       "%s",
                       image(options));
}

START_TEST(a_classifier_gives_the_same_classes)
{
    static const float logits[TINY_CLASSES] = {0, 1, 2, 3, 4, 5};
    tiny_classifier_write(logits, "crop");
    const program_result *r = classify("");
    expect_ok(r);
    char *own = strdup(r->out);
    r = classify("--gemm openblas");
    expect_ok(r);
    ck_assert_str_eq(r->out, own);
    free(own);
}
END_TEST

START_TEST(bench_times_either_engine)
{
    static const char *const engines[] = {"own", "openblas"};
    const program_result *r = program_run(
        "densepred bench '%s/tests/golden/mask_rcnn_tiny/config.json' --runs 1 "
        "--size 64x64 --gemm %s",
        program_root(), engines[_i]);
    expect_ok(r);
    ck_assert_ptr_nonnull(strstr(r->out, engines[_i]));
}
END_TEST

/* ---- precision ------------------------------------------------------------------------ */

/* Inputs and weights of eight bits: see tests/ops/test_convnext_block.c for the bound. */
START_TEST(features_in_bf16_are_near)
{
    expect_ok(run("features", image("-o full.st --precision float32")));
    expect_ok(run("features", image("-o half.st --precision bf16")));
    const double off = difference("full.st", "half.st");
    ck_assert_msg(off > 1e-5 && off < 1e-2, "%g of the values", off);
}
END_TEST

START_TEST(bf16_needs_a_processor_that_has_it)
{
    const program_result *r =
        run("detect", image("--precision bf16 --cpu avx2 --json -"));
    ck_assert_int_eq(r->status, 2);
    ck_assert_str_eq(r->out, "");
    const char *sentence = "densepred: precision bf16: found a processor, or a part of "
                           "it, with ";
    ck_assert_int_eq(strncmp(r->err, sentence, strlen(sentence)), 0);
    ck_assert_ptr_nonnull(strstr(r->err, "expected one with dot products of bf16 "
                                         "(AVX512_BF16)\n"));
    ck_assert_ptr_eq(strchr(r->err, '\n'), r->err + strlen(r->err) - 1);
}
END_TEST

START_TEST(bf16_serves_every_command)
{
    char rest[5000];
    const int half = count_found("--json h.json --precision bf16", "h.json");
    const int full = count_found("--json f.json", "f.json");
    ck_assert_int_le(20 * abs(half - full), full); /* scores at the threshold */
    snprintf(rest, sizeof rest,
             "'%s/tests/golden/upernet_tiny/000000000201.png' -o out --precision bf16",
             program_root());
    expect_ok(run("segment", rest));
    expect_ok(
        program_run("densepred bench '%s/tests/golden/mask_rcnn_tiny/config.json' "
                    "--runs 1 --size 64x64 --precision bf16",
                    program_root()));
}
END_TEST

/* A data set of one image; a run directory is of one precision. */
START_TEST(test_runs_in_bf16_and_mixes_no_results)
{
    scratch_text(
        "set/annotations/instances_val2017.json",
        "{\"images\": [{\"id\": 1, \"file_name\": \"1.png\", \"width\": 90, "
        "\"height\": 70}], \"annotations\": [{\"id\": 1, \"image_id\": 1, "
        "\"category_id\": 1, \"area\": 400, \"iscrowd\": 0, \"bbox\": [5, 5, 20, "
        "20], \"segmentation\": [[5, 5, 25, 5, 25, 25, 5, 25]]}], "
        "\"categories\": [{\"id\": 1, \"name\": \"disc\"}, {\"id\": 2, \"name\": "
        "\"square\"}, {\"id\": 4, \"name\": \"ring\"}, {\"id\": 7, \"name\": "
        "\"cross\"}, {\"id\": 90, \"name\": \"rest\"}]}");
    expect_ok(
        program_run("mkdir -p set/val2017 && cp %s set/val2017/1.png", image("")));
    const program_result *r = run("test", "set --work w --precision bf16 --workers 2");
    expect_ok(r);
    ck_assert_ptr_nonnull(strstr(r->out, "Average Precision"));
    expect_ok(run("test", "set --work w --precision bf16"));
    r = run("test", "set --work w");
    ck_assert_int_eq(r->status, 2);
    ck_assert_ptr_nonnull(strstr(r->err,
                                 "w/run.json is of another run: precision: found "
                                 "bf16, expected float32"));
}
END_TEST

static const char *const commands[] = {"detect", "segment", "features", "test"};

START_TEST(another_engine_is_status_2)
{
    const program_result *r = run(commands[_i], image("--gemm mkl"));
    ck_assert_int_eq(r->status, 2);
    ck_assert_str_eq(r->err, "densepred: --gemm: found \"mkl\", expected one of "
                             "own|openblas\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("arithmetic of the program");
    TCase *tc = tcase_create("arithmetic");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_test(tc, features_are_the_same_numbers_by_another_engine);
    tcase_add_test(tc, a_detector_finds_the_same_things);
    tcase_add_test(tc, a_segmentor_gives_the_same_labels);
    tcase_add_test(tc, a_classifier_gives_the_same_classes);
    tcase_add_test(tc, bf16_needs_a_processor_that_has_it);
    if (suite_has_cpu(DP_CPU_BF16, "AVX512_BF16")) {
        tcase_add_test(tc, features_in_bf16_are_near);
        tcase_add_test(tc, bf16_serves_every_command);
        tcase_add_test(tc, test_runs_in_bf16_and_mixes_no_results);
    }
    tcase_add_loop_test(tc, bench_times_either_engine, 0, 2);
    tcase_add_loop_test(tc, another_engine_is_status_2, 0, COUNT(commands));
    suite_add_tcase(s, tc);
    return suite_run(s);
}
