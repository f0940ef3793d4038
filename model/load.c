/* dp_model_load: from a config's and a checkpoint's file to a model. */
#include "base/memory.h"
#include "io/checkpoint/checkpoint.h"
#include "model/cache.h"
#include "model/fit.h"
#include "model/model.h"
#include "model/names.h"
#include "model/shipped.h"

#include <stdio.h>
#include <string.h>

/* A refused value is missing from the tensors; its class says why. */
static void log_refusals(dp_context *ctx, const dp_checkpoint *checkpoint)
{
    size_t count;
    const dp_refusal *list = dp_checkpoint_refusals(checkpoint, &count);
    for (size_t i = 0; i < count; i++)
        dp_context_log(ctx, "not read: %s: a %s", list[i].name, list[i].class);
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n == m ? strcmp(name, end) == 0
                  : n > m && name[n - m - 1] == '.' && strcmp(name + n - m, end) == 0;
}

/* The backbone whose mark is among the tensors, whatever stands before the names; NULL
 * when none is. */
static const dp_module *recognise(const dp_named_tensor *tensors, size_t count)
{
    for (const dp_module *const *m = dp_modules; *m; m++) {
        const char *mark =
            (*m)->kind == DP_MODULE_BACKBONE ? dp_backbone_def_of(*m)->mark : NULL;
        for (size_t i = 0; mark && i < count; i++)
            if (ends_with(tensors[i].name, mark))
                return *m;
    }
    return NULL;
}

/* "3 classes" where nothing else is changed. */
static const char *what_changes(const dp_fit *fit, char *number, size_t size)
{
    for (const cJSON *section = fit->changes->child; section; section = section->next)
        for (const cJSON *v = section->child; v; v = v->next)
            if (strcmp(v->string, "num_classes") != 0)
                return "changes";
    snprintf(number, size, "%d classes", fit->classes);
    return number;
}

/* Add to the sentence which shipped config fits, if one does. */
static void say_what_fits(dp_context *ctx, const char *path, const char *configs,
                          const dp_named_tensor *tensors, size_t count)
{
    dp_error err = {0}, said = ctx->err;
    dp_fit fit;
    char number[32];
    if (dp_fit_find(ctx, &err, &fit, configs, tensors, count, NULL) != DP_OK)
        return; /* no folder of configs, or no memory: the first sentence holds */
    if (fit.model && !fit.changes->child)
        dp_fail(&ctx->err, said.code, "%s; it fits %s", said.text, fit.model);
    else if (fit.model)
        dp_fail(&ctx->err, said.code,
                "%s; with %s it fits %s: densepred config --from %s writes that config",
                said.text, what_changes(&fit, number, sizeof number), fit.model, path);
    dp_fit_done(&fit);
}

/* Put both files in front of the sentence, and both backbones when they differ. */
static void say_what_does_not_fit(dp_context *ctx, const char *path,
                                  const dp_config *config,
                                  const dp_named_tensor *tensors, size_t count)
{
    const dp_module *found = recognise(tensors, count);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "backbone"), "type");
    if (found && strcmp(found->name, type->valuestring) != 0)
        dp_fail_while(&ctx->err,
                      "%s as weights of %s: found a checkpoint of %s, expected "
                      "one of %s",
                      path, dp_config_path(config), found->name, type->valuestring);
    else
        dp_fail_while(&ctx->err, "%s as weights of %s", path, dp_config_path(config));
}

static dp_status build_from_checkpoint(dp_context *ctx, dp_model **out,
                                       const dp_config *config, const char *path,
                                       const char *configs, dp_model_weights weights)
{
    dp_checkpoint *checkpoint;
    dp_status st = dp_checkpoint_open(&ctx->err, &checkpoint, path);
    if (st != DP_OK)
        return st;
    dp_renamed renamed;
    size_t count;
    const dp_named_tensor *tensors = dp_checkpoint_tensors(checkpoint, &count);
    log_refusals(ctx, checkpoint);
    st = dp_names_apply(&ctx->err, &renamed, config, tensors, count);
    weights.tensors = renamed.tensors;
    weights.count = renamed.count;
    if (st == DP_OK)
        st = dp_model_build(ctx, out, config, &weights, NULL);
    if (st == DP_ESHAPE)
        say_what_does_not_fit(ctx, path, config, renamed.tensors, renamed.count);
    if (st == DP_ESHAPE)
        say_what_fits(ctx, path, configs, tensors, count);
    dp_names_done(&renamed);
    dp_checkpoint_close(checkpoint);
    return st;
}

/* Whether the model is there. What is wrong with a cache is said, and no failure. */
static bool build_from_cache(dp_context *ctx, dp_model **out, const dp_config *config,
                             const dp_model_weights *weights)
{
    if (dp_model_build(ctx, out, config, weights, NULL) == DP_OK)
        return true;
    if (ctx->err.code == DP_EFORMAT || ctx->err.code == DP_EIO)
        dp_context_log(ctx, "weight cache made anew: %s", ctx->err.text);
    ctx->err = (dp_error){0};
    return false;
}

/* By way of the cache beside the checkpoint. Where that cannot be, from the checkpoint
 * alone, whose sentences are better. */
static dp_status build_with_cache(dp_context *ctx, dp_model **out,
                                  const dp_config *config, const char *path,
                                  const char *configs, dp_model_weights weights)
{
    dp_error err = {0};
    dp_model_cache cache;
    dp_status st = dp_model_cache_init(&err, &cache, ctx, config, path);
    weights.cache = st == DP_OK ? &cache : NULL;
    if (st == DP_OK && build_from_cache(ctx, out, config, &weights)) {
        dp_model_cache_done(&cache);
        return DP_OK;
    }
    st = build_from_checkpoint(ctx, out, config, path, configs, weights);
    dp_model_cache_done(&cache);
    return st;
}

/* What the options change in the config. */
static dp_status change(dp_context *ctx, dp_config *config,
                        const dp_load_options *options)
{
    dp_status st = DP_OK;
    if (options->test)
        st = dp_config_lay_section(&ctx->err, config, "test", options->test);
    if (st == DP_OK && options->changes)
        st = dp_config_lay(&ctx->err, config, options->changes, "changes");
    if (st == DP_OK)
        st = dp_config_set(&ctx->err, config, options->set, options->set_count);
    return st;
}

/* Build from the checkpoint at `path`, NULL for none. */
static dp_status build(dp_context *ctx, dp_model **out, const dp_config *config,
                       const char *path, const dp_load_options *options)
{
    const dp_model_weights from = {.partial = options->partial, .seed = options->seed};
    if (!path)
        return dp_model_build(ctx, out, config, &from, NULL);
    if (options->cache && !options->partial)
        return build_with_cache(ctx, out, config, path, options->configs, from);
    return build_from_checkpoint(ctx, out, config, path, options->configs, from);
}

/* `name` is how the caller called the model. */
static dp_status load(dp_context *ctx, dp_model **out, dp_config *config,
                      const char *name, const char *weights,
                      const dp_load_options *options)
{
    char *shipped = NULL;
    dp_status st = DP_OK;
    if (!weights && !options->random)
        st = dp_shipped_find_weights(&ctx->err, &shipped, config);
    if (st == DP_OK && !weights && !shipped && !options->random)
        st = dp_fail(&ctx->err, DP_EARG,
                     "%s ships without a checkpoint: give one (--weights FILE)", name);
    if (st == DP_OK)
        st = change(ctx, config, options);
    if (st == DP_OK)
        st = build(ctx, out, config, weights ? weights : shipped, options);
    dp_free(shipped);
    return st;
}

dp_status dp_model_load(dp_context *ctx, dp_model **out, const char *name,
                        const char *weights, const dp_load_options *options)
{
    const dp_load_options none = {0};
    dp_config *config;
    *out = NULL;
    if (!options)
        options = &none;
    dp_status st = dp_shipped_open(&ctx->err, &config, name, options->configs);
    if (st == DP_OK)
        st = load(ctx, out, config, name, weights, options);
    dp_config_free(config);
    return st;
}
