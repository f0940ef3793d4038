/* Configs: what a base gives, what is laid over it, where values come from. */
#define _XOPEN_SOURCE 700 /* symlink */
#include "base/memory.h"
#include "core/config.h"
#include "core/limits.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static dp_error err;
static dp_config *config;

static void setup(void)
{
    scratch_setup();
    err = (dp_error){0};
    config = NULL;
}

static void teardown(void)
{
    dp_config_free(config);
    scratch_teardown();
}

static void load(const char *name)
{
    ck_assert_msg(dp_config_load(&err, &config, scratch_path(name)) == DP_OK, "%s",
                  err.text);
}

/* The merged config in one line. */
static const char *merged(void)
{
    static char text[4096];
    char *json = cJSON_PrintUnformatted(dp_config_root(config));
    snprintf(text, sizeof text, "%s", json);
    cJSON_free(json);
    return text;
}

static const struct {
    const char *what, *base, *over, *want;
} merges[] = {
    {"new keys are added", "{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
    {"values are replaced in place", "{\"a\":1,\"b\":2}", "{\"a\":3}",
     "{\"a\":3,\"b\":2}"},
    {"objects are merged", "{\"a\":{\"x\":1,\"y\":{\"p\":1}}}",
     "{\"a\":{\"y\":{\"q\":2},\"z\":3}}",
     "{\"a\":{\"x\":1,\"y\":{\"p\":1,\"q\":2},\"z\":3}}"},
    {"arrays are replaced whole", "{\"a\":[1,2,3]}", "{\"a\":[4]}", "{\"a\":[4]}"},
    {"an object replaces a value", "{\"a\":1}", "{\"a\":{\"x\":1}}",
     "{\"a\":{\"x\":1}}"},
    {"a value replaces an object", "{\"a\":{\"x\":1}}", "{\"a\":1}", "{\"a\":1}"},
    {"null removes a key", "{\"a\":{\"x\":1,\"y\":2},\"b\":3}",
     "{\"a\":{\"x\":null},\"b\":null}", "{\"a\":{\"y\":2}}"},
    {"null without a key to remove is nothing", "{\"a\":1}",
     "{\"b\":null,\"c\":{\"d\":null}}", "{\"a\":1,\"c\":{}}"},
    {"null in an array stays", "{}", "{\"a\":[null,1]}", "{\"a\":[null,1]}"},
    {"keys differ by case", "{\"a\":1}", "{\"A\":2}", "{\"a\":1,\"A\":2}"},
};

START_TEST(laying_over_a_base)
{
    char over[256];
    snprintf(over, sizeof over, "{\"base\":\"base.json\",%s", merges[_i].over + 1);
    scratch_text("base.json", merges[_i].base);
    scratch_text("over.json", over);
    load("over.json");
    ck_assert_msg(strcmp(merged(), merges[_i].want) == 0, "%s: %s", merges[_i].what,
                  merged());
}
END_TEST

START_TEST(a_base_may_have_a_base_in_another_folder)
{
    scratch_text("common/root.json", "{\"a\":1,\"b\":1,\"c\":1,\"file\":\"x.json\"}");
    scratch_text("common/middle.json", "{\"base\":\"root.json\",\"b\":2,\"c\":null}");
    scratch_text("models/leaf.json",
                 "{\"base\":\"../common/middle.json\",\"c\":{\"d\":3}}");
    load("models/leaf.json");
    ck_assert_str_eq(merged(), "{\"a\":1,\"b\":2,\"c\":{\"d\":3},\"file\":\"x.json\"}");

    const cJSON *root = dp_config_root(config);
    const cJSON *b = cJSON_GetObjectItemCaseSensitive(root, "b");
    const cJSON *c = cJSON_GetObjectItemCaseSensitive(root, "c");
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(root, "file");
    ck_assert_ptr_nonnull(strstr(dp_config_origin(config, b), "common/middle.json"));
    ck_assert_str_eq(dp_config_origin(config, c), scratch_path("models/leaf.json"));
    ck_assert_str_eq(dp_config_origin(config, c->child),
                     scratch_path("models/leaf.json"));

    char *path;
    ck_assert_int_eq(dp_config_resolve(&err, &path, config, file), DP_OK);
    ck_assert_str_eq(path, scratch_path("models/../common/x.json"));
    dp_free(path);
}
END_TEST

START_TEST(a_base_may_have_an_absolute_path)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"base\":\"%s\",\"b\":2}",
             scratch_text("base.json", "{\"a\":1}"));
    scratch_text("models/over.json", text);
    load("models/over.json");
    ck_assert_str_eq(merged(), "{\"a\":1,\"b\":2}");
}
END_TEST

START_TEST(dumps_show_the_merged_config_and_its_files)
{
    scratch_text("base.json", "{\"a\":{\"x\":[1,0.1],\"y\":\"t\"}}");
    scratch_text("over.json", "{\"base\":\"base.json\",\"a\":{\"y\":true}}");
    load("over.json");

    dp_text text = {.err = &err};
    dp_config_format(config, &text);
    ck_assert_str_eq(
        dp_text_get(&text),
        "{\n\t\"a\":\t{\n\t\t\"x\":\t[1, 0.1],\n\t\t\"y\":\ttrue\n\t}\n}\n");
    dp_text_done(&text);

    char want[1024];
    snprintf(want, sizeof want, "a.x = [1,0.1] (%s)\na.y = true (%s)\n",
             scratch_path("base.json"), scratch_path("over.json"));
    dp_config_format_origins(config, &text);
    ck_assert_str_eq(dp_text_get(&text), want);
    dp_text_done(&text);
}
END_TEST

/* FOLDER stands for the scratch folder in the sentence. */
static const struct {
    const char *a, *b;
    dp_status code;
    const char *sentence;
} wrong[] = {
    {"[]", "", DP_ECONFIG, "FOLDER/a.json: must be an object"},
    {"{\"base\":1}", "", DP_ECONFIG, "FOLDER/a.json: base: must be a path"},
    {"{\"base\":\"a.json\"}", "", DP_ECONFIG,
     "FOLDER/a.json: base: \"FOLDER/a.json\" stands in the chain already"},
    {"{\"base\":\"b.json\"}", "{\"base\":\"./a.json\"}", DP_ECONFIG,
     "FOLDER/b.json: base: \"FOLDER/./a.json\" stands in the chain already"},
    {"{\"base\":\"c.json\"}", "", DP_EIO, "FOLDER/c.json: No such file or directory"},
    {"{\"base\":\"b.json\"}", "{", DP_EFORMAT,
     "FOLDER/b.json:1:2: found the end of the text, expected a key"},
    {"{\"base\":\"b.json\"}", "{\"a\":1,\"a\":2}", DP_EFORMAT,
     "FOLDER/b.json: key \"a\" stands twice"},
};

START_TEST(wrong_configs_name_file_and_key)
{
    char want[1024];
    size_t n = 0;
    for (const char *p = wrong[_i].sentence; *p;) {
        const int is_folder = strncmp(p, "FOLDER/", 7) == 0;
        n += (size_t)snprintf(want + n, sizeof want - n, "%.*s", is_folder ? 512 : 1,
                              is_folder ? scratch_path("") : p);
        p += is_folder ? 7 : 1;
    }
    scratch_text("a.json", wrong[_i].a);
    scratch_text("b.json", wrong[_i].b);
    const dp_status st = dp_config_load(&err, &config, scratch_path("a.json"));
    ck_assert_str_eq(err.text, want);
    ck_assert_int_eq(st, wrong[_i].code);
    ck_assert_ptr_null(config);
}
END_TEST

START_TEST(chains_of_bases_have_a_limit)
{
    for (int i = 0; i <= DP_MAX_CONFIG_BASES; i++) {
        char name[32], text[64];
        snprintf(name, sizeof name, "%d.json", i);
        snprintf(text, sizeof text, "{\"base\":\"%d.json\",\"k%d\":1}", i - 1, i);
        scratch_text(name, i ? text : "{}");
    }
    char name[32];
    snprintf(name, sizeof name, "%d.json", DP_MAX_CONFIG_BASES - 1);
    load(name);
    snprintf(name, sizeof name, "%d.json", DP_MAX_CONFIG_BASES);
    dp_config *longer;
    ck_assert_int_eq(dp_config_load(&err, &longer, scratch_path(name)), DP_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 16 files"));
}
END_TEST

START_TEST(a_link_to_a_file_in_the_chain_is_a_cycle)
{
    scratch_text("a.json", "{\"base\":\"link.json\"}");
    ck_assert_int_eq(symlink("a.json", scratch_path("link.json")), 0);
    ck_assert_int_eq(dp_config_load(&err, &config, scratch_path("a.json")), DP_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "stands in the chain already"));
}
END_TEST

START_TEST(sections_and_texts_are_what_they_should_be)
{
    scratch_text("a.json", "{\"s\":{\"t\":\"x\",\"n\":1},\"v\":1}");
    load("a.json");
    const cJSON *section;
    const char *text;
    ck_assert_int_eq(dp_config_section(&err, &section, config, "s"), DP_OK);
    ck_assert_int_eq(dp_config_text(&err, &text, config, section, "s", "t"), DP_OK);
    ck_assert_str_eq(text, "x");
    ck_assert_int_eq(dp_config_text(&err, &text, config, section, "s", "n"),
                     DP_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, ": s.n: must be a text"));
    ck_assert_int_eq(dp_config_section(&err, &section, config, "v"), DP_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, ": v: must be an"));
    ck_assert_int_eq(dp_config_section(&err, &section, config, "w"), DP_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, ": w: missing; must be an object"));
}
END_TEST

START_TEST(a_text_is_laid_over_like_a_file)
{
    scratch_text("base/base.json", "{\"a\":{\"path\":\"x\",\"n\":1},\"b\":[1,2]}");
    scratch_text("top.json", "{\"base\":\"base/base.json\",\"a\":{\"n\":2}}");
    load("top.json");
    ck_assert_int_eq(
        dp_config_lay(&err, config,
                      "{\"a\":{\"path\":\"y\"},\"b\":null,\"c\":{\"d\":3}}", "changes"),
        DP_OK);
    ck_assert_str_eq(merged(), "{\"a\":{\"path\":\"y\",\"n\":2},\"c\":{\"d\":3}}");
    const cJSON *a = cJSON_GetObjectItem(dp_config_root(config), "a");
    ck_assert_str_eq(dp_config_origin(config, cJSON_GetObjectItem(a, "path")),
                     "changes");
    ck_assert_str_eq(dp_config_origin(config, cJSON_GetObjectItem(a, "n")),
                     scratch_path("top.json"));
}
END_TEST

START_TEST(a_text_that_is_no_object_changes_nothing)
{
    scratch_text("top.json", "{\"a\":1}");
    load("top.json");
    ck_assert_int_eq(dp_config_lay(&err, config, "[1]", "--set"), DP_ECONFIG);
    ck_assert_int_eq(dp_config_lay(&err, config, "{\"a\":", "--set"), DP_EFORMAT);
    ck_assert_msg(strstr(err.text, "--set") != NULL, "%s", err.text);
    ck_assert_str_eq(merged(), "{\"a\":1}");
}
END_TEST

START_TEST(a_section_is_laid_over_another)
{
    scratch_text("top.json", "{\"test\":{\"mode\":\"slide\",\"crop\":[1,2]},"
                             "\"test_ms\":{\"mode\":\"whole\",\"flip\":true},\"n\":1}");
    load("top.json");
    ck_assert_int_eq(dp_config_lay_section(&err, config, "test", "n"), DP_ECONFIG);
    ck_assert_int_eq(dp_config_lay_section(&err, config, "test", "test_tta"),
                     DP_ECONFIG);
    ck_assert_int_eq(dp_config_lay_section(&err, config, "test", "test_ms"), DP_OK);
    ck_assert_str_eq(merged(), "{\"test\":{\"mode\":\"whole\",\"crop\":[1,2],"
                               "\"flip\":true},\"n\":1}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tc = tcase_create("config");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, laying_over_a_base, 0, COUNT(merges));
    tcase_add_test(tc, a_base_may_have_a_base_in_another_folder);
    tcase_add_test(tc, a_base_may_have_an_absolute_path);
    tcase_add_test(tc, dumps_show_the_merged_config_and_its_files);
    tcase_add_loop_test(tc, wrong_configs_name_file_and_key, 0, COUNT(wrong));
    tcase_add_test(tc, chains_of_bases_have_a_limit);
    tcase_add_test(tc, a_link_to_a_file_in_the_chain_is_a_cycle);
    tcase_add_test(tc, sections_and_texts_are_what_they_should_be);
    tcase_add_test(tc, a_text_is_laid_over_like_a_file);
    tcase_add_test(tc, a_text_that_is_no_object_changes_nothing);
    tcase_add_test(tc, a_section_is_laid_over_another);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
