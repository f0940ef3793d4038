#include "ops/conv.h"

#include "ops/arithmetic.h"

#include <string.h>

enum { TILED_MIN = 32 /* channels, from which on transforming tiles is worth it */ };

static bool suits_tiles(const dp_conv *c)
{
    return c->kernel == 3 && c->stride == 1 && c->padding == 1 && c->groups <= 1 &&
           c->in >= TILED_MIN && c->out >= TILED_MIN &&
           c->activation != DP_ACTIVATION_GELU;
}

static int count_groups(const dp_conv *c)
{
    return c->groups > 0 ? c->groups : 1;
}

/* The weights of one group, of which weight, scale and bias are the first values. */
static void pack_group(dp_builder *b, const dp_conv *c, dp_gemm *gemm,
                       const float *weight, size_t out_stride, const float *scale,
                       const float *bias)
{
    const int in = c->in / count_groups(c), out = c->out / count_groups(c);
    const int taps = c->kernel * c->kernel, K = taps * in;
    if (c->kernel == 1 || !weight) {
        dp_gemm_build(b, gemm, K, out, weight, 1, out_stride, scale, bias);
        return;
    }
    float *rows = dp_builder_scratch(b, (size_t)K * (size_t)out);
    if (rows)
        for (int o = 0; o < out; o++)
            for (int i = 0; i < in; i++)
                for (int t = 0; t < taps; t++)
                    rows[(size_t)o * (size_t)K + (size_t)(t * in + i)] =
                        weight[(size_t)o * out_stride + (size_t)(i * taps + t)];
    dp_gemm_build(b, gemm, K, out, rows, 1, (size_t)K, scale, bias);
}

void dp_conv_pack(dp_builder *b, dp_conv *c, const float *weight, size_t out_stride,
                  const float *scale, const float *bias)
{
    c->by_tiles = suits_tiles(c);
    if (c->by_tiles) {
        dp_winograd_build(b, &c->winograd, c->in, c->out, weight, out_stride, scale,
                          bias, c->activation == DP_ACTIVATION_RELU);
        return;
    }
    const int groups = count_groups(c);
    c->gemms = dp_builder_take(b, (size_t)groups, sizeof *c->gemms);
    if (!c->gemms)
        return;
    for (int g = 0; g < groups; g++) {
        const size_t o = (size_t)g * (size_t)(c->out / groups);
        pack_group(b, c, &c->gemms[g], weight ? weight + o * out_stride : NULL,
                   out_stride, scale ? scale + o : NULL, bias ? bias + o : NULL);
    }
}

void dp_conv_build(dp_builder *b, dp_conv *c, const dp_conv_spec *spec)
{
    *c = (dp_conv){.in = spec->in,
                   .out = spec->out,
                   .kernel = spec->kernel,
                   .stride = spec->stride,
                   .padding = spec->padding,
                   .groups = spec->groups,
                   .biased = !spec->norm && !spec->no_bias,
                   .normed = spec->norm != NULL,
                   .activation = spec->activation};
    const int in = c->in / count_groups(c);
    const int shape[4] = {c->out, in, c->kernel, c->kernel};
    const size_t outer = dp_builder_enter(b, "%s", spec->name);
    const float *weight = dp_builder_tensor(b, "weight", 4, shape);
    const float *bias = c->biased ? dp_builder_vector(b, "bias", c->out) : NULL;
    dp_builder_leave(b, outer);
    c->raw.weight = dp_builder_kept(b, weight);
    c->raw.bias = dp_builder_kept(b, bias);

    const float *scale = NULL;
    if (spec->norm)
        dp_batch_norm_fold(b, &c->raw.norm, spec->norm, c->out, spec->norm_eps, &scale,
                           &bias);
    dp_conv_pack(b, c, bias || spec->no_bias ? weight : NULL,
                 (size_t)in * (size_t)(c->kernel * c->kernel), scale, bias);
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
    dp_tensor x, y;
    bool add; /* to what y holds */
    int tile;
    size_t rows;
    float *patches; /* one tile a worker; NULL when rows of x are the patches */
};

/* Taps [x0, x1) of a patch's line, `from` being the cell of tap 0: C of a cell's `stride`
 * channels each, zeros at the other taps. */
static void gather_line(float *out, const float *from, size_t stride, size_t C, int x0,
                        int x1, int kernel)
{
    memset(out, 0, (size_t)x0 * C * sizeof *out);
    if (C == stride)
        memcpy(out + (size_t)x0 * C, from, (size_t)(x1 - x0) * C * sizeof *out);
    else
        for (int i = x0; i < x1; i++)
            memcpy(out + (size_t)i * C, from + (size_t)(i - x0) * stride,
                   C * sizeof *out);
    memset(out + (size_t)x1 * C, 0, (size_t)(kernel - x1) * C * sizeof *out);
}

/* The k x k x C patch of output cell (n, oy, ox), of C channels from the given one, zeros
 * outside the map. */
static void gather_patch(const dp_conv *c, dp_tensor x, int n, int oy, int ox,
                         size_t channel, size_t C, float *out)
{
    const size_t line = (size_t)c->kernel * C;
    const int left = ox * c->stride - c->padding;
    const int x0 = left < 0 ? -left : 0; /* first tap inside the map, and one past */
    const int x1 = left + c->kernel > x.W ? x.W - left : c->kernel;

    for (int ky = 0; ky < c->kernel; ky++, out += line) {
        const int y = oy * c->stride - c->padding + ky;
        if (y < 0 || y >= x.H || x1 <= x0) {
            memset(out, 0, line * sizeof *out);
            continue;
        }
        const size_t cell =
            ((size_t)n * (size_t)x.H + (size_t)y) * (size_t)x.W + (size_t)(left + x0);
        gather_line(out, x.data + cell * (size_t)x.C + channel, (size_t)x.C, C, x0, x1,
                    c->kernel);
    }
}

/* Patches of `rows` output cells from `first` on, for C channels from the given one. */
static void gather_rows(const struct conv_job *job, float *patches, size_t first,
                        int rows, size_t channel, size_t C)
{
    const size_t W = (size_t)job->y.W, H = (size_t)job->y.H;
    const size_t K = (size_t)(job->conv->kernel * job->conv->kernel) * C;
    for (int i = 0; i < rows; i++, patches += K) {
        const size_t cell = first + (size_t)i;
        gather_patch(job->conv, job->x, (int)(cell / W / H), (int)(cell / W % H),
                     (int)(cell % W), channel, C, patches);
    }
}

static void conv_item(void *arg, int item, int worker)
{
    const struct conv_job *job = arg;
    const dp_conv *c = job->conv;
    const int groups = count_groups(c);
    const size_t in = (size_t)(c->in / groups), out = (size_t)(c->out / groups);
    const size_t first = (size_t)item * (size_t)job->tile;
    const int rows =
        job->rows - first < (size_t)job->tile ? (int)(job->rows - first) : job->tile;
    for (int g = 0; g < groups; g++) {
        const dp_gemm *gemm = &c->gemms[g];
        const size_t K = (size_t)gemm->K;
        const float *source = job->x.data + first * (size_t)c->in + (size_t)g * in;
        size_t stride = (size_t)c->in;
        if (job->patches) {
            float *patches = job->patches + (size_t)worker * (size_t)job->tile * K;
            gather_rows(job, patches, first, rows, (size_t)g * in, in);
            source = patches;
            stride = K;
        }
        dp_gemm_rows(gemm, job->y.data + first * (size_t)c->out + (size_t)g * out,
                     (size_t)c->out, source, stride, rows, job->add, c->activation);
    }
}

static void check_output(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x)
{
    int H, W;
    dp_conv_output(c, x.H, x.W, &H, &W);
    if (y.N != x.N || y.H != H || y.W != W || y.C != c->out)
        dp_run_fail(
            r, DP_ESHAPE,
            "convolution: found an output of %d x %d with %d channels, expected "
            "%d x %d with %d",
            y.H, y.W, y.C, H, W, c->out);
}

static void count_work(dp_run *r, const dp_conv *c, dp_tensor y)
{
    const int K = c->kernel * c->kernel * (c->in / count_groups(c));
    dp_run_count(r, &(dp_work){.kind = DP_WORK_CONV,
                               .macs = dp_work_macs(dp_tensor_rows(y), K, c->out),
                               .outputs = dp_tensor_size(y),
                               .bias = c->biased,
                               .norm = c->normed,
                               .relu = c->activation == DP_ACTIVATION_RELU});
}

static void run_into(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x, bool add)
{
    check_output(r, c, y, x);
    if (r->plain) {
        const size_t start = dp_run_mark(r);
        dp_tensor_copy(r, y,
                       add ? dp_conv_add_plain(r, c, y, x) : dp_conv_plain(r, c, x));
        dp_run_rewind(r, start);
        return;
    }
    if (c->by_tiles && add)
        dp_run_fail(r, DP_ESHAPE, "convolution by tiles: cannot be added to a map");
    count_work(r, c, y);
    if (c->by_tiles) {
        dp_winograd_run(r, &c->winograd, y, x);
        return;
    }
    struct conv_job job = {.conv = c,
                           .x = x,
                           .y = y,
                           .add = add,
                           .tile = dp_gemm_tile(&c->gemms[0]),
                           .rows = dp_tensor_rows(y)};
    const size_t mark = dp_run_mark(r);
    if (c->kernel != 1 || c->stride != 1 || c->padding != 0)
        job.patches = dp_run_take(r,
                                  (size_t)dp_pool_threads(r->pool) * (size_t)job.tile *
                                      (size_t)c->gemms[0].K,
                                  sizeof(float));
    if (!r->dry)
        dp_parallel(r->pool,
                    (int)((job.rows + (size_t)job.tile - 1) / (size_t)job.tile),
                    conv_item, &job);
    dp_run_rewind(r, mark);
}

void dp_conv_run_into(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x)
{
    run_into(r, c, y, x, false);
}

void dp_conv_run_add(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x)
{
    run_into(r, c, y, x, true);
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

void dp_conv_run_through(dp_run *r, const dp_conv *c, const dp_conv *const *then,
                         const dp_tensor *y, int count, dp_tensor x)
{
    if (r->plain || !c->by_tiles || count > DP_CONV_THEN) {
        const size_t mark = dp_run_mark(r);
        const dp_tensor between = dp_conv_run(r, c, x);
        for (int i = 0; i < count; i++)
            dp_conv_run_into(r, then[i], y[i], between);
        dp_run_rewind(r, mark);
        return;
    }
    dp_winograd_then list[DP_CONV_THEN];
    const dp_tensor between = {NULL, x.N, x.H, x.W, c->out};
    if (x.C != c->in)
        dp_run_fail(r, DP_ESHAPE,
                    "convolution by tiles: found %d channels, expected %d", x.C, c->in);
    count_work(r, c, between);
    for (int i = 0; i < count; i++) {
        check_output(r, then[i], y[i], between);
        count_work(r, then[i], y[i]);
        list[i] = (dp_winograd_then){&then[i]->gemms[0], then[i]->activation, y[i]};
    }
    dp_winograd_run_through(r, &c->winograd, list, count, x);
}
