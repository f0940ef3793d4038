#include "model/cache.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/checkpoint/weight_cache.h"
#include "ops/gemm.h"

#include <string.h>

/* PACKING is raised with every change of what packed weights look like. */
enum { PACKING = 1, MAX_NAME_MAP = 1 << 22 };

/* The maps of names say which tensor is which. */
static dp_status add_name_maps(dp_error *err, dp_sha256 *sum, const dp_config *config)
{
    const cJSON *item,
        *list = cJSON_GetObjectItemCaseSensitive(dp_config_root(config), "names");
    dp_status st = DP_OK;
    cJSON_ArrayForEach(item, list)
    {
        char *path = NULL;
        unsigned char *bytes = NULL;
        size_t size = 0;
        if (!cJSON_IsString(item))
            continue;
        st = dp_config_resolve(err, &path, config, item);
        if (st == DP_OK)
            st = dp_file_load(err, &bytes, &size, path, MAX_NAME_MAP);
        if (st == DP_OK)
            dp_sha256_add(sum, bytes, size);
        dp_free(bytes);
        dp_free(path);
        if (st != DP_OK)
            break;
    }
    return st;
}

static dp_status make_key(dp_error *err, dp_model_cache *c, const dp_context *ctx,
                          const dp_config *config, const char *weights)
{
    dp_sha256 sum;
    dp_text t = {.err = err};
    dp_text_add(&t, "%s %d\n%u %s %s\n", DP_VERSION, PACKING, ctx->kernels.cpu,
                dp_gemm_engine(&ctx->kernels), ctx->bf16 ? "bf16" : "float32");
    dp_config_format_without(config, "test", &t);
    dp_status st = t.status;
    dp_sha256_init(&sum);
    dp_sha256_add(&sum, dp_text_get(&t), t.size);
    dp_text_done(&t);
    if (st == DP_OK)
        st = add_name_maps(err, &sum, config);
    if (st == DP_OK)
        st = dp_weight_cache_identify(err, &sum, weights);
    dp_sha256_finish(&sum, c->key);
    return st;
}

dp_status dp_model_cache_init(dp_error *err, dp_model_cache *c, const dp_context *ctx,
                              const dp_config *config, const char *weights)
{
    dp_text path = {.err = err};
    *c = (dp_model_cache){.path = NULL};
    dp_text_add(&path, "%s.dpcache", weights);
    dp_status st = path.status;
    if (st == DP_OK)
        st = dp_strdup(err, &c->path, dp_text_get(&path));
    dp_text_done(&path);
    return st == DP_OK ? make_key(err, c, ctx, config, weights) : st;
}

void dp_model_cache_done(dp_model_cache *c)
{
    dp_free(c->path);
    *c = (dp_model_cache){.path = NULL};
}

bool dp_model_cache_read(const dp_model_cache *c, dp_builder *b, dp_pool *pool)
{
    bool missing;
    float *ready;
    size_t count;
    const dp_status st = dp_weight_cache_load(b->err, &ready, &count, b->store, c->path,
                                              c->key, pool, &missing);
    if (st == DP_OK)
        dp_builder_use_ready(b, ready, count);
    if (missing)
        *b->err = (dp_error){0};
    return st == DP_OK;
}

static dp_status write_pieces(dp_error *err, const dp_model_cache *c,
                              const dp_builder *b)
{
    void *memory;
    const size_t count = b->sink.piece_count;
    dp_status st = dp_alloc(err, &memory, count, sizeof(dp_weight_piece),
                            "a list of packed weights");
    if (st != DP_OK)
        return st;
    dp_weight_piece *list = memory;
    for (size_t i = 0; i < count; i++) {
        const dp_packed_piece *p = &b->sink.pieces[i];
        list[i] = (dp_weight_piece){p->data, p->count,
                                    dp_builder_piece_size(p->count) - p->count};
    }
    st = dp_weight_cache_save(err, c->path, c->key, list, count);
    dp_free(list);
    return st;
}

void dp_model_cache_write(const dp_model_cache *c, const dp_builder *b, dp_context *ctx)
{
    dp_error err = {0};
    if (write_pieces(&err, c, b) != DP_OK)
        dp_context_log(ctx, "no weight cache: %s", err.text);
}
