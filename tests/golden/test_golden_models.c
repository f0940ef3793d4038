/* Small whole models against this project's own reference: tests/golden, which says how
 * the bounds follow. Needs nothing from outside the repository. */
#include "base/cpu.h"
#include "io/image/image.h"
#include "model/detector.h"
#include "model/segmentor.h"
#include "tests/support/golden.h"
#include "tests/support/samples.h"
#include "tests/support/sha256.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 5 };

/* One image through one model. Every array of the files is met in the trace, once. */
typedef struct golden_run {
    const cJSON *image;
    golden files[FILES];
    int count, compared;
    bool whole_input; /* the trace's input is all of the image */
    double worst;     /* difference, as a part of what is allowed */
} golden_run;

static const golden *file_with(const golden_run *run, const char *name)
{
    for (int i = 0; i < run->count; i++)
        if (golden_find(&run->files[i], name))
            return &run->files[i];
    return NULL;
}

static void note(golden_run *run, double share)
{
    run->worst = fmax(run->worst, share);
    run->compared++;
}

static void check_input(const golden_run *run, dp_tensor input)
{
    const size_t cells = (size_t)input.H * (size_t)input.W;
    float *planes = malloc(cells * 3 * sizeof *planes);
    for (size_t i = 0; i < cells * 3; i++)
        planes[i % 3 * cells + i / 3] = input.data[i];
    char digest[65];
    sha256_hex(digest, planes, cells * 3 * sizeof *planes);
    free(planes);
    ck_assert_str_eq(digest, json_text(run->image, "input_f32_chw_sha256"));
}

static void check_proposals(golden_run *run, const golden *g, dp_tensor rows)
{
    const size_t count = (size_t)rows.N;
    dp_box *boxes = malloc((count + 1) * sizeof *boxes);
    float *scores = malloc((count + 1) * sizeof *scores);
    for (size_t i = 0; i < count; i++) {
        const float *row = rows.data + i * 5;
        boxes[i] = (dp_box){row[0], row[1], row[2], row[3]};
        scores[i] = row[4];
    }
    note(run, golden_check_boxes(g, "proposals", boxes, scores, count));
    run->compared++; /* the scores */
    free(boxes);
    free(scores);
}

static void trace(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)r;
    golden_run *run = arg;
    const golden *g = file_with(run, name);
    if (run->whole_input && strcmp(name, "input") == 0)
        check_input(run, map);
    if (!g)
        return;
    if (strcmp(name, "proposals") == 0) {
        check_proposals(run, g, map);
        return;
    }
    if (strcmp(name, "mask_probabilities") == 0 && map.N > 20)
        map.N = 20; /* that many are on file */
    note(run, golden_check(g, name, map));
}

/* How many arrays of the files have a noise, and so are to be compared. */
static int count_arrays(const golden_run *run)
{
    int count = 0;
    for (int i = 0; i < run->count; i++) {
        size_t tensors;
        const dp_named_tensor *t = dp_checkpoint_tensors(run->files[i].file, &tensors);
        for (size_t k = 0; k < tensors; k++)
            count += strstr(t[k].name, ".noise") != NULL;
    }
    return count;
}

static void close_run(golden_run *run)
{
    ck_assert_int_eq(run->compared, count_arrays(run));
    for (int i = 0; i < run->count; i++)
        golden_close(&run->files[i]);
}

/* ---- a model ---------------------------------------------------------------------- */

static const char *const tiers[] = {"ref", "avx2", "avx512"};

/* Context and model, or false where this machine lacks the tier. */
static bool open_model(dp_context **ctx, dp_model **m, const char *tier,
                       const char *config, const char *weights)
{
    unsigned mask;
    ck_assert(dp_cpu_parse(tier, &mask));
    if (strcmp(dp_cpu_name(dp_cpu_detect() & mask), tier) != 0)
        return false;
    const dp_options options = {.threads = 2, .cpu = tier};
    ck_assert_int_eq(dp_context_new(ctx, &options), DP_OK);
    ck_assert_msg(dp_model_load(*ctx, m, config, weights, NULL) == DP_OK, "%s",
                  dp_context_error(*ctx));
    return true;
}

static void load_image(dp_pixels *pixels, const char *folder, const cJSON *image)
{
    char path[200];
    dp_error err = {0};
    snprintf(path, sizeof path, "tests/golden/%s/%s", folder,
             json_text(image, "image"));
    ck_assert_msg(dp_pixels_load(&err, pixels, path) == DP_OK, "%s", err.text);
}

/* ---- detection -------------------------------------------------------------------- */

static void check_detections(golden_run *run, const dp_detections *found)
{
    const golden *g = file_with(run, "detections");
    const int N = (int)found->count;
    float *boxes = malloc((found->count + 1) * 4 * sizeof *boxes);
    float *scores = malloc((found->count + 1) * sizeof *scores);
    size_t count;
    int *labels = golden_ints(g, "detections.labels", &count);
    ck_assert_uint_eq(found->count, count);
    for (size_t i = 0; i < found->count; i++) {
        memcpy(boxes + i * 4, &found->list[i].box, sizeof found->list[i].box);
        scores[i] = found->list[i].score;
        ck_assert_int_eq(found->list[i].label, labels[i]);
    }
    note(run, golden_check(g, "detections", (dp_tensor){boxes, N, 1, 1, 4}));
    note(run, golden_check(g, "detections.scores", (dp_tensor){scores, N, 1, 1, 1}));
    free(boxes);
    free(scores);
    free(labels);
}

/* The records are class by class; masks are the same to the pixel. */
static void check_masks(const dp_model *m, const cJSON *records,
                        const dp_detections *found)
{
    const cJSON *record = records->child;
    for (int label = 0; label < dp_model_class_count(m); label++)
        for (size_t i = 0; i < found->count; i++) {
            if (found->list[i].label != label)
                continue;
            ck_assert_ptr_nonnull(record);
            const dp_rle mask = dp_detections_mask(found, i);
            char *text = malloc(dp_rle_string_size(mask.counts, mask.count) + 1);
            dp_rle_format(text, mask.counts, mask.count);
            ck_assert_str_eq(text,
                             json_text(json_get(record, "segmentation"), "counts"));
            free(text);
            ck_assert_int_eq(json_get(record, "category_id")->valueint,
                             dp_model_class_id(m, label));
            record = record->next;
        }
    ck_assert_ptr_null(record);
}

static const struct {
    const char *folder, *weights;
} detectors[] = {
    {"mask_rcnn_tiny", "model.pth"},
    {"torchvision_tiny", "model.safetensors"}, /* under torchvision's names */
};

static void detect(const char *tier, const char *folder, const char *weights,
                   const cJSON *image)
{
    static const char *const parts[FILES] = {"backbone", "fpn", "rpn", "boxes",
                                             "masks"};
    const int id = json_get(image, "id")->valueint;
    char config[200], model[200], results[200];
    snprintf(config, sizeof config, "tests/golden/%s/%s", folder,
             json_text(image, "config"));
    snprintf(model, sizeof model, "tests/golden/%s/%s", folder, weights);
    snprintf(results, sizeof results, "tests/golden/%s/%d_results.json", folder, id);
    dp_context *ctx;
    dp_model *m;
    if (!open_model(&ctx, &m, tier, config, model))
        return;
    golden_run run = {.image = image, .whole_input = true};
    for (; run.count < FILES; run.count++)
        run.files[run.count] = golden_open("%s/%d_%s", folder, id, parts[run.count]);
    ctx->trace = trace;
    ctx->trace_arg = &run;

    dp_pixels pixels;
    dp_detections found = {0};
    load_image(&pixels, folder, image);
    ck_assert_msg(dp_detector_run(ctx, m, &pixels, &found) == DP_OK, "%s",
                  ctx->err.text);
    check_detections(&run, &found);
    cJSON *records = json_load(results);
    check_masks(m, records, &found);
    printf("%s %d, %s: %d arrays, worst %.2f of what is allowed; %zu detections\n",
           folder, id, tier, run.compared, run.worst, found.count);
    close_run(&run);
    cJSON_Delete(records);
    dp_detections_done(&found);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
}

START_TEST(detector_equals_the_reference)
{
    for (size_t i = 0; i < sizeof detectors / sizeof detectors[0]; i++) {
        char path[200];
        const char *folder = detectors[i].folder;
        snprintf(path, sizeof path, "tests/golden/%s/cases.json", folder);
        cJSON *cases = json_load(path);
        const cJSON *image;
        cJSON_ArrayForEach(image, cases)
            detect(tiers[_i], folder, detectors[i].weights, image);
        cJSON_Delete(cases);
    }
}
END_TEST

/* ---- segmentation ----------------------------------------------------------------- */

static void check_image(golden_run *run, dp_context *ctx, const dp_segmentor_result *s)
{
    const golden *g = file_with(run, "labels");
    const size_t h = (size_t)s->image.h, w = (size_t)s->image.w;
    dp_tensor p = {NULL, 1, s->image.h, s->image.w, s->K};
    p.data = malloc(dp_tensor_size(p) * sizeof *p.data);
    dp_segmentor_probabilities(ctx, s, 0, p.H, p.data);
    note(run, golden_check(g, "probability", p));
    free(p.data);

    size_t count;
    int *labels = golden_ints(g, "labels", &count);
    ck_assert_uint_eq(count, h * w);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(s->labels[i] == labels[i], "pixel %zu: found %d, expected %d", i,
                      s->labels[i], labels[i]);
    free(labels);
}

static void segment(const char *tier, const char *mode, const cJSON *image)
{
    const int id = json_get(image, "id")->valueint;
    char config[200];
    snprintf(config, sizeof config, "tests/golden/upernet_tiny/config_%s.json", mode);
    dp_context *ctx;
    dp_model *m;
    if (!open_model(&ctx, &m, tier, config,
                    "tests/golden/upernet_tiny/model.safetensors"))
        return;
    golden_run run = {.image = image,
                      .files = {golden_open("upernet_tiny/%d_%s", id, mode)},
                      .count = 1,
                      .whole_input = strcmp(mode, "whole") == 0};
    ctx->trace = trace;
    ctx->trace_arg = &run;

    dp_pixels pixels;
    dp_segmentor_result result;
    load_image(&pixels, "upernet_tiny", image);
    ck_assert_msg(dp_model_run(ctx, m, &pixels, &result) == DP_OK, "%s", ctx->err.text);
    check_image(&run, ctx, &result);
    printf("upernet_tiny %d %s, %s: %d arrays, worst %.2f of what is allowed\n", id,
           mode, tier, run.compared, run.worst);
    close_run(&run);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
}

START_TEST(segmentor_equals_the_reference)
{
    static const char *const modes[] = {"slide", "whole", "multi_scale"};
    cJSON *cases = json_load("tests/golden/upernet_tiny/cases.json");
    const cJSON *image;
    cJSON_ArrayForEach(image, cases) for (int i = 0; i < 3; i++)
        segment(tiers[_i], modes[i], image);
    cJSON_Delete(cases);
}
END_TEST

int main(void)
{
    const int count = (int)(sizeof tiers / sizeof tiers[0]);
    Suite *s = suite_create("golden models");
    (void)(suite_has_cpu(DP_CPU_AVX2, "AVX2") &&
           suite_has_cpu(DP_CPU_AVX512, "AVX512"));
    TCase *t = tcase_create("own reference");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, detector_equals_the_reference, 0, count);
    tcase_add_loop_test(t, segmentor_equals_the_reference, 0, count);
    suite_add_tcase(s, t);
    return suite_run(s);
}
