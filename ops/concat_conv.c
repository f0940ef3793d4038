#include "ops/concat_conv.h"

#include "ops/batch_norm.h"
#include "ops/kernels/kernels.h"
#include "ops/resize.h"

#include <string.h>

enum { TAPS = DP_CONCAT_TAPS, BLOCK = 4 /* rows of y of an item */ };

/* The weights of one map: columns of three rows of taps, for each column of taps. */
static void build_taps(dp_builder *b, dp_linear *taps, int in, int out,
                       const float *weight, size_t out_stride, const float *scale)
{
    const size_t N = (size_t)TAPS * (size_t)out;
    float *rows = dp_builder_scratch(b, (size_t)in * N);
    for (int kx = 0; kx < TAPS; kx++) {
        for (size_t i = 0; weight && rows && i < (size_t)in; i++)
            for (size_t ky = 0; ky < TAPS; ky++)
                for (size_t o = 0; o < (size_t)out; o++)
                    rows[i * N + ky * (size_t)out + o] =
                        weight[o * out_stride + (i * TAPS + ky) * TAPS + (size_t)kx] *
                        scale[o];
        dp_gemm_build(b, &taps[kx].gemm, in, (int)N, weight ? rows : NULL, N, 1, NULL,
                      NULL);
    }
}

void dp_concat_conv_build(dp_builder *b, dp_concat_conv *c,
                          const dp_concat_conv_spec *spec)
{
    *c = (dp_concat_conv){.count = spec->count, .out = spec->out};
    int in = 0;
    for (int i = 0; i < spec->count; i++)
        in += spec->in[i];
    const size_t outer = dp_builder_enter(b, "%s", spec->name);
    const float *weight =
        dp_builder_tensor(b, "weight", 4, (int[]){spec->out, in, TAPS, TAPS});
    dp_builder_leave(b, outer);
    const float *scale, *shift;
    dp_batch_norm_fold(b, spec->norm, spec->out, DP_BATCH_NORM_EPS, &scale, &shift);
    if (!scale)
        weight = NULL;

    const size_t out_stride = (size_t)in * TAPS * TAPS;
    c->first = (dp_conv){
        .in = spec->in[0], .out = spec->out, .kernel = TAPS, .stride = 1, .padding = 1};
    dp_conv_pack(b, &c->first, weight, out_stride, scale, shift);
    for (int i = 1; i < spec->count; i++) {
        if (weight)
            weight += (size_t)spec->in[i - 1] * TAPS * TAPS;
        build_taps(b, c->taps[i - 1], spec->in[i], spec->out, weight, out_stride,
                   scale);
    }
    dp_builder_release(b);
}

/* One resized map: its products with three taps of a column, and where they go. */
struct source {
    dp_tensor products; /* (1, h, w, 3 * out) */
    dp_resize_tap *rows, *columns;
};

struct job {
    const dp_concat_conv *conv;
    const dp_kernels *kernels;
    dp_tensor y;
    struct source sources[DP_CONCAT_MAX - 1];
    int kx; /* the column of taps that is being added */
    float *sums;
    size_t sums_size; /* of a worker: the widest source's w * out */
};

/* sums (w, out) = the products of three taps, each resized to the row of y that it
 * reads for row y; none for rows outside. */
static void add_rows(const struct job *j, const struct source *s, int y, float *sums)
{
    const size_t out = (size_t)j->conv->out, w = (size_t)s->products.W;
    memset(sums, 0, w * out * sizeof *sums);
    for (int ky = 0; ky < TAPS; ky++) {
        const int row = y + ky - 1;
        if (row < 0 || row >= j->y.H)
            continue;
        const dp_resize_tap *t = &s->rows[row];
        const float *low = s->products.data + (size_t)t->low * w * TAPS * out;
        const float *high = s->products.data + (size_t)t->high * w * TAPS * out;
        for (size_t x = 0; x < w; x++) {
            const size_t at = (x * TAPS + (size_t)ky) * out;
            dp_resize_mix_add(sums + x * out, low + at, high + at, t, out);
        }
    }
}

/* The row of y += sums resized to its width, one column of taps aside. */
static void add_columns(const struct job *j, const struct source *s, const float *sums,
                        float *row)
{
    const size_t out = (size_t)j->conv->out;
    for (int x = 0; x < j->y.W; x++) {
        const int column = x + j->kx - 1;
        if (column < 0 || column >= j->y.W)
            continue;
        const dp_resize_tap *t = &s->columns[column];
        dp_resize_mix_add(row + (size_t)x * out, sums + (size_t)t->low * out,
                          sums + (size_t)t->high * out, t, out);
    }
}

static void add_block(void *arg, int item, int worker)
{
    const struct job *j = arg;
    const size_t line = (size_t)j->y.W * (size_t)j->y.C;
    float *sums = j->sums + (size_t)worker * j->sums_size;
    const int begin = item * BLOCK;
    const int end = j->y.H - begin < BLOCK ? j->y.H : begin + BLOCK;
    for (int y = begin; y < end; y++) {
        float *row = j->y.data + (size_t)y * line;
        for (int i = 0; i < j->conv->count - 1; i++) {
            add_rows(j, &j->sources[i], y, sums);
            add_columns(j, &j->sources[i], sums, row);
        }
        if (j->kx == TAPS - 1)
            j->kernels->relu(row, line);
    }
}

static void take_sources(dp_run *r, struct job *j, const dp_tensor *x)
{
    const dp_concat_conv *c = j->conv;
    for (int i = 0; i < c->count - 1; i++) {
        struct source *s = &j->sources[i];
        const dp_tensor in = x[i + 1];
        s->rows = dp_run_take(r, (size_t)j->y.H, sizeof *s->rows);
        s->columns = dp_run_take(r, (size_t)j->y.W, sizeof *s->columns);
        s->products = dp_run_tensor(r, 1, in.H, in.W, TAPS * c->out);
        if (!r->dry) {
            dp_resize_fill_taps(s->rows, j->y.H, in.H);
            dp_resize_fill_taps(s->columns, j->y.W, in.W);
        }
        if ((size_t)in.W * (size_t)c->out > j->sums_size)
            j->sums_size = (size_t)in.W * (size_t)c->out;
    }
    j->sums = dp_run_take(r, (size_t)dp_pool_threads(r->pool) * j->sums_size,
                          sizeof *j->sums);
}

/* A map as rows of its channels. */
static dp_tensor as_rows(dp_tensor t)
{
    return (dp_tensor){t.data, t.H * t.W, 1, 1, t.C};
}

static void add_sources(dp_run *r, const dp_concat_conv *c, dp_tensor y,
                        const dp_tensor *x)
{
    struct job j = {.conv = c, .kernels = r->kernels, .y = y};
    const size_t mark = dp_run_mark(r);
    take_sources(r, &j, x);
    for (j.kx = 0; j.kx < TAPS; j.kx++) {
        for (int i = 0; i < c->count - 1; i++)
            dp_linear_run_into(r, &c->taps[i][j.kx], as_rows(j.sources[i].products),
                               as_rows(x[i + 1]), DP_ACTIVATION_NONE);
        if (!r->dry)
            dp_parallel(r->pool, (y.H + BLOCK - 1) / BLOCK, add_block, &j);
    }
    dp_run_rewind(r, mark);
}

static void check_maps(dp_run *r, const dp_concat_conv *c, const dp_tensor *x)
{
    for (int i = 0; i < c->count; i++) {
        const int expected = i == 0 ? c->first.in : c->taps[i - 1][0].gemm.K;
        if (x[i].N != 1 || x[i].H < 1 || x[i].W < 1 || x[i].C != expected)
            dp_run_fail(r, DP_ESHAPE,
                        "convolution of %d maps: found map %d of %d x %d x %d x %d, "
                        "expected one item, cells, and %d channels",
                        c->count, i, x[i].N, x[i].H, x[i].W, x[i].C, expected);
    }
}

dp_tensor dp_concat_conv_run(dp_run *r, const dp_concat_conv *c, const dp_tensor *x)
{
    check_maps(r, c, x);
    const double macs = r->macs, extras = r->extras;
    const dp_tensor y = dp_conv_run(r, &c->first, x[0]);
    add_sources(r, c, y, x);
    r->macs = macs;
    r->extras = extras;
    dp_run_count_extra(r, 3 * (double)dp_tensor_size(y)); /* batch norm and ReLU */
    for (int i = 0; i < c->count; i++)
        dp_run_count(r, dp_tensor_rows(y), TAPS * TAPS * x[i].C, c->out);
    return y;
}
