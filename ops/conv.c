#include "ops/conv.h"

#include "ops/batch_norm.h"
#include "ops/kernels/kernels.h"

#include <string.h>

enum { TILED_MIN = 32 /* channels, from which on transforming tiles is worth it */ };

static bool suits_tiles(const dp_conv *c)
{
    return c->kernel == 3 && c->stride == 1 && c->padding == 1 && c->in >= TILED_MIN &&
           c->out >= TILED_MIN && c->activation != DP_ACTIVATION_GELU;
}

void dp_conv_pack(dp_builder *b, dp_conv *c, const float *weight, size_t out_stride,
                  const float *scale, const float *bias)
{
    const int taps = c->kernel * c->kernel, K = taps * c->in;
    c->by_tiles = suits_tiles(c);
    if (c->by_tiles) {
        dp_winograd_build(b, &c->winograd, c->in, c->out, weight, out_stride, scale,
                          bias, c->activation == DP_ACTIVATION_RELU);
        return;
    }
    if (c->kernel == 1 || !weight) {
        dp_gemm_build(b, &c->gemm, K, c->out, weight, 1, out_stride, scale, bias);
        return;
    }
    float *rows = dp_builder_scratch(b, (size_t)K * (size_t)c->out);
    if (rows)
        for (int o = 0; o < c->out; o++)
            for (int i = 0; i < c->in; i++)
                for (int t = 0; t < taps; t++)
                    rows[(size_t)o * (size_t)K + (size_t)(t * c->in + i)] =
                        weight[(size_t)o * out_stride + (size_t)(i * taps + t)];
    dp_gemm_build(b, &c->gemm, K, c->out, rows, 1, (size_t)K, scale, bias);
}

void dp_conv_build(dp_builder *b, dp_conv *c, const dp_conv_spec *spec)
{
    *c = (dp_conv){.in = spec->in,
                   .out = spec->out,
                   .kernel = spec->kernel,
                   .stride = spec->stride,
                   .padding = spec->padding,
                   .activation = spec->activation};
    const int shape[4] = {c->out, c->in, c->kernel, c->kernel};
    const size_t outer = dp_builder_enter(b, "%s", spec->name);
    const float *weight = dp_builder_tensor(b, "weight", 4, shape);
    const float *bias = spec->norm ? NULL : dp_builder_vector(b, "bias", c->out);
    dp_builder_leave(b, outer);

    const float *scale = NULL;
    if (spec->norm)
        dp_batch_norm_fold(b, spec->norm, c->out, &scale, &bias);
    dp_conv_pack(b, c, bias ? weight : NULL,
                 (size_t)c->in * (size_t)(c->kernel * c->kernel), scale, bias);
    dp_builder_release(b);
}

static int extent(int size, const dp_conv *c)
{
    const int padded = size + 2 * c->padding;
    return padded < c->kernel ? 0 : (padded - c->kernel) / c->stride + 1;
}

void dp_conv_output(const dp_conv *c, int h, int w, int *out_h, int *out_w)
{
    *out_h = extent(h, c);
    *out_w = extent(w, c);
}

struct conv_job {
    const dp_conv *conv;
    const dp_kernels *kernels;
    dp_tensor x, y;
    int tile;
    size_t rows;
    float *patches; /* one tile a worker; NULL when rows of x are the patches */
};

/* The k x k x C patch of output cell (n, oy, ox), zeros outside the map. */
static void gather_patch(const dp_conv *c, dp_tensor x, int n, int oy, int ox,
                         float *out)
{
    const size_t C = (size_t)x.C, line = (size_t)c->kernel * C;
    const int left = ox * c->stride - c->padding;
    const int x0 = left < 0 ? -left : 0; /* first tap inside the map, and one past */
    const int x1 = left + c->kernel > x.W ? x.W - left : c->kernel;

    for (int ky = 0; ky < c->kernel; ky++, out += line) {
        const int y = oy * c->stride - c->padding + ky;
        if (y < 0 || y >= x.H || x1 <= x0) {
            memset(out, 0, line * sizeof *out);
            continue;
        }
        const size_t at = (((size_t)n * (size_t)x.H + (size_t)y) * (size_t)x.W +
                           (size_t)(left + x0)) *
                          C;
        memset(out, 0, (size_t)x0 * C * sizeof *out);
        memcpy(out + (size_t)x0 * C, x.data + at, (size_t)(x1 - x0) * C * sizeof *out);
        memset(out + (size_t)x1 * C, 0, (size_t)(c->kernel - x1) * C * sizeof *out);
    }
}

static void conv_item(void *arg, int item, int worker)
{
    const struct conv_job *job = arg;
    const dp_conv *c = job->conv;
    const size_t K = (size_t)c->gemm.K, N = (size_t)c->gemm.N;
    const size_t first = (size_t)item * (size_t)job->tile;
    const int rows =
        job->rows - first < (size_t)job->tile ? (int)(job->rows - first) : job->tile;
    const float *source = job->x.data + first * K;
    if (job->patches) {
        float *patches = job->patches + (size_t)worker * (size_t)job->tile * K;
        size_t cell = first;
        for (int i = 0; i < rows; i++, cell++) {
            const int ox = (int)(cell % (size_t)job->y.W);
            const int oy = (int)(cell / (size_t)job->y.W % (size_t)job->y.H);
            const int n = (int)(cell / (size_t)job->y.W / (size_t)job->y.H);
            gather_patch(c, job->x, n, oy, ox, patches + (size_t)i * K);
        }
        source = patches;
    }
    dp_gemm_rows(&c->gemm, job->kernels, job->y.data + first * N, N, source, K, rows,
                 false, c->activation);
}

void dp_conv_run_into(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x)
{
    int H, W;
    dp_conv_output(c, x.H, x.W, &H, &W);
    if (y.N != x.N || y.H != H || y.W != W || y.C != c->out)
        dp_run_fail(
            r, DP_ESHAPE,
            "convolution: found an output of %d x %d with %d channels, expected "
            "%d x %d with %d",
            y.H, y.W, y.C, H, W, c->out);
    if (c->by_tiles) {
        dp_winograd_run(r, &c->winograd, y, x);
        return;
    }
    struct conv_job job = {.conv = c,
                           .kernels = r->kernels,
                           .x = x,
                           .y = y,
                           .tile = dp_gemm_tile(&c->gemm),
                           .rows = dp_tensor_rows(y)};
    const size_t mark = dp_run_mark(r);
    if (c->kernel != 1 || c->stride != 1 || c->padding != 0)
        job.patches = dp_run_take(
            r, (size_t)dp_pool_threads(r->pool) * (size_t)job.tile * (size_t)c->gemm.K,
            sizeof(float));
    dp_run_count(r, job.rows, c->gemm.K, c->gemm.N);
    if (!r->dry)
        dp_parallel(r->pool,
                    (int)((job.rows + (size_t)job.tile - 1) / (size_t)job.tile),
                    conv_item, &job);
    dp_run_rewind(r, mark);
}

dp_tensor dp_conv_run(dp_run *r, const dp_conv *c, dp_tensor x)
{
    int H, W;
    dp_conv_output(c, x.H, x.W, &H, &W);
    if (x.C != c->in || H < 1 || W < 1)
        dp_run_fail(r, DP_ESHAPE,
                    "convolution %d x %d, stride %d: found a map of %d x %d with %d "
                    "channels, expected %d channels and at least %d x %d",
                    c->kernel, c->kernel, c->stride, x.H, x.W, x.C, c->in,
                    c->kernel - 2 * c->padding, c->kernel - 2 * c->padding);
    const dp_tensor y = dp_run_tensor(r, x.N, H, W, c->out);
    dp_conv_run_into(r, c, y, x);
    return y;
}
