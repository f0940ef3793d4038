/* include/densepred/train.h: a config with its recipe, its data and its folder, given to the
 * trainer of train/; the records come back as a log, a page and calls. */
#include "densepred/train.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/path.h"
#include "core/module.h"
#include "model/model.h"
#include "model/shipped.h"
#include "report/train_page.h"
#include "train/ranks.h"
#include "train/recipe.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { STAGES = 4, FREEZE_PATTERNS = DP_RECIPE_FREEZE / 2 };

static const double page_seconds =
    10; /* from one page to the next, of a run that goes on */

/* Of the mean time of steps: what a step keeps of those before it. */
static const double memory_of_pace = 0.95;

struct dp_train {
    dp_context *ctx;
    dp_train_options options;
    dp_train_part part;
    dp_config *config; /* owned */
    dp_recipe recipe;
    dp_training training;
    dp_image_lists images;
    char freeze[DP_RECIPE_FREEZE]; /* the recipe's, cut into patterns */
    const char *patterns[FREEZE_PATTERNS];
    int pattern_count;
    dp_trainer *trainer;
    dp_history history;

    const dp_train_events *events; /* of the run; may be NULL */
    dp_status status;              /* of the log and the page */
    double weight, seconds, shown; /* sums over the last steps, and images in them */
    double since_page;
    double epoch_began,
        evaluation; /* seconds: when its last step was done; how long it took */
};

/* ---- the config ----------------------------------------------------------------------------- */

/* The recipe that `name` means: a path, or a name of the shipped folder. */
static dp_status find_recipe(dp_error *err, char **path, const char *name,
                             const char *configs)
{
    const size_t length = strlen(name);
    *path = NULL;
    if (strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".json") == 0))
        return dp_strdup(err, path, name);
    dp_shipped all, recipes = {0};
    char *folder = NULL;
    dp_status st = dp_shipped_load(err, &all, configs);
    if (st == DP_OK)
        st = dp_path_join(err, &folder, all.folder, "recipes");
    if (st == DP_OK)
        st = dp_shipped_load(err, &recipes, folder);
    dp_nearest nearest = {.word = name};
    for (size_t i = 0; st == DP_OK && i < recipes.count; i++) {
        dp_nearest_offer(&nearest, recipes.name[i]);
        if (strcmp(recipes.name[i], name) == 0) {
            dp_text file = {.err = err};
            dp_text_add(&file, "%s/%s.json", folder, name);
            st = file.status == DP_OK ? dp_strdup(err, path, dp_text_get(&file))
                                      : file.status;
            dp_text_done(&file);
        }
    }
    if (st == DP_OK && !*path)
        st = dp_fail(err, DP_ECONFIG, "unknown recipe '%s'%s%s%s", name,
                     nearest.best ? "; did you mean '" : "; see configs/recipes",
                     nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
    dp_free(folder);
    dp_shipped_done(&recipes);
    dp_shipped_done(&all);
    return st;
}

/* Put the recipe's section "train" in the place of the config's. */
static dp_status take_recipe(dp_error *err, dp_config *config, const dp_config *recipe)
{
    const cJSON *section;
    dp_status st = dp_config_section(err, &section, recipe, "train");
    if (st != DP_OK)
        return st;
    char *json = cJSON_PrintUnformatted(section);
    dp_text text = {.err = err};
    dp_text_add(&text, "{\"train\": %s}", json ? json : "");
    cJSON_free(json);
    st = json ? text.status : dp_fail(err, DP_ENOMEM, "out of memory: a recipe");
    if (st == DP_OK)
        st = dp_config_lay(err, config, "{\"train\": null}", dp_config_path(recipe));
    if (st == DP_OK)
        st = dp_config_lay(err, config, dp_text_get(&text), dp_config_path(recipe));
    dp_text_done(&text);
    return st;
}

static dp_status lay_recipe(dp_error *err, dp_train *t)
{
    char *path;
    dp_config *recipe = NULL;
    dp_status st = find_recipe(err, &path, t->options.recipe, t->options.configs);
    if (st == DP_OK)
        st = dp_shipped_open(err, &recipe, path, t->options.configs);
    if (st == DP_OK)
        st = take_recipe(err, t->config, recipe);
    dp_config_free(recipe);
    dp_free(path);
    return st;
}

static dp_status check_model(dp_error *err, const dp_config *config)
{
    const dp_module *module;
    dp_status st = dp_module_check_keys(err, config);
    if (st == DP_OK)
        st = dp_module_choose(err, &module, config, DP_MODULE_MODEL);
    if (st != DP_OK)
        return st;
    if (dp_model_def_of(module)->task != DP_TASK_CLASSIFY)
        return dp_fail(err, DP_ECONFIG,
                       "%s: training needs a classifier; this is a model of type %s",
                       dp_config_path(config), module->name);
    if (!cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "train"))
        return dp_fail(err, DP_ECONFIG,
                       "%s: has no section \"train\"; give a recipe, such as "
                       "small_finetune or small_scratch",
                       dp_config_path(config));
    return DP_OK;
}

static dp_status open_config(dp_error *err, dp_train *t)
{
    const dp_train_options *o = &t->options;
    dp_status st = dp_shipped_open(err, &t->config, o->model, o->configs);
    if (st == DP_OK && o->recipe)
        st = lay_recipe(err, t);
    if (st == DP_OK)
        st = dp_config_set(err, t->config, o->set, o->set_count);
    if (st == DP_OK)
        st = check_model(err, t->config);
    return st == DP_OK ? dp_recipe_parse(err, &t->recipe, t->config) : st;
}

/* ---- the training --------------------------------------------------------------------------- */

/* Give the head as many classes as the data have. */
static dp_status set_classes(dp_error *err, dp_train *t)
{
    const cJSON *head =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(t->config), "cls_head");
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(head, "num_classes");
    const int count = t->images.classes.count;
    if (cJSON_IsNumber(old) && old->valueint != count)
        dp_context_log(t->ctx,
                       "%s: the head gets %d classes, as the data have; the config "
                       "says %d",
                       dp_config_path(t->config), count, old->valueint);
    char text[64];
    snprintf(text, sizeof text, "cls_head.num_classes=%d", count);
    const char *const set[] = {text};
    return dp_config_set(err, t->config, set, 1);
}

static dp_status read_depths(dp_error *err, int depths[STAGES], const dp_config *config)
{
    const dp_module *module;
    const cJSON *section;
    memset(depths, 0, STAGES * sizeof *depths);
    dp_status st = dp_module_choose(err, &module, config, DP_MODULE_BACKBONE);
    if (st == DP_OK)
        st = dp_config_section(err, &section, config, "backbone");
    if (st != DP_OK)
        return st;
    const dp_param *row = module->params;
    while (row->key && strcmp(row->key, "depths") != 0)
        row++;
    if (!row->key)
        return DP_OK;
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(section, "depths");
    cJSON *initial = given ? NULL : cJSON_Parse(row->initial);
    const cJSON *list = given ? given : initial, *value = NULL;
    int s = 0;
    cJSON_ArrayForEach(value, list)
    {
        if (s < STAGES)
            depths[s++] = value->valueint;
    }
    cJSON_Delete(initial);
    return DP_OK;
}

static void cut_patterns(dp_train *t)
{
    memcpy(t->freeze, t->recipe.freeze, sizeof t->freeze);
    for (char *at = t->freeze; *at && t->pattern_count < FREEZE_PATTERNS;) {
        const size_t length = strcspn(at, ",");
        const bool last = !at[length];
        at[length] = '\0';
        if (length > 0)
            t->patterns[t->pattern_count++] = at;
        at += length + !last;
    }
}

static dp_status build_training(dp_error *err, dp_train *t)
{
    const cJSON *section;
    dp_input input;
    int depths[STAGES];
    dp_status st = dp_config_section(err, &section, t->config, "input");
    if (st == DP_OK)
        st = dp_params_parse(err, dp_input_params, &input, section, t->config, "input");
    if (st == DP_OK)
        st = dp_input_build(err, &input, t->config);
    if (st == DP_OK)
        st = read_depths(err, depths, t->config);
    if (st == DP_OK)
        dp_recipe_build(&t->recipe, &input, depths, dp_ranks_count(), &t->training);
    cut_patterns(t);
    return st;
}

/* ---- the folder: the first process writes ----------------------------------------------------------------------------- */

static dp_status open_history(dp_error *err, dp_train *t)
{
    const dp_trainer_position at = dp_trainer_where(t->trainer);
    char *path;
    if (dp_ranks_own() > 0)
        return DP_OK;
    dp_status st = dp_path_join(err, &path, t->options.directory, "log.jsonl");
    if (st == DP_OK)
        st = dp_history_open(err, &t->history, path, at.step, at.epoch);
    dp_free(path);
    return st;
}

static double images_per_second(const dp_train *t)
{
    return t->seconds > 0 ? t->shown / t->seconds : (double)NAN;
}

/* Steps that are left at the pace of the last ones, and evaluations at that of the last. */
static double seconds_left(const dp_train *t, int64_t steps_left, int epochs_left)
{
    const double a_step = t->weight > 0 ? t->seconds / t->weight : (double)NAN;
    return (double)steps_left * a_step +
           (double)epochs_left / t->recipe.eval_interval * t->evaluation;
}

static dp_status save_page(dp_error *err, dp_train *t, dp_train_state state)
{
    const dp_trainer_position at = dp_trainer_where(t->trainer);
    const dp_history *h = &t->history;
    const int64_t done = h->step_count ? h->steps[h->step_count - 1].step : 0;
    t->since_page = 0;
    if (dp_ranks_own() > 0)
        return DP_OK;
    return dp_train_page_save(
        err, t->options.directory,
        &(dp_train_page){.model = t->options.model,
                         .data = t->options.data,
                         .source = t->recipe.source,
                         .history = h,
                         .state = state,
                         .steps = at.steps,
                         .epochs = at.epochs,
                         .classes = t->images.classes.count,
                         .train_images = t->images.split[DP_SPLIT_TRAIN].count,
                         .val_images = t->images.split[DP_SPLIT_VAL].count,
                         .images_per_second = images_per_second(t),
                         .seconds_left = seconds_left(
                             t, at.steps - done, at.epochs - (int)h->epoch_count)});
}

/* ---- making one ----------------------------------------------------------------------------- */

static dp_status load_images(dp_error *err, dp_train *t)
{
    const dp_image_lists_options o = {.path = t->options.data,
                                      .set_aside = t->recipe.set_aside,
                                      .seed = (uint64_t)t->recipe.seed};
    return dp_image_lists_load(err, &t->images, &o);
}

static dp_status start(dp_error *err, dp_train *t)
{
    const dp_trainer_options o = {.work = t->options.directory,
                                  .config = t->config,
                                  .training = &t->training,
                                  .images = &t->images,
                                  .weights = t->options.weights,
                                  .freeze = t->patterns,
                                  .freeze_count = t->pattern_count,
                                  .ctx = t->ctx,
                                  .workers = t->options.workers,
                                  .save_every = t->recipe.save_interval};
    const dp_status st = dp_trainer_new(err, &t->trainer, &o);
    /* What is wrong with a checkpoint is a matter of the model. */
    if (st == DP_OK || (st != DP_ECONFIG && st != DP_ESHAPE && !t->options.weights))
        t->part = DP_TRAIN_PART_DIRECTORY;
    return st;
}

static dp_status prepare(dp_error *err, dp_train *t)
{
    const dp_train_options *o = &t->options;
    if (!o->model || !o->data || !o->directory)
        return dp_fail(err, DP_EARG, "training needs a model, data and a directory");
    t->part = DP_TRAIN_PART_MODEL;
    dp_status st = open_config(err, t);
    if (st == DP_OK) {
        t->part = DP_TRAIN_PART_DATA;
        st = load_images(err, t);
    }
    if (st == DP_OK) {
        t->part = DP_TRAIN_PART_MODEL;
        st = set_classes(err, t);
    }
    if (st == DP_OK)
        st = build_training(err, t);
    st = dp_ranks_agree(err, st);
    if (st == DP_OK)
        st = start(err, t);
    return st == DP_OK ? dp_ranks_agree(err, open_history(err, t)) : st;
}

dp_status dp_train_new(dp_context *ctx, dp_train **out, const dp_train_options *options)
{
    void *memory;
    *out = NULL;
    const dp_status st =
        dp_alloc(&ctx->err, &memory, 1, sizeof(dp_train), "a training");
    if (st != DP_OK)
        return st;
    dp_train *t = *out = memory;
    t->ctx = ctx;
    t->options = *options;
    return prepare(&ctx->err, t);
}

void dp_train_free(dp_train *t)
{
    if (!t)
        return;
    dp_trainer_free(t->trainer);
    dp_history_done(&t->history);
    dp_image_lists_done(&t->images);
    dp_config_free(t->config);
    dp_free(t);
}

dp_train_part dp_train_failed_part(const dp_train *t)
{
    return t->part;
}

dp_train_facts dp_train_get_facts(const dp_train *t)
{
    const dp_trainer_position at = dp_trainer_where(t->trainer);
    return (dp_train_facts){.classes = t->images.classes.count,
                            .train_images = t->images.split[DP_SPLIT_TRAIN].count,
                            .val_images = t->images.split[DP_SPLIT_VAL].count,
                            .parameters = at.parameters,
                            .frozen = at.frozen,
                            .step = at.step,
                            .steps = at.steps,
                            .epoch = at.epoch,
                            .epochs = at.epochs,
                            .resumed = at.resumed};
}

/* ---- running -------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void after_step(void *arg, const dp_step_record *r)
{
    dp_train *t = arg;
    if (t->status != DP_OK || dp_ranks_own() > 0)
        return;
    t->weight = t->weight * memory_of_pace + 1;
    t->seconds = t->seconds * memory_of_pace + r->seconds;
    t->shown = t->shown * memory_of_pace + r->images;
    t->since_page += r->seconds;
    t->epoch_began = now();
    t->status = dp_history_add_step(&t->ctx->err, &t->history, r);
    if (t->status == DP_OK && t->since_page >= page_seconds)
        t->status = save_page(&t->ctx->err, t, DP_TRAIN_RUNNING);
    if (!t->events || !t->events->step)
        return;
    const dp_train_step step = {
        .step = r->step,
        .steps = r->steps,
        .epoch = r->epoch,
        .epochs = r->epochs,
        .loss = r->loss,
        .rate = r->rate,
        .images_per_second = images_per_second(t),
        .seconds_left = seconds_left(t, r->steps - r->step, r->epochs - r->epoch)};
    t->events->step(t->events->arg, &step);
}

static void while_evaluating(void *arg, size_t done, size_t count)
{
    const dp_train *t = arg;
    if (t->events && t->events->evaluating)
        t->events->evaluating(t->events->arg, done, count);
}

static void after_epoch(void *arg, const dp_epoch_record *r)
{
    dp_train *t = arg;
    if (t->status != DP_OK || dp_ranks_own() > 0)
        return;
    if (r->evaluated && t->epoch_began > 0)
        t->evaluation = now() - t->epoch_began;
    t->status = dp_history_add_epoch(&t->ctx->err, &t->history, r);
    if (t->status == DP_OK)
        t->status = save_page(&t->ctx->err, t, DP_TRAIN_RUNNING);
    if (!t->events || !t->events->epoch)
        return;
    const bool average = r->evaluated && r->has_average;
    const dp_train_epoch epoch = {
        .epoch = r->epoch,
        .epochs = r->epochs,
        .loss = r->loss,
        .val_loss = r->evaluated ? r->model.loss : (double)NAN,
        .top1 = r->evaluated ? r->model.top1 : (double)NAN,
        .top5 = r->evaluated ? r->model.top5 : (double)NAN,
        .average_top1 = average ? r->average.top1 : (double)NAN,
        .best = r->evaluated && r->best};
    t->events->epoch(t->events->arg, &epoch);
}

static bool is_to_stop(void *arg)
{
    const dp_train *t = arg;
    return t->status != DP_OK ||
           (t->events && t->events->stop && t->events->stop(t->events->arg));
}

dp_status dp_train_run(dp_train *t, const dp_train_events *events)
{
    dp_error *err = &t->ctx->err;
    t->events = events;
    t->part = DP_TRAIN_PART_DIRECTORY;
    dp_status st = dp_ranks_agree(err, save_page(err, t, DP_TRAIN_RUNNING));
    if (st != DP_OK)
        return st;
    const dp_trainer_events own = {t, after_step, while_evaluating, after_epoch,
                                   is_to_stop};
    st = dp_trainer_run(err, t->trainer, &own);
    if (st == DP_EFORMAT || st == DP_ECONFIG)
        t->part = st == DP_EFORMAT ? DP_TRAIN_PART_DATA : DP_TRAIN_PART_MODEL;
    const dp_trainer_position at = dp_trainer_where(t->trainer);
    const bool finished = st == DP_OK && at.step == at.steps && at.epoch == at.epochs;
    dp_error ignored = {0};
    const dp_status saved = save_page(st == DP_OK ? err : &ignored, t,
                                      finished ? DP_TRAIN_FINISHED : DP_TRAIN_STOPPED);
    if (st == DP_OK)
        st = t->status != DP_OK ? t->status : saved;
    return st;
}
