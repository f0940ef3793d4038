#include "io/image/pytorch_resize.h"

#include "ops/resize.h"

#include <math.h>
#include <string.h>

dp_size dp_pytorch_resize_target(dp_size original, int shorter, int longer)
{
    const bool tall = original.h > original.w;
    const float low = 1.0f / (float)(tall ? original.w : original.h);
    const float high = 1.0f / (float)(tall ? original.h : original.w);
    const float a = low * (float)shorter, b = high * (float)longer;
    const double scale = (double)(a < b ? a : b);
    const dp_size size = {(int)floor((double)original.h * scale),
                          (int)floor((double)original.w * scale)};
    return (dp_size){size.h > 0 ? size.h : 1, size.w > 0 ? size.w : 1};
}

struct job {
    dp_tensor x, y;
    dp_size size;
    dp_resize_tap *rows, *columns;
};

static float mix(float low, float high, const dp_resize_tap *t)
{
    return fmaf(low, t->weight_low, high * t->weight_high);
}

static void resize_row(void *arg, int row, int worker)
{
    (void)worker;
    const struct job *j = arg;
    const size_t C = (size_t)j->x.C, from = (size_t)j->x.W * C;
    const size_t line = (size_t)j->y.W * C;
    float *y = j->y.data + (size_t)row * line;
    memset(y, 0, line * sizeof *y);
    if (row >= j->size.h)
        return;
    const dp_resize_tap *v = &j->rows[row];
    const float *top = j->x.data + (size_t)v->low * from;
    const float *bottom = j->x.data + (size_t)v->high * from;
    for (int i = 0; i < j->size.w; i++, y += C) {
        const dp_resize_tap *h = &j->columns[i];
        const size_t low = (size_t)h->low * C, high = (size_t)h->high * C;
        for (size_t c = 0; c < C; c++)
            y[c] = mix(mix(top[low + c], top[high + c], h),
                       mix(bottom[low + c], bottom[high + c], h), v);
    }
}

void dp_pytorch_resize_run(dp_run *r, dp_tensor y, dp_tensor x, dp_size size)
{
    if (x.C != y.C || size.h > y.H || size.w > y.W)
        dp_run_fail(r, DP_ESHAPE,
                    "resize: found %d x %d with %d channels, expected at least %d x %d "
                    "with %d",
                    y.H, y.W, y.C, size.h, size.w, x.C);
    struct job j = {x, y, size, NULL, NULL};
    const size_t mark = dp_run_mark(r);
    j.rows = dp_run_take(r, (size_t)size.h, sizeof *j.rows);
    j.columns = dp_run_take(r, (size_t)size.w, sizeof *j.columns);
    if (!r->dry) {
        dp_resize_fill_taps(j.rows, size.h, x.H);
        dp_resize_fill_taps(j.columns, size.w, x.W);
        dp_parallel(r->pool, y.H, resize_row, &j);
    }
    dp_run_rewind(r, mark);
}
