#include "ops/convnext_block_training.h"

#include "ops/convnext_pass.h"
#include "ops/panels.h"
#include "ops/step_backward.h"

#include <string.h>

enum {
    TAPS = DP_CONVNEXT_TAPS,
    HIDDEN = DP_CONVNEXT_HIDDEN,
    CHUNK = DP_CONVNEXT_CHUNK,
    PANEL = DP_GEMM_PANEL,
    LANES = 8,      /* of tiles           */
    BY_LANES = 224, /* channels, at most  */
    BLOCK = 64      /* channels at a time */
};

static float *slice(float *memory, int index, size_t size)
{
    return memory + (size_t)index * size;
}

static float *floats(dp_run *r, size_t n)
{
    return dp_run_take(r, n, sizeof(float));
}

/* ---- the step -------------------------------------------------------------------- */

bool dp_convnext_block_trains(const dp_run *r, const dp_convnext_block *k)
{
    return r->fast && k->raw.dwconv && !k->spec.grn;
}

dp_tensor dp_convnext_block_step(dp_run *r, const dp_convnext_block *k, dp_tensor x)
{
    float *factors = NULL;
    if (r->branch) {
        factors = floats(r, (size_t)x.N);
        if (!r->branch(r->branch_arg, x.N, factors))
            factors = NULL;
    }
    return dp_step_run(
        r, (dp_step){.kind = DP_STEP_convnext_block,
                     .y = x,
                     .inputs = 1,
                     .x = {x},
                     .factors = factors,
                     .op = k,
                     .parameters = &k->raw.dwconv,
                     .parameter_count = sizeof k->raw / sizeof k->raw.dwconv});
}

/* ---- forward --------------------------------------------------------------------- */

typedef struct forward {
    dp_convnext_pass pass;
    dp_tensor y;
    float *contract, *offset; /* pwconv2 with gamma, and its bias */
    float *norm, *scale;      /* of each worker                   */
} forward;

static size_t row_at(const dp_map_window *w, int image, int row)
{
    const size_t rows = (size_t)image * (size_t)w->H + (size_t)(w->row + row);
    return (rows * (size_t)w->W + (size_t)w->col) * (size_t)w->C;
}

static void forward_tile(void *arg, int tile, int worker)
{
    const forward *f = arg;
    const dp_convnext_pass *p = &f->pass;
    const size_t most = (size_t)p->tiles.cells, narrow = (size_t)p->narrow * p->panel;
    const int cells = dp_convnext_tile_cells(&p->tiles, tile);
    float *norm = slice(f->norm, worker, narrow), *out = slice(p->out, worker, narrow);
    float *hidden = slice(p->hidden, worker, CHUNK * p->panel);
    dp_convnext_pass_normalise(p, tile, slice(p->rows, worker, most * (size_t)p->x.C),
                               norm, slice(f->scale, worker, most));
    for (int q = 0; q < p->chunks; q++) {
        dp_convnext_pass_expand(p, q, hidden, norm, cells, DP_GEMM_GELU);
        dp_convnext_pass_add(p, q, out, hidden, f->contract, f->offset, cells);
    }
    for (int i = 0; i < dp_convnext_tile_images(&p->tiles, tile); i++) {
        int image;
        const dp_map_window w = dp_convnext_tile_window(&p->tiles, tile, i, &image);
        for (int row = 0; row < w.rows; row++, out += w.cols * PANEL) {
            const size_t at = row_at(&w, image, row);
            dp_panels_add_to_rows(f->y.data + at, p->x.data + at, out, p->panel,
                                  (size_t)w.cols, w.C,
                                  dp_convnext_pass_factor(p, image));
        }
    }
}

/* An image that skips the block. */
static void forward_dropped(void *arg, int image, int worker)
{
    const forward *f = arg;
    (void)worker;
    const dp_tensor x = dp_tensor_item(f->pass.x, image),
                    y = dp_tensor_item(f->y, image);
    if (dp_convnext_pass_factor(&f->pass, image) == 0)
        memcpy(y.data, x.data, dp_tensor_size(x) * sizeof *y.data);
}

void dp_step_convnext_block_fast(dp_run *r, const dp_step *s)
{
    const dp_convnext_block *k = s->op;
    const int C = k->spec.C;
    forward f = {.pass = dp_convnext_pass_start(r, s), .y = s->y};
    const dp_convnext_pass *p = &f.pass;
    const size_t workers = (size_t)dp_pool_threads(r->pool);
    f.norm = floats(r, workers * (size_t)p->narrow * p->panel);
    f.scale = floats(r, workers * (size_t)p->tiles.cells);
    f.contract = floats(r, (size_t)p->wide * PANEL * (size_t)p->narrow * PANEL);
    f.offset = floats(r, (size_t)p->narrow * PANEL);
    if (r->dry)
        return;
    for (int c = 0; c < p->narrow * PANEL; c++)
        f.offset[c] = c >= C ? 0 : k->raw.pwconv2_bias[c];
    for (int c = 0; c < C && k->raw.gamma; c++)
        f.offset[c] *= k->raw.gamma[c];
    dp_convnext_pass_pack(p, r->pool);
    dp_convnext_pass_pack_chunks(p, r->pool, f.contract, false);
    dp_parallel(r->pool, p->tiles.count, forward_tile, &f);
    if (s->factors)
        dp_parallel(r->pool, p->x.N, forward_dropped, &f);
}

/* ---- backward: the pointwise layers ---------------------------------------------- */

typedef struct backward {
    dp_convnext_pass pass;
    const dp_step_gradients *g;
    const float *gradient; /* of y */
    float *dx;             /* NULL: not asked for */
    float *dpwconv1, *dpwconv2;
    /* Whether gradients of matrices, or of what is before the norm, are asked for. */
    bool matrices, inner;
    bool by_chunks; /* else by lanes of tiles */
    int lanes;

    float *open;     /* pwconv2 with gamma, panels of (C, 16)           */
    float *close;    /* as dp_convnext_pass_pack_chunks                 */
    float *reversed; /* taps, the last first                            */

    /* of each worker, or with by_chunks of each tile */
    float *norm, *scale;
    float *dy;      /* times the factor, narrow panels           */
    float *dhidden; /* a chunk, or with by_chunks the whole tile */

    float *dy_sums; /* (tiles, narrow panels)               */
    float *dd;      /* of the depthwise convolution's result */

    /* of each lane: (wide, C, 16) of both matrices, and the bias of pwconv1 */
    float *expand_sums, *contract_sums, *shift_sums;
    float *dots;     /* (chunks, 3, C): of norm, its bias and gamma           */
    float *tap_sums; /* (LANES, TAPS + 1, C); the last row is the bias's       */
} backward;

/* The norm and the gradient of a tile. */
static void prepare(const backward *b, int tile, int slot, int worker)
{
    const dp_convnext_pass *p = &b->pass;
    const size_t most = (size_t)p->tiles.cells, narrow = (size_t)p->narrow * p->panel;
    float *dy = slice(b->dy, slot, narrow);
    size_t cells = 0;
    dp_convnext_pass_normalise(p, tile, slice(p->rows, worker, most * (size_t)p->x.C),
                               slice(b->norm, slot, narrow),
                               slice(b->scale, slot, most));
    for (int i = 0; i < dp_convnext_tile_images(&p->tiles, tile); i++) {
        int image;
        const dp_map_window w = dp_convnext_tile_window(&p->tiles, tile, i, &image);
        for (int row = 0; row < w.rows; row++, cells += (size_t)w.cols)
            dp_panels_from_rows(dy + cells * PANEL, p->panel,
                                b->gradient + row_at(&w, image, row), (size_t)w.cols,
                                w.C, dp_convnext_pass_factor(p, image));
    }
    dp_panels_sum(slice(b->dy_sums, tile, (size_t)p->narrow * PANEL), dy, p->panel,
                  cells, p->x.C);
}

/* Chunk q of the hidden map of a tile, there and back, and its gradients of both matrices. */
static void chunk_back(const backward *b, int tile, int q, int slot, int lane,
                       int worker, bool first_tile)
{
    const dp_convnext_pass *p = &b->pass;
    const size_t C = (size_t)p->x.C, first = (size_t)q * CHUNK * PANEL;
    const size_t narrow = (size_t)p->narrow * p->panel;
    const size_t sums = (size_t)lane * (size_t)p->wide * PANEL + first;
    const int cells = dp_convnext_tile_cells(&p->tiles, tile);
    const int panels = dp_convnext_pass_panels(p, q), n = panels * PANEL;
    const float *norm = slice(b->norm, slot, narrow), *dy = slice(b->dy, slot, narrow);
    float *hidden = slice(p->hidden, worker, CHUNK * p->panel);
    float *dhidden = b->by_chunks
                         ? slice(b->dhidden, slot, (size_t)p->wide * p->panel) +
                               (size_t)q * CHUNK * p->panel
                         : slice(b->dhidden, slot, CHUNK * p->panel);
    const unsigned flags = first_tile ? 0 : DP_GEMM_ADD;

    dp_convnext_pass_expand(p, q, hidden, norm, cells, 0);
    p->kernels->panel_gemm(dhidden, p->panel, dy, p->panel, b->open + first * C,
                           p->zeros, cells, p->x.C, n, 0);
    p->kernels->gelu_backward(hidden, dhidden, b->shift_sums + sums, p->panel, cells,
                              panels);
    if (!b->matrices)
        return;
    p->kernels->weight_gradient(b->expand_sums + sums * C, C * PANEL, norm, p->panel,
                                dhidden, p->panel, cells, p->x.C, n, flags);
    p->kernels->weight_gradient(b->contract_sums + sums * C, C * PANEL, dy, p->panel,
                                hidden, p->panel, cells, p->x.C, n, flags);
}

/* The norm's gradient, of a tile. */
static void norm_back(const backward *b, int tile, int slot, const float *out)
{
    const dp_convnext_pass *p = &b->pass;
    const float *norm = slice(b->norm, slot, (size_t)p->narrow * p->panel);
    const float *scale = slice(b->scale, slot, (size_t)p->tiles.cells);
    for (int i = 0; i < dp_convnext_tile_images(&p->tiles, tile); i++) {
        int image;
        const dp_map_window w = dp_convnext_tile_window(&p->tiles, tile, i, &image);
        for (int row = 0; row < w.rows; row++) {
            p->kernels->layer_norm_backward(b->dd + row_at(&w, image, row), out, norm,
                                            p->panel, scale, (size_t)w.cols, w.C);
            out += w.cols * PANEL;
            norm += w.cols * PANEL;
            scale += w.cols;
        }
    }
}

/* All of a lane's tiles. */
static void lane_item(void *arg, int lane, int worker)
{
    const backward *b = arg;
    const dp_convnext_pass *p = &b->pass;
    float *out = slice(p->out, worker, (size_t)p->narrow * p->panel);
    for (int tile = lane; tile < p->tiles.count; tile += b->lanes) {
        prepare(b, tile, worker, worker);
        for (int q = 0; q < p->chunks; q++) {
            chunk_back(b, tile, q, worker, lane, worker, tile == lane);
            if (b->inner)
                dp_convnext_pass_add(
                    p, q, out, slice(b->dhidden, worker, CHUNK * p->panel), b->close,
                    p->zeros, dp_convnext_tile_cells(&p->tiles, tile));
        }
        if (b->inner)
            norm_back(b, tile, worker, out);
    }
}

static void prepare_item(void *arg, int tile, int worker)
{
    prepare(arg, tile, tile, worker);
}

static void norm_item(void *arg, int tile, int worker)
{
    const backward *b = arg;
    const dp_convnext_pass *p = &b->pass;
    const int cells = dp_convnext_tile_cells(&p->tiles, tile);
    const float *dhidden = slice(b->dhidden, tile, (size_t)p->wide * p->panel);
    float *out = slice(p->out, worker, (size_t)p->narrow * p->panel);
    for (int q = 0; q < p->chunks; q++)
        dp_convnext_pass_add(p, q, out, dhidden + (size_t)q * CHUNK * p->panel,
                             b->close, p->zeros, cells);
    norm_back(b, tile, tile, out);
}

/* ---- backward: gradients of the matrices ----------------------------------------- */

/* Sums [first, first + n) of all lanes, each of `size`, in order into the first. */
static void add_lanes(const backward *b, float *sums, size_t size, size_t first,
                      size_t n)
{
    for (int lane = 1; lane < b->lanes; lane++) {
        const float *from = slice(sums, lane, size);
        for (size_t i = first; i < first + n; i++)
            sums[i] += from[i];
    }
}

static int hidden_columns(const backward *b, int panel)
{
    const int left = HIDDEN * b->pass.x.C - panel * PANEL;
    return left < PANEL ? left : PANEL;
}

/* With X the sums over the norm's result before its affine part n * u + v: the gradient of W is
 * X diag(u) + db v, that of u has the elements <W[:, c], X[:, c]>, that of v <W[:, c], db>. X
 * is turned in blocks of channels. */
static void finish_expand(const backward *b, int panel, float *dots)
{
    const dp_convnext_block *k = b->pass.block;
    const int C = b->pass.x.C;
    const float *sums = b->expand_sums + (ptrdiff_t)panel * PANEL * C;
    const float *shift = b->shift_sums + panel * PANEL;
    for (int first = 0; first < C; first += BLOCK) {
        const int count = C - first < BLOCK ? C - first : BLOCK;
        float turned[PANEL][BLOCK];
        for (int c = 0; c < count; c++)
            for (int n = 0; n < PANEL; n++)
                turned[n][c] = sums[(first + c) * PANEL + n];
        for (int n = 0; n < hidden_columns(b, panel); n++) {
            const size_t at = (size_t)(panel * PANEL + n) * (size_t)C + (size_t)first;
            const float *w = k->raw.pwconv1 + at, *u = k->raw.norm + first;
            const float *v = k->raw.norm_bias + first;
            float *to = dots + first, *dw = b->dpwconv1 + at;
            for (int c = 0; c < count; c++) {
                to[c] += w[c] * turned[n][c];
                to[C + c] += w[c] * shift[n];
            }
            for (int c = 0; c < count && b->dpwconv1; c++)
                dw[c] += u[c] * turned[n][c] + v[c] * shift[n];
        }
    }
}

/* With X the sums over dy before gamma: the gradient of W is diag(gamma) X, that of gamma has
 * the elements <W[c, :], X[c, :]>, and more from the bias. */
static void finish_contract(const backward *b, int panel, float *dots)
{
    const dp_convnext_block *k = b->pass.block;
    const int C = b->pass.x.C, columns = hidden_columns(b, panel);
    const float *sums = b->contract_sums + (ptrdiff_t)panel * PANEL * C;
    for (int c = 0; c < C; c++, sums += PANEL) {
        const size_t at = (size_t)c * HIDDEN * (size_t)C + (size_t)(panel * PANEL);
        const float gamma = k->raw.gamma ? k->raw.gamma[c] : 1;
        const float *w = k->raw.pwconv2 + at;
        for (int n = 0; n < columns; n++)
            dots[c] += w[n] * sums[n];
        for (int n = 0; n < columns && b->dpwconv2; n++)
            b->dpwconv2[at + (size_t)n] += gamma * sums[n];
    }
}

static void finish_chunk(void *arg, int q, int worker)
{
    const backward *b = arg;
    (void)worker;
    const dp_convnext_pass *p = &b->pass;
    const size_t C = (size_t)p->x.C, size = (size_t)p->wide * PANEL;
    const size_t first = (size_t)q * CHUNK * PANEL;
    const size_t n = (size_t)dp_convnext_pass_panels(p, q) * PANEL;
    float *dots = slice(b->dots, q, 3 * C);
    memset(dots, 0, 3 * C * sizeof *dots);
    add_lanes(b, b->shift_sums, size, first, n);
    if (!b->matrices)
        return;
    add_lanes(b, b->expand_sums, size * C, first * C, n * C);
    add_lanes(b, b->contract_sums, size * C, first * C, n * C);
    for (int panel = q * CHUNK; panel < q * CHUNK + (int)n / PANEL; panel++) {
        finish_expand(b, panel, dots);
        finish_contract(b, panel, dots + 2 * C);
    }
}

/* All tiles, for one chunk. */
static void chunk_item(void *arg, int q, int worker)
{
    const backward *b = arg;
    for (int tile = 0; tile < b->pass.tiles.count; tile++)
        chunk_back(b, tile, q, tile, 0, worker, tile == 0);
    finish_chunk(arg, q, worker);
}

/* Gradients of vectors; `totals` is scratch memory for C sums. */
static void finish_vectors(const backward *b, double *totals)
{
    const dp_convnext_pass *p = &b->pass;
    const dp_convnext_block *k = p->block;
    const size_t C = (size_t)p->x.C;
    const float *const values[] = {k->raw.norm, k->raw.norm_bias, k->raw.gamma};
    float *dshift = dp_parameter_gradient(b->g->of, k->raw.pwconv1_bias);
    for (size_t i = 0; i < HIDDEN * C && dshift; i++)
        dshift[i] += b->shift_sums[i];
    memset(totals, 0, C * sizeof *totals);
    for (int tile = 0; tile < p->tiles.count; tile++)
        for (size_t c = 0; c < C; c++)
            totals[c] += (double)slice(b->dy_sums, tile, (size_t)p->narrow * PANEL)[c];
    for (size_t i = 0; i < 3; i++) {
        for (size_t c = 0; c < C; c++) {
            double sum = i == 2 ? (double)k->raw.pwconv2_bias[c] * totals[c] : 0;
            for (int q = 0; q < p->chunks; q++)
                sum += (double)slice(b->dots, q, 3 * C)[i * C + c];
            totals[C + c] = sum;
        }
        dp_parameter_add(b->g, values[i], totals + C, C);
    }
    for (size_t c = 0; c < C && k->raw.gamma; c++)
        totals[c] *= (double)k->raw.gamma[c];
    dp_parameter_add(b->g, k->raw.pwconv2_bias, totals, C);
}

/* ---- backward: the depthwise convolution ------------------------------------------ */

static void add_to(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a[i] + b[i];
}

static void depthwise_window(const backward *b, const dp_map_window *w, int image,
                             float *taps, float *rows)
{
    const dp_convnext_pass *p = &b->pass;
    const size_t line = (size_t)w->cols * (size_t)w->C;
    const float *dd = dp_convnext_pass_image(p, b->dd, image);
    if (b->dx)
        p->kernels->dwconv7(rows, dd, b->reversed, p->zeros, w);
    for (int row = 0; row < w->rows && b->dx; row++, rows += line) {
        const size_t at = row_at(w, image, row);
        add_to(b->dx + at, b->gradient + at, rows, line);
    }
    p->kernels->dwconv7_gradient(taps, taps + TAPS * w->C,
                                 dp_convnext_pass_image(p, p->x.data, image), dd, w);
}

static void depthwise_item(void *arg, int lane, int worker)
{
    const backward *b = arg;
    const dp_convnext_pass *p = &b->pass;
    const size_t C = (size_t)p->x.C;
    float *taps = slice(b->tap_sums, lane, (TAPS + 1) * C);
    float *rows = slice(p->rows, worker, (size_t)p->tiles.cells * C);
    memset(taps, 0, (TAPS + 1) * C * sizeof *taps);
    for (int tile = lane; tile < p->tiles.count; tile += LANES)
        for (int i = 0; i < dp_convnext_tile_images(&p->tiles, tile); i++) {
            int image;
            const dp_map_window w = dp_convnext_tile_window(&p->tiles, tile, i, &image);
            depthwise_window(b, &w, image, taps, rows);
        }
}

static void dropped_item(void *arg, int image, int worker)
{
    const backward *b = arg;
    (void)worker;
    const size_t n = dp_tensor_size(dp_tensor_item(b->pass.x, image));
    const size_t first = (size_t)image * n;
    if (dp_convnext_pass_factor(&b->pass, image) == 0)
        for (size_t i = first; i < first + n; i++)
            b->dx[i] += b->gradient[i];
}

static void finish_taps(const backward *b)
{
    const dp_convnext_block *k = b->pass.block;
    const size_t C = (size_t)b->pass.x.C;
    float *dk = dp_parameter_gradient(b->g->of, k->raw.dwconv);
    float *db = dp_parameter_gradient(b->g->of, k->raw.dwconv_bias);
    for (int lane = 1; lane < LANES; lane++)
        for (size_t i = 0; i < (TAPS + 1) * C; i++)
            b->tap_sums[i] += slice(b->tap_sums, lane, (TAPS + 1) * C)[i];
    for (size_t c = 0; c < C && dk; c++)
        for (size_t t = 0; t < TAPS; t++)
            dk[c * TAPS + t] += b->tap_sums[t * C + c];
    for (size_t c = 0; c < C && db; c++)
        db[c] += b->tap_sums[TAPS * C + c];
}

/* ---- backward -------------------------------------------------------------------- */

static bool any_gradient(const dp_step_gradients *g, const float *const *values, int n)
{
    bool any = false;
    for (int i = 0; i < n; i++)
        any = any || dp_parameter_gradient(g->of, values[i]);
    return any;
}

static void take_memory(dp_run *r, backward *b)
{
    const dp_convnext_pass *p = &b->pass;
    const size_t C = (size_t)p->x.C, wide = (size_t)p->wide * PANEL;
    const size_t narrow = (size_t)p->narrow * p->panel, lanes = (size_t)b->lanes;
    const size_t slots =
        (size_t)(b->by_chunks ? p->tiles.count : dp_pool_threads(r->pool));
    b->open = floats(r, wide * C);
    b->close = floats(r, wide * (size_t)p->narrow * PANEL);
    b->reversed = floats(r, TAPS * C);
    b->norm = floats(r, slots * narrow);
    b->scale = floats(r, slots * (size_t)p->tiles.cells);
    b->dy = floats(r, slots * narrow);
    b->dhidden = floats(r, slots * (size_t)(b->by_chunks ? p->wide : CHUNK) * p->panel);
    b->dy_sums = floats(r, (size_t)p->tiles.count * (size_t)p->narrow * PANEL);
    b->dd = floats(r, b->inner ? dp_tensor_size(p->x) : 0);
    b->expand_sums = floats(r, b->matrices ? lanes * wide * C : 0);
    b->contract_sums = floats(r, b->matrices ? lanes * wide * C : 0);
    b->shift_sums = floats(r, lanes * wide);
    b->dots = floats(r, (size_t)p->chunks * 3 * C);
    b->tap_sums = floats(r, LANES * (TAPS + 1) * C);
}

static void open_item(void *arg, int panel, int worker)
{
    const backward *b = arg;
    (void)worker;
    const dp_convnext_block *k = b->pass.block;
    const size_t C = (size_t)b->pass.x.C;
    dp_panel_pack(b->open + (size_t)panel * PANEL * C,
                  &(dp_panel_source){.w = k->raw.pwconv2 + panel * PANEL,
                                     .stride = HIDDEN * C,
                                     .K = (int)C,
                                     .columns = hidden_columns(b, panel),
                                     .each = k->raw.gamma});
}

static void pack(const dp_run *r, backward *b)
{
    const dp_convnext_pass *p = &b->pass;
    const size_t C = (size_t)p->x.C;
    dp_convnext_pass_pack(p, r->pool);
    dp_parallel(r->pool, p->wide, open_item, b);
    if (!b->inner)
        return;
    dp_convnext_pass_pack_chunks(p, r->pool, b->close, true);
    for (size_t t = 0; t < TAPS; t++)
        memcpy(b->reversed + t * C, p->taps + (TAPS - 1 - t) * C, C * sizeof(float));
}

static void go_back(const dp_run *r, backward *b, double *totals)
{
    const dp_convnext_pass *p = &b->pass;
    memset(b->shift_sums, 0,
           (size_t)b->lanes * (size_t)p->wide * PANEL * sizeof *b->shift_sums);
    if (b->by_chunks) {
        dp_parallel(r->pool, p->tiles.count, prepare_item, b);
        dp_parallel(r->pool, p->chunks, chunk_item, b);
        if (b->inner)
            dp_parallel(r->pool, p->tiles.count, norm_item, b);
    } else {
        dp_parallel(r->pool, b->lanes, lane_item, b);
        dp_parallel(r->pool, p->chunks, finish_chunk, b);
    }
    finish_vectors(b, totals);
    if (!b->inner)
        return;
    dp_parallel(r->pool, LANES, depthwise_item, b);
    finish_taps(b);
}

void dp_step_convnext_block_back(dp_run *r, const dp_step *s,
                                 const dp_step_gradients *g)
{
    const dp_convnext_block *k = s->op;
    const float *const matrices[] = {k->raw.norm, k->raw.norm_bias, k->raw.pwconv1,
                                     k->raw.pwconv2, k->raw.gamma};
    const float *const taps[] = {k->raw.dwconv, k->raw.dwconv_bias};
    backward b = {.pass = dp_convnext_pass_start(r, s),
                  .g = g,
                  .gradient = g->dy,
                  .dx = g->dx[0],
                  .dpwconv1 = dp_parameter_gradient(g->of, k->raw.pwconv1),
                  .dpwconv2 = dp_parameter_gradient(g->of, k->raw.pwconv2),
                  .matrices = any_gradient(g, matrices, 5),
                  .inner = g->dx[0] || any_gradient(g, taps, 2),
                  .by_chunks = k->spec.C > BY_LANES};
    const int tiles = b.pass.tiles.count;
    b.lanes = b.by_chunks ? 1 : tiles < LANES ? tiles : LANES;
    take_memory(r, &b);
    double *totals = dp_run_take(r, 2 * (size_t)k->spec.C, sizeof *totals);
    if (r->dry)
        return;
    if (s->factors && b.dx)
        dp_parallel(r->pool, s->x[0].N, dropped_item, &b);
    if (tiles == 0)
        return;
    pack(r, &b);
    go_back(r, &b, totals);
}
