#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "train/trainer.h"

#include "base/memory.h"
#include "train/evaluation.h"
#include "train/gradient_clip.h"
#include "train/image_inputs.h"
#include "train/micro_batch.h"
#include "train/network_load.h"
#include "train/ranks.h"
#include "train/run_folder.h"
#include "train/saved_state.h"

#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct dp_trainer {
    dp_trainer_options options;
    dp_run_folder folder;
    char *state; /* owned: path */
    dp_run_identity identity;
    dp_network *network;
    dp_optimizer optimizer;
    dp_epochs epochs;
    dp_micro_batch micro;
    dp_training_input input;
    dp_loader *train, *val;
    int *all, *own, *val_order; /* owned */
    size_t val_count;           /* of val_order */
    dp_run_progress progress;
    bool resumed;
    double saved;         /* when the state was saved last, seconds */
    bool average_is_best; /* its weights are those of the model   */

    /* of dp_trainer_run */
    const dp_trainer_events *events;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- start ----------------------------------------------------------------------- */

/* A sentence that was left in the context, as the caller's. */
static dp_status take_error(dp_error *err, dp_trainer *t, dp_status st)
{
    if (st != DP_OK)
        *err = t->options.ctx->err;
    return st;
}

static dp_status build_network(dp_error *err, dp_trainer *t, bool resumes)
{
    const dp_trainer_options *o = &t->options;
    const dp_network_options options = {.seed = o->training->seed,
                                        .layer_scale = o->training->layer_scale,
                                        .head_scale = o->training->head_scale,
                                        .freeze = o->freeze,
                                        .freeze_count = o->freeze_count,
                                        .sum =
                                            t->epochs.ranks > 1 ? dp_ranks_sum : NULL};
    dp_status st =
        resumes || !o->weights
            ? dp_network_new(o->ctx, &t->network, o->config, &options)
            : dp_network_load(o->ctx, &t->network, o->config, o->weights, &options);
    st = take_error(err, t, st);
    if (st != DP_OK)
        return st;
    const dp_parameter_gradients trained = {dp_network_parameters(t->network),
                                            dp_network_gradients(t->network)};
    const dp_input *in = dp_network_input(t->network);
    if (in->resize != DP_INPUT_CROP && in->resize != DP_INPUT_WARP)
        return dp_fail(
            err, DP_ECONFIG,
            "%s: input.resize: found %s, expected crop or warp, where all inputs "
            "have one size",
            dp_config_path(o->config), dp_input_resize_name(in->resize));
    return dp_optimizer_init(err, &t->optimizer, o->training, &trained);
}

static int evaluation_batch(const dp_trainer *t)
{
    return t->options.training->batch * 3 / 2;
}

static dp_status start_loaders(dp_error *err, dp_trainer *t)
{
    const dp_trainer_options *o = &t->options;
    /* The evaluation only reads it. */
    dp_input *in = (dp_input *)(uintptr_t)dp_network_input(t->network);
    const int workers = o->workers > 0 ? o->workers : dp_pool_threads(o->ctx->pool);
    dp_loader_options options = {.images = &o->images->split[DP_SPLIT_TRAIN],
                                 .size = o->training->transform.size,
                                 .batch = o->training->batch,
                                 .workers = workers,
                                 .kernels = &o->ctx->kernels,
                                 .prepare = dp_training_input_run,
                                 .arg = &t->input};
    t->input = (dp_training_input){&o->training->transform, o->training->seed};
    dp_status st = dp_loader_new(err, &t->train, &options);
    options.images = &o->images->split[DP_SPLIT_VAL];
    options.size = dp_input_frame(in, (dp_size){1, 1}).padded;
    options.batch = evaluation_batch(t);
    options.prepare = dp_evaluation_input_run;
    options.arg = in;
    if (st == DP_OK)
        st = dp_loader_new(err, &t->val, &options);
    return st;
}

/* Of the images to evaluate on, every process takes one batch after the other. */
static dp_status take_orders(dp_error *err, dp_trainer *t)
{
    const size_t count = t->options.images->split[DP_SPLIT_VAL].count;
    const dp_array arrays[] = {DP_ARRAY(t->all, t->epochs.images),
                               DP_ARRAY(t->own, dp_epochs_own(&t->epochs)),
                               DP_ARRAY(t->val_order, count)};
    const dp_status st = dp_alloc_arrays(err, arrays, 3, "the order of images");
    for (size_t i = 0; i < count && st == DP_OK; i++)
        if (i / (size_t)evaluation_batch(t) % (size_t)t->epochs.ranks ==
            (size_t)t->epochs.rank)
            t->val_order[t->val_count++] = (int)i;
    return st;
}

/* Files are written by one process. */
static bool writes(const dp_trainer *t)
{
    return t->epochs.rank == 0;
}

static dp_status save_state(dp_error *err, dp_trainer *t)
{
    dp_status st = DP_OK;
    if (writes(t))
        st = dp_saved_state_save(err, t->state, &t->identity, &t->progress,
                                 &t->optimizer);
    t->saved = now();
    return dp_ranks_agree(err, st);
}

static int64_t steps_done(const dp_trainer *t)
{
    return (int64_t)t->progress.epoch * t->epochs.steps + t->progress.step;
}

static dp_status load_state(dp_error *err, dp_trainer *t, const dp_checkpoint *state)
{
    dp_run_progress *p = &t->progress;
    const dp_status st = dp_saved_state_load(err, p, &t->optimizer, state, t->state);
    if (st != DP_OK)
        return st;
    if (p->step > t->epochs.steps || p->epoch > t->options.training->epochs)
        return dp_fail(err, DP_EFORMAT, "%s: further than the end of the run",
                       t->state);
    t->optimizer.steps = steps_done(t);
    t->average_is_best = p->best_average >= 0 && p->best_average >= p->best;
    t->resumed = true;
    return DP_OK;
}

/* A config without a state is not of a run: it stays as it is. */
static dp_status check_new(dp_error *err, dp_trainer *t)
{
    char *config;
    dp_status st = dp_run_folder_find(err, &config, &t->folder, DP_RUN_CONFIG);
    if (st == DP_OK && access(config, F_OK) == 0)
        st = dp_fail(err, DP_EARG,
                     "%s is there, but no " DP_RUN_STATE
                     ": not the folder of a run; give a new folder",
                     config);
    dp_free(config);
    return st;
}

static dp_status save_config(dp_error *err, const dp_trainer *t)
{
    dp_status st = DP_OK;
    if (writes(t))
        st = dp_run_folder_save_config(err, &t->folder, t->options.config,
                                       t->average_is_best ? "best_ema.safetensors"
                                                          : "best.safetensors");
    return dp_ranks_agree(err, st);
}

/* What stands in the folder before the network is built. */
static dp_status prepare_folder(dp_error *err, dp_trainer *t)
{
    const dp_trainer_options *o = &t->options;
    dp_checkpoint *state = NULL;
    dp_status st = dp_run_folder_open(err, &t->folder, o->work, writes(t));
    if (st == DP_OK)
        st = dp_run_folder_find(err, &t->state, &t->folder, DP_RUN_STATE);
    if (st == DP_OK)
        st = dp_run_folder_lay(err, &t->folder, o->config, &o->images->classes);
    if (st != DP_OK || !writes(t))
        return st;
    st = dp_saved_state_open(err, &state, t->state, &t->identity);
    if (st == DP_OK && !state)
        st = check_new(err, t);
    if (st == DP_OK)
        st = dp_run_folder_save_classes(err, &t->folder, &o->images->classes);
    dp_checkpoint_close(state);
    return st;
}

/* The network, as it is at first or as the state has it, and what feeds it. */
static dp_status build(dp_error *err, dp_trainer *t)
{
    dp_checkpoint *state;
    dp_status st = dp_saved_state_open(err, &state, t->state, &t->identity);
    if (st == DP_OK)
        st = build_network(err, t, state != NULL);
    if (st == DP_OK && state)
        st = load_state(err, t, state);
    dp_checkpoint_close(state);
    if (st == DP_OK)
        st = dp_micro_batch_init(err, &t->micro, &t->epochs, t->network,
                                 t->options.ctx->pool);
    if (st == DP_OK)
        st = take_orders(err, t);
    return st == DP_OK ? start_loaders(err, t) : st;
}

static dp_status start(dp_error *err, dp_trainer *t)
{
    const dp_trainer_options *o = &t->options;
    dp_status st = dp_epochs_init(err, &t->epochs, o->training,
                                  o->images->split[DP_SPLIT_TRAIN].count,
                                  dp_ranks_own(), dp_ranks_count());
    t->identity = (dp_run_identity){o->config, o->images->digest, t->epochs.ranks};
    t->progress = (dp_run_progress){.best = -1, .best_average = -1};
    if (st == DP_OK)
        st = prepare_folder(err, t);
    st = dp_ranks_agree(err, st);
    if (st == DP_OK)
        st = dp_ranks_agree(err, build(err, t));
    if (st == DP_OK && !t->resumed)
        st = save_state(err, t);
    return st == DP_OK ? save_config(err, t) : st;
}

dp_status dp_trainer_new(dp_error *err, dp_trainer **out,
                         const dp_trainer_options *options)
{
    dp_trainer *t;
    *out = NULL;
    dp_status st = dp_alloc(err, &t, 1, sizeof *t, "a trainer");
    if (st != DP_OK)
        return st;
    t->options = *options;
    st = start(err, t);
    if (st == DP_OK)
        *out = t;
    else
        dp_trainer_free(t);
    return st;
}

void dp_trainer_free(dp_trainer *t)
{
    if (!t)
        return;
    dp_loader_free(t->train);
    dp_loader_free(t->val);
    dp_micro_batch_done(&t->micro);
    dp_optimizer_done(&t->optimizer);
    dp_network_free(t->network);
    dp_run_folder_close(&t->folder);
    dp_free(t->state);
    dp_free(t->all);
    dp_free(t->own);
    dp_free(t->val_order);
    dp_free(t);
}

dp_trainer_position dp_trainer_where(const dp_trainer *t)
{
    dp_trainer_position w = {.step = steps_done(t),
                             .steps =
                                 (int64_t)t->options.training->epochs * t->epochs.steps,
                             .epoch = t->progress.epoch,
                             .epochs = t->options.training->epochs,
                             .resumed = t->resumed};
    const dp_parameters *p = dp_network_parameters(t->network);
    for (size_t i = 0; i < p->count; i++) {
        if (t->optimizer.trained.gradient[i])
            w.parameters += p->list[i].count;
        else if (!p->list[i].buffer)
            w.frozen += p->list[i].count;
    }
    return w;
}

/* ---- steps ----------------------------------------------------------------------- */

/* The first process decides. */
static bool wants_stop(const dp_trainer *t)
{
    return dp_ranks_share(t->events->stop && t->events->stop(t->events->arg));
}

static bool wants_state(const dp_trainer *t)
{
    const double every = t->options.save_every;
    return t->progress.step < t->epochs.steps &&
           dp_ranks_share(every > 0 && now() - t->saved >= every);
}

static dp_status fail_at(dp_error *err, const dp_trainer *t, const char *what,
                         double value)
{
    return dp_fail(err, DP_ECONFIG,
                   "step %lld, epoch %d: the %s is %g: training cannot go on, a lower "
                   "lr may help; "
                   "%s has the last state",
                   (long long)steps_done(t) + 1, t->progress.epoch + 1, what,
                   fabs(value), t->state);
}

/* The micro-batches of a step: gradients, and the mean loss. */
static dp_status add_gradients(dp_error *err, dp_trainer *t, dp_step_record *record)
{
    const int accumulate = t->options.training->accumulate;
    for (int u = 0; u < accumulate; u++) {
        dp_batch batch;
        double loss = 0;
        const double before = now();
        dp_status st = dp_ranks_agree(err, dp_loader_next(err, t->train, &batch));
        record->waited += now() - before;
        if (st == DP_OK)
            st = dp_micro_batch_run(err, &t->micro, &batch, t->progress.epoch,
                                    t->progress.step * accumulate + u, &loss);
        if (st != DP_OK)
            return st;
        if (!isfinite(loss))
            return fail_at(err, t, "loss", loss);
        record->loss += loss / accumulate;
    }
    return DP_OK;
}

/* The mean over the processes. */
static void share_gradients(dp_trainer *t)
{
    const dp_parameter_gradients *g = &t->optimizer.trained;
    if (t->epochs.ranks == 1)
        return;
    for (size_t i = 0; i < g->parameters->count; i++) {
        const size_t count = g->parameters->list[i].count;
        if (!g->gradient[i])
            continue;
        dp_ranks_sum_f32(g->gradient[i], count);
        dp_gradient_scale(t->options.ctx->pool, g->gradient[i], count,
                          1.0 / t->epochs.ranks);
    }
}

static dp_status run_step(dp_error *err, dp_trainer *t)
{
    const dp_training *training = t->options.training;
    dp_run_progress *p = &t->progress;
    const double before = now();
    dp_step_record record = {.step = steps_done(t) + 1,
                             .steps = (int64_t)training->epochs * t->epochs.steps,
                             .epoch = p->epoch,
                             .epochs = training->epochs,
                             .rate = dp_epochs_rate(&t->epochs, p->epoch, p->step),
                             .decay = dp_epochs_decay(&t->epochs, p->epoch, p->step),
                             .images = dp_epochs_micro_batch(&t->epochs) *
                                       training->accumulate};
    const dp_status st = add_gradients(err, t, &record);
    if (st != DP_OK)
        return st;
    share_gradients(t);
    record.norm = dp_optimizer_run(&t->optimizer, t->options.ctx->pool,
                                   &t->options.ctx->kernels, record.rate, record.decay);
    if (!isfinite(record.norm))
        return fail_at(err, t, "norm of the gradient", record.norm);
    dp_network_clear_gradients(t->network);
    p->step++;
    p->loss += record.loss;
    record.seconds = now() - before;
    if (t->events->step)
        t->events->step(t->events->arg, &record);
    return DP_OK;
}

/* The rest of the epoch under way; *stopped: not all of it. */
static dp_status run_steps(dp_error *err, dp_trainer *t, bool *stopped)
{
    const dp_training *training = t->options.training;
    const size_t count = dp_epochs_own(&t->epochs);
    const size_t done = (size_t)t->progress.step * (size_t)training->accumulate *
                        (size_t)training->batch;
    dp_status st = DP_OK;
    *stopped = false;
    if (done < count) {
        dp_epochs_order(&t->epochs, t->progress.epoch, t->all, t->own);
        dp_loader_start(t->train, t->own + done, count - done,
                        (uint32_t)t->progress.epoch);
    }
    while (st == DP_OK && t->progress.step < t->epochs.steps) {
        if (wants_stop(t)) {
            *stopped = true;
            return save_state(err, t);
        }
        st = run_step(err, t);
        if (st == DP_OK && wants_state(t))
            st = save_state(err, t);
    }
    return st;
}

/* ---- evaluations ----------------------------------------------------------------- */

static bool go_on(void *arg, size_t done)
{
    const dp_trainer *t = arg;
    if (t->events->evaluating)
        t->events->evaluating(t->events->arg, done, t->val_count);
    /* Processes that have another number of batches do not meet here. */
    return t->epochs.ranks > 1 || !wants_stop(t);
}

/* Put the average in the network's place, or back. */
static void swap_average(dp_trainer *t)
{
    const dp_parameters *p = dp_network_parameters(t->network);
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->list[i].count; k++) {
            const float value = p->list[i].value[k];
            p->list[i].value[k] = t->optimizer.average[i][k];
            t->optimizer.average[i][k] = value;
        }
}

static dp_status evaluate(dp_error *err, dp_trainer *t, dp_evaluation *out, bool *whole)
{
    dp_evaluation_sums sums;
    dp_loader_start(t->val, t->val_order, t->val_count, 0);
    const dp_status st = dp_ranks_agree(
        err, dp_evaluation_run(err, &sums, whole, t->network, t->val, go_on, t));
    if (st != DP_OK || !*whole)
        return st;
    double values[] = {sums.images, sums.loss, sums.first, sums.five};
    dp_ranks_sum(NULL, values, sizeof values / sizeof *values);
    *out = (dp_evaluation){(size_t)values[0], values[1] / values[0],
                           100 * values[2] / values[0], 100 * values[3] / values[0]};
    return DP_OK;
}

static dp_status evaluate_all(dp_error *err, dp_trainer *t, dp_epoch_record *record,
                              bool *whole)
{
    dp_status st = evaluate(err, t, &record->model, whole);
    record->has_average = t->optimizer.average != NULL;
    if (st != DP_OK || !*whole || !record->has_average)
        return st;
    swap_average(t);
    st = evaluate(err, t, &record->average, whole);
    swap_average(t);
    return st;
}

/* Write the weights as the last, and as the best where they are. */
static dp_status save_weights(dp_error *err, const dp_trainer *t,
                              const dp_epoch_record *record)
{
    const struct {
        bool wanted;
        const char *name;
        float *const *values;
    } files[] = {{true, "last", NULL},
                 {record->best, "best", NULL},
                 {record->has_average, "last_ema", t->optimizer.average},
                 {record->best_average, "best_ema", t->optimizer.average}};
    dp_status st = DP_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && st == DP_OK; i++)
        if (files[i].wanted && writes(t))
            st = dp_run_folder_save_weights(err, &t->folder, files[i].name,
                                            dp_network_parameters(t->network),
                                            files[i].values);
    return dp_ranks_agree(err, st);
}

static bool is_better(double *best, double top1)
{
    const bool better = top1 > *best;
    *best = better ? top1 : *best;
    return better;
}

static dp_status keep_best(dp_error *err, dp_trainer *t, dp_epoch_record *record)
{
    dp_run_progress *p = &t->progress;
    record->best = is_better(&p->best, record->model.top1);
    record->best_average =
        record->has_average && is_better(&p->best_average, record->average.top1);
    const dp_status st = save_weights(err, t, record);
    const bool average = record->has_average && p->best_average >= p->best;
    if (st != DP_OK || average == t->average_is_best)
        return st;
    t->average_is_best = average;
    return save_config(err, t);
}

/* After the last step of an epoch: evaluate, write, and go to the next. */
static dp_status end_epoch(dp_error *err, dp_trainer *t, bool *stopped)
{
    const dp_training *training = t->options.training;
    dp_run_progress *p = &t->progress;
    dp_epoch_record record = {.epoch = p->epoch,
                              .epochs = training->epochs,
                              .step = steps_done(t),
                              .loss = p->loss / t->epochs.steps};
    record.evaluated = (p->epoch + 1) % training->evaluate_every == 0 ||
                       p->epoch + 1 == training->epochs;
    if (record.evaluated) {
        bool whole;
        dp_status st = evaluate_all(err, t, &record, &whole);
        *stopped = !whole;
        if (st == DP_OK && !whole)
            return save_state(err, t);
        if (st == DP_OK)
            st = keep_best(err, t, &record);
        if (st != DP_OK)
            return st;
    }
    p->epoch++;
    p->step = 0;
    p->loss = 0;
    if (t->events->epoch)
        t->events->epoch(t->events->arg, &record);
    return save_state(err, t);
}

dp_status dp_trainer_run(dp_error *err, dp_trainer *t, const dp_trainer_events *events)
{
    static const dp_trainer_events none = {0};
    bool stopped = false;
    dp_status st = DP_OK;
    t->events = events ? events : &none;
    t->saved = now();
    while (st == DP_OK && !stopped && t->progress.epoch < t->options.training->epochs) {
        st = run_steps(err, t, &stopped);
        if (st == DP_OK && !stopped)
            st = end_epoch(err, t, &stopped);
    }
    return st;
}
