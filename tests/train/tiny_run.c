#define _POSIX_C_SOURCE 200809L
#include "tests/train/tiny_run.h"

#include <signal.h>

static void on_step(void *arg, const dp_step_record *record)
{
    tiny_run *r = arg;
    r->step = *record;
    if (++r->steps == r->kill_at)
        raise(SIGKILL);
}

static void on_epoch(void *arg, const dp_epoch_record *record)
{
    tiny_run *r = arg;
    r->epoch = *record;
    r->epochs++;
}

static bool on_stop(void *arg)
{
    tiny_run *r = arg;
    return r->asked++ == r->stop_at;
}

dp_training tiny_training(void)
{
    dp_training t = {.seed = 5,
                     .epochs = 3,
                     .batch = 4,
                     .accumulate = 2,
                     .adamw = dp_adamw_recipe,
                     .groups = {.rate = 1},
                     .clip_norm = 5,
                     .rate = {.base = 0.01, .last = 1e-4, .warmup = 1},
                     .decay = {.base = 0.05, .last = 0.2},
                     .mixup = dp_mixup_recipe,
                     .smoothing = 0.1,
                     .drop_path = 0.2,
                     .average_decay = 0.9,
                     .layer_scale = 0.1,
                     .head_scale = 1,
                     .evaluate_every = 2};
    dp_image_transform_build(&t.transform, TINY_SIDE);
    return t;
}

dp_training tiny_training_plain(void)
{
    dp_training t = tiny_training();
    t.mixup = (dp_mixup){0};
    t.drop_path = t.average_decay = t.clip_norm = 0;
    t.optimizer = DP_OPTIMIZER_SGD;
    t.momentum = 0.9;
    t.rate = (dp_schedule){.base = 0.1};
    t.epochs = 1;
    return t;
}

dp_status tiny_run_init(tiny_run *r, const dp_training *training, int threads,
                        const char *cpu, const char *config, const char *images)
{
    *r = (tiny_run){.training = *training, .stop_at = -1};
    const dp_image_lists_options lists = {.path = images};
    dp_status st =
        dp_context_new(&r->ctx, &(dp_options){.threads = threads, .cpu = cpu});
    if (st == DP_OK)
        st = dp_config_load(&r->err, &r->config, config);
    if (st == DP_OK)
        st = dp_image_lists_load(&r->err, &r->images, &lists);
    r->options = (dp_trainer_options){.config = r->config,
                                      .training = &r->training,
                                      .images = &r->images,
                                      .ctx = r->ctx,
                                      .workers = threads};
    r->events = (dp_trainer_events){
        .arg = r, .step = on_step, .epoch = on_epoch, .stop = on_stop};
    return st;
}

void tiny_run_done(tiny_run *r)
{
    dp_image_lists_done(&r->images);
    dp_config_free(r->config);
    dp_context_free(r->ctx);
}

dp_status tiny_run_go(tiny_run *r, const char *work)
{
    dp_trainer *t;
    r->options.work = work;
    dp_status st = dp_trainer_new(&r->err, &t, &r->options);
    if (st == DP_OK)
        st = dp_trainer_run(&r->err, t, &r->events);
    dp_trainer_free(t);
    return st;
}
