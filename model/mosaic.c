#include "model/mosaic.h"

#include <string.h>

static int count_windows(int size, int crop, int stride)
{
    return size <= crop ? 1 : (size - crop + stride - 1) / stride + 1;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int round_up(int value, int multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

dp_mosaic dp_mosaic_plan(dp_run *r, dp_size size, const dp_mosaic_spec *spec)
{
    dp_mosaic m = {
        .size = size,
        .stride = spec->stride,
        .window = {smaller(size.h, spec->crop.h), smaller(size.w, spec->crop.w)},
        .down = count_windows(size.h, spec->crop.h, spec->stride.h),
        .across = count_windows(size.w, spec->crop.w, spec->stride.w),
        .multiple = spec->multiple,
        .kernels = r->kernels};
    if (m.window.h < spec->least || m.window.w < spec->least)
        m.multiple = spec->least;
    m.input =
        (dp_size){round_up(m.window.h, m.multiple), round_up(m.window.w, m.multiple)};
    m.logits = dp_run_tensor(r, m.down * m.across,
                             round_up(m.input.h, spec->cell) / spec->cell,
                             round_up(m.input.w, spec->cell) / spec->cell, spec->K);
    m.rows = dp_run_take(r, (size_t)m.input.h, sizeof *m.rows);
    m.columns = dp_run_take(r, (size_t)m.input.w, sizeof *m.columns);
    return m;
}

/* Where the window that is number i along an axis begins. */
static int begin(int i, int size, int window, int stride)
{
    return smaller(i * stride, size - window);
}

void dp_mosaic_place(const dp_mosaic *m, int i, int *y, int *x)
{
    *y = begin(i / m->across, m->size.h, m->window.h, m->stride.h);
    *x = begin(i % m->across, m->size.w, m->window.w, m->stride.w);
}

void dp_mosaic_put(dp_run *r, dp_mosaic *m, int i, dp_tensor logits)
{
    if (logits.C != m->logits.C || logits.H > m->logits.H || logits.W > m->logits.W) {
        dp_run_fail(r, DP_ESHAPE,
                    "logits of a window: found %d x %d of %d classes, expected at most "
                    "%d x %d of %d",
                    logits.H, logits.W, logits.C, m->logits.H, m->logits.W,
                    m->logits.C);
        return;
    }
    m->logits.H = logits.H;
    m->logits.W = logits.W;
    if (r->dry)
        return;
    const size_t size = dp_tensor_size(logits);
    memcpy(m->logits.data + (size_t)i * size, logits.data, size * sizeof(float));
    if (i == 0) {
        dp_blend_axis(m->rows, logits.H, m->input.h);
        dp_blend_axis(m->columns, logits.W, m->input.w);
    }
}

/* Windows along an axis that cover position `at`. */
static int count_visits(int at, int windows, int size, int window, int stride)
{
    int visits = 0;
    for (int i = 0; i < windows; i++) {
        const int from = begin(i, size, window, stride);
        visits += at >= from && at < from + window;
    }
    return visits;
}

/* out (w, K) += row `row` of window i, at the window's columns. */
static void add_window(const dp_mosaic *m, int i, int row, int x, float *out)
{
    const dp_tensor t = m->logits;
    const size_t line = (size_t)t.W * (size_t)t.C;
    const float *logits = t.data + (size_t)i * (size_t)t.H * line;
    const dp_blend mix = m->rows[row];
    const dp_logits_row r = {.first = logits + (size_t)mix.first * line,
                             .second = logits + (size_t)mix.second * line,
                             .y = mix,
                             .x = m->columns,
                             .W = m->window.w,
                             .K = t.C};
    dp_logits_add(out + (size_t)x * (size_t)t.C, r, m->kernels);
}

void dp_mosaic_row(const dp_mosaic *m, int y, float *out)
{
    const size_t K = (size_t)m->logits.C;
    memset(out, 0, (size_t)m->size.w * K * sizeof *out);
    for (int i = 0; i < m->down * m->across; i++) {
        int top, left;
        dp_mosaic_place(m, i, &top, &left);
        if (y >= top && y < top + m->window.h)
            add_window(m, i, y - top, left, out);
    }
    const int rows = count_visits(y, m->down, m->size.h, m->window.h, m->stride.h);
    for (int x = 0; x < m->size.w; x++, out += K) {
        const int visits =
            rows * count_visits(x, m->across, m->size.w, m->window.w, m->stride.w);
        for (size_t k = 0; visits > 1 && k < K; k++)
            out[k] /= (float)visits;
    }
}
