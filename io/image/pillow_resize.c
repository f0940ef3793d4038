#include "io/image/pillow_resize.h"

#include <limits.h>
#include <math.h>

enum {
    CHANNELS = 3,
    BITS = 22, /* after the point, of a weight */
    HALF = 1 << (BITS - 1)
};

dp_size dp_pillow_resize_target(int h, int w, int side)
{
    const int shorter = h < w ? h : w, longer = h < w ? w : h;
    const double scaled = (double)side * (double)longer / (double)shorter;
    const int other = scaled < INT_MAX ? (int)scaled : INT_MAX;
    return h < w ? (dp_size){side, other} : (dp_size){other, side};
}

/* ---- one axis -------------------------------------------------------------------- */

/* What output cell i takes of the input: count[i] cells from first[i], with weights from
 * weight + i * room. */
typedef struct axis {
    int cells, room;
    int *first, *count;
    int32_t *weight;
    int low, high; /* of the input cells that are needed: [low, high) */
} axis;

/* A filter: its weight at a distance x, 0 from `reach` on. */
typedef struct kernel {
    double reach;
    double (*weight)(double x);
} kernel;

static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static const kernel kernels[] = {
    [DP_PILLOW_BICUBIC] = {2, cubic}, [DP_PILLOW_BILINEAR] = {1, triangle}};

static void weigh(axis *a, const kernel *shape, int i, int cell, double scale,
                  double stretch, int in, double *weight)
{
    const double centre = (cell + 0.5) * scale, support = shape->reach * stretch;
    const double from = centre - support + 0.5, to = centre + support + 0.5;
    const int first = from < 0 ? 0 : (int)from;
    const int end = to > in ? in : (int)to;
    double sum = 0;
    for (int k = first; k < end; k++) {
        weight[k - first] = shape->weight((k - centre + 0.5) * (1 / stretch));
        sum += weight[k - first];
    }
    for (int k = 0; k < end - first; k++) {
        const double w = (fabs(sum) > 0 ? weight[k] / sum : weight[k]) * (1 << BITS);
        a->weight[(size_t)i * (size_t)a->room + (size_t)k] =
            (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
    }
    a->first[i] = first;
    a->count[i] = end - first;
    a->low = first < a->low ? first : a->low;
    a->high = end > a->high ? end : a->high;
}

/* Cells [begin, begin + cells) of `out`, taken from `in`. */
static axis plan_axis(dp_run *r, const kernel *shape, int in, int out, int begin,
                      int cells)
{
    const double scale = (double)in / (double)out, stretch = scale < 1 ? 1 : scale;
    axis a = {.cells = cells,
              .room = (int)ceil(shape->reach * stretch) * 2 + 1,
              .low = in,
              .high = 0};
    a.first = dp_run_take(r, (size_t)cells, sizeof *a.first);
    a.count = dp_run_take(r, (size_t)cells, sizeof *a.count);
    a.weight = dp_run_take(r, (size_t)cells * (size_t)a.room, sizeof *a.weight);
    const size_t mark = dp_run_mark(r);
    double *weight = dp_run_take(r, (size_t)a.room, sizeof *weight);
    for (int i = 0; i < cells && !r->dry; i++)
        weigh(&a, shape, i, begin + i, scale, stretch, in, weight);
    dp_run_rewind(r, mark);
    return a;
}

static uint8_t clip(int32_t sum)
{
    const int32_t value = sum < 0 ? 0 : sum >> BITS;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* ---- two passes ------------------------------------------------------------------ */

typedef struct resize_job {
    const axis *rows, *columns;
    const uint8_t *in;
    size_t in_stride;
    uint8_t *middle; /* rows->high - rows->low rows of columns->cells pixels */
    uint8_t *out;
} resize_job;

static void across_item(void *arg, int item, int worker)
{
    (void)worker;
    const resize_job *j = arg;
    const axis *a = j->columns;
    const uint8_t *in = j->in + (size_t)(j->rows->low + item) * j->in_stride;
    uint8_t *out = j->middle + (size_t)item * (size_t)a->cells * CHANNELS;
    for (int i = 0; i < a->cells; i++, out += CHANNELS) {
        const int32_t *weight = a->weight + (size_t)i * (size_t)a->room;
        const uint8_t *from = in + (size_t)a->first[i] * CHANNELS;
        int32_t sum[CHANNELS] = {HALF, HALF, HALF};
        for (int k = 0; k < a->count[i]; k++, from += CHANNELS)
            for (int c = 0; c < CHANNELS; c++)
                sum[c] += from[c] * weight[k];
        for (int c = 0; c < CHANNELS; c++)
            out[c] = clip(sum[c]);
    }
}

static void down_item(void *arg, int item, int worker)
{
    (void)worker;
    const resize_job *j = arg;
    const axis *a = j->rows;
    const size_t line = (size_t)j->columns->cells * CHANNELS;
    const int32_t *weight = a->weight + (size_t)item * (size_t)a->room;
    const uint8_t *from = j->middle + (size_t)(a->first[item] - a->low) * line;
    uint8_t *out = j->out + (size_t)item * line;
    for (size_t x = 0; x < line; x++) {
        int32_t sum = HALF;
        for (int k = 0; k < a->count[item]; k++)
            sum += from[(size_t)k * line + x] * weight[k];
        out[x] = clip(sum);
    }
}

static bool is_inside(dp_pixel_rect part, dp_size size)
{
    return part.y >= 0 && part.x >= 0 && part.h >= 1 && part.w >= 1 &&
           part.h <= size.h - part.y && part.w <= size.w - part.x;
}

void dp_pillow_resize_run(dp_run *r, uint8_t *out, dp_pixel_rect part, dp_size size,
                          const uint8_t *in, dp_size in_size, dp_pillow_filter filter)
{
    if (!is_inside(part, size) || in_size.h < 1 || in_size.w < 1) {
        dp_run_fail(r, DP_ESHAPE,
                    "resize: the part of %d x %d at (%d, %d) is not inside the image "
                    "of %d x %d",
                    part.w, part.h, part.x, part.y, size.w, size.h);
        return;
    }
    const size_t mark = dp_run_mark(r);
    const axis rows = plan_axis(r, &kernels[filter], in_size.h, size.h, part.y, part.h);
    const axis columns =
        plan_axis(r, &kernels[filter], in_size.w, size.w, part.x, part.w);
    resize_job job = {.rows = &rows,
                      .columns = &columns,
                      .in = in,
                      .in_stride = (size_t)in_size.w * CHANNELS,
                      .out = out};
    /* Which rows are needed is known once the weights are: all of them, at most. */
    job.middle =
        dp_run_take(r, (size_t)in_size.h * (size_t)part.w, CHANNELS * sizeof *out);
    if (!r->dry) {
        dp_parallel(r->pool, rows.high - rows.low, across_item, &job);
        dp_parallel(r->pool, part.h, down_item, &job);
    }
    dp_run_rewind(r, mark);
}
