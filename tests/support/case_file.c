#define _XOPEN_SOURCE 700 /* mkdtemp */

#include "tests/support/case_file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the case's words ------------------------------------------------------------- */

const cJSON *case_get(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(value != NULL, "case.json: there is no %s", key);
    return value;
}

double case_number(const cJSON *object, const char *key)
{
    const cJSON *value = case_get(object, key);
    ck_assert_msg(cJSON_IsNumber(value), "case.json: %s is no number", key);
    return value->valuedouble;
}

double case_number_or(const cJSON *object, const char *key, double other)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(value) ? value->valuedouble : other;
}

const char *case_text_or(const cJSON *object, const char *key, const char *other)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) ? value->valuestring : other;
}

/* ---- files ------------------------------------------------------------------------- */

static const char *path_of(const case_file *c, const char *name)
{
    static char path[700];
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    return path;
}

npy case_file_npy(const case_file *c, const char *name)
{
    return npy_load(path_of(c, name));
}

golden case_file_tensors(const case_file *c, const char *name)
{
    return golden_open_path(path_of(c, name));
}

void case_file_open(case_file *c, const char *folder, int threads, const char *cpu)
{
    *c = (case_file){0};
    snprintf(c->folder, sizeof c->folder, "%s", folder);
    char *text = file_load(path_of(c, "case.json"), &(size_t){0});
    c->json = cJSON_Parse(text);
    free(text);
    ck_assert_msg(c->json != NULL, "%s: not JSON", path_of(c, "case.json"));
    c->init = case_file_tensors(c, "init.safetensors");
    ck_assert_int_eq(
        dp_context_new(&c->context, &(dp_options){.threads = threads, .cpu = cpu}),
        DP_OK);
}

void case_file_close(case_file *c)
{
    dp_optimizer_done(&c->optimizer);
    dp_network_free(c->network);
    dp_config_free(c->config);
    dp_context_free(c->context);
    golden_close(&c->init);
    cJSON_Delete(c->json);
    free(c->rates);
}

/* ---- the network ------------------------------------------------------------------ */

static void write_classes(const char *path, int K)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("{\"name\": \"case\", \"classes\": [", file);
    for (int k = 0; k < K; k++)
        fprintf(file, "%s{\"name\": \"class %d\", \"id\": %d}", k ? ", " : "", k, k);
    fputs("]}", file);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static void read_rates(case_file *c, double rate)
{
    const int branches = dp_network_branches(c->network);
    c->rates = calloc((size_t)branches + 1, sizeof *c->rates);
    dp_network_branch_rates(c->network, c->rates, rate);
}

void case_file_build(case_file *c, const char *config, int K, double rate)
{
    char folder[] = "/tmp/densepred-case-XXXXXX", path[64], classes[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/config.json", folder);
    snprintf(classes, sizeof classes, "%s/classes.json", folder);
    write_classes(classes, K);
    write_text(path, config);
    dp_network_options o = {0};
    o.tensors = dp_checkpoint_tensors(c->init.file, &o.count);
    dp_status st = dp_config_load(&c->context->err, &c->config, path);
    if (st == DP_OK)
        st = dp_network_new(c->context, &c->network, c->config, &o);
    ck_assert_msg(st == DP_OK, "%s", dp_context_error(c->context));
    unlink(path);
    unlink(classes);
    rmdir(folder);
    read_rates(c, rate);
}

void case_file_start(case_file *c)
{
    const dp_parameter_gradients trained = {dp_network_parameters(c->network),
                                            dp_network_gradients(c->network)};
    const dp_status st =
        dp_optimizer_init(&c->context->err, &c->optimizer, &c->training, &trained);
    ck_assert_msg(st == DP_OK, "%s", dp_context_error(c->context));
}
