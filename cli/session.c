#include "cli/session.h"

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/configs.h"

#include <stdio.h>

static void log_line(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "  %s\n", line);
}

/* What a session is made of. */
typedef struct files {
    char *config, *shipped; /* owned; shipped: weights, NULL without them */
} files;

static int find_files(files *f, const dp_common_options *common, const char *model,
                      bool need_weights)
{
    dp_error err = {0};
    dp_status st = dp_cli_find_model(&err, &f->config, model, common->configs);
    if (st == DP_OK && need_weights && !common->weights)
        st = dp_cli_find_weights(&err, &f->shipped, f->config);
    if (st != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    if (need_weights && !common->weights && !f->shipped)
        return dp_cli_usage("%s: found no checkpoint, expected --weights FILE", model);
    return DP_EXIT_OK;
}

static void release_files(files *f)
{
    dp_free(f->config);
    dp_free(f->shipped);
}

static int start(dp_session *s, const dp_common_options *common, const files *f,
                 const dp_load_options *load)
{
    const dp_options options = {.threads = common->threads,
                                .cpu = common->cpu,
                                .gemm = common->gemm,
                                .precision = common->precision,
                                .log = log_line};
    dp_status st = dp_context_new(&s->ctx, &options);
    if (st != DP_OK) {
        dp_cli_say("cannot start: %s", dp_status_text(st));
        return dp_cli_status(st, DP_SUBJECT_OUTPUT);
    }
    st = dp_model_load(s->ctx, &s->model, f->config,
                       f->shipped ? f->shipped : common->weights, load);
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&s->ctx->err, DP_SUBJECT_MODEL);
}

int dp_session_open(dp_session *s, const dp_common_options *common, const char *model,
                    bool need_weights, const dp_load_options *extra)
{
    dp_load_options load_options = extra ? *extra : (dp_load_options){0};
    load_options.partial = common->partial;
    load_options.cache = common->cache;
    load_options.seed = (uint32_t)common->seed;
    load_options.random = !need_weights;
    *s = (dp_session){0};
    files f = {0};
    int status = find_files(&f, common, model, need_weights);
    if (status == DP_EXIT_OK)
        status = start(s, common, &f, &load_options);
    release_files(&f);
    if (status != DP_EXIT_OK)
        dp_session_close(s);
    return status;
}

void dp_session_close(dp_session *s)
{
    dp_model_free(s->model);
    dp_context_free(s->ctx);
    *s = (dp_session){0};
}
