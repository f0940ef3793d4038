#define _POSIX_C_SOURCE 200809L /* access */
#include "runner/plan.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/path.h"
#include "io/data/results.h"
#include "model/model.h"
#include "model/shipped.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STEM = 256, CHUNK = 1 << 24 };

/* ---- options --------------------------------------------------------------------------- */

dp_status dp_plan_check_options(dp_error *err, const dp_test_options *o)
{
    if (!o->config || !o->weights)
        return dp_fail(err, DP_EARG, "test: the %s is not given",
                       o->config ? "checkpoint" : "config");
    if (o->workers < 0 || o->workers > DP_MAX_THREADS)
        return dp_fail(err, DP_EARG, "workers: found %d, expected 1 to %d", o->workers,
                       DP_MAX_THREADS);
    if (o->shards < 0 || (o->shards > 0 && (o->shard < 1 || o->shard > o->shards)))
        return dp_fail(err, DP_EARG, "shard: found %d of %d, expected 1 to %d",
                       o->shard, o->shards, o->shards);
    if (o->mode && strcmp(o->mode, "slide") != 0 && strcmp(o->mode, "whole") != 0)
        return dp_fail(err, DP_EARG, "mode: found \"%s\", expected slide or whole",
                       o->mode);
    if (o->unreadable && strcmp(o->unreadable, "leave-out") != 0 &&
        strcmp(o->unreadable, "missed") != 0 && strcmp(o->unreadable, "refuse") != 0)
        return dp_fail(err, DP_EARG,
                       "unreadable: found \"%s\", expected leave-out, missed or refuse",
                       o->unreadable);
    return DP_OK;
}

const char *dp_plan_section(const dp_test *t)
{
    return t->options.ms_flip ? "test_ms_flip" : NULL;
}

/* ---- the model ---------------------------------------------------------------------------- */

static dp_status find_task(dp_error *err, dp_test *t)
{
    const dp_module *module;
    dp_status st = dp_module_check_keys(err, t->config);
    if (st == DP_OK)
        st = dp_module_choose(err, &module, t->config, DP_MODULE_MODEL);
    if (st != DP_OK)
        return st;
    t->task = dp_model_def_of(module)->task;
    if (t->task != DP_TASK_DETECT && t->task != DP_TASK_SEGMENT)
        return dp_fail(err, DP_ECONFIG,
                       "%s: only a model that detects or segments can be tested",
                       t->options.config);
    if (t->task == DP_TASK_DETECT && (t->options.ms_flip || t->options.mode))
        return dp_fail(err, DP_EARG, "test: --%s is for segmentors",
                       t->options.mode ? "mode" : "ms-flip");
    if (t->task == DP_TASK_SEGMENT && t->options.unreadable &&
        strcmp(t->options.unreadable, "missed") == 0)
        return dp_fail(err, DP_EARG, "test: --unreadable missed is for detectors");
    return DP_OK;
}

static dp_status load_classes(dp_error *err, dp_test *t)
{
    const cJSON *root = dp_config_root(t->config);
    const char *text;
    dp_status st = dp_config_text(err, &text, t->config, root, "", "dataset");
    if (st == DP_OK)
        st = dp_config_resolve(err, &t->classes_path, t->config,
                               cJSON_GetObjectItemCaseSensitive(root, "dataset"));
    return st == DP_OK ? dp_dataset_load(err, &t->dataset, t->classes_path) : st;
}

static dp_status lay_set(dp_error *err, dp_test *t)
{
    return dp_config_set(err, t->config, t->options.set, t->options.set_count);
}

/* Make it the config that the model is built from. What --set says holds last. */
static dp_status lay_changes(dp_error *err, dp_test *t)
{
    const char *mode = t->options.mode;
    dp_status st = DP_OK;
    if (t->options.ms_flip)
        st = dp_config_lay_section(err, t->config, "test", dp_plan_section(t));
    if (mode)
        snprintf(t->changes, sizeof t->changes, "{\"test\": {\"mode\": \"%s\"}}", mode);
    if (st == DP_OK && mode)
        st = dp_config_lay(err, t->config, t->changes, "mode");
    return st == DP_OK ? lay_set(err, t) : st;
}

dp_status dp_plan_model(dp_error *err, dp_test *t)
{
    t->part = DP_TEST_PART_MODEL;
    dp_status st =
        dp_shipped_open(err, &t->config, t->options.config, t->options.configs);
    if (st == DP_OK)
        st = lay_set(err, t); /* the task and the classes depend on it */
    if (st == DP_OK)
        st = find_task(err, t);
    if (st == DP_OK)
        st = load_classes(err, t);
    return st == DP_OK ? lay_changes(err, t) : st;
}

/* ---- the run ---------------------------------------------------------------------------------- */

static dp_status digest_weights(dp_error *err, dp_test *t)
{
    dp_file_map map;
    dp_sha256 sum;
    uint8_t bytes[DP_SHA256_BYTES];
    const dp_status st = dp_file_map_open(err, &map, t->options.weights);
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
    dp_sha256_format(t->weights, bytes);
    return DP_OK;
}

static const char *precision(const dp_test *t)
{
    return t->ctx->bf16 ? "bf16" : "float32";
}

static dp_status make_key(dp_error *err, dp_test *t)
{
    dp_sha256 sum;
    dp_text text = {.err = err};
    dp_text_add(&text, "%s\n%s\n%s\n%s\n", DP_VERSION, t->weights, t->set.digest,
                precision(t));
    dp_config_format(t->config, &text);
    dp_sha256_init(&sum);
    dp_sha256_add(&sum, dp_text_get(&text), text.size);
    dp_sha256_finish(&sum, t->key);
    const dp_status st = text.status;
    dp_text_done(&text);
    return st;
}

static dp_status name_files(dp_error *err, dp_test *t)
{
    const char *directory = t->options.directory;
    char stem[STEM], usual[STEM + 32];
    dp_path_stem(stem, sizeof stem, t->options.config);
    snprintf(usual, sizeof usual, "work/%s%s", stem,
             t->options.ms_flip ? "_ms_flip" : "");
    dp_status st = dp_strdup(err, &t->directory_path, directory ? directory : usual);
    if (st == DP_OK)
        st = dp_path_join(err, &t->results, t->directory_path,
                          t->task == DP_TASK_DETECT ? "results.json" : "predictions");
    return st == DP_OK
               ? dp_path_join(err, &t->metrics, t->directory_path, "metrics.json")
               : st;
}

dp_status dp_plan_run(dp_error *err, dp_test *t)
{
    const dp_test_options *o = &t->options;
    t->part = DP_TEST_PART_DATA_SET;
    dp_status st = dp_image_set_load(err, &t->set, t->task, &t->dataset, o->root,
                                     o->images, o->annotations);
    if (st == DP_ECONFIG)
        t->part = DP_TEST_PART_MODEL; /* it has other classes */
    if (st != DP_OK)
        return st;
    t->part = DP_TEST_PART_MODEL;
    st = digest_weights(err, t);
    if (st == DP_OK)
        st = make_key(err, t);
    return st == DP_OK ? name_files(err, t) : st;
}

/* ---- run.json ---------------------------------------------------------------------------------- */

void dp_plan_add_json(dp_text *text, const dp_test *t)
{
    const dp_test_options *o = &t->options;
    dp_text_add(text, "\"version\": \"%s\",\n\"model\": ", DP_VERSION);
    dp_results_add_name(text, o->name ? o->name : o->config);
    dp_text_add(
        text, ",\n\"precision\": \"%s\",\n\"test\": \"%s\",\n\"weights\": {\"file\": ",
        precision(t), o->ms_flip ? dp_plan_section(t) : "test");
    dp_results_add_name(text, o->weights);
    dp_text_add(text, ", \"sha256\": \"%s\"},\n\"dataset\": {\"name\": ", t->weights);
    dp_results_add_name(text, t->dataset.name);
    dp_text_add(text, ", \"annotations\": ");
    dp_results_add_name(text, t->set.annotations);
    dp_text_add(text, ", \"images\": ");
    dp_results_add_name(text, t->set.images);
    dp_text_add(text,
                ", \"count\": %zu, \"sha256\": \"%s\"},\n\"config\": ", t->set.count,
                t->set.digest);
    dp_config_format(t->config, text);
}

static const char *text_at(const cJSON *root, const char *section, const char *key)
{
    const cJSON *object =
        section ? cJSON_GetObjectItemCaseSensitive(root, section) : root;
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "nothing";
}

/* Whether a run.json is of this run. */
static dp_status compare_run(dp_error *err, const dp_test *t, const cJSON *root,
                             const char *path)
{
    const struct {
        const char *what, *section, *key, *expected;
    } parts[] = {
        {"version", NULL, "version", DP_VERSION},
        {"precision", NULL, "precision", precision(t)},
        {"SHA-256 of the weights", "weights", "sha256", t->weights},
        {"SHA-256 of the list of images", "dataset", "sha256", t->set.digest},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *found = text_at(root, parts[i].section, parts[i].key);
        if (strcmp(found, parts[i].expected) != 0)
            return dp_fail(err, DP_EARG,
                           "%s is of another run: %s: found %s, expected %s; name "
                           "another run directory",
                           path, parts[i].what, found, parts[i].expected);
    }
    if (cJSON_Compare(cJSON_GetObjectItemCaseSensitive(root, "config"),
                      dp_config_root(t->config), true))
        return DP_OK;
    return dp_fail(err, DP_EARG,
                   "%s is of another run: its config differs from %s as it is run now; "
                   "name another run directory",
                   path, t->options.config);
}

static dp_status save_run(dp_error *err, const dp_test *t, const char *path)
{
    dp_text text = {.err = err};
    dp_text_add(&text, "{");
    dp_plan_add_json(&text, t);
    dp_text_add(&text, "}\n");
    const dp_status st = dp_results_save(err, path, &text);
    dp_text_done(&text);
    return st;
}

/* Take over the directory of another run that has no result, as after a wrong option; else
 * the sentence that refused it stays. */
static dp_status take_over(dp_error *err, const dp_test *t, const char *path)
{
    dp_error quiet = {0};
    bool removed;
    if (dp_run_directory_discard(&quiet, t->directory_path, &removed) != DP_OK ||
        !removed)
        return err->code;
    *err = (dp_error){0};
    return save_run(err, t, path);
}

static dp_status claim(dp_error *err, const dp_test *t, const char *path)
{
    cJSON *root;
    if (access(path, F_OK) != 0)
        return save_run(err, t, path);
    dp_status st = dp_json_load(err, &root, path);
    if (st == DP_OK)
        st = compare_run(err, t, root, path);
    cJSON_Delete(root);
    return st == DP_OK || st == DP_ENOMEM ? st : take_over(err, t, path);
}

dp_status dp_plan_claim(dp_error *err, const dp_test *t)
{
    char *path = NULL;
    dp_status st = dp_path_make_folders(err, t->directory_path);
    if (st == DP_OK)
        st = dp_path_join(err, &path, t->directory_path, "run.json");
    if (st == DP_OK)
        st = claim(err, t, path);
    dp_free(path);
    return st;
}
