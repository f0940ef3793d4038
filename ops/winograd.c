#include "ops/winograd.h"

#include "ops/kernels/kernels.h"

#include <string.h>

enum {
    VALUES = DP_WINOGRAD_VALUES,
    SIDE = DP_WINOGRAD_OUT,
    PAD = 16, /* floats: rows a power of two apart would compete for cache lines */
    BLOCK_MIN = 16,         /* tiles of an item: it reads all the weights for them    */
    BLOCK_MAX = 48,         /* more of them gain nothing                              */
    BLOCK_ITEMS = 8,        /* items of a small map, for several threads to share     */
    BLOCK_BYTES = 5 << 20,  /* of an item's values and results                        */
    STREAM_BYTES = 16 << 20 /* a map y that the last cache would not keep             */
};

/* The columns [first, first + count) of all GEMMs. */
static void pack_columns(dp_winograd *l, int first, int count, const float *weight,
                         size_t out_stride, const float *scale, float *values)
{
    const size_t in = (size_t)l->in, plane = in * DP_GEMM_PANEL;
    for (int n = 0; n < count; n++)
        for (size_t i = 0; i < in; i++)
            dp_winograd_weights(values + (size_t)n * in + i, plane,
                                weight + (size_t)(first + n) * out_stride + i * 9,
                                scale ? scale[first + n] : 1.0f);
    for (int v = 0; v < VALUES; v++)
        dp_gemm_fill(&l->gemms[v], first, count, values + (size_t)v * plane, 1, in,
                     NULL);
}

void dp_winograd_build(dp_builder *b, dp_winograd *l, int in, int out,
                       const float *weight, size_t out_stride, const float *scale,
                       const float *bias, bool relu)
{
    *l = (dp_winograd){.in = in, .out = out, .relu = relu};
    l->gemms = dp_builder_take(b, VALUES, sizeof *l->gemms);
    if (l->gemms)
        dp_gemm_take(b, l->gemms, VALUES, in, out);
    l->bias = dp_builder_floats(b, (size_t)out);
    float *values = dp_builder_scratch(b, (size_t)VALUES * (size_t)in * DP_GEMM_PANEL);
    if (!weight || !l->bias || b->status != DP_OK)
        return;
    if (bias)
        memcpy(l->bias, bias, (size_t)out * sizeof *bias);
    for (int o = 0; o < out; o += DP_GEMM_PANEL)
        pack_columns(l, o, out - o < DP_GEMM_PANEL ? out - o : DP_GEMM_PANEL, weight,
                     out_stride, scale, values);
}

struct job {
    const dp_winograd *layer;
    const dp_kernels *kernels;
    dp_tensor x, y;
    int down, across; /* tiles of a map */
    int tiles, block; /* of all maps, of an item */
    size_t v_row, m_row, plane;
    const dp_winograd_then *then; /* NULL: the outputs go to y */
    int then_count;
    /* A worker's: with then, outputs of a tile and of a layer that follows; its planes. */
    float *cells;
    size_t cells_size;
    float *memory;
};

/* The results of a value's GEMM are written over the values before it, which are used up.
 * So half as much memory is kept in the caches. */
static size_t memory_size(const struct job *j)
{
    return (VALUES + 1) * j->plane;
}

/* Tile number t of all maps: its map, and the cells of y. */
static size_t place_tile(const struct job *j, int t, dp_map_window *w)
{
    const int per_map = j->down * j->across, at = t % per_map;
    w->row = at / j->across * SIDE;
    w->col = at % j->across * SIDE;
    w->rows = w->H - w->row < SIDE ? w->H - w->row : SIDE;
    w->cols = w->W - w->col < SIDE ? w->W - w->col : SIDE;
    return (size_t)(t / per_map) * (size_t)w->H * (size_t)w->W;
}

/* The outputs of a tile, to y or through the layers that follow. cell is the first of the
 * tile's map. */
static void finish_tile(const struct job *j, const float *m, const dp_map_window *w,
                        size_t cell)
{
    const dp_winograd *l = j->layer;
    const bool large = dp_tensor_size(j->y) > STREAM_BYTES / sizeof(float);
    j->kernels->winograd_output(
        j->y.data + cell * (size_t)l->out, m, j->plane, l->bias, w, l->out,
        (l->relu ? DP_GEMM_RELU : 0u) | (large ? DP_WINOGRAD_STREAM : 0u));
}

static void pass_tile(const struct job *j, const float *m, const dp_map_window *w,
                      size_t cell, float *cells)
{
    const dp_winograd *l = j->layer;
    const dp_map_window tile = {
        .H = w->rows, .W = w->cols, .C = l->out, .rows = w->rows, .cols = w->cols};
    float *rows = cells + SIDE * SIDE * (size_t)l->out;
    j->kernels->winograd_output(cells, m, j->plane, l->bias, &tile, l->out,
                                l->relu ? DP_GEMM_RELU : 0);
    cell += (size_t)w->row * (size_t)w->W + (size_t)w->col;
    for (int i = 0; i < j->then_count; i++) {
        const dp_winograd_then *t = &j->then[i];
        const size_t N = (size_t)t->gemm->N, line = (size_t)w->cols * N;
        dp_gemm_rows(t->gemm, rows, N, cells, (size_t)l->out, w->rows * w->cols, false,
                     t->activation);
        for (int k = 0; k < w->rows; k++)
            memcpy(t->y.data + (cell + (size_t)k * (size_t)w->W) * N,
                   rows + (size_t)k * line, line * sizeof *rows);
    }
}

static void winograd_item(void *arg, int item, int worker)
{
    const struct job *j = arg;
    const dp_winograd *l = j->layer;
    const int first = item * j->block;
    const int tiles = j->tiles - first < j->block ? j->tiles - first : j->block;
    float *m = j->memory + (size_t)worker * memory_size(j);
    float *v = m + j->plane;
    dp_map_window w = {.H = j->x.H, .W = j->x.W};

    for (int t = 0; t < tiles; t++) {
        const size_t cell = place_tile(j, first + t, &w);
        w.C = l->in;
        w.row--;
        w.col--;
        j->kernels->winograd_input(v + (size_t)t * j->v_row, j->plane,
                                   j->x.data + cell * (size_t)l->in, &w);
    }
    for (int i = 0; i < VALUES; i++)
        dp_gemm_rows(&l->gemms[i], m + (size_t)i * j->plane, j->m_row,
                     v + (size_t)i * j->plane, j->v_row, tiles, false,
                     DP_ACTIVATION_NONE);
    for (int t = 0; t < tiles; t++) {
        const size_t cell = place_tile(j, first + t, &w);
        w.C = l->out;
        if (j->then)
            pass_tile(j, m + (size_t)t * j->m_row, &w, cell,
                      j->cells + (size_t)worker * j->cells_size);
        else
            finish_tile(j, m + (size_t)t * j->m_row, &w, cell);
    }
}

/* Tiles of an item: a function of the layer and the number of tiles only. */
static int block_size(const dp_winograd *l, int tiles)
{
    const int widest = l->in > l->out ? l->in : l->out;
    const int fitting =
        BLOCK_BYTES / (VALUES + 1) / (int)sizeof(float) / widest / 8 * 8;
    const int even = (tiles / BLOCK_ITEMS + 7) / 8 * 8;
    int block = fitting < BLOCK_MAX ? fitting : BLOCK_MAX;
    block = even < block ? even : block;
    return block < BLOCK_MIN ? BLOCK_MIN : block;
}

static void run_job(dp_run *r, struct job *j)
{
    const dp_winograd *l = j->layer;
    const size_t threads = (size_t)dp_pool_threads(r->pool);
    j->down = (j->x.H + SIDE - 1) / SIDE;
    j->across = (j->x.W + SIDE - 1) / SIDE;
    j->tiles = j->x.N * j->down * j->across;
    j->block = block_size(l, j->tiles);
    j->v_row = (size_t)l->in + PAD;
    j->m_row = (size_t)l->out + PAD;
    j->plane = (size_t)j->block * (j->v_row > j->m_row ? j->v_row : j->m_row) + PAD;
    j->memory = dp_run_take(r, threads * memory_size(j), sizeof *j->memory);
    j->cells = dp_run_take(r, threads * j->cells_size, sizeof *j->cells);
    if (!r->dry)
        dp_parallel(r->pool, (j->tiles + j->block - 1) / j->block, winograd_item, j);
}

void dp_winograd_run(dp_run *r, const dp_winograd *l, dp_tensor y, dp_tensor x)
{
    struct job j = {.layer = l, .kernels = r->kernels, .x = x, .y = y};
    const size_t mark = dp_run_mark(r);
    run_job(r, &j);
    dp_run_rewind(r, mark);
}

void dp_winograd_run_through(dp_run *r, const dp_winograd *l,
                             const dp_winograd_then *then, int count, dp_tensor x)
{
    struct job j = {
        .layer = l, .kernels = r->kernels, .x = x, .then = then, .then_count = count};
    const size_t mark = dp_run_mark(r);
    int widest = 0;
    for (int i = 0; i < count; i++)
        widest = then[i].gemm->N > widest ? then[i].gemm->N : widest;
    j.cells_size = SIDE * SIDE * (size_t)(l->out + widest);
    run_job(r, &j);
    dp_run_rewind(r, mark);
}
