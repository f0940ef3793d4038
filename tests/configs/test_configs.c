/* Every config that ships resolves and says nothing unknown at the top. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "base/memory.h"
#include "core/config.h"
#include "core/dataset.h"
#include "core/module.h"
#include "tests/support/suite.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 256 };

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

static bool has_text(const cJSON *object, const char *key)
{
    return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, key));
}

START_TEST(a_config_resolves_to_known_keys)
{
    if (strstr(paths[_i], "/datasets/") || strstr(paths[_i], "/names/") ||
        strstr(paths[_i], "/_upstream.json"))
        return;
    dp_error err = {0};
    dp_config *config;
    ck_assert_msg(dp_config_load(&err, &config, paths[_i]) == DP_OK, "%s", err.text);
    const cJSON *root = dp_config_root(config);
    ck_assert_msg(dp_module_check_keys(&err, config) == DP_OK, "%s", err.text);

    if (!strstr(paths[_i], "/_base_/") && !strstr(paths[_i], "/recipes/")) {
        ck_assert_msg(has_text(root, "type"), "%s has no type", paths[_i]);
        const cJSON *backbone = cJSON_GetObjectItemCaseSensitive(root, "backbone");
        ck_assert_msg(has_text(backbone, "type"), "%s has no backbone", paths[_i]);
    }
    dp_config_free(config);
}
END_TEST

START_TEST(a_config_names_as_many_classes_as_its_heads_have)
{
    if (strstr(paths[_i], "/datasets/") || strstr(paths[_i], "/names/") ||
        strstr(paths[_i], "/_base_/") || strstr(paths[_i], "/recipes/") ||
        strstr(paths[_i], "/_upstream.json"))
        return;
    dp_error err = {0};
    dp_config *config;
    char *path;
    dp_dataset dataset;
    ck_assert_msg(dp_config_load(&err, &config, paths[_i]) == DP_OK, "%s", err.text);
    const cJSON *root = dp_config_root(config);
    const cJSON *named = cJSON_GetObjectItemCaseSensitive(root, "dataset");
    ck_assert_msg(cJSON_IsString(named), "%s names no classes", paths[_i]);
    ck_assert_int_eq(dp_config_resolve(&err, &path, config, named), DP_OK);
    ck_assert_msg(dp_dataset_load(&err, &dataset, path) == DP_OK, "%s", err.text);

    int heads = 0;
    for (const cJSON *v = root->child; v; v = v->next) {
        const cJSON *classes = cJSON_GetObjectItemCaseSensitive(v, "num_classes");
        if (!classes)
            continue;
        ck_assert_msg(classes->valueint == dataset.count, "%s: %s.num_classes",
                      paths[_i], v->string);
        heads++;
    }
    ck_assert_int_gt(heads, 0);
    dp_dataset_done(&dataset);
    dp_free(path);
    dp_config_free(config);
}
END_TEST

START_TEST(coco_has_its_gaps_and_ade20k_starts_at_one)
{
    dp_error err = {0};
    dp_dataset coco, ade;
    ck_assert_msg(!dp_dataset_load(&err, &coco, "configs/datasets/coco.json"), "%s",
                  err.text);
    ck_assert_int_eq(coco.count, 80);
    ck_assert_str_eq(coco.list[0].name, "person");
    ck_assert_int_eq(coco.list[0].id, 1);
    ck_assert_str_eq(coco.list[11].name, "stop sign");
    ck_assert_int_eq(coco.list[11].id, 13);
    ck_assert_str_eq(coco.list[79].name, "toothbrush");
    ck_assert_int_eq(coco.list[79].id, 90);
    dp_dataset_done(&coco);

    ck_assert_msg(!dp_dataset_load(&err, &ade, "configs/datasets/ade20k.json"), "%s",
                  err.text);
    ck_assert_int_eq(ade.count, 150);
    for (int i = 0; i < ade.count; i++)
        ck_assert_int_eq(ade.list[i].id, i + 1);
    ck_assert_str_eq(ade.list[44].name, "chest of drawers");
    const unsigned char wall[] = {120, 120, 120};
    ck_assert_mem_eq(ade.list[0].colour, wall, 3);
    dp_dataset_done(&ade);
}
END_TEST

int main(void)
{
    nftw("configs", note, 16, FTW_PHYS);
    Suite *suite = suite_create("configs");
    TCase *tc = tcase_create("configs");
    tcase_add_loop_test(tc, a_config_resolves_to_known_keys, 0, count);
    tcase_add_loop_test(tc, a_config_names_as_many_classes_as_its_heads_have, 0, count);
    tcase_add_test(tc, coco_has_its_gaps_and_ade20k_starts_at_one);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
