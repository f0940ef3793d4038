#include "ops/layout.h"

#include "ops/layout_source.h"

#include <math.h>
#include <string.h>

/* ---- cells ------------------------------------------------------------------------ */

/* at + by, in [0, size). */
static int around(int at, int by, int size)
{
    return ((at + by) % size + size) % size;
}

/* A cell of x, and a channel of it. Past the end of x there is a 0. */
typedef struct place {
    int n, h, w, channel;
} place;

static place source_of_window(const dp_step *s, int item, int w)
{
    const int side = s->kernel, window = item / side;
    const int down = s->x[0].H / side, across = s->x[0].W / side;
    return (place){window / across / down, window / across % down * side + item % side,
                   window % across * side + w, 0};
}

static place source_of_map(const dp_step *s, int item, int w)
{
    const dp_tensor y = s->y;
    const int side = s->kernel, h = item % y.H;
    return (place){(item / y.H * (y.H / side) + h / side) * (y.W / side) + w / side,
                   h % side, w % side, 0};
}

static place source_of_head(const dp_step *s, int item)
{
    const int batch = item / s->y.H, at = item % s->y.H, across = s->x[0].W;
    return (place){batch / s->groups, at / across, at % across,
                   s->first + batch % s->groups * s->y.C};
}

static place source_of(const dp_step *s, int item, int w)
{
    const dp_tensor y = s->y;
    const int n = item / y.H, h = item % y.H;
    switch (s->kind) {
    case DP_STEP_roll:
        return (place){n, around(h, s->rows, y.H), around(w, s->columns, y.W), 0};
    case DP_STEP_subsample:
        return (place){n, h * s->stride + s->rows, w * s->stride + s->columns, 0};
    case DP_STEP_windows:
        return source_of_window(s, item, w);
    case DP_STEP_unwindows:
        return source_of_map(s, item, w);
    case DP_STEP_heads:
        return source_of_head(s, item);
    default:
        return (place){n, h, w, 0};
    }
}

bool dp_layout_source(const dp_step *s, int item, int w, size_t *at)
{
    const dp_tensor x = s->x[0];
    const place c = source_of(s, item, w);
    *at = ((size_t)(c.n * x.H + c.h) * (size_t)x.W + (size_t)c.w) * (size_t)x.C +
          (size_t)c.channel;
    return c.h < x.H && c.w < x.W;
}

static void copy_row(const dp_step *s, int item)
{
    const size_t size = (size_t)s->y.C * sizeof(float);
    for (int w = 0; w < s->y.W; w++) {
        float *y = dp_tensor_cell(s->y, 0, item, w);
        size_t from;
        if (dp_layout_source(s, item, w, &from))
            memcpy(y, s->x[0].data + from, size);
        else
            memset(y, 0, size);
    }
}

#define COPIES(name)                                      \
    void dp_step_##name##_row(const dp_step *s, int item) \
    {                                                     \
        copy_row(s, item);                                \
    }
COPIES(pad)
COPIES(roll)
COPIES(subsample)
COPIES(windows)
COPIES(unwindows)
COPIES(heads)

/* ---- channels --------------------------------------------------------------------- */

void dp_step_concat_row(const dp_step *s, int item)
{
    for (int w = 0; w < s->y.W; w++) {
        float *y = dp_tensor_cell(s->y, 0, item, w);
        for (int i = 0; i < s->inputs; y += s->x[i++].C)
            memcpy(y, dp_tensor_cell(s->x[i], 0, item, w),
                   (size_t)s->x[i].C * sizeof *y);
    }
}

void dp_step_channels_row(const dp_step *s, int item)
{
    for (int w = 0; w < s->y.W; w++)
        for (int c = 0; c < s->y.C; c++)
            dp_tensor_cell(s->y, 0, item, w)[c] =
                dp_tensor_cell(s->x[0], 0, item, w)[(s->first + c) % s->x[0].C];
}

void dp_step_own_channel_row(const dp_step *s, int item)
{
    const int c = s->index[item / s->y.H];
    for (int w = 0; w < s->y.W; w++)
        *dp_tensor_cell(s->y, 0, item, w) = dp_tensor_cell(s->x[0], 0, item, w)[c];
}

void dp_step_channels_first_row(const dp_step *s, int item)
{
    const dp_tensor x = s->x[0];
    float *y = dp_tensor_cell(s->y, item, 0, 0);
    for (int c = 0; c < x.C; c++)
        for (int h = 0; h < x.H; h++)
            for (int w = 0; w < x.W; w++)
                *y++ = dp_tensor_cell(x, item, h, w)[c];
}

void dp_step_unheads_row(const dp_step *s, int item)
{
    const dp_tensor x = s->x[0], y = s->y;
    const int n = item / y.H, h = item % y.H;
    for (int w = 0; w < y.W; w++)
        for (int k = 0; k < s->groups; k++)
            memcpy(dp_tensor_cell(y, n, h, w) + (size_t)k * (size_t)x.C,
                   dp_tensor_cell(x, n * s->groups + k, h * y.W + w, 0),
                   (size_t)x.C * sizeof *x.data);
}

/* ---- sizes ------------------------------------------------------------------------ */

double dp_bilinear_place(int i, int out, int in, int *low, int *high)
{
    const double at = fmax((double)((float)in / (float)out) * (i + 0.5) - 0.5, 0);
    *low = at < in - 1 ? (int)at : in - 1;
    *high = *low < in - 1 ? *low + 1 : *low;
    return at - *low;
}

void dp_step_bilinear_row(const dp_step *s, int item)
{
    const dp_tensor x = s->x[0], y = s->y;
    const int n = item / y.H;
    int top, bottom, left, right;
    const double down = dp_bilinear_place(item % y.H, y.H, x.H, &top, &bottom);
    for (int w = 0; w < y.W; w++) {
        const double across = dp_bilinear_place(w, y.W, x.W, &left, &right);
        for (int c = 0; c < y.C; c++) {
            const double upper =
                (1 - across) * (double)dp_tensor_cell(x, n, top, left)[c] +
                across * (double)dp_tensor_cell(x, n, top, right)[c];
            const double lower =
                (1 - across) * (double)dp_tensor_cell(x, n, bottom, left)[c] +
                across * (double)dp_tensor_cell(x, n, bottom, right)[c];
            dp_tensor_cell(y, 0, item, w)[c] =
                (float)((1 - down) * upper + down * lower);
        }
    }
}

int dp_nearest_place(int i, int out, int in)
{
    const int at = (int)((float)i * ((float)in / (float)out));
    return at < in - 1 ? at : in - 1;
}

void dp_step_nearest_row(const dp_step *s, int item)
{
    const dp_tensor x = s->x[0], y = s->y;
    const int n = item / y.H, h = dp_nearest_place(item % y.H, y.H, x.H);
    for (int w = 0; w < y.W; w++)
        memcpy(dp_tensor_cell(y, 0, item, w),
               dp_tensor_cell(x, n, h, dp_nearest_place(w, y.W, x.W)),
               (size_t)y.C * sizeof *y.data);
}

/* ---- windows ---------------------------------------------------------------------- */

int dp_position_place(int side, int i, int j)
{
    const int rows = i / side - j / side + side - 1;
    const int columns = i % side - j % side + side - 1;
    return rows * (2 * side - 1) + columns;
}

void dp_step_position_row(const dp_step *s, int item)
{
    const int side = s->kernel, head = item / s->y.H % s->groups, i = item % s->y.H;
    const float *x = dp_tensor_cell(s->x[0], 0, item, 0);
    float *y = dp_tensor_cell(s->y, 0, item, 0);
    for (int j = 0; j < s->y.C; j++)
        y[j] = x[j] + s->weight[dp_position_place(side, i, j) * s->groups + head];
}

/* Rows (or columns) of a rolled map that were neighbours before have the same number. */
static int part_of(const dp_step *s, int at, int extent)
{
    return (at >= extent - s->kernel) + (at >= extent - s->first);
}

static int region_of(const dp_step *s, int window, int cell)
{
    const int side = s->kernel;
    const int h = window / s->columns * side + cell / side;
    const int w = window % s->columns * side + cell % side;
    return 3 * part_of(s, h, s->rows * side) + part_of(s, w, s->columns * side);
}

void dp_step_separate_row(const dp_step *s, int item)
{
    const int window = item / s->y.H / s->groups % (s->rows * s->columns);
    const int region = region_of(s, window, item % s->y.H);
    const float *x = dp_tensor_cell(s->x[0], 0, item, 0);
    float *y = dp_tensor_cell(s->y, 0, item, 0);
    for (int j = 0; j < s->y.C; j++)
        y[j] = region_of(s, window, j) == region ? x[j] : x[j] - 100;
}

/* ---- the steps -------------------------------------------------------------------- */

/* A step of one input, with a result of these extents. */
static dp_step step_of(dp_step_kind kind, dp_tensor x, int N, int H, int W, int C)
{
    return (dp_step){.kind = kind, .y = {NULL, N, H, W, C}, .inputs = 1, .x = {x}};
}

dp_tensor dp_tensor_pad(dp_run *r, dp_tensor x, int H, int W)
{
    return dp_step_run(r, step_of(DP_STEP_pad, x, x.N, H, W, x.C));
}

dp_tensor dp_tensor_roll(dp_run *r, dp_tensor x, int rows, int columns)
{
    dp_step s = step_of(DP_STEP_roll, x, x.N, x.H, x.W, x.C);
    s.rows = rows;
    s.columns = columns;
    return dp_step_run(r, s);
}

/* Cells from `first` on, `stride` apart, of `size`. */
static int count_from(int first, int stride, int size)
{
    return first < size ? (size - first - 1) / stride + 1 : 0;
}

dp_tensor dp_tensor_subsample(dp_run *r, dp_tensor x, int stride, int row, int column)
{
    dp_step s = step_of(DP_STEP_subsample, x, x.N, count_from(row, stride, x.H),
                        count_from(column, stride, x.W), x.C);
    s.stride = stride;
    s.rows = row;
    s.columns = column;
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_concat(dp_run *r, const dp_tensor *x, int count)
{
    dp_step s = {.kind = DP_STEP_concat, .y = x[0], .inputs = count};
    s.y.C = 0;
    for (int i = 0; i < count; i++) {
        s.x[i] = x[i];
        s.y.C += x[i].C;
        dp_step_expect(r, &s, x[i].N == s.y.N && x[i].H == s.y.H && x[i].W == s.y.W);
    }
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_channels(dp_run *r, dp_tensor x, int first, int count)
{
    dp_step s = step_of(DP_STEP_channels, x, x.N, x.H, x.W, count);
    s.first = first;
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_own_channel(dp_run *r, dp_tensor x, const int *index)
{
    dp_step s = step_of(DP_STEP_own_channel, x, x.N, x.H, x.W, 1);
    s.index = index;
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_channels_first(dp_run *r, dp_tensor x)
{
    return dp_step_run(r,
                       step_of(DP_STEP_channels_first, x, x.N, 1, 1, x.C * x.H * x.W));
}

dp_tensor dp_tensor_windows(dp_run *r, dp_tensor x, int side)
{
    const int windows = (x.H / side) * (x.W / side);
    dp_step s = step_of(DP_STEP_windows, x, x.N * windows, side, side, x.C);
    s.kernel = side;
    dp_step_expect(r, &s, x.H % side == 0 && x.W % side == 0);
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_unwindows(dp_run *r, dp_tensor x, int N, int H, int W)
{
    dp_step s = step_of(DP_STEP_unwindows, x, N, H, W, x.C);
    s.kernel = x.H;
    dp_step_expect(r, &s, dp_tensor_size(x) == dp_tensor_size(s.y));
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_heads(dp_run *r, dp_tensor x, int first, int C, int heads)
{
    dp_step s = step_of(DP_STEP_heads, x, x.N * heads, x.H * x.W, 1, C / heads);
    s.first = first;
    s.groups = heads;
    dp_step_expect(r, &s, C % heads == 0 && first + C <= x.C);
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_unheads(dp_run *r, dp_tensor x, int heads, int h, int w)
{
    dp_step s = step_of(DP_STEP_unheads, x, x.N / heads, h, w, x.C * heads);
    s.groups = heads;
    dp_step_expect(r, &s, x.N % heads == 0 && x.H == h * w && x.W == 1);
    return dp_step_run(r, s);
}

static dp_tensor resize(dp_run *r, dp_step_kind kind, dp_tensor x, int H, int W,
                        int terms)
{
    dp_step s = step_of(kind, x, x.N, H, W, x.C);
    s.terms = terms;
    dp_step_expect(r, &s, dp_tensor_size(x) > 0 || dp_tensor_size(s.y) == 0);
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_bilinear(dp_run *r, dp_tensor x, int H, int W)
{
    return resize(r, DP_STEP_bilinear, x, H, W, 4);
}

dp_tensor dp_tensor_nearest(dp_run *r, dp_tensor x, int H, int W)
{
    return resize(r, DP_STEP_nearest, x, H, W, 0);
}

dp_tensor dp_tensor_position(dp_run *r, dp_tensor x, const float *table, int side,
                             int heads)
{
    const int span = 2 * side - 1;
    dp_step s = step_of(DP_STEP_position, x, x.N, x.H, x.W, x.C);
    s.weight = table;
    s.weight_count = (size_t)(span * span) * (size_t)heads;
    s.terms = 2;
    s.kernel = side;
    s.groups = heads;
    dp_step_expect(r, &s, x.N % heads == 0 && x.H == side * side && x.C == x.H);
    return dp_step_run(r, s);
}

dp_tensor dp_tensor_separate(dp_run *r, dp_tensor x, const dp_window_grid *grid)
{
    dp_step s = step_of(DP_STEP_separate, x, x.N, x.H, x.W, x.C);
    s.kernel = grid->side;
    s.groups = grid->heads;
    s.first = grid->shift;
    s.rows = grid->down;
    s.columns = grid->across;
    dp_step_expect(r, &s, x.H == grid->side * grid->side && x.C == x.H);
    return dp_step_run(r, s);
}
