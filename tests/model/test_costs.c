/* Parameters and work of the models that ship, against the exact figures that the upstream
 * code gives: to the unit, and to two decimals of a billion where it is known so well. */
#include "model/model.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct cost {
    const char *config;
    uint64_t params;
    int h, w;
    double gmacs; /* by the published counter's rules */
    double half;  /* of its last place                */
} cost;

static const cost costs[] = {
    {"coco/mask_rcnn_convnext_tiny", 48095376, 1280, 800, 262.11, 0.005},
    {"coco/cascade_mask_rcnn_convnext_tiny", 85930578, 1280, 800, 740.99, 0.005},
    {"coco/cascade_mask_rcnn_convnext_small", 107565138, 1280, 800, 827.31, 0.005},
    {"coco/cascade_mask_rcnn_convnext_base", 145800242, 1280, 800, 964.46, 0.005},
    {"coco/cascade_mask_rcnn_convnext_large_22k", 254710770, 1280, 800, 1354.36, 0.005},
    {"coco/cascade_mask_rcnn_convnext_xlarge_22k", 406875058, 1280, 800, 1898.40,
     0.005},
    {"ade20k/upernet_convnext_tiny_512", 60242636, 512, 2048, 938.92, 0.005},
    {"ade20k/upernet_convnext_small_512", 81877196, 512, 2048, 1027.31, 0.005},
    {"ade20k/upernet_convnext_base_512", 122102956, 512, 2048, 1169.84, 0.005},
    {"ade20k/upernet_convnext_base_22k_640", 122102956, 640, 2560, 1827.86, 0.005},
    {"ade20k/upernet_convnext_large_22k_640", 234994796, 640, 2560, 2458.22, 0.005},
    {"ade20k/upernet_convnext_xlarge_22k_640", 391140396, 640, 2560, 3335.21, 0.005},
    {"coco/mask_rcnn_swin_tiny", 47794602, 1280, 800, 266.7, 0.05},
    {"coco/mask_rcnn_swin_small", 69112506, 1280, 800, 358.8, 0.05},
    {"coco/cascade_mask_rcnn_swin_tiny", 85629804, 1280, 800, 745.6, 0.05},
    {"coco/cascade_mask_rcnn_swin_small", 106947708, 1280, 800, 837.6, 0.05},
    {"coco/cascade_mask_rcnn_swin_base", 144977002, 1280, 800, 982.1, 0.05},
    {"coco/mask_rcnn_resnet50", 44396336, 1280, 800, 260.1, 0.05},
    {"coco/mask_rcnn_resnet101", 63388464, 1280, 800, 336.2, 0.05},
    {"coco/mask_rcnn_resnext101_64x4d", 102294576, 1280, 800, 493.4, 0.05},
    {"coco/mask_rcnn_resnext101_32x8d", 107630640, 1280, 800, 512.9, 0.05},
    {"coco/cascade_mask_rcnn_resnet50", 77324606, 1280, 800, 393.9, 0.05},
    {"coco/cascade_mask_rcnn_resnet101", 96316734, 1280, 800, 470.0, 0.05},
    {"coco/cascade_mask_rcnn_resnext101_32x4d", 95945278, 1280, 800, 473.7, 0.05},
    {"coco/cascade_mask_rcnn_resnext101_64x4d", 135222846, 1280, 800, 627.2, 0.05},
    {"coco/cascade_mask_rcnn_resnet50_4conv1fc", 82231538, 1280, 800, 739.0, 0.05},
    {"ade20k/upernet_swin_tiny_512", 59941862, 512, 2048, 944.8, 0.05},
    {"ade20k/upernet_swin_small_512", 81259766, 512, 2048, 1037.8, 0.05},
    {"ade20k/upernet_swin_base_512", 121279716, 512, 2048, 1187.7, 0.05},
};

/* Classifiers: multiply-accumulates of convolutions and linear layers only. */
static const struct {
    const char *config;
    uint64_t params;
    double gmacs; /* to three decimals, V2 huge to two */
} classifiers[] = {
    {"convnext_tiny_1k_224", 28589128, 4.456},
    {"convnext_small_1k_224", 50223688, 8.684},
    {"convnext_base_1k_224", 88591464, 15.355},
    {"convnext_large_1k_224", 197767336, 34.361},
    {"convnext_xlarge_22k_1k_224", 350196968, 60.921},
    {"convnext_tiny_22k_1k_384", 28589128, 13.092},
    {"convnext_small_22k_1k_384", 50223688, 25.518},
    {"convnext_base_1k_384", 88591464, 45.122},
    {"convnext_large_1k_384", 197767336, 100.978},
    {"convnext_xlarge_22k_1k_384", 350196968, 179.029},
    {"convnext_tiny_22k_224", 44615857, 0},
    {"convnext_small_22k_224", 66250417, 0},
    {"convnext_base_22k_224", 109953489, 0},
    {"convnext_large_22k_224", 229799953, 0},
    {"convnext_xlarge_22k_224", 392900177, 0},
    {"convnextv2_atto_1k_224", 3708400, 0.547},
    {"convnextv2_femto_1k_224", 5233240, 0.780},
    {"convnextv2_pico_1k_224", 9066280, 1.367},
    {"convnextv2_nano_1k_224", 15623800, 2.446},
    {"convnextv2_tiny_1k_224", 28635496, 4.456},
    {"convnextv2_base_1k_224", 88717800, 15.355},
    {"convnextv2_large_1k_224", 197956840, 34.361},
    {"convnextv2_huge_1k_224", 660289640, 114.92},
    {"convnext_iso_small_1k_224", 22308712, 4.286},
    {"convnext_iso_base_1k_224", 87083752, 16.896},
    {"convnext_iso_large_1k_224", 305942504, 59.699},
    {"swin_tiny_1k_224", 28288354, 4.491},
    {"swin_small_1k_224", 49606258, 8.741},
    {"swin_base_1k_224", 87768224, 15.431},
    {"swin_large_22k_1k_224", 196532476, 34.476},
    {"swin_base_1k_384", 87903584, 47.083},
    {"swin_large_22k_1k_384", 196735516, 103.919},
    {"swin_tiny_22k_224", 44315083, 0},
    {"swin_small_22k_224", 65632987, 0},
    {"swin_base_22k_224", 109130249, 0},
    {"swin_large_22k_224", 228565093, 0},
    {"swin_base_22k_384", 109265609, 0},
    {"swin_large_22k_384", 228768133, 0},
};

START_TEST(a_classifier_costs_what_upstream_does)
{
    char path[200];
    dp_context *ctx;
    dp_config *config;
    dp_model *m;
    dp_model_work work;
    const double expected = classifiers[_i].gmacs;
    snprintf(path, sizeof path, "configs/imagenet/%s.json", classifiers[_i].config);
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    ck_assert_msg(dp_config_load(&ctx->err, &config, path) == DP_OK, "%s",
                  ctx->err.text);
    ck_assert_msg(dp_model_build(ctx, &m, config, &(dp_model_weights){.counting = true},
                                 NULL) == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_msg(m->params == classifiers[_i].params, "%s: %.0f", path,
                  (double)m->params);
    ck_assert_int_eq(dp_model_measure(ctx, m, (dp_size){480, 640}, &work), DP_OK);
    ck_assert_msg(expected <= 0 ||
                      fabs(work.macs * 1e-9 - expected) <
                          (expected > 110 && expected < 120 ? 0.005 : 0.0005),
                  "%s: %.4f, expected %g", path, work.macs * 1e-9, expected);
    dp_model_free(m);
    dp_config_free(config);
    dp_context_free(ctx);
}
END_TEST

/* torchvision publishes no work for this size: multiply-accumulates of its own modules, of
 * 1000 regions and 100 masks, each of its own class, without the boxes of the background,
 * which nothing uses. */
static const struct {
    const char *config;
    uint64_t params;
    double macs;
} torchvision[] = {
    {"coco/torchvision_mask_rcnn_resnet50", 44454513, 257781847040},
    {"coco/torchvision_mask_rcnn_resnet50_v2", 46359409, 422627169280},
};

START_TEST(a_detector_of_torchvision_costs_what_its_modules_do)
{
    char path[200];
    dp_context *ctx;
    dp_config *config;
    dp_model *m;
    dp_model_work work;
    snprintf(path, sizeof path, "configs/%s.json", torchvision[_i].config);
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    ck_assert_msg(dp_config_load(&ctx->err, &config, path) == DP_OK, "%s",
                  ctx->err.text);
    ck_assert_msg(dp_config_lay(&ctx->err, config,
                                "{\"input\": {\"scale\": [1280, 800]}}",
                                "test") == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_msg(dp_model_build(ctx, &m, config, &(dp_model_weights){.counting = true},
                                 NULL) == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_uint_eq(m->params + m->training_params, torchvision[_i].params);
    ck_assert_int_eq(dp_model_measure(ctx, m, (dp_size){800, 1280}, &work), DP_OK);
    ck_assert_msg(fabs(work.macs - torchvision[_i].macs) < 1, "%s: %.0f, expected %.0f",
                  path, work.macs, torchvision[_i].macs);
    dp_model_free(m);
    dp_config_free(config);
    dp_context_free(ctx);
}
END_TEST

/* The config with its input as it is and in one piece. */
static dp_config *config_for(dp_error *err, const cost *c)
{
    char path[200], changes[300];
    dp_config *config;
    const bool segmentor = strncmp(c->config, "ade20k/", 7) == 0;
    snprintf(path, sizeof path, "configs/%s.json", c->config);
    snprintf(
        changes, sizeof changes, "{\"input\": {\"scale\": [%d, %d]}%s}", c->h, c->w,
        segmentor ? ", \"test\": {\"mode\": \"whole\", \"ratios\": [1.0], \"flip\": "
                    "false}"
                  : "");
    ck_assert_msg(dp_config_load(err, &config, path) == DP_OK, "%s", err->text);
    ck_assert_msg(dp_config_lay(err, config, changes, "test") == DP_OK, "%s",
                  err->text);
    return config;
}

START_TEST(a_model_costs_what_was_published)
{
    const cost *c = &costs[_i];
    dp_context *ctx;
    dp_model *m;
    dp_model_work work;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    dp_config *config = config_for(&ctx->err, c);
    ck_assert_msg(dp_model_build(ctx, &m, config, &(dp_model_weights){.counting = true},
                                 NULL) == DP_OK,
                  "%s", ctx->err.text);
    ck_assert_uint_eq(m->params + m->training_params, c->params);
    ck_assert_msg(dp_model_measure(ctx, m, (dp_size){c->h, c->w}, &work) == DP_OK, "%s",
                  ctx->err.text);
    ck_assert_msg(fabs(work.macs_published * 1e-9 - c->gmacs) < c->half,
                  "%s: %.4f, expected %g", c->config, work.macs_published * 1e-9,
                  c->gmacs);
    ck_assert(work.macs < work.macs_published);
    dp_model_free(m);
    dp_config_free(config);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("costs");
    TCase *t = tcase_create("costs");
    tcase_add_loop_test(t, a_model_costs_what_was_published, 0,
                        (int)(sizeof costs / sizeof costs[0]));
    tcase_add_loop_test(t, a_classifier_costs_what_upstream_does, 0,
                        (int)(sizeof classifiers / sizeof classifiers[0]));
    tcase_add_loop_test(t, a_detector_of_torchvision_costs_what_its_modules_do, 0,
                        (int)(sizeof torchvision / sizeof torchvision[0]));
    suite_add_tcase(s, t);
    return suite_run(s);
}
