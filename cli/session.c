#include "cli/session.h"

#include "cli/cli.h"
#include "cli/configs.h"
#include "core/memory.h"

#include <stdio.h>

static void log_line(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "  %s\n", line);
}

static int load(dp_session *s, const dp_common_options *common, const char *model,
                const dp_load_options *options)
{
    char *path;
    dp_error err = {0};
    if (dp_cli_find_model(&err, &path, model, common->configs) != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    const dp_status st =
        dp_model_load(s->ctx, &s->model, path, common->weights, options);
    dp_free(path);
    return st == DP_OK ? DP_EXIT_OK : dp_cli_fail(&s->ctx->err, DP_SUBJECT_MODEL);
}

int dp_session_open(dp_session *s, const dp_common_options *common, const char *model,
                    bool need_weights, const dp_load_options *extra)
{
    dp_load_options load_options = extra ? *extra : (dp_load_options){0};
    load_options.partial = common->partial;
    load_options.cache = common->cache;
    load_options.seed = (uint32_t)common->seed;
    *s = (dp_session){0};
    if (need_weights && !common->weights)
        return dp_cli_usage("%s: found no checkpoint, expected --weights FILE", model);
    const dp_options options = {.threads = common->threads,
                                .cpu = common->cpu,
                                .gemm = common->gemm,
                                .precision = common->precision,
                                .log = log_line};
    const dp_status st = dp_context_new(&s->ctx, &options);
    if (st != DP_OK) {
        dp_cli_say("cannot start: %s", dp_status_text(st));
        return dp_cli_status(st, DP_SUBJECT_OUTPUT);
    }
    const int status = load(s, common, model, &load_options);
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
