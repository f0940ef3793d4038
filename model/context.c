#include "model/context.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "ops/gemm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Products by OpenBLAS are marked by a table without the kernel. Its plain C form serves
 * as a specification and would take minutes. */
static dp_status choose_engine(dp_context *ctx)
{
    const char *wish = ctx->options.gemm;
    if (wish && strcmp(wish, "own") != 0 && strcmp(wish, "openblas") != 0)
        return dp_fail(&ctx->err, DP_EARG,
                       "gemm: found \"%s\", expected own or openblas", wish);
    if (wish ? strcmp(wish, "openblas") != 0 : ctx->kernels.cpu != 0)
        return DP_OK;
    if (dp_gemm_start())
        ctx->kernels.gemm = NULL;
    else if (wish)
        return dp_fail(&ctx->err, DP_EUNSUPPORTED,
                       "gemm: OpenBLAS is not installed (libopenblas.so.0)");
    return DP_OK;
}

static dp_status choose_precision(dp_context *ctx)
{
    const char *wish = ctx->options.precision;
    ctx->bf16 = wish && strcmp(wish, "bf16") == 0;
    if (wish && !ctx->bf16 && strcmp(wish, "float32") != 0)
        return dp_fail(&ctx->err, DP_EARG,
                       "precision: found \"%s\", expected float32 or bf16", wish);
    return DP_OK;
}

static dp_status start(dp_context *ctx)
{
    unsigned cpu = dp_cpu_detect(), mask;
    const char *wish = ctx->options.cpu;
    if (wish) {
        if (!dp_cpu_parse(wish, &mask))
            return dp_fail(&ctx->err, DP_EARG,
                           "cpu: found \"%s\", expected ref, avx2 or avx512", wish);
        cpu &= mask;
    }
    dp_kernels_init(&ctx->kernels, cpu);
    dp_status st = choose_engine(ctx);
    if (st == DP_OK)
        st = choose_precision(ctx);
    if (st != DP_OK)
        return st;
    const int threads =
        ctx->options.threads ? ctx->options.threads : dp_pool_available_cpus();
    dp_arena_dry(&ctx->arena);
    return dp_pool_new(&ctx->err, &ctx->pool, threads);
}

dp_status dp_context_new(dp_context **out, const dp_options *options)
{
    /* There is no context yet to keep a sentence in. */
    dp_error err = {0};
    void *memory;
    *out = NULL;
    dp_status st = dp_alloc(&err, &memory, 1, sizeof(dp_context), "a context");
    if (st != DP_OK)
        return st;
    dp_context *ctx = memory;
    if (options)
        ctx->options = *options;
    st = start(ctx);
    if (st != DP_OK)
        dp_context_free(ctx);
    else
        *out = ctx;
    return st;
}

dp_status dp_context_fork(dp_error *err, dp_context **out, const dp_context *of,
                          int threads)
{
    void *memory;
    *out = NULL;
    dp_status st = dp_alloc(err, &memory, 1, sizeof(dp_context), "a context");
    if (st != DP_OK)
        return st;
    dp_context *ctx = memory;
    ctx->kernels = of->kernels;
    ctx->bf16 = of->bf16;
    dp_arena_dry(&ctx->arena);
    st = dp_pool_new(err, &ctx->pool, threads);
    if (st != DP_OK)
        dp_context_free(ctx);
    else
        *out = ctx;
    return st;
}

void dp_context_free(dp_context *ctx)
{
    if (!ctx)
        return;
    dp_pool_free(ctx->pool);
    dp_arena_done(&ctx->arena);
    dp_free(ctx);
}

const char *dp_context_error(const dp_context *ctx)
{
    return ctx->err.text;
}

void dp_context_log(dp_context *ctx, const char *format, ...)
{
    if (!ctx->options.log)
        return;
    char line[DP_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    /* Names come from files: nothing in them may break the line. */
    for (unsigned char *p = (unsigned char *)line; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
    ctx->options.log(ctx->options.log_arg, line);
}

dp_run dp_context_run(dp_context *ctx, bool dry)
{
    return (dp_run){.arena = &ctx->arena,
                    .pool = ctx->pool,
                    .kernels = &ctx->kernels,
                    .dry = dry,
                    .status = DP_OK,
                    .err = &ctx->err,
                    .trace = dry ? NULL : ctx->trace,
                    .trace_arg = ctx->trace_arg};
}
