#include "ops/concat_conv.h"

#include "ops/batch_norm.h"
#include "ops/kernels/kernels.h"
#include "ops/resize.h"

enum {
    SIDE = 3,
    TAPS = SIDE * SIDE,
    GROUP = 64, /* outputs: what a worker keeps of them stays in its cache */
    BLOCK = 8   /* rows of y of an item                                    */
};

static int group_count(const dp_concat_conv *c)
{
    return (c->out + GROUP - 1) / GROUP;
}

static int group_width(const dp_concat_conv *c, int group)
{
    const int left = c->out - group * GROUP;
    return left < GROUP ? left : GROUP;
}

/* The weights of one map, a group of outputs at a time. */
static void build_taps(dp_builder *b, dp_concat_conv *c, int map, int in,
                       const float *weight, size_t out_stride, const float *scale)
{
    const int groups = group_count(c);
    dp_linear *taps = dp_builder_take(b, (size_t)groups, sizeof *taps);
    float *columns = dp_builder_scratch(b, (size_t)in * TAPS * GROUP);
    c->taps[map] = taps;
    if (!columns)
        weight = NULL;
    for (int g = 0; g < groups && taps; g++) {
        const int width = group_width(c, g);
        float *to = columns;
        for (int t = 0; t < TAPS && weight; t++)
            for (int o = g * GROUP; o < g * GROUP + width; o++) {
                const float *from = weight + (size_t)o * out_stride + t;
                for (int i = 0; i < in; i++)
                    *to++ = from[(size_t)i * TAPS] * scale[o];
            }
        dp_gemm_build(b, &taps[g].gemm, in, TAPS * width, weight ? columns : NULL, 1,
                      (size_t)in, NULL, NULL);
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
        dp_builder_tensor(b, "weight", 4, (int[]){spec->out, in, SIDE, SIDE});
    dp_builder_leave(b, outer);
    c->weight = dp_builder_kept(b, weight);
    const float *scale, *shift;
    dp_batch_norm_fold(b, &c->norm, spec->norm, spec->out, DP_BATCH_NORM_EPS, &scale,
                       &shift);
    if (!scale)
        weight = NULL;

    const size_t out_stride = (size_t)in * TAPS;
    c->first = (dp_conv){
        .in = spec->in[0], .out = spec->out, .kernel = SIDE, .stride = 1, .padding = 1};
    dp_conv_pack(b, &c->first, weight, out_stride, scale, shift);
    for (int i = 1; i < spec->count; i++) {
        if (weight)
            weight += (size_t)spec->in[i - 1] * TAPS;
        build_taps(b, c, i - 1, spec->in[i], weight, out_stride, scale);
    }
    dp_builder_release(b);
}

/* One resized map: each of its cells times the taps of a group, and where that goes. */
struct source {
    dp_tensor tapped; /* (1, h, w, TAPS * width of the group) */
    dp_resize_tap *rows, *columns;
    size_t sums; /* where its part of a worker's sums begins */
};

struct job {
    const dp_concat_conv *conv;
    const dp_kernels *kernels;
    dp_tensor y;
    struct source sources[DP_CONCAT_MAX - 1];
    int first, width; /* the group */
    float *sums;
    size_t sums_size; /* of a worker */
};

/* Values and their weights, to be added up. */
struct terms {
    int count;
    const float *x[(DP_CONCAT_MAX - 1) * SIDE * 2];
    float weight[(DP_CONCAT_MAX - 1) * SIDE * 2];
};

static void add_term(struct terms *t, const float *x, float weight)
{
    t->x[t->count] = x;
    t->weight[t->count++] = weight;
}

/* sums (w, kx, width): what the three taps of each column give, resized to the rows of y
 * that they read for row y. Rows outside give nothing. */
static void sum_rows(const struct job *j, const struct source *s, int y, float *sums)
{
    const int n = SIDE * j->width, w = s->tapped.W;
    const size_t cell = (size_t)SIDE * (size_t)n;
    struct terms t = {0};
    for (int ky = 0; ky < SIDE; ky++) {
        const int row = y + ky - 1;
        if (row < 0 || row >= j->y.H)
            continue;
        const dp_resize_tap *tap = &s->rows[row];
        const float *from = s->tapped.data + ky * n;
        add_term(&t, from + (size_t)tap->low * (size_t)w * cell, tap->weight_low);
        add_term(&t, from + (size_t)tap->high * (size_t)w * cell, tap->weight_high);
    }
    for (int x = 0; x < w; x++, sums += n) {
        j->kernels->weighted_sum(sums, t.x, t.weight, t.count, n, 0);
        for (int i = 0; i < t.count; i++)
            t.x[i] += cell;
    }
}

/* What cell x of the row of y gets from a map's sums, resized to y's width. */
static void add_columns(const struct job *j, const struct source *s, const float *sums,
                        int x, struct terms *t)
{
    for (int kx = 0; kx < SIDE; kx++) {
        const int column = x + kx - 1;
        if (column < 0 || column >= j->y.W)
            continue;
        const dp_resize_tap *tap = &s->columns[column];
        add_term(t, sums + (tap->low * SIDE + kx) * j->width, tap->weight_low);
        add_term(t, sums + (tap->high * SIDE + kx) * j->width, tap->weight_high);
    }
}

static void add_block(void *arg, int item, int worker)
{
    const struct job *j = arg;
    const int maps = j->conv->count - 1;
    float *sums = j->sums + (size_t)worker * j->sums_size;
    const int begin = item * BLOCK;
    const int end = j->y.H - begin < BLOCK ? j->y.H : begin + BLOCK;
    float *to = j->y.data + (ptrdiff_t)begin * j->y.W * j->y.C + j->first;
    for (int y = begin; y < end; y++) {
        for (int i = 0; i < maps; i++)
            sum_rows(j, &j->sources[i], y, sums + j->sources[i].sums);
        for (int x = 0; x < j->y.W; x++, to += j->y.C) {
            struct terms t;
            t.count = 0;
            for (int i = 0; i < maps; i++)
                add_columns(j, &j->sources[i], sums + j->sources[i].sums, x, &t);
            j->kernels->weighted_sum(to, t.x, t.weight, t.count, j->width,
                                     DP_GEMM_ADD | DP_GEMM_RELU);
        }
    }
}

static void take_sources(dp_run *r, struct job *j, const dp_tensor *x)
{
    const int widest = group_width(j->conv, 0);
    for (int i = 0; i < j->conv->count - 1; i++) {
        struct source *s = &j->sources[i];
        const dp_tensor in = x[i + 1];
        s->rows = dp_run_take(r, (size_t)j->y.H, sizeof *s->rows);
        s->columns = dp_run_take(r, (size_t)j->y.W, sizeof *s->columns);
        s->tapped = dp_run_tensor(r, 1, in.H, in.W, TAPS * widest);
        if (!r->dry) {
            dp_resize_fill_taps(s->rows, j->y.H, in.H);
            dp_resize_fill_taps(s->columns, j->y.W, in.W);
        }
        s->sums = j->sums_size;
        j->sums_size += (size_t)in.W * SIDE * (size_t)widest;
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
    for (int g = 0; g < group_count(c); g++) {
        j.first = g * GROUP;
        j.width = group_width(c, g);
        for (int i = 0; i < c->count - 1; i++) {
            j.sources[i].tapped.C = TAPS * j.width;
            dp_linear_run_into(r, &c->taps[i][g], as_rows(j.sources[i].tapped),
                               as_rows(x[i + 1]), DP_ACTIVATION_NONE);
        }
        if (!r->dry)
            dp_parallel(r->pool, (y.H + BLOCK - 1) / BLOCK, add_block, &j);
    }
    dp_run_rewind(r, mark);
}

static void check_maps(dp_run *r, const dp_concat_conv *c, const dp_tensor *x)
{
    for (int i = 0; i < c->count; i++) {
        const int expected = i == 0 ? c->first.in : c->taps[i - 1][0].gemm.K;
        if (x[i].N != x[0].N || x[i].H < 1 || x[i].W < 1 || x[i].C != expected)
            dp_run_fail(r, DP_ESHAPE,
                        "convolution of %d maps: found map %d of %d x %d x %d x %d, "
                        "expected %d items, cells, and %d channels",
                        c->count, i, x[i].N, x[i].H, x[i].W, x[i].C, x[0].N, expected);
    }
}

dp_tensor dp_concat_conv_run(dp_run *r, const dp_concat_conv *c, const dp_tensor *x)
{
    check_maps(r, c, x);
    if (r->plain)
        return dp_concat_conv_plain(r, c, x);
    dp_work_fn *const observe = r->observe;
    const double macs = r->macs;
    int in = 0;
    for (int i = 0; i < c->count; i++)
        in += x[i].C;
    r->observe = NULL;
    const dp_tensor y = dp_conv_run(r, &c->first, x[0]);
    for (int n = 0; n < y.N; n++) {
        dp_tensor items[DP_CONCAT_MAX];
        for (int i = 0; i < c->count; i++)
            items[i] = dp_tensor_item(x[i], n);
        add_sources(r, c, dp_tensor_item(y, n), items);
    }
    r->observe = observe;
    r->macs = macs;
    dp_run_count(r,
                 &(dp_work){.kind = DP_WORK_CONV,
                            .macs = dp_work_macs(dp_tensor_rows(y), TAPS * in, c->out),
                            .outputs = dp_tensor_size(y),
                            .norm = true,
                            .relu = true});
    return y;
}
