#include "model/model.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "model/cache.h"
#include "model/flop_counter.h"

#include <stdatomic.h>
#include <string.h>

/* ---- build ---------------------------------------------------------------------- */

/* Detections and label maps need the whole image. */
static bool suits(dp_task task, int resize)
{
    return task == DP_TASK_CLASSIFY || resize == DP_INPUT_FIT ||
           (task == DP_TASK_DETECT && resize == DP_INPUT_FLOAT);
}

static dp_status build_input(dp_model *m, dp_builder *b, const dp_config *config)
{
    const cJSON *section;
    dp_status st = dp_config_section(b->err, &section, config, "input");
    if (st == DP_OK)
        st = dp_params_parse(b->err, dp_input_params, &m->input, section, config,
                             "input");
    if (st == DP_OK)
        st = dp_input_build(b->err, &m->input, config);
    if (st == DP_OK && !suits(m->def->task, m->input.resize))
        st = dp_fail(b->err, DP_ECONFIG,
                     "%s: input.resize: found %s, expected %s in a %s",
                     dp_config_path(config), dp_input_resize_name(m->input.resize),
                     m->def->task == DP_TASK_DETECT ? "fit or float" : "fit",
                     m->def->module.name);
    return st;
}

static dp_status load_dataset(dp_model *m, dp_builder *b, const dp_config *config)
{
    const cJSON *value =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "dataset");
    if (!cJSON_IsString(value))
        return dp_fail(b->err, DP_ECONFIG,
                       "%s: dataset: expected the path of a class file",
                       dp_config_path(config));
    char *path;
    dp_status st = dp_config_resolve(b->err, &path, config, value);
    if (st == DP_OK)
        st = dp_dataset_load(b->err, &m->dataset, path);
    dp_free(path);
    return st;
}

static dp_status build_backbone(dp_model *m, dp_builder *b)
{
    static const dp_feature_specs image = {.count = 1, .spec = {{"image", 3, 1}}};
    const size_t outer = dp_builder_enter(b, "%s", m->def->scope);
    const dp_status st = dp_module_build(b, &m->backbone, DP_MODULE_BACKBONE, &image);
    dp_builder_leave(b, outer);
    return st;
}

static dp_status build_task(dp_model *m, dp_builder *b)
{
    const dp_feature_specs maps = dp_backbone_describe(&m->backbone);
    dp_part task;
    const dp_status st = dp_module_make(b, &task, &m->def->module, &maps);
    if (st != DP_OK)
        return st;
    m->task = task.self;
    if (m->def->classes(m->task) == m->dataset.count)
        return DP_OK;
    return dp_fail(b->err, DP_ECONFIG,
                   "%s: num_classes: found %d, expected the %d classes of data set %s",
                   dp_config_path(b->config), m->def->classes(m->task),
                   m->dataset.count, m->dataset.name);
}

/* Nothing that stands in a config is passed over. */
static dp_status check_sections(const dp_model *m, const dp_builder *b)
{
    static const char flips[] = "test_ms_flip";
    const cJSON *section =
        cJSON_GetObjectItemCaseSensitive(dp_config_root(b->config), flips);
    if (section && m->def->task != DP_TASK_SEGMENT)
        return dp_fail(b->err, DP_ECONFIG,
                       "%s: %s: only segmentors have it; remove the section",
                       dp_config_origin(b->config, section), flips);
    return dp_module_check_sections(b);
}

static dp_status build_parts(dp_model *m, dp_builder *b, const dp_config *config)
{
    const dp_module *module;
    dp_status st = dp_module_check_keys(b->err, config);
    if (st == DP_OK)
        st = dp_module_choose(b->err, &module, config, DP_MODULE_MODEL);
    if (st != DP_OK)
        return st;
    m->def = dp_model_def_of(module);
    st = build_input(m, b, config);
    if (st == DP_OK)
        st = load_dataset(m, b, config);
    if (st == DP_OK)
        st = build_backbone(m, b);
    m->backbone_parameters = m->parameters.count;
    if (st == DP_OK)
        st = build_task(m, b);
    if (st == DP_OK)
        st = check_sections(m, b);
    if (st == DP_OK)
        st = dp_builder_finish(b);
    m->params = b->params;
    m->training_params = b->training_params;
    m->packed_bytes = b->packed * sizeof(float);
    return st;
}

/* The summary of weights that were loaded all the same. */
static void log_partial(dp_context *ctx, const dp_mismatches *list)
{
    dp_error summary = {0};
    if (dp_mismatches_fail(&summary, list) != DP_OK)
        dp_context_log(ctx, "loaded in part: %s", summary.text);
}

static void log_mismatches(dp_context *ctx, const dp_mismatches *list)
{
    static const char *const words[] = {[DP_MISMATCH_MISSING] = "missing",
                                        [DP_MISMATCH_UNEXPECTED] = "unexpected",
                                        [DP_MISMATCH_SHAPE] = "another shape"};
    for (size_t i = 0; i < list->count; i++) {
        const dp_mismatch *x = &list->list[i];
        dp_context_log(ctx, "%s: %s%s%s", words[x->kind], x->name,
                       x->detail[0] ? ": " : "", x->detail);
    }
}

/* Build the parts from the weights that b was told of, or from those of the cache. */
static dp_status build_by(dp_model *m, dp_builder *b, const dp_config *config,
                          const dp_model_cache *cache, dp_context *ctx)
{
    const bool from_cache = cache && b->source.count == 0;
    if (from_cache && !dp_model_cache_read(cache, b, ctx->pool))
        return DP_EFORMAT;
    const dp_status st = build_parts(m, b, config);
    if (st == DP_OK && cache && !from_cache && b->mismatches.count == 0)
        dp_model_cache_write(cache, b, ctx);
    return st;
}

static dp_status check_precision(dp_context *ctx)
{
    const unsigned cpu = ctx->kernels.cpu;
    if (!ctx->bf16 || cpu & DP_CPU_BF16)
        return DP_OK;
    return dp_fail(&ctx->err, DP_EARG,
                   "precision bf16: found a processor, or a part of it, with %s, "
                   "expected one with dot products of bf16 (AVX512_BF16)",
                   dp_cpu_name(cpu));
}

dp_status dp_model_build(dp_context *ctx, dp_model **out, const dp_config *config,
                         const dp_model_weights *weights, dp_mismatches *mismatches)
{
    static atomic_uint_least64_t serials;
    dp_error *err = &ctx->err;
    void *memory;
    *out = NULL;
    if (mismatches)
        *mismatches = (dp_mismatches){0};
    dp_status st = check_precision(ctx);
    if (st == DP_OK)
        st = dp_alloc(err, &memory, 1, sizeof(dp_model), "a model");
    if (st != DP_OK)
        return st;
    dp_model *m = memory;
    m->serial = 1 + atomic_fetch_add(&serials, 1);
    m->kernels = ctx->kernels;

    dp_builder b;
    st = dp_builder_init(err, &b, &m->store, &m->kernels, weights->tensors,
                         weights->count);
    if (st == DP_OK) {
        b.source.partial = weights->partial;
        b.source.seed = weights->seed;
        b.config = config;
        b.bf16 = ctx->bf16;
        if (weights->counting && weights->count > 0)
            dp_builder_compare(&b);
        else if (weights->counting)
            dp_builder_count(&b);
        if (weights->keep_parameters)
            dp_builder_keep(&b, &m->parameters);
        if (weights->keep_only)
            dp_builder_keep_only(&b, &m->parameters);
        st = build_by(m, &b, config, weights->cache, ctx);
        if (mismatches) {
            *mismatches = b.mismatches;
            b.mismatches = (dp_mismatches){0};
        } else {
            if (st == DP_OK && b.mismatches.count > 0)
                log_partial(ctx, &b.mismatches);
            log_mismatches(ctx, &b.mismatches);
        }
        if (st == DP_OK && b.bf16 && b.bf16_layers == 0)
            dp_context_log(ctx, "precision bf16: no layer of this model heeds it");
        dp_builder_done(&b);
    }
    if (st != DP_OK)
        dp_model_free(m);
    else
        *out = m;
    return st;
}

void dp_model_free(dp_model *m)
{
    if (!m)
        return;
    dp_dataset_done(&m->dataset);
    dp_parameters_done(&m->parameters);
    dp_store_done(&m->store);
    dp_free(m);
}

/* ---- plan and run --------------------------------------------------------------- */

typedef void forward_fn(const dp_model *m, dp_run *r, dp_size original,
                        const uint8_t *pixels, const dp_model_options *options,
                        void *result);

/* A forward pass for images of one size. */
typedef struct pass {
    const dp_model *m;
    forward_fn *forward;
    dp_size size;
    dp_model_options options;
} pass;

/* Run a pass dry. What it costs by the published counter's rules is added to *flops. */
static dp_status run_dry(dp_context *ctx, const pass *p, dp_run *dry, double *flops)
{
    unsigned char result[DP_MODEL_RESULT_MAX];
    ctx->planned_model = ctx->result_model = 0;
    dp_arena_dry(&ctx->arena);
    *dry = dp_context_run(ctx, true);
    dry->plain = p->options.plain;
    dry->observe = flops ? dp_flop_counter_add : NULL;
    dry->observe_arg = flops;
    p->forward(p->m, dry, p->size, NULL, &p->options, result);
    if (dry->status != DP_OK)
        dp_fail_while(&ctx->err, "an image of %d x %d", p->size.w, p->size.h);
    return dry->status;
}

static dp_status plan(dp_context *ctx, const pass *p)
{
    dp_run dry;
    const dp_status st = run_dry(ctx, p, &dry, NULL);
    return st == DP_OK ? dp_arena_reserve(&ctx->err, &ctx->arena, ctx->arena.peak) : st;
}

dp_status dp_model_measure(dp_context *ctx, const dp_model *m, dp_size size,
                           dp_model_work *work)
{
    dp_run dry;
    double flops = 0;
    const pass p = {.m = m, .forward = m->def->forward, .size = size};
    const dp_status st = run_dry(ctx, &p, &dry, &flops);
    *work = (dp_model_work){dry.macs, flops, ctx->arena.peak};
    return st;
}

static dp_status plan_model(dp_context *ctx, const pass *p)
{
    if (ctx->planned_model == p->m->serial && ctx->planned_size.h == p->size.h &&
        ctx->planned_size.w == p->size.w &&
        ctx->planned_boxes_only == p->options.boxes_only &&
        ctx->planned_plain == p->options.plain &&
        ctx->planned_max_per_img == p->options.max_per_img)
        return DP_OK;
    const dp_status st = plan(ctx, p);
    if (st != DP_OK)
        return st;
    ctx->planned_model = p->m->serial;
    ctx->planned_size = p->size;
    ctx->planned_boxes_only = p->options.boxes_only;
    ctx->planned_plain = p->options.plain;
    ctx->planned_max_per_img = p->options.max_per_img;
    return DP_OK;
}

static void run(dp_context *ctx, const pass *p, const uint8_t *pixels, void *result)
{
    ctx->result_model = 0;
    dp_arena_rewind(&ctx->arena, 0);
    dp_run r = dp_context_run(ctx, false);
    r.plain = p->options.plain;
    p->forward(p->m, &r, p->size, pixels, &p->options, result);
}

dp_status dp_model_run_with(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                            const dp_model_options *options, void *result)
{
    const pass p = {m, m->def->forward, {pixels->h, pixels->w}, *options};
    const dp_status st = plan_model(ctx, &p);
    if (st == DP_OK)
        run(ctx, &p, pixels->data, result);
    return st;
}

dp_status dp_model_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                       void *result)
{
    return dp_model_run_with(ctx, m, pixels, &(dp_model_options){0}, result);
}

static void forward_backbone(const dp_model *m, dp_run *r, dp_size original,
                             const uint8_t *pixels, const dp_model_options *options,
                             void *result)
{
    (void)options;
    (void)result;
    const dp_frame frame = dp_input_frame(&m->input, original);
    dp_backbone_run(&m->backbone, r, dp_input_run(r, &m->input, &frame, pixels));
}

dp_status dp_model_trace(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                         bool whole)
{
    unsigned char result[DP_MODEL_RESULT_MAX];
    if (whole)
        return dp_model_run(ctx, m, pixels, result);
    const pass p = {
        .m = m, .forward = forward_backbone, .size = {pixels->h, pixels->w}};
    const dp_status st = plan(ctx, &p);
    if (st == DP_OK)
        run(ctx, &p, pixels->data, result);
    return st;
}

dp_status dp_model_plan(dp_context *ctx, const dp_model *m, int height, int width,
                        size_t *bytes)
{
    if (height < 1 || width < 1 || height > DP_MAX_IMAGE_SIDE ||
        width > DP_MAX_IMAGE_SIDE)
        return dp_fail(&ctx->err, DP_EARG, "image: found %d x %d, expected 1 to %d",
                       width, height, DP_MAX_IMAGE_SIDE);
    const pass p = {.m = m, .forward = m->def->forward, .size = {height, width}};
    const dp_status st = plan_model(ctx, &p);
    if (bytes)
        *bytes = st == DP_OK ? ctx->arena.size : 0;
    return st;
}
