/* Models whose pointwise layers have bf16 weights: near those in float32, the same bytes
 * for any number of threads, and refused where the processor cannot. */
#include "base/cpu.h"
#include "core/detections.h"
#include "io/image/image.h"
#include "model/detector.h"
#include "model/model.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks of ConvNeXt and of Swin. */
static const struct {
    const char *config, *folder;
} models[] = {
    {"configs/golden/mask_rcnn_a.json", "golden/mask_rcnn_a"},
    {"configs/golden/swin_mask_rcnn.json", "golden2/swin_mask_rcnn"},
};
static const char image[] = "data/coco128/val2017/000000000025.jpg";
enum { MODELS = sizeof models / sizeof models[0], STAGES = 4 };

typedef struct answer {
    dp_detections found;
    float *stages[STAGES]; /* owned */
    size_t sizes[STAGES];
    char log[400];
} answer;

static void keep_stage(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    answer *a = arg;
    int stage;
    (void)r;
    if (sscanf(name, "stage%d", &stage) != 1 || stage > STAGES)
        return;
    a->sizes[stage - 1] = dp_tensor_size(map);
    a->stages[stage - 1] = malloc(dp_tensor_size(map) * sizeof(float));
    memcpy(a->stages[stage - 1], map.data, dp_tensor_size(map) * sizeof(float));
}

static void keep_line(void *arg, const char *line)
{
    answer *a = arg;
    snprintf(a->log, sizeof a->log, "%s", line);
}

static void ask(answer *a, const char *config, const char *folder, int threads,
                const char *precision)
{
    dp_context *ctx;
    dp_model *m;
    dp_pixels pixels;
    *a = (answer){.log = ""};
    const dp_options options = {
        .threads = threads, .precision = precision, .log = keep_line, .log_arg = a};
    ck_assert_int_eq(dp_context_new(&ctx, &options), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, config, shared_path("%s/model.pth", folder),
                                NULL) == DP_OK,
                  "%s", dp_context_error(ctx));
    ctx->trace = keep_stage;
    ctx->trace_arg = a;
    ck_assert_int_eq(dp_pixels_load(&ctx->err, &pixels, shared_path("%s", image)),
                     DP_OK);
    ck_assert_int_eq(dp_detector_run(ctx, m, &pixels, &a->found), DP_OK);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
}

static void answer_done(answer *a)
{
    dp_detections_done(&a->found);
    for (int s = 0; s < STAGES; s++)
        free(a->stages[s]);
}

static double difference(const answer *a, const answer *b, int stage)
{
    double off = 0, all = 0;
    ck_assert_uint_eq(a->sizes[stage], b->sizes[stage]);
    for (size_t i = 0; i < a->sizes[stage]; i++) {
        const double x = (double)a->stages[stage][i], y = (double)b->stages[stage][i];
        off += (x - y) * (x - y);
        all += x * x;
    }
    return sqrt(off / all);
}

static float area(float w, float h)
{
    return fmaxf(w, 0) * fmaxf(h, 0);
}

static float overlap(const dp_box *a, const dp_box *b)
{
    const float inner = area(fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1),
                             fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1));
    return inner / (area(a->x2 - a->x1, a->y2 - a->y1) +
                    area(b->x2 - b->x1, b->y2 - b->y1) - inner);
}

/* Detections of a that have one of the same class in b, with 0.9 of their area in common
 * and a score within 0.05. */
static size_t count_partners(const dp_detections *a, const dp_detections *b)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        const dp_detection *x = &a->list[i];
        bool found = false;
        for (size_t j = 0; j < b->count && !found; j++) {
            const dp_detection *y = &b->list[j];
            found = x->label == y->label && fabsf(x->score - y->score) <= 0.05f &&
                    overlap(&x->box, &y->box) >= 0.9f;
        }
        count += found;
    }
    return count;
}

/* Untrained models: most of the hundred scores are all but equal, so which are the best
 * hundred is up to small differences.
 *
 * A branch is off by at most 7.8e-3 of itself (tests/ops/test_convnext_block.c). The next
 * block reads it with the rest of its input. */
START_TEST(bf16_is_near_float32)
{
    answer full, half;
    ask(&full, models[_i].config, models[_i].folder, 2, "float32");
    ask(&half, models[_i].config, models[_i].folder, 2, "bf16");
    for (int s = 0; s < STAGES; s++) {
        const double off = difference(&full, &half, s);
        printf("%s stage %d: %.1e of the values\n", models[_i].folder, s + 1, off);
        ck_assert_msg(off > 1e-5 && off < 1e-2, "stage %d: %g", s + 1, off);
    }
    ck_assert_uint_gt(full.found.count, 0);
    ck_assert_uint_eq(full.found.count, half.found.count);
    const size_t partners = count_partners(&full.found, &half.found);
    printf("  %zu of %zu detections have a partner\n", partners, full.found.count);
    ck_assert_uint_ge(5 * partners, 4 * full.found.count);
    ck_assert_str_eq(half.log, "");
    answer_done(&full);
    answer_done(&half);
}
END_TEST

START_TEST(threads_change_no_byte)
{
    static const int threads[] = {2, 3, 7};
    const int which = _i / 3;
    answer one, other;
    ask(&one, models[which].config, models[which].folder, 1, "bf16");
    ask(&other, models[which].config, models[which].folder, threads[_i % 3], "bf16");
    for (int s = 0; s < STAGES; s++)
        ck_assert_mem_eq(one.stages[s], other.stages[s], one.sizes[s] * sizeof(float));
    ck_assert_uint_eq(one.found.count, other.found.count);
    for (size_t i = 0; i < one.found.count; i++) {
        const dp_detection *x = &one.found.list[i], *y = &other.found.list[i];
        ck_assert_mem_eq(&x->box, &y->box, sizeof x->box);
        ck_assert_mem_eq(&x->score, &y->score, sizeof x->score);
        ck_assert_int_eq(x->label, y->label);
    }
    answer_done(&one);
    answer_done(&other);
}
END_TEST

START_TEST(a_model_without_such_layers_says_so)
{
    answer a;
    ask(&a, "configs/golden/resnet_mask_rcnn.json", "golden2/resnet_mask_rcnn", 2,
        "bf16");
    ck_assert_str_eq(a.log, "precision bf16: no layer of this model heeds it");
    answer_done(&a);
}
END_TEST

static const char tiny[] = "tests/golden/mask_rcnn_tiny/config.json";

START_TEST(a_processor_without_it_is_refused)
{
    static const char *const cpus[] = {"ref", "avx2"};
    const dp_options options = {.threads = 1, .cpu = cpus[_i], .precision = "bf16"};
    dp_context *ctx;
    dp_model *m;
    ck_assert_int_eq(dp_context_new(&ctx, &options), DP_OK);
    ck_assert_int_eq(
        dp_model_load(ctx, &m, tiny, NULL, &(dp_load_options){.random = 1}), DP_EARG);
    ck_assert_ptr_null(m);
    ck_assert_ptr_nonnull(strstr(dp_context_error(ctx), "precision bf16: found "));
    dp_context_free(ctx);
}
END_TEST

START_TEST(another_precision_is_refused)
{
    dp_context *ctx;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.precision = "int8"}), DP_EARG);
    ck_assert_ptr_null(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bf16");
    TCase *t = tcase_create("models");
    tcase_set_timeout(t, 120);
    if (suite_has_cpu(DP_CPU_BF16, "AVX512_BF16") && shared_has("golden") &&
        shared_has("golden2")) {
        tcase_add_loop_test(t, bf16_is_near_float32, 0, MODELS);
        tcase_add_loop_test(t, threads_change_no_byte, 0, 3 * MODELS);
        tcase_add_test(t, a_model_without_such_layers_says_so);
    }
    tcase_add_loop_test(t, a_processor_without_it_is_refused, 0, 2);
    tcase_add_test(t, another_precision_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
