#include "tests/support/hollow_checkpoint.h"

#include "base/memory.h"
#include "core/config.h"
#include "model/context.h"
#include "model/model.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const float zero;

/* The extents of "expected [3, 4]". */
static void read_shape(dp_named_tensor *t, const char *detail)
{
    const char *at = strchr(detail, '[');
    ck_assert_ptr_nonnull(at);
    for (char *end; *at != ']'; at = end) {
        t->shape[t->rank++] = strtol(at + 1, &end, 10);
        ck_assert_ptr_ne(end, at + 1);
    }
}

void hollow_checkpoint_write(const char *path, const char *config, const char *changes,
                             const pth_options *options)
{
    dp_context *ctx;
    dp_config *c;
    dp_model *m;
    dp_mismatches needed;
    const dp_named_tensor none = {
        .name = "x", .rank = 1, .shape = {1}, .stride = {1}, .data = &zero};
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    ck_assert_msg(dp_config_load(&ctx->err, &c, config) == DP_OK, "%s", ctx->err.text);
    if (changes)
        ck_assert_int_eq(dp_config_lay(&ctx->err, c, changes, "changes"), DP_OK);
    const dp_model_weights weights = {.tensors = &none, .count = 1, .counting = true};
    ck_assert_msg(dp_model_build(ctx, &m, c, &weights, &needed) == DP_ESHAPE, "%s",
                  ctx->err.text);

    dp_named_tensor *tensors = calloc(needed.count, sizeof *tensors);
    size_t count = 0;
    for (size_t i = 0; i < needed.count; i++) {
        if (needed.list[i].kind != DP_MISMATCH_MISSING)
            continue;
        tensors[count] = (dp_named_tensor){.name = needed.list[i].name, .data = &zero};
        read_shape(&tensors[count++], needed.list[i].detail);
    }
    ck_assert(pth_write(path, tensors, count, options));
    free(tensors);
    dp_mismatches_done(&needed);
    dp_config_free(c);
    dp_context_free(ctx);
}
