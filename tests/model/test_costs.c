/* Parameters and work of the models that ship, against the exact figures that the original
 * code gives: to the unit, and to two decimals of a billion. */
#include "model/model.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

typedef struct cost {
    const char *config;
    uint64_t params;
    int h, w;
    double gmacs; /* by the published counter's rules */
} cost;

static const cost costs[] = {
    {"coco/mask_rcnn_convnext_tiny", 48095376, 1280, 800, 262.11},
    {"coco/cascade_mask_rcnn_convnext_tiny", 85930578, 1280, 800, 740.99},
    {"coco/cascade_mask_rcnn_convnext_small", 107565138, 1280, 800, 827.31},
    {"coco/cascade_mask_rcnn_convnext_base", 145800242, 1280, 800, 964.46},
    {"coco/cascade_mask_rcnn_convnext_large_22k", 254710770, 1280, 800, 1354.36},
    {"coco/cascade_mask_rcnn_convnext_xlarge_22k", 406875058, 1280, 800, 1898.40},
    {"ade20k/upernet_convnext_tiny_512", 60242636, 512, 2048, 938.92},
    {"ade20k/upernet_convnext_small_512", 81877196, 512, 2048, 1027.31},
    {"ade20k/upernet_convnext_base_512", 122102956, 512, 2048, 1169.84},
    {"ade20k/upernet_convnext_base_22k_640", 122102956, 640, 2560, 1827.86},
    {"ade20k/upernet_convnext_large_22k_640", 234994796, 640, 2560, 2458.22},
    {"ade20k/upernet_convnext_xlarge_22k_640", 391140396, 640, 2560, 3335.21},
};

/* The config with its input as it is and in one piece. */
static dp_config *config_for(dp_error *err, const cost *c)
{
    char path[200], changes[300];
    dp_config *config;
    const bool detector = c->config[0] == 'c';
    snprintf(path, sizeof path, "configs/%s.json", c->config);
    snprintf(
        changes, sizeof changes, "{\"input\": {\"scale\": [%d, %d]}%s}", c->h, c->w,
        detector ? ""
                 : ", \"test\": {\"mode\": \"whole\", \"ratios\": [1.0], \"flip\": "
                   "false}");
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
    ck_assert_msg(fabs(work.macs_published * 1e-9 - c->gmacs) < 0.005,
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
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
