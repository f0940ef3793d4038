#include "io/image/normalize.h"

#include <limits.h>
#include <string.h>

enum { CHANNELS = 3, BLOCK = 32 /* rows of an item */ };

struct job {
    const dp_normalize *n;
    const dp_pixel_window *window;
    dp_tensor out;
};

void dp_normalize_build(dp_normalize *n, const float mean[3], const float std[3],
                        bool rgb)
{
    for (int c = 0; c < CHANNELS; c++) {
        const double reciprocal = 1.0 / (double)std[c];
        for (int v = 0; v < 256; v++)
            n->value[c][v] = (float)((double)((float)v - mean[c]) * reciprocal);
        n->byte[c] = rgb ? CHANNELS - 1 - c : c;
    }
}

void dp_normalize_build_unit(dp_normalize *n, const float mean[3], const float std[3],
                             bool rgb)
{
    for (int c = 0; c < CHANNELS; c++) {
        for (int v = 0; v < 256; v++)
            n->value[c][v] = ((float)v / 255.0f - mean[c]) / std[c];
        n->byte[c] = rgb ? CHANNELS - 1 - c : c;
    }
}

static void normalize_row(const struct job *j, float *out, const uint8_t *in)
{
    const dp_normalize *n = j->n;
    const int w = j->window->w;
    const bool flip = j->window->flip;
    for (int x = 0; x < w; x++, out += CHANNELS) {
        const uint8_t *pixel = in + (size_t)(flip ? w - 1 - x : x) * CHANNELS;
        for (int c = 0; c < CHANNELS; c++)
            out[c] = n->value[c][pixel[n->byte[c]]];
    }
    memset(out, 0, (size_t)(j->out.W - w) * CHANNELS * sizeof *out);
}

static void normalize_block(void *arg, int item, int worker)
{
    const struct job *j = arg;
    (void)worker;
    const int begin = item * BLOCK;
    const int end = j->out.H - begin < BLOCK ? j->out.H : begin + BLOCK;
    const size_t row = (size_t)j->out.W * CHANNELS;
    for (int y = begin; y < end; y++) {
        float *out = j->out.data + (size_t)y * row;
        if (y < j->window->h)
            normalize_row(j, out, j->window->data + (size_t)y * j->window->stride);
        else
            memset(out, 0, row * sizeof *out);
    }
}

/* The next multiple; 0 when there is none in an int. */
static int round_up(int value, int multiple)
{
    const int over = value % multiple;
    if (over == 0)
        return value;
    return value > INT_MAX - (multiple - over) ? 0 : value + (multiple - over);
}

dp_tensor dp_normalize_run(dp_run *r, const dp_normalize *n,
                           const dp_pixel_window *window, int multiple)
{
    const int H = round_up(window->h, multiple), W = round_up(window->w, multiple);
    if (window->h < 1 || window->w < 1 || H == 0 || W == 0) {
        dp_run_fail(
            r, DP_ESHAPE,
            "normalize: an image of %d x %d cannot be padded to a multiple of %d",
            window->h, window->w, multiple);
        return (dp_tensor){NULL, 0, 0, 0, 0};
    }
    struct job j = {n, window, dp_run_tensor(r, 1, H, W, CHANNELS)};
    if (!r->dry)
        dp_parallel(r->pool, (H + BLOCK - 1) / BLOCK, normalize_block, &j);
    return j.out;
}
