#include "core/run.h"

#include <stdarg.h>
#include <stdio.h>

dp_tensor dp_run_tensor(dp_run *r, int N, int H, int W, int C)
{
    if (N < 0 || H < 0 || W < 0 || C < 0) {
        dp_run_fail(r, DP_ESHAPE,
                    "a map of %d x %d x %d x %d: expected no negative extent", N, H, W,
                    C);
        return (dp_tensor){NULL, 0, 0, 0, 0};
    }
    dp_tensor t = {NULL, N, H, W, C};
    t.data = dp_run_take(r, dp_tensor_size(t), sizeof(float));
    return t;
}

void *dp_run_take(dp_run *r, size_t count, size_t size)
{
    return dp_arena_take(r->arena, count, size);
}

size_t dp_run_mark(const dp_run *r)
{
    return dp_arena_mark(r->arena);
}

void dp_run_rewind(dp_run *r, size_t mark)
{
    if (!r->recording)
        dp_arena_rewind(r->arena, mark);
}

void dp_run_fail(dp_run *r, dp_status code, const char *format, ...)
{
    if (r->status != DP_OK)
        return;
    char text[DP_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->status = dp_fail(r->err, code, "%s", text);
}

double dp_work_macs(size_t rows, int K, int N)
{
    return (double)rows * (double)K * (double)N;
}

void dp_run_count(dp_run *r, const dp_work *work)
{
    r->macs += work->macs;
    if (r->observe)
        r->observe(r->observe_arg, r, work);
}

void dp_run_trace(const dp_run *r, const char *name, dp_tensor map)
{
    if (r->trace && !r->dry)
        r->trace(r->trace_arg, r, name, map);
}
