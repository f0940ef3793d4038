#include "ops/deconv.h"

#include <limits.h>
#include <string.h>

enum { TAPS = 4 /* output cells of an input cell */ };

void dp_deconv_build(dp_builder *b, dp_deconv *d, const char *name, int in, int out,
                     dp_activation activation)
{
    *d = (dp_deconv){.in = in, .out = out, .activation = activation};
    const int shape[4] = {in, out, 2, 2};
    const size_t outer = dp_builder_enter(b, "%s", name);
    const float *weight = dp_builder_tensor(b, "weight", 4, shape);
    const float *bias = dp_builder_vector(b, "bias", out);
    dp_builder_leave(b, outer);
    d->weight = dp_builder_kept(b, weight);
    d->bias = dp_builder_kept(b, bias);

    const size_t N = TAPS * (size_t)out;
    float *rows = dp_builder_scratch(b, (size_t)in * N);
    float *biases = dp_builder_scratch(b, N);
    const bool loaded = weight && bias && rows && biases;
    for (size_t c = 0; loaded && c < (size_t)in; c++)
        for (size_t o = 0; o < (size_t)out; o++)
            for (size_t t = 0; t < TAPS; t++)
                rows[c * N + t * (size_t)out + o] = weight[c * N + o * TAPS + t];
    for (size_t t = 0; loaded && t < TAPS; t++)
        memcpy(biases + t * (size_t)out, bias, (size_t)out * sizeof *bias);
    dp_gemm_build(b, &d->gemm, in, (int)N, loaded ? rows : NULL, N, 1, NULL, biases);
    dp_builder_release(b);
}

struct job {
    const dp_deconv *deconv;
    dp_tensor x, y;
    size_t cells; /* of x  */
    int tile;
    float *blocks; /* a tile's, one a worker */
};

/* The (2, 2, out) block of input cell `cell`, to its place in y. */
static void place_block(const struct job *j, size_t cell, const float *block)
{
    const size_t row = cell / (size_t)j->x.W, column = cell % (size_t)j->x.W;
    const size_t C = (size_t)j->y.C, line = (size_t)j->y.W * C, pair = 2 * C;
    /* Rows of items follow one another, so row counts through all of them. */
    float *y = j->y.data + 2 * row * line + column * pair;
    memcpy(y, block, pair * sizeof *y);
    memcpy(y + line, block + pair, pair * sizeof *y);
}

static void deconv_item(void *arg, int item, int worker)
{
    const struct job *j = arg;
    const dp_gemm *g = &j->deconv->gemm;
    const size_t K = (size_t)g->K, N = (size_t)g->N;
    const size_t first = (size_t)item * (size_t)j->tile, left = j->cells - first;
    const int rows = left < (size_t)j->tile ? (int)left : j->tile;
    float *blocks = j->blocks + (size_t)worker * (size_t)j->tile * N;
    dp_gemm_rows(g, blocks, N, j->x.data + first * K, K, rows, false,
                 j->deconv->activation);
    for (int i = 0; i < rows; i++)
        place_block(j, first + (size_t)i, blocks + (size_t)i * N);
}

void dp_deconv_count(dp_run *r, const dp_deconv *d, dp_tensor x)
{
    const size_t rows = dp_tensor_rows(x);
    dp_run_count(r, &(dp_work){.kind = DP_WORK_CONV,
                               .macs = dp_work_macs(rows, d->gemm.K, d->gemm.N),
                               .outputs = rows * (size_t)d->gemm.N,
                               .bias = true,
                               .relu = d->activation == DP_ACTIVATION_RELU});
}

dp_tensor dp_deconv_run(dp_run *r, const dp_deconv *d, dp_tensor x)
{
    if (x.C != d->in || x.H > INT_MAX / 2 || x.W > INT_MAX / 2) {
        dp_run_fail(r, DP_ESHAPE,
                    "transposed convolution: found a map of %d x %d with %d channels, "
                    "expected %d channels",
                    x.H, x.W, x.C, d->in);
        return dp_run_tensor(r, 0, 0, 0, d->out);
    }
    if (r->plain)
        return dp_deconv_plain(r, d, x);
    const int tile = dp_gemm_tile(&d->gemm);
    struct job j = {.deconv = d,
                    .x = x,
                    .y = dp_run_tensor(r, x.N, 2 * x.H, 2 * x.W, d->out),
                    .cells = dp_tensor_rows(x),
                    .tile = tile};
    const size_t mark = dp_run_mark(r);
    const size_t rows = (size_t)dp_pool_threads(r->pool) * (size_t)tile;
    j.blocks = dp_run_take(r, rows * (size_t)d->gemm.N, sizeof *j.blocks);
    dp_deconv_count(r, d, x);
    if (!r->dry)
        dp_parallel(r->pool, (int)((j.cells + (size_t)tile - 1) / (size_t)tile),
                    deconv_item, &j);
    dp_run_rewind(r, mark);
    return j.y;
}
