/* Every config that ships names its source and has as many parameters as were published.
 * It plans at its full size, and loads and runs when it is made small. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "model/model.h"
#include "tests/support/suite.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1000, PATH = 200 };

static char paths[MOST][PATH];
static int count;

static int add_config(const char *path, const struct stat *s, int kind, struct FTW *ftw)
{
    (void)s;
    (void)ftw;
    const size_t n = strlen(path);
    const bool model = n > 5 && strcmp(path + n - 5, ".json") == 0 &&
                       !strstr(path, "/_") && !strstr(path, "/datasets/") &&
                       !strstr(path, "/names/") && !strstr(path, "/recipes/");
    if (kind == FTW_F && model && count < MOST)
        snprintf(paths[count++], PATH, "%s", path);
    return 0;
}

/* A context and a config; freed by close_config. */
typedef struct opened {
    dp_context *ctx;
    dp_config *config;
    const cJSON *root;
} opened;

static opened open_config(const char *path)
{
    opened o;
    ck_assert_int_eq(dp_context_new(&o.ctx, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_msg(dp_config_load(&o.ctx->err, &o.config, path) == DP_OK, "%s",
                  o.ctx->err.text);
    o.root = dp_config_root(o.config);
    return o;
}

static void close_config(opened *o)
{
    dp_config_free(o->config);
    dp_context_free(o->ctx);
}

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

START_TEST(a_config_is_of_a_published_model)
{
    opened o = open_config(paths[_i]);
    const cJSON *published = at(o.root, "published");
    if (!strstr(paths[_i], "/golden/"))
        ck_assert_msg(cJSON_IsString(at(published, "source")), "%s: no source",
                      paths[_i]);

    dp_model *m;
    dp_model_work work;
    ck_assert_msg(dp_model_build(o.ctx, &m, o.config,
                                 &(dp_model_weights){.counting = true}, NULL) == DP_OK,
                  "%s: %s", paths[_i], o.ctx->err.text);
    ck_assert_msg(dp_model_measure(o.ctx, m, (dp_size){480, 640}, &work) == DP_OK,
                  "%s: %s", paths[_i], o.ctx->err.text);
    ck_assert(work.macs > 0 && work.bytes > 0);
    const cJSON *params = at(published, "params");
    if (params)
        ck_assert_msg((double)(m->params + m->training_params) == params->valuedouble,
                      "%s: %.0f parameters, published are %.0f", paths[_i],
                      (double)(m->params + m->training_params), params->valuedouble);
    dp_model_free(m);
    close_config(&o);
}
END_TEST

/* Settings that make a backbone of each type small. */
static const struct {
    const char *type, *settings;
} small_backbones[] = {
    {"convnext", "{\"depths\": [1, 1, 2, 1], \"dims\": [8, 12, 16, 24]}"},
    {"convnext_iso", "{\"depth\": 2, \"dim\": 16}"},
    {"resnet", "{\"depths\": [1, 1, 2, 1], \"base_channels\": 4}"},
    {"roadmap", "{\"depths\": [1, 1, 2, 1], \"width\": 4}"},
    {"swin",
     "{\"embed_dim\": 8, \"depths\": [1, 2, 2, 1], \"num_heads\": [1, 2, 2, 4]}"},
};

/* What is laid over a section when the config has it. */
static const struct {
    const char *section, *settings;
} small_sections[] = {
    {"neck", "{\"out_channels\": 16}"},
    {"rpn_head", "{\"feat_channels\": 16}"},
    {"bbox_head", "{\"fc_out_channels\": 24}"},
    {"mask_head", "{\"conv_out_channels\": 16}"},
    {"decode_head", "{\"channels\": 16}"},
    {"input", "{\"scale\": [96, 64]}"},
};

static void lay(opened *o, const char *section, const char *settings)
{
    char changes[300];
    snprintf(changes, sizeof changes, "{\"%s\": %s}", section, settings);
    ck_assert_msg(dp_config_lay(&o->ctx->err, o->config, changes, "small") == DP_OK,
                  "%s", o->ctx->err.text);
}

static void make_small(opened *o)
{
    const char *type = at(at(o->root, "backbone"), "type")->valuestring;
    bool known = false;
    for (size_t i = 0; i < sizeof small_backbones / sizeof small_backbones[0]; i++)
        if (strcmp(type, small_backbones[i].type) == 0) {
            lay(o, "backbone", small_backbones[i].settings);
            known = true;
        }
    ck_assert_msg(known, "backbone %s: no small settings in this test", type);
    for (size_t i = 0; i < sizeof small_sections / sizeof small_sections[0]; i++)
        if (at(o->root, small_sections[i].section))
            lay(o, small_sections[i].section, small_sections[i].settings);
    if (strcmp(at(o->root, "type")->valuestring, "classifier") == 0)
        lay(o, "input", "{\"scale\": [64, 64]}");
}

/* Whether a section of the config, or the config itself, has this type. */
static bool names_type(const cJSON *object, const char *type)
{
    const cJSON *own = at(object, "type");
    bool found = cJSON_IsString(own) && strcmp(own->valuestring, type) == 0;
    for (const cJSON *child = object->child; child && !found; child = child->next)
        found = cJSON_IsObject(child) && names_type(child, type);
    return found;
}

/* Two that a section may leave out, and one that no published model has. */
static const char *const unnamed[] = {"rpn", "fcn", "shared_4conv_1fc"};

START_TEST(every_module_is_in_a_config)
{
    const dp_module *module = dp_modules[_i];
    bool found = false;
    for (size_t i = 0; i < sizeof unnamed / sizeof unnamed[0]; i++)
        found |= strcmp(module->name, unnamed[i]) == 0;
    for (int i = 0; i < count && !found; i++) {
        opened o = open_config(paths[i]);
        found = names_type(o.root, module->name);
        close_config(&o);
    }
    ck_assert_msg(found, "%s %s: in no config", dp_module_kind_name(module->kind),
                  module->name);
}
END_TEST

START_TEST(a_config_made_small_loads_and_runs)
{
    unsigned char result[DP_MODEL_RESULT_MAX];
    opened o = open_config(paths[_i]);
    dp_model *m;
    dp_pixels pixels;
    make_small(&o);
    ck_assert_msg(dp_model_build(o.ctx, &m, o.config, &(dp_model_weights){.seed = 3},
                                 NULL) == DP_OK,
                  "%s: %s", paths[_i], o.ctx->err.text);
    ck_assert_int_eq(dp_pixels_init(&o.ctx->err, &pixels, 48, 64), DP_OK);
    for (int i = 0; i < 48 * 64 * 3; i++)
        pixels.data[i] = (uint8_t)(i * 31 % 253);
    ck_assert_msg(dp_model_run(o.ctx, m, &pixels, result) == DP_OK, "%s: %s", paths[_i],
                  o.ctx->err.text);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    close_config(&o);
}
END_TEST

int main(void)
{
    nftw("configs", add_config, 16, FTW_PHYS);
    Suite *s = suite_create("every config");
    TCase *t = tcase_create("configs");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_config_is_of_a_published_model, 0, count);
    int modules = 0;
    while (dp_modules[modules])
        modules++;
    tcase_add_loop_test(t, every_module_is_in_a_config, 0, modules);
    suite_add_tcase(s, t);
    TCase *runs = tcase_create("runs");
    tcase_set_timeout(runs, 60);
    tcase_set_tags(runs, "slow");
    tcase_add_loop_test(runs, a_config_made_small_loads_and_runs, 0, count);
    suite_add_tcase(s, runs);
    printf("%d configs\n", count);
    return suite_run(s) || count < 10;
}
