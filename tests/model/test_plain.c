/* Whole models by plain forms against the same models as they run by default: every kind of
 * backbone, neck and head, with random weights, on a small image. Feature maps and logits
 * differ by at most 1e-5 of their length, which is what the golden tests allow for maps.
 * Behind the proposals of a detector the two may choose among equals; what is there has the
 * tests of its operators. */
#include "model/model.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double bound = 1e-5;

static const char *const models[] = {
    "golden/mask_rcnn_b",
    "golden/cascade_b",
    "golden/upernet_b",
    "golden/convnext_cls_224",
    "golden/convnextv2_cls_224",
    "golden/swin_mask_rcnn",
    "golden/swin_upernet",
    "golden/swin_cls_224",
    "golden/resnet_mask_rcnn",
    "golden/resnext_mask_rcnn",
    "golden/resnet_caffe_mask_rcnn",
    "golden/torchvision_maskrcnn",
    "toytown/mask_rcnn_convnext_toytown",
    "toytown/upernet_convnext_toytown",
    "roadmap/r50_step00",
    "roadmap/r50_step05",
    "roadmap/r50_step09",
    "roadmap/r50_step13",
};

enum { MAPS = 64, NAME = 64 };

typedef struct maps {
    struct {
        char name[NAME];
        dp_tensor map; /* owned data */
    } list[MAPS];
    int count;
    bool chosen; /* proposals were seen */
} maps;

static void keep_map(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    maps *m = arg;
    (void)r;
    m->chosen = m->chosen || strcmp(name, "proposals") == 0;
    if (m->chosen)
        return;
    ck_assert_int_lt(m->count, MAPS);
    snprintf(m->list[m->count].name, NAME, "%s", name);
    const size_t size = dp_tensor_size(map) * sizeof *map.data;
    const float *data = map.data;
    map.data = malloc(size);
    memcpy(map.data, data, size);
    m->list[m->count++].map = map;
}

static double relative_error(dp_tensor a, dp_tensor b)
{
    double difference = 0, sum = 0;
    for (size_t i = 0; i < dp_tensor_size(a); i++) {
        const double d = (double)a.data[i] - (double)b.data[i];
        difference += d * d;
        sum += (double)b.data[i] * (double)b.data[i];
    }
    return sqrt(difference / sum);
}

static void run_model(maps *out, dp_context *ctx, const dp_model *m, bool plain)
{
    unsigned char result[DP_MODEL_RESULT_MAX];
    dp_pixels pixels;
    uint64_t seed = 7;
    *out = (maps){.count = 0};
    ctx->trace = keep_map;
    ctx->trace_arg = out;
    ck_assert_int_eq(dp_pixels_init(&ctx->err, &pixels, 37, 50), DP_OK);
    for (size_t i = 0; i < (size_t)37 * 50 * 3; i++)
        pixels.data[i] = (uint8_t)random_int(&seed, 256);
    ck_assert_msg(dp_model_run_with(ctx, m, &pixels,
                                    &(dp_model_options){.plain = plain},
                                    result) == DP_OK,
                  "%s", ctx->err.text);
    dp_pixels_done(&pixels);
}

static dp_model *build(dp_context *ctx, const char *name)
{
    char path[128];
    dp_config *config;
    dp_model *m;
    snprintf(path, sizeof path, "configs/%s.json", name);
    ck_assert_msg(dp_config_load(&ctx->err, &config, path) == DP_OK, "%s",
                  ctx->err.text);
    const char *small = strstr(name, "roadmap")
                            ? "{\"input\": {\"scale\": [64, 64]}, \"backbone\": "
                              "{\"depths\": [1, 2, 2, 1]}}"
                            : "{\"input\": {\"scale\": [64, 64]}}";
    if (!strstr(name, "cls"))
        ck_assert_int_eq(dp_config_lay(&ctx->err, config, small, "test"), DP_OK);
    ck_assert_msg(dp_model_build(ctx, &m, config,
                                 &(dp_model_weights){.keep_parameters = true},
                                 NULL) == DP_OK,
                  "%s", ctx->err.text);
    dp_config_free(config);
    return m;
}

START_TEST(model_by_plain_forms_gives_the_same_maps)
{
    maps fused, plain;
    dp_context *ctx;
    double worst = 0;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    dp_model *m = build(ctx, models[_i]);
    run_model(&fused, ctx, m, false);
    run_model(&plain, ctx, m, true);
    ck_assert_int_gt(fused.count, 1);
    ck_assert_int_eq(fused.count, plain.count);
    for (int i = 0; i < fused.count; i++) {
        ck_assert_str_eq(fused.list[i].name, plain.list[i].name);
        const double error = relative_error(fused.list[i].map, plain.list[i].map);
        ck_assert_msg(error <= bound, "%s: %s: relative error %.2g", models[_i],
                      fused.list[i].name, error);
        worst = fmax(worst, error);
        free(fused.list[i].map.data);
        free(plain.list[i].map.data);
    }
    printf("%s: %d maps, relative error at most %.1e\n", models[_i], fused.count,
           worst);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

/* A model without its parameters has no plain form, and says so. */
START_TEST(parameters_must_be_kept)
{
    unsigned char result[DP_MODEL_RESULT_MAX];
    dp_context *ctx;
    dp_model *m;
    dp_pixels pixels;
    ck_assert_int_eq(dp_context_new(&ctx, NULL), DP_OK);
    ck_assert_int_eq(dp_model_load(ctx, &m, "configs/golden/mask_rcnn_b.json", NULL,
                                   &(dp_load_options){.random = 1}),
                     DP_OK);
    ck_assert_int_eq(dp_pixels_init(&ctx->err, &pixels, 37, 50), DP_OK);
    ck_assert_int_eq(
        dp_model_run_with(ctx, m, &pixels, &(dp_model_options){.plain = true}, result),
        DP_EARG);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plain");
    TCase *t = tcase_create("plain");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, model_by_plain_forms_gives_the_same_maps, 0,
                        sizeof models / sizeof *models);
    tcase_add_test(t, parameters_must_be_kept);
    suite_add_tcase(s, t);
    return suite_run(s);
}
