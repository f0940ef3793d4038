#include "train/network.h"

#include "base/memory.h"
#include "model/classifier.h"
#include "train/drop_path.h"
#include "train/freeze.h"
#include "train/purpose.h"
#include "train/weight_init.h"

#include <stdio.h>
#include <string.h>

enum { READABLE = 16 /* floats that kernels may read beyond a gradient */ };

struct dp_network {
    dp_context *ctx;
    dp_model *model;
    dp_store store;
    float **gradient; /* in the store */
    dp_parameter_gradients trained;
    int branches;
    void (*sum)(void *arg, double *values, size_t count); /* over processes, or NULL */
    dp_batch_statistics statistics;                       /* of recorded runs        */
    dp_tape tape;
    dp_arena scratch; /* of the backward pass */
    dp_tensor logits; /* of the recorded run  */

    dp_trace_fn *map; /* NULL: none */
    void *map_arg;

    /* of a forward pass */
    dp_network_draws draws;
    int next_branch;
};

/* ---- build ----------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static void init_buffer(const dp_parameter *p)
{
    const float value = ends_with(p->name, "running_var") ? 1 : 0;
    for (size_t i = 0; i < p->count; i++)
        p->value[i] = value;
}

static void init_parameter(const dp_parameter *p, size_t place,
                           const dp_network_options *o)
{
    if (p->buffer) {
        init_buffer(p);
        return;
    }
    dp_random random;
    dp_random_init(&random, o->seed, 0, (uint32_t)place, DP_PURPOSE_INIT);
    dp_init_convnext(&random, p->name, p->rank, p->value, p->count, o->layer_scale);
    if (strncmp(p->name, "head.", 5) == 0)
        for (size_t i = 0; i < p->count; i++)
            p->value[i] *= (float)o->head_scale;
}

/* Whether the checkpoint has no values for this parameter. */
static bool is_initial(const dp_mismatches *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->list[i].kind != DP_MISMATCH_UNEXPECTED &&
            strcmp(m->list[i].name, name) == 0)
            return true;
    return false;
}

static dp_status build_model(dp_network *n, const dp_config *config,
                             const dp_network_options *o, dp_mismatches *mismatches)
{
    const dp_model_weights weights = {.tensors = o->tensors,
                                      .count = o->tensors ? o->count : 0,
                                      .partial = o->partial,
                                      .keep_only = true};
    const dp_status st =
        dp_model_build(n->ctx, &n->model, config, &weights, mismatches);
    if (st != DP_OK)
        return st;
    const dp_parameters *p = &n->model->parameters;
    for (size_t i = 0; i < p->count; i++)
        if (!o->tensors || is_initial(mismatches, p->list[i].name))
            init_parameter(&p->list[i], i, o);
    return DP_OK;
}

static dp_status take_gradients(dp_network *n, const bool *frozen)
{
    dp_error *err = &n->ctx->err;
    const dp_parameters *p = &n->model->parameters;
    void *memory;
    dp_status st = dp_store_take(err, &n->store, &memory, p->count, sizeof *n->gradient,
                                 "gradients");
    if (st != DP_OK)
        return st;
    n->gradient = memory;
    n->trained = (dp_parameter_gradients){p, n->gradient};
    for (size_t i = 0; i < p->count && st == DP_OK; i++) {
        if (frozen[i] || p->list[i].buffer)
            continue;
        st = dp_store_take(err, &n->store, &memory, p->list[i].count + READABLE,
                           sizeof **n->gradient, "gradients");
        n->gradient[i] = memory;
    }
    return st;
}

static dp_status choose_trained(dp_network *n, const dp_network_options *o)
{
    const dp_parameters *p = &n->model->parameters;
    void *frozen;
    dp_status st =
        dp_alloc(&n->ctx->err, &frozen, p->count, sizeof(bool), "a list of parameters");
    if (st == DP_OK)
        st = dp_freeze_apply(&n->ctx->err, frozen, p, n->model->backbone_parameters,
                             o->freeze, o->freeze_count);
    if (st == DP_OK)
        st = take_gradients(n, frozen);
    dp_free(frozen);
    return st;
}

static bool next_branch(void *arg, int N, float *factors)
{
    dp_network *n = arg;
    const int branch = n->next_branch++;
    return n->draws.branch && n->draws.branch(n->draws.arg, branch, N, factors);
}

/* A dry run of an image as large as the coarsest map's cell. */
static dp_status count_branches(dp_network *n)
{
    const int side = dp_backbone_least_side(&n->model->backbone) * 2;
    dp_arena_dry(&n->ctx->arena);
    dp_run r = dp_context_run(n->ctx, true);
    r.plain = r.fast = true;
    r.branch = next_branch;
    r.branch_arg = n;
    dp_backbone_run(&n->model->backbone, &r, (dp_tensor){NULL, 1, side, side, 3});
    n->branches = n->next_branch;
    return r.status;
}

dp_status dp_network_new(dp_context *ctx, dp_network **out, const dp_config *config,
                         const dp_network_options *o)
{
    void *memory;
    *out = NULL;
    dp_status st = dp_alloc(&ctx->err, &memory, 1, sizeof(dp_network), "a network");
    if (st != DP_OK)
        return st;
    dp_network *n = memory;
    n->ctx = ctx;
    n->sum = o->sum;
    dp_mismatches found = {0};
    st = build_model(n, config, o, &found);
    if (o->mismatches)
        *o->mismatches = found;
    else
        dp_mismatches_done(&found);
    if (st == DP_OK)
        st = choose_trained(n, o);
    if (st == DP_OK)
        st = count_branches(n);
    if (st != DP_OK)
        dp_network_free(n);
    else
        *out = n;
    return st;
}

void dp_network_free(dp_network *n)
{
    if (!n)
        return;
    dp_tape_done(&n->tape);
    dp_arena_done(&n->scratch);
    dp_store_done(&n->store);
    dp_model_free(n->model);
    dp_free(n);
}

/* ---- what there is ----------------------------------------------------------------- */

const dp_model *dp_network_model(const dp_network *n)
{
    return n->model;
}

int dp_network_classes(const dp_network *n)
{
    return n->model->def->classes(n->model->task);
}

const dp_input *dp_network_input(const dp_network *n)
{
    return &n->model->input;
}

const dp_parameters *dp_network_parameters(const dp_network *n)
{
    return &n->model->parameters;
}

float *const *dp_network_gradients(const dp_network *n)
{
    return n->gradient;
}

void dp_network_clear_gradients(dp_network *n)
{
    const dp_parameters *p = &n->model->parameters;
    for (size_t i = 0; i < p->count; i++)
        if (n->gradient[i])
            memset(n->gradient[i], 0, p->list[i].count * sizeof **n->gradient);
}

int dp_network_branches(const dp_network *n)
{
    return n->branches;
}

void dp_network_observe(dp_network *n, dp_trace_fn *map, dp_gradient_fn *gradient,
                        void *arg)
{
    n->map = map;
    n->map_arg = arg;
    n->tape.observe = gradient;
    n->tape.observe_arg = arg;
}

void dp_network_branch_rates(const dp_network *n, double *rates, double rate)
{
    const dp_backbone_def *def = dp_backbone_def_of(n->model->backbone.module);
    const int each = def->block_branches > 0 ? def->block_branches : 1;
    dp_drop_path_rates(rates, n->branches / each, rate);
    for (int i = n->branches; i-- > 0;)
        rates[i] = rates[i / each];
}

dp_network_memory dp_network_measure(const dp_network *n)
{
    dp_network_memory m = {.values = n->ctx->arena.size,
                           .backward = n->scratch.size + dp_tape_bytes(&n->tape)};
    const dp_parameters *p = &n->model->parameters;
    for (size_t i = 0; i < p->count; i++) {
        m.parameters += p->list[i].count * sizeof(float);
        m.gradients += n->gradient[i] ? p->list[i].count * sizeof(float) : 0;
    }
    return m;
}

/* ---- batch norms ------------------------------------------------------------------- */

static const dp_parameter *find_beside(const dp_network *n, const dp_parameter *buffer,
                                       const char *end)
{
    char name[DP_MAX_TENSOR_NAME];
    const char *dot = strrchr(buffer->name, '.');
    const int scope = dot ? (int)(dot + 1 - buffer->name) : 0;
    snprintf(name, sizeof name, "%.*s%s", scope, buffer->name, end);
    return dp_parameters_find(&n->model->parameters, name);
}

/* A batch norm whose weight is trained uses the statistics of the batch; a frozen one keeps
 * to the running ones. */
static bool uses_batch(void *arg, const float *mean, const float *variance,
                       float **running)
{
    const dp_network *n = arg;
    const dp_parameters *p = &n->model->parameters;
    const dp_parameter *m = dp_parameters_find_values(p, mean);
    const dp_parameter *v = dp_parameters_find_values(p, variance);
    const dp_parameter *weight = m ? find_beside(n, m, "weight") : NULL;
    if (!v || !weight || !dp_parameter_gradient(&n->trained, weight->value))
        return false;
    running[0] = m->value;
    running[1] = v->value;
    return true;
}

/* ---- runs ------------------------------------------------------------------------- */

/* `setting` is a dry run; it is done dry and then for real. */
static dp_status run(dp_network *n, dp_run setting, dp_tensor batch,
                     dp_network_pass_fn *pass, void *arg)
{
    dp_tensor shape = batch;
    shape.data = NULL;
    dp_arena_dry(setting.arena);
    dp_run r = setting;
    n->next_branch = 0;
    pass(arg, n->model, &r, shape);
    if (r.status != DP_OK) {
        dp_fail_while(setting.err, "a batch of %d images of %d x %d", batch.N, batch.W,
                      batch.H);
        return r.status;
    }
    const dp_status st = dp_arena_reserve(setting.err, r.arena, r.arena->peak);
    if (st != DP_OK)
        return st;
    r = setting;
    r.dry = false;
    n->next_branch = 0;
    pass(arg, n->model, &r, batch);
    return DP_OK;
}

static dp_run start(dp_network *n, dp_error *err)
{
    dp_run r = dp_context_run(n->ctx, true);
    r.err = err;
    r.plain = r.fast = true;
    return r;
}

static void trace(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    dp_network *n = arg;
    n->map(n->map_arg, r, name, dp_tape_source(&n->tape, map));
}

dp_status dp_network_record(dp_error *err, dp_network *n, dp_tensor batch,
                            dp_network_pass_fn *pass, void *arg,
                            const dp_network_draws *draws)
{
    dp_run r = start(n, err);
    n->draws = *draws;
    n->statistics = (dp_batch_statistics){uses_batch, n->sum, n};
    r.branch = next_branch;
    r.branch_arg = n;
    r.dropout = draws->dropout;
    r.dropout_arg = draws->arg;
    r.statistics = &n->statistics;
    r.trained = &n->trained;
    r.watch = dp_tape_watch;
    r.watch_arg = &n->tape;
    r.trace = n->map ? trace : NULL;
    r.trace_arg = n;
    dp_tape_reset(&n->tape, batch);
    return run(n, r, batch, pass, arg);
}

dp_status dp_network_go_back(dp_error *err, dp_network *n, const dp_tape_seed *seeds,
                             int count)
{
    dp_run r = start(n, err);
    r.arena = &n->scratch;
    r.statistics = &n->statistics;
    return dp_tape_backward(err, &n->tape, &r, &n->trained, seeds, count);
}

/* ---- classifiers ------------------------------------------------------------------ */

static void classify(void *arg, const dp_model *m, dp_run *r, dp_tensor batch)
{
    *(dp_tensor *)arg = dp_classifier_logits(m, r, batch);
}

static dp_status expect_classifier(dp_error *err, const dp_network *n)
{
    if (n->model->def->task == DP_TASK_CLASSIFY)
        return DP_OK;
    return dp_fail(err, DP_EARG, "found a model of type %s, expected a classifier",
                   n->model->def->module.name);
}

dp_status dp_network_forward(dp_error *err, dp_network *n, dp_tensor batch,
                             dp_network_branch_fn *branch, void *branch_arg,
                             const float **logits)
{
    const dp_network_draws draws = {.branch = branch, .arg = branch_arg};
    dp_status st = expect_classifier(err, n);
    if (st == DP_OK)
        st = dp_network_record(err, n, batch, classify, &n->logits, &draws);
    *logits = n->logits.data;
    return st;
}

dp_status dp_network_backward(dp_error *err, dp_network *n, const float *dlogits)
{
    const dp_tape_seed seed = {n->logits, dlogits};
    return dp_network_go_back(err, n, &seed, 1);
}

dp_status dp_network_predict(dp_error *err, dp_network *n, dp_tensor batch,
                             const float **logits)
{
    dp_status st = expect_classifier(err, n);
    if (st == DP_OK)
        st = run(n, start(n, err), batch, classify, &n->logits);
    *logits = n->logits.data;
    return st;
}
