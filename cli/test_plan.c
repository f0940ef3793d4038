#define _POSIX_C_SOURCE 200809L /* access */
#include "cli/test_plan.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "cli/cli.h"
#include "cli/configs.h"
#include "cli/input_image.h"
#include "io/data/results.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEM = 256, CHUNK = 1 << 24 };

/* ---- the command line ------------------------------------------------------------------ */

/* "K/N". */
static int read_shard(dp_test_plan *p)
{
    const char *text = p->ask->shard;
    char *end = NULL;
    p->shard = (dp_test_shard){1, 1};
    if (!text)
        return DP_EXIT_OK;
    const long part = strtol(text, &end, 10);
    const long parts = *end == '/' ? strtol(end + 1, &end, 10) : 0;
    if (*end || part < 1 || parts < part || parts > 1000000)
        return dp_cli_usage("--shard: found \"%s\", expected K/N with K of 1 to N",
                            text);
    p->shard = (dp_test_shard){(int)part, (int)parts};
    return DP_EXIT_OK;
}

const char *dp_test_plan_section(const dp_test_plan *p)
{
    return p->ask->ms_flip ? "test_ms_flip" : NULL;
}

/* The work folder, by the model's name when it is not given. */
static dp_status name_work(dp_error *err, dp_test_plan *p)
{
    if (p->ask->work)
        return dp_strdup(err, &p->work, p->ask->work);
    char stem[STEM];
    dp_text t = {.err = err};
    dp_input_image_stem(stem, sizeof stem, p->config_path);
    dp_text_add(&t, "work/%s%s", stem, p->ask->ms_flip ? "_ms_flip" : "");
    const dp_status st =
        t.status == DP_OK ? dp_strdup(err, &p->work, dp_text_get(&t)) : t.status;
    dp_text_done(&t);
    return st;
}

/* ---- the model ---------------------------------------------------------------------------- */

static dp_status load_config(dp_error *err, dp_test_plan *p)
{
    const dp_test_ask *ask = p->ask;
    const dp_status st =
        dp_cli_find_model(err, &p->config_path, ask->model, ask->common.configs);
    return st == DP_OK ? dp_config_load(err, &p->config, p->config_path) : st;
}

static dp_status find_weights(dp_error *err, dp_test_plan *p)
{
    const char *given = p->ask->common.weights;
    return given ? dp_strdup(err, &p->weights_path, given)
                 : dp_cli_find_weights(err, &p->weights_path, p->config_path);
}

/* Make it the config that the model is built from. */
static dp_status lay_changes(dp_error *err, dp_test_plan *p)
{
    const dp_test_ask *ask = p->ask;
    dp_status st = DP_OK;
    if (ask->ms_flip)
        st = dp_config_lay_section(err, p->config, "test", dp_test_plan_section(p));
    if (st == DP_OK && ask->mode)
        snprintf(p->changes, sizeof p->changes, "{\"test\": {\"mode\": \"%s\"}}",
                 ask->mode);
    if (st == DP_OK && p->changes[0])
        st = dp_config_lay(err, p->config, p->changes, "--mode");
    return st;
}

static dp_status load_classes(dp_error *err, dp_test_plan *p)
{
    const cJSON *root = dp_config_root(p->config);
    const char *text;
    dp_status st = dp_config_text(err, &text, p->config, root, "", "dataset");
    if (st == DP_OK)
        st = dp_config_resolve(err, &p->classes_path, p->config,
                               cJSON_GetObjectItemCaseSensitive(root, "dataset"));
    return st == DP_OK ? dp_dataset_load(err, &p->dataset, p->classes_path) : st;
}

static dp_status find_task(dp_error *err, dp_test_plan *p)
{
    const dp_module *module;
    const dp_status st = dp_module_choose(err, &module, p->config, DP_MODULE_MODEL);
    if (st == DP_OK)
        p->task = dp_model_def_of(module)->task;
    return st;
}

/* ---- the run's key -------------------------------------------------------------------------- */

static dp_status digest_file(dp_error *err, char hex[DP_SHA256_HEX], const char *path)
{
    dp_file_map map;
    dp_sha256 sum;
    uint8_t bytes[DP_SHA256_BYTES];
    const dp_status st = dp_file_map_open(err, &map, path);
    if (st != DP_OK)
        return st;
    dp_sha256_init(&sum);
    for (size_t at = 0; at < map.size; at += CHUNK) {
        const size_t size = map.size - at < CHUNK ? map.size - at : CHUNK;
        dp_sha256_add(&sum, map.data + at, size);
        dp_file_map_forget(&map, at, at + size);
    }
    dp_file_map_close(&map);
    dp_sha256_finish(&sum, bytes);
    dp_sha256_format(hex, bytes);
    return DP_OK;
}

static const char *precision(const dp_test_plan *p)
{
    return p->ask->common.precision ? p->ask->common.precision : "float32";
}

static dp_status make_key(dp_error *err, dp_test_plan *p)
{
    dp_sha256 sum;
    dp_text t = {.err = err};
    dp_text_add(&t, "%s\n%s\n%s\n%s\n", DP_VERSION, p->weights, p->set.digest,
                precision(p));
    dp_config_format(p->config, &t);
    dp_sha256_init(&sum);
    dp_sha256_add(&sum, dp_text_get(&t), t.size);
    dp_sha256_finish(&sum, p->key);
    const dp_status st = t.status;
    dp_text_done(&t);
    return st;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int check_ask(const dp_test_plan *p)
{
    const dp_test_ask *ask = p->ask;
    if (p->task != DP_TASK_DETECT && p->task != DP_TASK_SEGMENT) {
        dp_cli_say("%s: found a model that neither detects nor segments, expected one "
                   "that does",
                   p->config_path);
        return DP_EXIT_MODEL;
    }
    if (p->task == DP_TASK_DETECT && (ask->ms_flip || ask->mode))
        return dp_cli_usage("test: found --%s, which is for segmentors",
                            ask->mode ? "mode" : "ms-flip");
    if (p->task == DP_TASK_SEGMENT && ask->classwise)
        return dp_cli_usage("test: found --classwise, which is for detectors");
    return DP_EXIT_OK;
}

int dp_test_plan_make(dp_test_plan *p, const dp_test_ask *ask, bool helper)
{
    dp_error err = {0};
    *p = (dp_test_plan){.ask = ask};
    if (ask->workers > 0 && ask->common.threads > 0)
        return dp_cli_usage("test: found --threads with --workers, whose contexts have "
                            "one thread each");
    int status = read_shard(p);
    if (status != DP_EXIT_OK)
        return status;
    if (load_config(&err, p) != DP_OK || find_weights(&err, p) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    if (!p->weights_path)
        return dp_cli_usage("%s: found no checkpoint, expected --weights FILE",
                            ask->model);
    if (find_task(&err, p) != DP_OK || load_classes(&err, p) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    status = check_ask(p);
    if (status == DP_EXIT_OK && lay_changes(&err, p) != DP_OK)
        status = dp_cli_fail(&err, DP_SUBJECT_MODEL);
    if (status != DP_EXIT_OK || helper)
        return status;
    if (dp_test_set_load(&err, &p->set, p->task, ask->root, ask->images,
                         ask->annotations) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_INPUT);
    if (digest_file(&err, p->weights, p->weights_path) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    if (make_key(&err, p) != DP_OK || name_work(&err, p) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    return DP_EXIT_OK;
}

void dp_test_plan_done(dp_test_plan *p)
{
    dp_test_set_done(&p->set);
    dp_dataset_done(&p->dataset);
    dp_config_free(p->config);
    dp_free(p->config_path);
    dp_free(p->weights_path);
    dp_free(p->classes_path);
    dp_free(p->work);
    *p = (dp_test_plan){0};
}

/* ---- run.json ---------------------------------------------------------------------------------- */

void dp_test_plan_add_json(dp_text *t, const dp_test_plan *p)
{
    dp_text_add(t, "\"version\": \"%s\",\n\"model\": ", DP_VERSION);
    dp_results_add_name(t, p->ask->model);
    dp_text_add(
        t, ",\n\"precision\": \"%s\",\n\"test\": \"%s\",\n\"weights\": {\"file\": ",
        precision(p), p->ask->ms_flip ? "test_ms_flip" : "test");
    dp_results_add_name(t, p->weights_path);
    dp_text_add(t, ", \"sha256\": \"%s\"},\n\"dataset\": {\"name\": ", p->weights);
    dp_results_add_name(t, p->dataset.name);
    dp_text_add(t, ", \"annotations\": ");
    dp_results_add_name(t, p->set.annotations);
    dp_text_add(t, ", \"images\": ");
    dp_results_add_name(t, p->set.images);
    dp_text_add(t, ", \"count\": %zu, \"sha256\": \"%s\"},\n\"config\": ", p->set.count,
                p->set.digest);
    dp_config_format(p->config, t);
}

static const char *text_at(const cJSON *root, const char *section, const char *key)
{
    const cJSON *object =
        section ? cJSON_GetObjectItemCaseSensitive(root, section) : root;
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "nothing";
}

/* Whether a run.json is of this run; says where it is not. */
static bool is_same_run(const dp_test_plan *p, const cJSON *root, const char *path)
{
    const struct {
        const char *what, *section, *key, *expected;
    } parts[] = {
        {"the program's version", NULL, "version", DP_VERSION},
        {"precision", NULL, "precision", precision(p)},
        {"weights with digest", "weights", "sha256", p->weights},
        {"a list of images with digest", "dataset", "sha256", p->set.digest},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *found = text_at(root, parts[i].section, parts[i].key);
        if (strcmp(found, parts[i].expected) == 0)
            continue;
        dp_cli_say("%s: %s: found %s, expected %s; take another --work folder", path,
                   parts[i].what, found, parts[i].expected);
        return false;
    }
    if (cJSON_Compare(cJSON_GetObjectItemCaseSensitive(root, "config"),
                      dp_config_root(p->config), true))
        return true;
    dp_cli_say("%s: config: found one that differs from %s as it is run now; take "
               "another --work folder",
               path, p->config_path);
    return false;
}

static dp_status save_run(dp_error *err, const dp_test_plan *p, const char *path)
{
    dp_text t = {.err = err};
    dp_text_add(&t, "{");
    dp_test_plan_add_json(&t, p);
    dp_text_add(&t, "}\n");
    const dp_status st = dp_results_save(err, path, &t);
    dp_text_done(&t);
    return st;
}

int dp_test_plan_claim(const dp_test_plan *p)
{
    dp_error err = {0};
    dp_text path = {.err = &err};
    cJSON *root = NULL;
    int status = DP_EXIT_OK;
    dp_status st = dp_path_make_folders(&err, p->work);
    dp_text_add(&path, "%s/run.json", p->work);
    if (st == DP_OK)
        st = path.status;
    if (st == DP_OK && access(dp_text_get(&path), F_OK) != 0)
        st = save_run(&err, p, dp_text_get(&path));
    else if (st == DP_OK)
        st = dp_json_load(&err, &root, dp_text_get(&path));
    if (st != DP_OK)
        status = dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    else if (root && !is_same_run(p, root, dp_text_get(&path)))
        status = DP_EXIT_USAGE;
    cJSON_Delete(root);
    dp_text_done(&path);
    return status;
}
