#include "cli/session.h"

#include "cli/cli.h"
#include "cli/configs.h"

static int start(dp_context **ctx, const dp_common_options *common, dp_load_log *log)
{
    const dp_options options = {.threads = common->threads,
                                .cpu = common->cpu,
                                .gemm = common->gemm,
                                .precision = common->precision,
                                .log = dp_load_log_line,
                                .log_arg = log};
    const dp_status st = dp_context_new(ctx, &options);
    if (st == DP_EUNSUPPORTED)
        dp_cli_say("--gemm openblas: OpenBLAS is not installed (libopenblas.so.0)");
    else if (st != DP_OK)
        dp_cli_say("cannot start: %s", dp_status_text(st));
    return dp_cli_status(st, DP_SUBJECT_OUTPUT);
}

int dp_cli_start(dp_context **ctx, const dp_common_options *common)
{
    static dp_load_log at_once; /* outlives the context, and is never written to */
    return start(ctx, common, &at_once);
}

int dp_session_open(dp_session *s, const dp_common_options *common, const char *model,
                    bool need_weights, const dp_load_options *extra)
{
    dp_load_options load = extra ? *extra : (dp_load_options){0};
    load.configs = dp_cli_configs(common->configs);
    load.random = !need_weights;
    load.partial = common->partial;
    load.cache = common->cache;
    load.seed = (uint32_t)common->seed;
    load.set = common->set.item;
    load.set_count = common->set.count;
    *s = (dp_session){0};
    const int status = start(&s->ctx, common, &s->log);
    if (status != DP_EXIT_OK)
        return status;
    s->log.holding = true;
    s->log.verbose = common->verbose;
    const dp_status st =
        dp_model_load(s->ctx, &s->model, model, common->weights, &load);
    if (st != DP_OK)
        dp_cli_say("%s", dp_context_error(s->ctx));
    dp_load_log_release(&s->log);
    if (st != DP_OK)
        dp_session_close(s);
    return dp_cli_status(st, DP_SUBJECT_MODEL);
}

void dp_session_close(dp_session *s)
{
    dp_model_free(s->model);
    dp_context_free(s->ctx);
    *s = (dp_session){0};
}
