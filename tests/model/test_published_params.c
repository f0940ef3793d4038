/* The configs that ship against what was published of their models: the number of
 * parameters, to the unit. Random weights do. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "core/config.h"
#include "model/model.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1024 };

/* Larger models take more memory and time than a test should; they differ from these in
 * numbers only. */
static const double largest = 90e6;

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

/* Of its config; 0 where none are published or the model is large. */
static double published(const char *path)
{
    dp_error err = {0};
    dp_config *config;
    ck_assert_msg(dp_config_load(&err, &config, path) == DP_OK, "%s", err.text);
    const cJSON *root = dp_config_root(config);
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(root, "published"), "params");
    const double n = cJSON_IsNumber(params) ? params->valuedouble : 0;
    dp_config_free(config);
    return n <= largest ? n : 0;
}

START_TEST(a_model_has_the_published_number_of_parameters)
{
    const double want = published(paths[_i]);
    if (want < 1)
        return;
    dp_context *ctx;
    dp_model *m;
    ck_assert_int_eq(dp_context_new(&ctx, NULL), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, paths[_i], NULL, NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_msg((double)m->params == want, "%s: found %.0f, published %.0f",
                  paths[_i], (double)m->params, want);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    nftw("configs/imagenet", note, 16, FTW_PHYS);
    nftw("configs/coco", note, 16, FTW_PHYS);
    Suite *suite = suite_create("published parameters");
    TCase *tc = tcase_create("configs");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_model_has_the_published_number_of_parameters, 0, count);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
