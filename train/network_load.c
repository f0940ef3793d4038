#include "train/network_load.h"

#include "io/checkpoint/checkpoint.h"
#include "model/names.h"

#include <string.h>

static bool is_head(const dp_mismatch *m)
{
    static const char head[] = "head.";
    return m->kind != DP_MISMATCH_UNEXPECTED &&
           strncmp(m->name, head, sizeof head - 1) == 0;
}

/* DP_ESHAPE when anything but the head does not fit. */
static dp_status check(dp_context *ctx, const dp_mismatches *found)
{
    dp_mismatches wrong = {0};
    dp_status st = DP_OK;
    for (size_t i = 0; i < found->count && st == DP_OK; i++) {
        const dp_mismatch *m = &found->list[i];
        if (is_head(m))
            dp_context_log(ctx, "%s is new: %s", m->name,
                           m->detail[0] ? m->detail : "the checkpoint has none");
        else
            st = dp_mismatches_add(&ctx->err, &wrong, m->kind, m->name, m->detail);
    }
    if (st == DP_OK && wrong.count > 0)
        st = dp_mismatches_fail(&ctx->err, &wrong);
    dp_mismatches_done(&wrong);
    return st;
}

static dp_status build(dp_context *ctx, dp_network **out, const dp_config *config,
                       const dp_renamed *renamed, const dp_network_options *options)
{
    dp_mismatches found = {0};
    dp_network_options from = *options;
    from.tensors = renamed->tensors;
    from.count = renamed->count;
    from.partial = true;
    from.mismatches = &found;
    dp_status st = dp_network_new(ctx, out, config, &from);
    if (st == DP_OK)
        st = check(ctx, &found);
    dp_mismatches_done(&found);
    if (st != DP_OK) {
        dp_network_free(*out);
        *out = NULL;
    }
    return st;
}

dp_status dp_network_load(dp_context *ctx, dp_network **out, const dp_config *config,
                          const char *path, const dp_network_options *options)
{
    dp_checkpoint *checkpoint;
    dp_renamed renamed = {0};
    size_t count;
    *out = NULL;
    dp_status st = dp_checkpoint_open(&ctx->err, &checkpoint, path);
    if (st != DP_OK)
        return st;
    const dp_named_tensor *tensors = dp_checkpoint_tensors(checkpoint, &count);
    st = dp_names_apply(&ctx->err, &renamed, config, tensors, count);
    if (st == DP_OK)
        st = build(ctx, out, config, &renamed, options);
    if (st == DP_ESHAPE)
        dp_fail_while(&ctx->err, "%s", path);
    dp_names_done(&renamed);
    dp_checkpoint_close(checkpoint);
    return st;
}
