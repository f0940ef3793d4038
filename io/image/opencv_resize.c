#include "io/image/opencv_resize.h"

#include "ops/kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { BYTES = 3, BLOCK = 16 /* output rows of an item */ };

/* Where an output row or column comes from. */
struct tap {
    int first, second;    /* source positions */
    int weight0, weight1; /* of 2048          */
};

struct resize {
    const dp_kernels *kernels;
    uint8_t *out;
    const uint8_t *in;
    int out_h, out_w, in_h, in_w;
    const struct tap *rows, *columns;
    int32_t *sums; /* two rows of out_w x 3 a worker */
};

dp_size dp_opencv_resize_target(int h, int w, int long_side, int short_side)
{
    const double longer = long_side > short_side ? long_side : short_side;
    const double shorter = long_side > short_side ? short_side : long_side;
    const double by_long = longer / (h > w ? h : w);
    const double by_short = shorter / (h > w ? w : h);
    const double factor = by_long < by_short ? by_long : by_short;
    dp_size size = {(int)(h * factor + 0.5), (int)(w * factor + 0.5)};
    if (size.h < 1)
        size.h = 1;
    if (size.w < 1)
        size.w = 1;
    return size;
}

static int clamp(int value, int last)
{
    return value < 0 ? 0 : value > last ? last : value;
}

/* `clamp_weight`: beyond the border the weight is clamped, not only the position. The
 * reciprocal of a quotient is OpenCV's, and not the same as the quotient. */
static void fill_taps(struct tap *taps, int out, int in, bool clamp_weight)
{
    const double scale = 1.0 / ((double)out / in);
    for (int i = 0; i < out; i++) {
        float fraction = (float)((i + 0.5) * scale - 0.5);
        int first = (int)floorf(fraction);
        fraction -= (float)first;
        if (clamp_weight && (first < 0 || first >= in - 1)) {
            first = clamp(first, in - 1);
            fraction = 0.0f;
        }
        taps[i] = (struct tap){clamp(first, in - 1), clamp(first + 1, in - 1),
                               (int)lrintf((1.0f - fraction) * 2048.0f),
                               (int)lrintf(fraction * 2048.0f)};
    }
}

/* One source row to out_w pixels, times 2048. */
static void sum_columns(const struct resize *z, int32_t *sums, int row)
{
    const uint8_t *in = z->in + (size_t)row * (size_t)z->in_w * BYTES;
    for (int x = 0; x < z->out_w; x++, sums += BYTES) {
        const struct tap *t = &z->columns[x];
        const uint8_t *a = in + (size_t)t->first * BYTES;
        const uint8_t *b = in + (size_t)t->second * BYTES;
        for (int c = 0; c < BYTES; c++)
            sums[c] = a[c] * t->weight0 + b[c] * t->weight1;
    }
}

static int block_end(int item, int rows)
{
    const int begin = item * BLOCK;
    return rows - begin < BLOCK ? rows : begin + BLOCK;
}

static void bilinear_block(void *arg, int item, int worker)
{
    const struct resize *z = arg;
    const size_t n = (size_t)z->out_w * BYTES;
    int32_t *sums[2] = {z->sums + (size_t)worker * 2 * n,
                        z->sums + (size_t)worker * 2 * n + n};
    int held[2] = {-1, -1}; /* the source rows that sums are of */

    for (int y = item * BLOCK; y < block_end(item, z->out_h); y++) {
        const struct tap *t = &z->rows[y];
        if (held[0] != t->first && held[1] == t->first) {
            int32_t *const swap = sums[0];
            sums[0] = sums[1];
            sums[1] = swap;
            held[1] = held[0];
            held[0] = t->first;
        }
        if (held[0] != t->first) {
            held[0] = t->first;
            sum_columns(z, sums[0], held[0]);
        }
        if (t->second != t->first && held[1] != t->second) {
            held[1] = t->second;
            sum_columns(z, sums[1], held[1]);
        }
        z->kernels->resize_rows_u8(z->out + (size_t)y * n, sums[0],
                                   t->second == t->first ? sums[0] : sums[1],
                                   t->weight0, t->weight1, (int)n);
    }
}

static void half_block(void *arg, int item, int worker)
{
    const struct resize *z = arg;
    (void)worker;
    const size_t in_row = (size_t)z->in_w * BYTES, out_row = (size_t)z->out_w * BYTES;
    for (int y = item * BLOCK; y < block_end(item, z->out_h); y++) {
        const uint8_t *a = z->in + 2 * (size_t)y * in_row;
        const uint8_t *b = a + in_row;
        uint8_t *out = z->out + (size_t)y * out_row;
        for (int x = 0; x < z->out_w; x++, a += 2 * BYTES, b += 2 * BYTES, out += BYTES)
            for (int c = 0; c < BYTES; c++)
                out[c] =
                    (uint8_t)((a[c] + a[c + BYTES] + b[c] + b[c + BYTES] + 2) >> 2);
    }
}

static void resize_bilinear(dp_run *r, struct resize *z)
{
    const size_t mark = dp_run_mark(r);
    struct tap *rows = dp_run_take(r, (size_t)z->out_h, sizeof *rows);
    struct tap *columns = dp_run_take(r, (size_t)z->out_w, sizeof *columns);
    const size_t sums = 2 * BYTES * (size_t)z->out_w;
    z->sums = dp_run_take(r, sums * (size_t)dp_pool_threads(r->pool), sizeof *z->sums);
    if (!r->dry) {
        fill_taps(rows, z->out_h, z->in_h, false);
        fill_taps(columns, z->out_w, z->in_w, true);
        z->rows = rows;
        z->columns = columns;
        dp_parallel(r->pool, (z->out_h + BLOCK - 1) / BLOCK, bilinear_block, z);
    }
    dp_run_rewind(r, mark);
}

void dp_opencv_resize_run(dp_run *r, uint8_t *out, int out_h, int out_w,
                          const uint8_t *in, int in_h, int in_w)
{
    if (out_h < 1 || out_w < 1 || in_h < 1 || in_w < 1) {
        dp_run_fail(r, DP_ESHAPE, "resize: an image of %d x %d cannot become %d x %d",
                    in_h, in_w, out_h, out_w);
        return;
    }
    struct resize z = {.kernels = r->kernels,
                       .out = out,
                       .in = in,
                       .out_h = out_h,
                       .out_w = out_w,
                       .in_h = in_h,
                       .in_w = in_w};
    const bool same = out_h == in_h && out_w == in_w;
    const bool half =
        in_h % 2 == 0 && in_w % 2 == 0 && out_h == in_h / 2 && out_w == in_w / 2;
    if (!same && !half)
        resize_bilinear(r, &z);
    else if (!r->dry && half)
        dp_parallel(r->pool, (out_h + BLOCK - 1) / BLOCK, half_block, &z);
    else if (!r->dry)
        memcpy(out, in, (size_t)in_h * (size_t)in_w * BYTES);
}
