#include "train/epochs.h"

#include "base/random.h"
#include "train/purpose.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>

static bool mixes(const dp_training *t)
{
    return t->mixup.mixup_alpha > 0 || t->mixup.cutmix_alpha > 0;
}

/* The schedule in steps, where it is told in epochs. */
static dp_schedule in_steps(const dp_epochs *e, dp_schedule s, int warmup_steps)
{
    const double unit = s.kind == DP_SCHEDULE_EPOCH_COSINE ? 1 : e->steps;
    s.length = e->training->epochs * unit;
    s.warmup = warmup_steps > 0 ? warmup_steps * unit / e->steps : s.warmup * unit;
    if (s.kind != DP_SCHEDULE_EPOCH_COSINE)
        s.warmup = floor(s.warmup);
    for (int i = 0; i < s.step_count; i++)
        s.steps[i] *= unit;
    return s;
}

dp_status dp_epochs_init(dp_error *err, dp_epochs *e, const dp_training *t,
                         size_t images, int rank, int ranks)
{
    *e = (dp_epochs){.images = images, .rank = rank, .ranks = ranks, .training = t};
    const double step = (double)t->batch * t->accumulate * ranks;
    const double steps = floor((double)images / step);
    if (mixes(t) && t->batch % 2)
        return dp_fail(
            err, DP_ECONFIG,
            "batch: found %d, expected an even number: images are mixed in pairs",
            t->batch);
    if (steps < 1)
        return dp_fail(
            err, DP_EARG,
            "found %zu images to train on, expected %.0f or more: the images of a "
            "step, %d of a batch%s",
            images, step, t->batch,
            step > t->batch ? " times micro-batches and processes" : "");
    if (steps * t->epochs > INT_MAX || images > INT_MAX)
        return dp_fail(err, DP_ECONFIG, "a run of more than %d steps", INT_MAX);
    e->steps = (int)steps;
    e->rate = in_steps(e, t->rate, t->warmup_steps);
    e->decay = in_steps(e, t->decay, 0);
    if (e->rate.warmup > e->rate.length)
        return dp_fail(
            err, DP_ECONFIG,
            "the warm-up is longer than the run, which has %d epochs of %d steps",
            t->epochs, e->steps);
    return DP_OK;
}

int dp_epochs_micro_batch(const dp_epochs *e)
{
    return e->training->batch * e->ranks;
}

int dp_epochs_place(const dp_epochs *e, int i)
{
    const int batch = e->training->batch, half = batch / 2;
    if (batch % 2)
        return e->rank * batch + i;
    const int mirrored = i < half ? i : batch - 1 - i;
    const int place = e->rank * half + mirrored;
    return i < half ? place : dp_epochs_micro_batch(e) - 1 - place;
}

size_t dp_epochs_own(const dp_epochs *e)
{
    return (size_t)e->steps * (size_t)e->training->accumulate *
           (size_t)e->training->batch;
}

void dp_epochs_order(const dp_epochs *e, int epoch, int *all, int *own)
{
    const int batch = e->training->batch;
    const size_t count = dp_epochs_own(e), most = (size_t)dp_epochs_micro_batch(e);
    dp_random random;
    dp_random_init(&random, e->training->seed, (uint32_t)epoch, 0, DP_PURPOSE_ORDER);
    dp_random_permutation(&random, all, (int)e->images);
    for (size_t i = 0; i < count; i++)
        own[i] = all[i / (size_t)batch * most +
                     (size_t)dp_epochs_place(e, (int)(i % (size_t)batch))];
}

/* Where a step is on the time of a schedule. */
static double time_of(const dp_epochs *e, const dp_schedule *s, int epoch, int step)
{
    if (s->kind != DP_SCHEDULE_EPOCH_COSINE)
        return (double)epoch * e->steps + step;
    const double batches = floor((double)e->images / dp_epochs_micro_batch(e));
    return epoch + (double)step * e->training->accumulate / batches;
}

double dp_epochs_rate(const dp_epochs *e, int epoch, int step)
{
    return dp_schedule_at(&e->rate, time_of(e, &e->rate, epoch, step));
}

double dp_epochs_decay(const dp_epochs *e, int epoch, int step)
{
    return dp_schedule_at(&e->decay, time_of(e, &e->decay, epoch, step));
}
