/* Every config that ships against what was published of its model: the number of
 * parameters, to the unit; and the multiply-accumulates of the ImageNet classifiers, as
 * the original layers do them. Models are built without weights. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "core/config.h"
#include "model/model.h"

#include <check.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1024 };

static char paths[MOST][256];
static int count;

static int note(const char *path, const struct stat *s, int kind, struct FTW *ftw)
{
    (void)s;
    (void)ftw;
    const size_t n = strlen(path);
    if (kind == FTW_F && n > 5 && strcmp(path + n - 5, ".json") == 0 && count < MOST)
        snprintf(paths[count++], sizeof paths[0], "%s", path);
    return 0;
}

static dp_model *build(dp_context *ctx, const char *path, dp_config **config)
{
    dp_model *m;
    ck_assert_msg(dp_config_load(&ctx->err, config, path) == DP_OK, "%s",
                  ctx->err.text);
    ck_assert_msg(dp_model_build(ctx, &m, *config,
                                 &(dp_model_weights){.counting = true}, NULL) == DP_OK,
                  "%s", ctx->err.text);
    return m;
}

START_TEST(a_model_has_the_published_number_of_parameters)
{
    dp_context *ctx;
    dp_config *config;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    dp_model *m = build(ctx, paths[_i], &config);
    const cJSON *published =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "published");
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(published, "params");
    if (cJSON_IsNumber(params)) {
        const double found = (double)(m->params + m->training_params);
        ck_assert_msg(fabs(found - params->valuedouble) < 0.5,
                      "%s: found %.0f, published %.0f", paths[_i], found,
                      params->valuedouble);
    }
    dp_model_free(m);
    dp_config_free(config);
    dp_context_free(ctx);
}
END_TEST

/* In billions, of convolutions and linear layers, without biases and norms. */
static const struct {
    const char *config;
    int side;
    double gmacs, half; /* half a unit of its last place */
} costs[] = {
    {"convnext_tiny_1k_224", 224, 4.456, 0.0005},
    {"convnext_small_1k_224", 224, 8.684, 0.0005},
    {"convnext_base_1k_224", 224, 15.355, 0.0005},
    {"convnext_large_1k_224", 224, 34.361, 0.0005},
    {"convnext_xlarge_22k_1k_224", 224, 60.921, 0.0005},
    {"convnext_tiny_22k_1k_384", 384, 13.092, 0.0005},
    {"convnext_small_22k_1k_384", 384, 25.518, 0.0005},
    {"convnext_base_1k_384", 384, 45.122, 0.0005},
    {"convnext_large_1k_384", 384, 100.978, 0.0005},
    {"convnext_xlarge_22k_1k_384", 384, 179.029, 0.0005},
    {"convnextv2_atto_1k_224", 224, 0.547, 0.0005},
    {"convnextv2_femto_1k_224", 224, 0.780, 0.0005},
    {"convnextv2_pico_1k_224", 224, 1.367, 0.0005},
    {"convnextv2_nano_1k_224", 224, 2.446, 0.0005},
    {"convnextv2_tiny_1k_224", 224, 4.456, 0.0005},
    {"convnextv2_base_1k_224", 224, 15.355, 0.0005},
    {"convnextv2_large_1k_224", 224, 34.361, 0.0005},
    {"convnextv2_huge_1k_224", 224, 114.92, 0.005},
    {"convnext_iso_small_1k_224", 224, 4.286, 0.0005},
    {"convnext_iso_base_1k_224", 224, 16.896, 0.0005},
    {"convnext_iso_large_1k_224", 224, 59.699, 0.0005},
};

START_TEST(a_classifier_does_the_work_of_its_layers)
{
    char path[128];
    dp_context *ctx;
    dp_config *config;
    dp_model_work work;
    snprintf(path, sizeof path, "configs/imagenet/%s.json", costs[_i].config);
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    dp_model *m = build(ctx, path, &config);
    const dp_size size = {costs[_i].side, costs[_i].side};
    ck_assert_msg(dp_model_measure(ctx, m, size, &work) == DP_OK, "%s", ctx->err.text);
    ck_assert_msg(fabs(work.macs * 1e-9 - costs[_i].gmacs) <= costs[_i].half,
                  "%s: %.5f, expected %.3f", path, work.macs * 1e-9, costs[_i].gmacs);
    dp_model_free(m);
    dp_config_free(config);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    nftw("configs/imagenet", note, 16, FTW_PHYS);
    nftw("configs/coco", note, 16, FTW_PHYS);
    nftw("configs/ade20k", note, 16, FTW_PHYS);
    Suite *suite = suite_create("published parameters");
    TCase *tc = tcase_create("configs");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_model_has_the_published_number_of_parameters, 0, count);
    tcase_add_loop_test(tc, a_classifier_does_the_work_of_its_layers, 0,
                        (int)(sizeof costs / sizeof costs[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
