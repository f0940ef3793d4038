/* densepred features - the feature maps of one image, as safetensors */
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/input_image.h"
#include "cli/options.h"
#include "cli/session.h"
#include "io/checkpoint/safetensors.h"

#include <stdio.h>
#include <string.h>

/* Which maps are wanted, and those met so far: float32 in NCHW, what other tools read. */
typedef struct collection {
    bool input, neck, all;
    dp_error *err;
    dp_status status;
    dp_named_tensor *list;
    size_t count, capacity;
} collection;

static bool is_pyramid_level(const char *name)
{
    return name[0] == 'p' && name[1] >= '0' && name[1] <= '9' && name[2] == '\0';
}

static bool is_wanted(const collection *c, const char *name)
{
    return c->all || strncmp(name, "stage", 5) == 0 ||
           (c->neck && is_pyramid_level(name)) ||
           (c->input && strcmp(name, "input") == 0);
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

static dp_status copy_map(collection *c, const char *name, dp_tensor map)
{
    void *list = c->list;
    dp_status st = dp_grow(c->err, &list, &c->capacity, c->count + 1, sizeof *c->list,
                           "feature maps");
    c->list = list;
    if (st != DP_OK)
        return st;
    char *owned;
    void *data;
    st = dp_strdup(c->err, &owned, name);
    if (st != DP_OK)
        return st;
    st = dp_alloc(c->err, &data, dp_tensor_size(map), sizeof(float), "a feature map");
    if (st != DP_OK) {
        dp_free(owned);
        return st;
    }
    to_planes(data, map);
    const int64_t plane = (int64_t)map.H * map.W;
    c->list[c->count++] = (dp_named_tensor){
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
    if (c->status == DP_OK && is_wanted(c, name))
        c->status = copy_map(c, name, map);
}

static void collection_done(collection *c)
{
    for (size_t i = 0; i < c->count; i++) {
        dp_free((void *)(uintptr_t)c->list[i].name);
        dp_free((void *)(uintptr_t)c->list[i].data);
    }
    dp_free(c->list);
}

static int run(dp_session *s, collection *c, const char *input, const char *out)
{
    dp_pixels pixels;
    c->err = &s->ctx->err;
    if (dp_input_image_read(c->err, &pixels, input) != DP_OK)
        return dp_cli_fail(c->err, DP_SUBJECT_INPUT);
    s->ctx->trace = collect;
    s->ctx->trace_arg = c;
    dp_status st = dp_model_trace(s->ctx, s->model, &pixels, c->neck || c->all);
    dp_pixels_done(&pixels);
    if (st == DP_OK)
        st = c->status;
    if (st != DP_OK)
        return dp_cli_fail(c->err, DP_SUBJECT_INPUT);
    st = dp_safetensors_save(c->err, out, c->list, c->count, NULL);
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(c->err, DP_SUBJECT_OUTPUT);
}

int dp_cli_features(int argc, char **argv)
{
    dp_common_options common = {0};
    collection c = {0};
    const dp_option options[] = {
        DP_OPTION_WEIGHTS(&common),
        DP_OPTION_CACHE(&common),
        DP_OPTION_PARTIAL(&common),
        DP_TEXT("out", 'o', "FILE", &common.out, "the .safetensors file to write"),
        DP_FLAG("neck", 0, &c.neck, "the neck's maps too: p2, p3, ..."),
        DP_FLAG("input", 0, &c.input, "the network's input too"),
        DP_FLAG("all", 0, &c.all, "every named intermediate: proposals, logits, ..."),
        DP_OPTION_THREADS(&common),
        DP_OPTION_CPU(&common),
        DP_OPTION_GEMM(&common),
        DP_OPTION_PRECISION(&common),
        DP_OPTION_CONFIGS(&common),
        DP_OPTIONS_END,
    };
    const dp_usage usage = {
        .name = "features",
        .arguments = "MODEL INPUT",
        .about = "Writes an image's feature maps, float32 in the order N, C, H, W.",
        .options = options,
        .least = 2,
        .most = 2,
    };
    dp_arguments args;
    int status = dp_options_parse(&usage, argc, argv, &args);
    if (status != DP_OPTIONS_GO_ON)
        return status;
    if (!common.out)
        return dp_cli_usage("features: found no --out, expected a file to write");
    dp_session s;
    status = dp_session_open(&s, &common, args.item[0], true, NULL);
    if (status == DP_EXIT_OK) {
        status = run(&s, &c, args.item[1], common.out);
        dp_session_close(&s);
    }
    collection_done(&c);
    return status;
}
