#include "ops/step_conv.h"

#include "ops/step_gemm.h"

#include <string.h>

enum {
    PANEL = DP_GEMM_PANEL,
    MOST_KERNEL = DP_STEP_KERNEL_MAX,
    TILE_FLOATS = 128 * 1024, /* of a tile's patches and results: half of an L2 cache */
    TILE_MIN = 48,
    TILE_MAX = 256,
};

/* ---- cells and their patches ------------------------------------------------------ */

/* Cells of a map `to`, step apart, each of which reads down_count x across_count cells of a
 * map `from`: cell (i, j) of them reads (i * hop + down[u], j * hop + across[v]). */
typedef struct pass {
    int N;
    float *to;
    int to_H, to_W, to_C, first_row, first_column, step, rows, columns;
    const float *from;
    int from_H, from_W, from_C, hop;
    int down[MOST_KERNEL], across[MOST_KERNEL], down_count, across_count;

    /* Of one group: its first channel and how many it has, in `to` and in `from`. */
    int to_channel, width, from_channel, depth;

    /* The weight of result n for term (u, v, c) is at
     * weight[n * n_stride + c * c_stride + tap[u * across_count + v]]. */
    const float *weight;
    size_t n_stride, c_stride;
    int tap[MOST_KERNEL * MOST_KERNEL];

    const float *bias;
    bool add;
} pass;

static size_t terms_of(const pass *p)
{
    return (size_t)(p->down_count * p->across_count) * (size_t)p->depth;
}

static size_t cells_of(const pass *p)
{
    return (size_t)p->N * (size_t)p->rows * (size_t)p->columns;
}

/* Rows of `from` are the patches. */
static bool is_direct(const pass *p)
{
    return p->down_count == 1 && p->across_count == 1 && p->hop == 1 &&
           p->down[0] == 0 && p->across[0] == 0 && p->rows == p->from_H &&
           p->columns == p->from_W;
}

/* Results lie side by side. */
static bool is_dense(const pass *p)
{
    return p->step == 1 && p->rows == p->to_H && p->columns == p->to_W;
}

static void gather_cell(const pass *p, float *patch, size_t cell)
{
    const size_t depth = (size_t)p->depth;
    const int column = (int)(cell % (size_t)p->columns) * p->hop;
    const size_t line = cell / (size_t)p->columns;
    const int row = (int)(line % (size_t)p->rows) * p->hop;
    const size_t n = line / (size_t)p->rows;
    for (int u = 0; u < p->down_count; u++)
        for (int v = 0; v < p->across_count; v++, patch += depth) {
            const int h = row + p->down[u], w = column + p->across[v];
            if (h < 0 || h >= p->from_H || w < 0 || w >= p->from_W)
                memset(patch, 0, depth * sizeof *patch);
            else
                memcpy(patch,
                       p->from +
                           ((n * (size_t)p->from_H + (size_t)h) * (size_t)p->from_W +
                            (size_t)w) *
                               (size_t)p->from_C +
                           p->from_channel,
                       depth * sizeof *patch);
        }
}

static void gather_cells(const pass *p, float *patches, size_t first, size_t count)
{
    const size_t terms = terms_of(p);
    for (size_t i = 0; i < count; i++)
        gather_cell(p, patches + i * terms, first + i);
}

static float *target_of(const pass *p, size_t cell)
{
    const size_t column = cell % (size_t)p->columns, line = cell / (size_t)p->columns;
    const size_t row = line % (size_t)p->rows, n = line / (size_t)p->rows;
    const size_t h = row * (size_t)p->step + (size_t)p->first_row;
    const size_t w = column * (size_t)p->step + (size_t)p->first_column;
    return p->to + ((n * (size_t)p->to_H + h) * (size_t)p->to_W + w) * (size_t)p->to_C +
           p->to_channel;
}

/* ---- results: patches times weights ----------------------------------------------- */

typedef struct multiply_job {
    const pass *p;
    dp_gemm_fn *gemm;
    size_t tile;
    float *packed, *bias;
    float *patches, *results; /* a tile a worker, where they are needed */
} multiply_job;

/* Panel `item` of the weights: its columns from item * PANEL on. */
static void pack_panel(void *arg, int item, int worker)
{
    const multiply_job *job = arg;
    const pass *p = job->p;
    const size_t first = (size_t)item * PANEL;
    const int taps = p->down_count * p->across_count;
    float *panel = job->packed + first * terms_of(p);
    (void)worker;
    for (int c = 0; c < p->depth; c++)
        for (int t = 0; t < taps; t++) {
            const float *from = p->weight + first * p->n_stride +
                                (size_t)c * p->c_stride + (size_t)p->tap[t];
            float *to = panel + (size_t)(t * p->depth + c) * PANEL;
            for (size_t n = 0; n < PANEL; n++)
                to[n] = first + n < (size_t)p->width ? from[n * p->n_stride] : 0;
        }
}

/* Rows of results from a tile's memory to where they belong. */
static void place_results(const multiply_job *job, const float *results, size_t first,
                          size_t count)
{
    const pass *p = job->p;
    const size_t width = (size_t)p->width;
    for (size_t i = 0; i < count; i++, results += width) {
        float *to = target_of(p, first + i);
        if (p->add)
            for (size_t n = 0; n < width; n++)
                to[n] += results[n];
        else
            memcpy(to, results, width * sizeof *to);
    }
}

static void multiply_tile(void *arg, int item, int worker)
{
    const multiply_job *job = arg;
    const pass *p = job->p;
    const size_t first = (size_t)item * job->tile, terms = terms_of(p);
    const size_t left = cells_of(p) - first;
    const size_t count = left < job->tile ? left : job->tile;
    const float *x = p->from + first * (size_t)p->from_C + p->from_channel;
    size_t x_stride = (size_t)p->from_C, y_stride = (size_t)p->to_C;
    float *y = NULL;
    if (job->patches) {
        float *patches = job->patches + (size_t)worker * job->tile * terms;
        gather_cells(p, patches, first, count);
        x = patches;
        x_stride = terms;
    }
    if (job->results) {
        y = job->results + (size_t)worker * job->tile * (size_t)p->width;
        y_stride = (size_t)p->width;
    }
    job->gemm(y ? y : target_of(p, first), y_stride, x, x_stride, job->packed,
              job->bias, (int)count, (int)terms, p->width,
              p->add && !y ? DP_GEMM_ADD : 0u);
    if (y)
        place_results(job, y, first, count);
}

static size_t tile_of(const pass *p)
{
    const size_t rows = TILE_FLOATS / (terms_of(p) + (size_t)p->width) / 8 * 8;
    return rows < TILE_MIN ? TILE_MIN : rows > TILE_MAX ? TILE_MAX : rows;
}

static int count_parts(size_t all, size_t part)
{
    return (int)((all + part - 1) / part);
}

static void multiply(dp_run *r, const pass *p)
{
    const size_t start = dp_arena_mark(r->arena);
    const size_t workers = (size_t)dp_pool_threads(r->pool), width = (size_t)p->width;
    multiply_job job = {.p = p, .gemm = dp_step_gemm(r), .tile = tile_of(p)};
    job.packed =
        dp_run_take(r, dp_gemm_packed_size((int)terms_of(p), p->width), sizeof(float));
    job.bias = dp_run_take(r, width, sizeof(float));
    if (!is_direct(p))
        job.patches = dp_run_take(r, workers * job.tile * terms_of(p), sizeof(float));
    if (!is_dense(p))
        job.results = dp_run_take(r, workers * job.tile * width, sizeof(float));
    if (!r->dry) {
        for (size_t n = 0; n < width; n++)
            job.bias[n] = p->bias ? p->bias[n] : 0;
        dp_parallel(r->pool, count_parts(width, PANEL), pack_panel, &job);
        dp_parallel(r->pool, count_parts(cells_of(p), job.tile), multiply_tile, &job);
    }
    dp_arena_rewind(r->arena, start);
}

/* ---- the two directions ----------------------------------------------------------- */

/* All cells of small, each with its whole patch of large, for group g. */
static pass gather_pass(const dp_step_conv *c, int g)
{
    const int k = c->kernel, in = c->C / c->groups, out = c->out / c->groups;
    pass p = {.N = c->N,
              .to_H = c->rows,
              .to_W = c->columns,
              .to_C = c->out,
              .step = 1,
              .rows = c->rows,
              .columns = c->columns,
              .from_H = c->H,
              .from_W = c->W,
              .from_C = c->C,
              .hop = c->stride,
              .down_count = k,
              .across_count = k,
              .to_channel = g * out,
              .width = out,
              .from_channel = g * in,
              .depth = in,
              .n_stride = (size_t)(in * k * k),
              .c_stride = (size_t)(k * k)};
    if (c->weight)
        p.weight = c->weight + (size_t)(g * out) * p.n_stride;
    for (int i = 0; i < k; i++)
        p.down[i] = p.across[i] = i - c->padding;
    for (int i = 0; i < k * k; i++)
        p.tap[i] = i;
    return p;
}

void dp_step_conv_gather(dp_run *r, const dp_step_conv *c, float *small,
                         const float *large, const float *bias, bool add)
{
    for (int g = 0; g < c->groups; g++) {
        pass p = gather_pass(c, g);
        p.to = small;
        p.from = large;
        p.bias = bias ? bias + p.to_channel : NULL;
        p.add = add;
        multiply(r, &p);
    }
}

/* The taps that reach cells `first`, `first` + stride and so on of large. `from` are the cells
 * of small that the first of these comes from. */
static int taps_at(const dp_step_conv *c, int first, int *tap, int *from)
{
    int count = 0;
    for (int i = 0; i < c->kernel; i++)
        if ((first + c->padding - i) % c->stride == 0) {
            tap[count] = i;
            from[count++] = (first + c->padding - i) / c->stride;
        }
    return count;
}

/* Cells of large from (row, column) on, a stride apart: all read the same taps of cells of
 * small. */
static pass spread_pass(const dp_step_conv *c, int g, int row, int column)
{
    const int k = c->kernel, in = c->C / c->groups, out = c->out / c->groups;
    int taps_down[MOST_KERNEL], taps_across[MOST_KERNEL];
    pass p = {.N = c->N,
              .to_H = c->H,
              .to_W = c->W,
              .to_C = c->C,
              .first_row = row,
              .first_column = column,
              .step = c->stride,
              .rows = (c->H - row + c->stride - 1) / c->stride,
              .columns = (c->W - column + c->stride - 1) / c->stride,
              .from_H = c->rows,
              .from_W = c->columns,
              .from_C = c->out,
              .hop = 1,
              .to_channel = g * in,
              .width = in,
              .from_channel = g * out,
              .depth = out,
              .n_stride = (size_t)(k * k),
              .c_stride = (size_t)(in * k * k)};
    if (c->weight)
        p.weight = c->weight + (size_t)(g * out) * p.c_stride;
    p.down_count = taps_at(c, row, taps_down, p.down);
    p.across_count = taps_at(c, column, taps_across, p.across);
    for (int u = 0; u < p.down_count; u++)
        for (int v = 0; v < p.across_count; v++)
            p.tap[u * p.across_count + v] = taps_down[u] * k + taps_across[v];
    return p;
}

/* Cells that no tap reaches. */
static void fill(const pass *p)
{
    for (size_t cell = 0; cell < cells_of(p) && !p->add; cell++)
        for (int n = 0; n < p->width; n++)
            target_of(p, cell)[n] = p->bias ? p->bias[n] : 0;
}

void dp_step_conv_spread(dp_run *r, const dp_step_conv *c, float *large,
                         const float *small, const float *bias, bool add)
{
    for (int i = 0; i < c->groups * c->stride * c->stride; i++) {
        const int g = i / (c->stride * c->stride), at = i % (c->stride * c->stride);
        if (at / c->stride >= c->H || at % c->stride >= c->W)
            continue;
        pass p = spread_pass(c, g, at / c->stride, at % c->stride);
        p.to = large;
        p.from = small;
        p.bias = bias ? bias + p.to_channel : NULL;
        p.add = add;
        if (terms_of(&p) > 0)
            multiply(r, &p);
        else if (!r->dry)
            fill(&p);
    }
}

/* ---- weights ---------------------------------------------------------------------- */

enum {
    CHUNK_FLOATS = 512 * 1024, /* of a chunk's patches: a part of the last cache */
    CHUNK_MAX = 2048,
    PREPARED = 64,  /* rows that an item prepares             */
    ROW_BLOCK = 32, /* of the gradient that an item adds up   */
    COLUMN_BLOCK = 96
};

/* Sums over chunks of cells, one after the other: rows of `turned`, which are channels of
 * small, times the patches as packed weights. */
typedef struct weight_job {
    const pass *p;
    dp_gemm_fn *gemm;
    const float *small; /* at the group's first channel */
    size_t small_stride;
    size_t first, count;  /* cells of the chunk */
    size_t turned_stride; /* padded: rows do not share lines of the cache */
    float *turned, *packed, *patches, *zeros, *sums;
} weight_job;

static size_t chunk_of(const pass *p)
{
    const size_t fit = CHUNK_FLOATS / terms_of(p) / DP_GEMM_BLOCK * DP_GEMM_BLOCK;
    const size_t rows = fit < DP_GEMM_BLOCK ? DP_GEMM_BLOCK
                        : fit > CHUNK_MAX   ? CHUNK_MAX
                                            : fit;
    return cells_of(p) < rows ? cells_of(p) : rows;
}

static void pack_rows(const weight_job *job, const float *rows, size_t stride,
                      size_t first, size_t count)
{
    const size_t terms = terms_of(job->p), whole = terms / PANEL * PANEL;
    float *to = job->packed + first * PANEL;
    for (size_t n = 0; n < whole; n += PANEL)
        for (size_t i = 0; i < count; i++)
            memcpy(to + n * job->count + i * PANEL, rows + i * stride + n,
                   PANEL * sizeof *to);
    for (size_t i = 0; i < count && whole < terms; i++) {
        float *last = to + whole * job->count + i * PANEL;
        memset(last, 0, PANEL * sizeof *last);
        memcpy(last, rows + i * stride + whole, (terms - whole) * sizeof *last);
    }
}

/* The transposed matrix, of `width` columns; PANEL of them at a time stay in the caches. */
static void turn_columns(float *to, size_t to_stride, const float *from,
                         size_t from_stride, size_t count, size_t width)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < width; k++)
            to[k * to_stride + i] = from[i * from_stride + k];
}

static void turn_rows(const weight_job *job, size_t first, size_t count)
{
    const size_t width = (size_t)job->p->width, whole = width / PANEL * PANEL;
    const float *from = job->small + (job->first + first) * job->small_stride;
    float *to = job->turned + first;
    for (size_t n = 0; n < whole; n += PANEL)
        turn_columns(to + n * job->turned_stride, job->turned_stride, from + n,
                     job->small_stride, count, PANEL);
    turn_columns(to + whole * job->turned_stride, job->turned_stride, from + whole,
                 job->small_stride, count, width - whole);
}

static void prepare_item(void *arg, int item, int worker)
{
    const weight_job *job = arg;
    const pass *p = job->p;
    const size_t first = (size_t)item * PREPARED, left = job->count - first;
    const size_t count = left < PREPARED ? left : PREPARED;
    const float *rows =
        p->from + (job->first + first) * (size_t)p->from_C + p->from_channel;
    size_t stride = (size_t)p->from_C;
    if (job->patches) {
        float *patches = job->patches + (size_t)worker * PREPARED * terms_of(p);
        gather_cells(p, patches, job->first + first, count);
        rows = patches;
        stride = terms_of(p);
    }
    pack_rows(job, rows, stride, first, count);
    turn_rows(job, first, count);
}

static void sum_item(void *arg, int item, int worker)
{
    const weight_job *job = arg;
    const size_t terms = terms_of(job->p), width = (size_t)job->p->width;
    const size_t across = (size_t)count_parts(terms, COLUMN_BLOCK);
    const size_t n = (size_t)item % across * COLUMN_BLOCK;
    const size_t o = (size_t)item / across * ROW_BLOCK;
    const size_t columns = terms - n < COLUMN_BLOCK ? terms - n : COLUMN_BLOCK;
    const size_t rows = width - o < ROW_BLOCK ? width - o : ROW_BLOCK;
    (void)worker;
    job->gemm(job->sums + o * terms + n, terms, job->turned + o * job->turned_stride,
              job->turned_stride, job->packed + n * job->count, job->zeros, (int)rows,
              (int)job->count, (int)columns, DP_GEMM_ADD);
}

static void sum_chunks(dp_run *r, weight_job *job)
{
    const size_t cells = cells_of(job->p), chunk = chunk_of(job->p);
    const int items = count_parts(terms_of(job->p), COLUMN_BLOCK) *
                      count_parts((size_t)job->p->width, ROW_BLOCK);
    for (job->first = 0; job->first < cells; job->first += chunk) {
        job->count = cells - job->first < chunk ? cells - job->first : chunk;
        dp_parallel(r->pool, count_parts(job->count, PREPARED), prepare_item, job);
        dp_parallel(r->pool, items, sum_item, job);
    }
}

/* From the order of patches to that of the weights. */
static void add_sums(const weight_job *job, float *gradient)
{
    const pass *p = job->p;
    const int taps = p->down_count * p->across_count;
    for (int o = 0; o < p->width; o++)
        for (int c = 0; c < p->depth; c++)
            for (int t = 0; t < taps; t++)
                gradient[(size_t)o * p->n_stride + (size_t)(c * taps + t)] +=
                    job->sums[(size_t)o * p->n_stride + (size_t)(t * p->depth + c)];
}

static void weight_of_group(dp_run *r, const dp_step_conv *c, int g, float *gradient,
                            const float *large, const float *small)
{
    pass p = gather_pass(c, g);
    p.from = large;
    weight_job job = {.p = &p,
                      .gemm = dp_step_gemm(r),
                      .small_stride = (size_t)c->out,
                      .turned_stride = chunk_of(&p) + PANEL,
                      .sums = gradient};
    const size_t start = dp_arena_mark(r->arena), terms = terms_of(&p);
    const size_t width = (size_t)p.width, all = width * terms;
    job.turned = dp_run_take(r, width * job.turned_stride, sizeof(float));
    job.packed = dp_run_take(r, dp_gemm_packed_size((int)chunk_of(&p), (int)terms),
                             sizeof(float));
    job.zeros = dp_run_take(r, terms, sizeof(float));
    if (!is_direct(&p))
        job.patches = dp_run_take(
            r, (size_t)dp_pool_threads(r->pool) * PREPARED * terms, sizeof(float));
    if (c->kernel > 1)
        job.sums = dp_run_take(r, all, sizeof(float));
    if (!r->dry) {
        job.small = small + p.to_channel;
        memset(job.zeros, 0, terms * sizeof *job.zeros);
        if (c->kernel > 1)
            memset(job.sums, 0, all * sizeof *job.sums);
        sum_chunks(r, &job);
        if (c->kernel > 1)
            add_sums(&job, gradient);
    }
    dp_arena_rewind(r->arena, start);
}

void dp_step_conv_weight(dp_run *r, const dp_step_conv *c, float *gradient,
                         const float *large, const float *small)
{
    const size_t weights = (size_t)(c->out / c->groups) * (size_t)(c->C / c->groups) *
                           (size_t)(c->kernel * c->kernel);
    for (int g = 0; g < c->groups; g++)
        weight_of_group(r, c, g, gradient + (size_t)g * weights, large, small);
}
