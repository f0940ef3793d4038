/* include/densepred/features.h: copies of the maps that a run's trace names. */
#include "densepred/features.h"

#include "api/image.h"
#include "base/memory.h"
#include "io/checkpoint/safetensors.h"
#include "io/image/stored_pixels.h"
#include "model/model.h"

#include <string.h>

/* The order N, C, H, W is what other tools read. */
struct dp_feature_maps {
    dp_named_tensor *list; /* owned, names and data too */
    size_t count, capacity;
};

dp_status dp_feature_maps_new(dp_context *ctx, dp_feature_maps **out)
{
    void *memory;
    const dp_status st = dp_alloc(&ctx->err, &memory, 1, sizeof(dp_feature_maps),
                                  "a list of feature maps");
    *out = memory;
    return st;
}

static void clear(dp_feature_maps *maps)
{
    for (size_t i = 0; i < maps->count; i++) {
        dp_free((void *)(uintptr_t)maps->list[i].name);
        dp_free((void *)(uintptr_t)maps->list[i].data);
    }
    maps->count = 0;
}

void dp_feature_maps_free(dp_feature_maps *maps)
{
    if (!maps)
        return;
    clear(maps);
    dp_free(maps->list);
    dp_free(maps);
}

/* ---- running ---------------------------------------------------------------------- */

/* What a run's trace is looked through for. */
typedef struct collection {
    dp_feature_options wanted;
    dp_feature_maps *maps;
    dp_error *err;
    dp_status status;
} collection;

static bool is_pyramid_level(const char *name)
{
    return name[0] == 'p' && name[1] >= '0' && name[1] <= '9' && name[2] == '\0';
}

static bool is_wanted(const dp_feature_options *o, const char *name)
{
    return o->all || strncmp(name, "stage", 5) == 0 ||
           (o->neck && is_pyramid_level(name)) ||
           (o->input && strcmp(name, "input") == 0);
}

/* (N, H, W, C) to N, C, H, W. */
static void to_planes(float *out, dp_tensor t)
{
    const size_t plane = (size_t)t.H * (size_t)t.W, C = (size_t)t.C;
    for (size_t n = 0; n < (size_t)t.N; n++)
        for (size_t i = 0; i < plane; i++)
            for (size_t c = 0; c < C; c++)
                out[(n * C + c) * plane + i] = t.data[(n * plane + i) * C + c];
}

static dp_status copy_map(dp_error *err, dp_feature_maps *maps, const char *name,
                          dp_tensor map)
{
    void *list = maps->list, *data;
    char *owned;
    dp_status st = dp_grow(err, &list, &maps->capacity, maps->count + 1,
                           sizeof *maps->list, "feature maps");
    maps->list = list;
    if (st == DP_OK)
        st = dp_strdup(err, &owned, name);
    if (st != DP_OK)
        return st;
    st = dp_alloc(err, &data, dp_tensor_size(map), sizeof(float), "a feature map");
    if (st != DP_OK) {
        dp_free(owned);
        return st;
    }
    to_planes(data, map);
    const int64_t plane = (int64_t)map.H * map.W;
    maps->list[maps->count++] = (dp_named_tensor){
        .name = owned,
        .dtype = DP_DTYPE_F32,
        .rank = 4,
        .shape = {map.N, map.C, map.H, map.W},
        .stride = {map.C * plane, plane, map.W, 1},
        .data = data,
    };
    return DP_OK;
}

static void collect(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)r;
    collection *c = arg;
    if (c->status == DP_OK && is_wanted(&c->wanted, name))
        c->status = copy_map(c->err, c->maps, name, map);
}

/* Each model sees the image as its task's own call gives it. */
static dp_status trace(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                       bool whole)
{
    if (m->def->task != DP_TASK_CLASSIFY)
        return dp_model_trace(ctx, m, pixels, whole);
    dp_stored_pixels stored;
    dp_status st = dp_stored_pixels_init(&ctx->err, &stored, pixels);
    if (st == DP_OK)
        st = dp_model_trace(ctx, m, &stored.pixels, whole);
    dp_stored_pixels_done(&stored);
    return st;
}

dp_status dp_extract(dp_context *ctx, const dp_model *model, const dp_image *image,
                     const dp_feature_options *options, dp_feature_maps *maps)
{
    collection c = {.maps = maps, .err = &ctx->err};
    if (options)
        c.wanted = *options;
    clear(maps);
    ctx->trace = collect;
    ctx->trace_arg = &c;
    dp_status st = trace(ctx, model, &image->pixels, c.wanted.neck || c.wanted.all);
    ctx->trace = NULL;
    ctx->trace_arg = NULL;
    if (st == DP_OK)
        st = c.status;
    if (st != DP_OK)
        clear(maps);
    return st;
}

/* ---- what was kept ------------------------------------------------------------------ */

size_t dp_feature_maps_count(const dp_feature_maps *maps)
{
    return maps->count;
}

dp_feature_map dp_feature_maps_get(const dp_feature_maps *maps, size_t i)
{
    if (i >= maps->count)
        return (dp_feature_map){0};
    const dp_named_tensor *t = &maps->list[i];
    return (dp_feature_map){t->name,          (int)t->shape[0], (int)t->shape[1],
                            (int)t->shape[2], (int)t->shape[3], t->data};
}

dp_status dp_feature_maps_save(dp_context *ctx, const dp_feature_maps *maps,
                               const char *path)
{
    return dp_safetensors_save(&ctx->err, path, maps->list, maps->count, NULL);
}
