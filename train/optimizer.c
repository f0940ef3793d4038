#include "train/optimizer.h"

#include "base/memory.h"
#include "train/gradient_clip.h"
#include "train/sgd.h"
#include "train/weight_average.h"

#include <math.h>
#include <string.h>

static const char what[] = "an optimizer's state";

/* A list of one pointer a parameter. */
static dp_status take_list(dp_error *err, dp_optimizer *o, float ***out)
{
    void *memory;
    const dp_status st = dp_store_take(
        err, &o->store, &memory, o->trained.parameters->count, sizeof **out, what);
    *out = memory;
    return st;
}

static dp_status take_values(dp_error *err, dp_optimizer *o, float **out, size_t count)
{
    void *memory;
    const dp_status st =
        dp_store_take(err, &o->store, &memory, count, sizeof **out, what);
    *out = memory;
    return st;
}

static dp_status take_moments(dp_error *err, dp_optimizer *o)
{
    const bool two = o->training->optimizer == DP_OPTIMIZER_ADAMW;
    const dp_parameters *p = o->trained.parameters;
    dp_status st = take_list(err, o, &o->first);
    if (st == DP_OK)
        st = take_list(err, o, &o->second);
    for (size_t i = 0; i < p->count && st == DP_OK; i++) {
        if (!o->trained.gradient[i])
            continue;
        st = take_values(err, o, &o->first[i], p->list[i].count);
        if (st == DP_OK && two)
            st = take_values(err, o, &o->second[i], p->list[i].count);
    }
    return st;
}

static dp_status take_average(dp_error *err, dp_optimizer *o)
{
    const dp_parameters *p = o->trained.parameters;
    dp_status st = take_list(err, o, &o->average);
    for (size_t i = 0; i < p->count && st == DP_OK; i++) {
        st = take_values(err, o, &o->average[i], p->list[i].count);
        if (st == DP_OK)
            memcpy(o->average[i], p->list[i].value,
                   p->list[i].count * sizeof **o->average);
    }
    return st;
}

/* Names and ranks of the trained parameters alone decide on groups and their order. */
static dp_status assign_groups(dp_error *err, dp_optimizer *o)
{
    const dp_parameters *p = o->trained.parameters;
    void *memory, *names = NULL, *ranks = NULL, *group = NULL;
    dp_status st =
        dp_store_take(err, &o->store, &memory, p->count, sizeof *o->group, what);
    o->group = memory;
    if (st == DP_OK)
        st = dp_store_take(err, &o->store, &memory, p->count, sizeof *o->groups, what);
    o->groups = memory;
    if (st == DP_OK)
        st = dp_alloc(err, &names, p->count, sizeof(char *), what);
    if (st == DP_OK)
        st = dp_alloc(err, &ranks, p->count, sizeof(int), what);
    if (st == DP_OK)
        st = dp_alloc(err, &group, p->count, sizeof(int), what);
    int count = 0;
    for (size_t i = 0; i < p->count && st == DP_OK; i++)
        if (o->trained.gradient[i]) {
            ((const char **)names)[count] = p->list[i].name;
            ((int *)ranks)[count++] = p->list[i].rank;
        }
    if (st == DP_OK)
        o->group_count = dp_parameter_groups_assign(group, o->groups, names, ranks,
                                                    count, &o->training->groups);
    for (size_t i = p->count; i-- > 0 && st == DP_OK;)
        if (o->trained.gradient[i])
            o->group[i] = ((int *)group)[--count];
    dp_free(names);
    dp_free(ranks);
    dp_free(group);
    return st;
}

dp_status dp_optimizer_init(dp_error *err, dp_optimizer *o, const dp_training *training,
                            const dp_parameter_gradients *trained)
{
    *o = (dp_optimizer){.training = training, .trained = *trained};
    dp_status st = assign_groups(err, o);
    if (st == DP_OK)
        st = take_moments(err, o);
    if (st == DP_OK && training->average_decay > 0)
        st = take_average(err, o);
    if (st != DP_OK)
        dp_optimizer_done(o);
    return st;
}

void dp_optimizer_done(dp_optimizer *o)
{
    dp_store_done(&o->store);
    *o = (dp_optimizer){0};
}

static double norm_of(const dp_optimizer *o, dp_pool *pool)
{
    const dp_parameters *p = o->trained.parameters;
    double squares = 0;
    for (size_t i = 0; i < p->count; i++)
        if (o->trained.gradient[i])
            squares +=
                dp_gradient_squares(pool, o->trained.gradient[i], p->list[i].count);
    return sqrt(squares);
}

static void step_parameter(dp_optimizer *o, dp_pool *pool, const dp_kernels *kernels,
                           size_t i, double rate, double decay)
{
    const dp_parameter *p = &o->trained.parameters->list[i];
    const float *gradient = o->trained.gradient[i];
    if (o->training->optimizer == DP_OPTIMIZER_SGD) {
        const dp_sgd_tensor t = {p->value, o->first[i], gradient, p->count};
        dp_sgd_run(pool, kernels, &t, rate, o->training->momentum, decay);
        return;
    }
    const dp_adamw_tensor t = {p->value, o->first[i], o->second[i], gradient, p->count};
    const dp_adamw_factors f =
        dp_adamw_factors_get(&o->training->adamw, rate, decay, o->steps);
    dp_adamw_run(pool, kernels, &t, &f);
}

double dp_optimizer_run(dp_optimizer *o, dp_pool *pool, const dp_kernels *kernels,
                        double rate, double decay)
{
    const dp_parameters *p = o->trained.parameters;
    const double norm = norm_of(o, pool);
    const double clip = o->training->clip_norm;
    const double factor = clip > 0 ? dp_gradient_clip_factor(norm, clip) : 1;
    o->steps++;
    for (size_t i = 0; i < p->count; i++) {
        if (!o->trained.gradient[i])
            continue;
        const dp_parameter_group *g = &o->groups[o->group[i]];
        dp_gradient_scale(pool, o->trained.gradient[i], p->list[i].count, factor);
        step_parameter(o, pool, kernels, i, rate * g->lr_scale, g->decays ? decay : 0);
    }
    for (size_t i = 0; i < p->count && o->average; i++)
        dp_weight_average_run(pool, o->average[i], p->list[i].value, p->list[i].count,
                              o->training->average_decay);
    return norm;
}
