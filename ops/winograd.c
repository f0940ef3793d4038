#include "ops/winograd.h"

#include "ops/kernels/kernels.h"

#include <string.h>

enum {
    VALUES = DP_WINOGRAD_VALUES,
    SIDE = DP_WINOGRAD_OUT,
    PAD = 16, /* floats: rows a power of two apart would compete for cache lines */
    BLOCK_MIN =
        16, /* tiles of an item: each reads all the weights, which are large   */
    BLOCK_NEAR = 32, /* enough when the weights stay in the last cache,       */
    BLOCK_FAR = 64,  /* or when they come from memory                         */
    NEAR_BYTES = 16 << 20,
    BLOCK_ITEMS =
        8, /* items of a small map, to have work for several threads          */
    BLOCK_BYTES =
        5 << 20 /* of an item's values and products                          */
};

/* The columns [first, first + count) of all products. */
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
        dp_gemm_fill(&l->products[v], first, count, values + (size_t)v * plane, 1, in,
                     NULL);
}

void dp_winograd_build(dp_builder *b, dp_winograd *l, int in, int out,
                       const float *weight, size_t out_stride, const float *scale,
                       const float *bias, bool relu)
{
    *l = (dp_winograd){.in = in, .out = out, .relu = relu};
    l->products = dp_builder_take(b, VALUES, sizeof *l->products);
    if (l->products)
        dp_gemm_take(b, l->products, VALUES, in, out);
    l->bias = dp_builder_floats(b, (size_t)out);
    float *values = dp_builder_scratch(b, (size_t)VALUES * (size_t)in * DP_GEMM_PANEL);
    if (!weight || b->status != DP_OK)
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
    float *memory; /* a worker's planes             */
};

/* The products of a value are written over the values before it, which are used up: so
 * half as much memory is kept in the caches. */
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
        dp_gemm_rows(&l->products[i], j->kernels, m + (size_t)i * j->plane, j->m_row,
                     v + (size_t)i * j->plane, j->v_row, tiles, false,
                     DP_ACTIVATION_NONE);
    for (int t = 0; t < tiles; t++) {
        const size_t cell = place_tile(j, first + t, &w);
        w.C = l->out;
        j->kernels->winograd_output(j->y.data + cell * (size_t)l->out,
                                    m + (size_t)t * j->m_row, j->plane, l->bias, &w,
                                    l->out, l->relu ? DP_GEMM_RELU : 0);
    }
}

/* Tiles of an item: a function of the layer and the number of tiles only. */
static int block_size(const dp_winograd *l, int tiles)
{
    const int widest = l->in > l->out ? l->in : l->out;
    const size_t weights = VALUES * sizeof(float) * (size_t)l->in * (size_t)l->out;
    const int fitting =
        BLOCK_BYTES / (VALUES + 1) / (int)sizeof(float) / widest / 8 * 8;
    const int even = (tiles / BLOCK_ITEMS + 7) / 8 * 8;
    int block = weights > NEAR_BYTES ? BLOCK_FAR : BLOCK_NEAR;
    block = fitting < block ? fitting : block;
    block = even < block ? even : block;
    return block < BLOCK_MIN ? BLOCK_MIN : block;
}

void dp_winograd_run(dp_run *r, const dp_winograd *l, dp_tensor y, dp_tensor x)
{
    const int down = (x.H + SIDE - 1) / SIDE, across = (x.W + SIDE - 1) / SIDE;
    struct job j = {.layer = l,
                    .kernels = r->kernels,
                    .x = x,
                    .y = y,
                    .down = down,
                    .across = across,
                    .tiles = x.N * down * across};
    const size_t mark = dp_run_mark(r);
    j.block = block_size(l, j.tiles);
    j.v_row = (size_t)l->in + PAD;
    j.m_row = (size_t)l->out + PAD;
    j.plane = (size_t)j.block * (j.v_row > j.m_row ? j.v_row : j.m_row) + PAD;
    j.memory = dp_run_take(r, (size_t)dp_pool_threads(r->pool) * memory_size(&j),
                           sizeof *j.memory);
    dp_run_count(r, dp_tensor_rows(y), 9 * l->in, l->out);
    if (!r->dry)
        dp_parallel(r->pool, (j.tiles + j.block - 1) / j.block, winograd_item, &j);
    dp_run_rewind(r, mark);
}
