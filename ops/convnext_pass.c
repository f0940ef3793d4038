#include "ops/convnext_pass.h"

#include "ops/panels.h"

#include <string.h>

enum {
    TAPS = DP_CONVNEXT_TAPS,
    HIDDEN = DP_CONVNEXT_HIDDEN,
    CHUNK = DP_CONVNEXT_CHUNK,
    PANEL = DP_GEMM_PANEL
};

int dp_convnext_pass_panels(const dp_convnext_pass *p, int q)
{
    const int left = p->wide - q * CHUNK;
    return left < CHUNK ? left : CHUNK;
}

float dp_convnext_pass_factor(const dp_convnext_pass *p, int image)
{
    return p->factors ? p->factors[image] : 1;
}

const float *dp_convnext_pass_image(const dp_convnext_pass *p, const float *map,
                                    int image)
{
    return map + (size_t)image * (size_t)p->x.H * (size_t)p->x.W * (size_t)p->x.C;
}

/* ---- weights --------------------------------------------------------------------- */

static double dot(const float *a, const float *b, int n)
{
    float sum[PANEL] = {0};
    double total = 0;
    int i = 0;
    for (; i + PANEL <= n; i += PANEL)
        for (int k = 0; k < PANEL; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[i % PANEL] += a[i] * b[i];
    for (int k = 0; k < PANEL; k++)
        total += (double)sum[k];
    return total;
}

static int columns_of(int panel, int columns)
{
    const int left = columns - panel * PANEL;
    return left < PANEL ? left : PANEL;
}

/* W (n * u + v) is (W u) n + W v. */
static void pack_expand(void *arg, int item, int worker)
{
    const dp_convnext_pass *p = arg;
    (void)worker;
    const dp_convnext_block *k = p->block;
    const int C = k->spec.C;
    const size_t first = (size_t)item * PANEL * (size_t)C;
    const dp_panel_source source = {.w = k->raw.pwconv1 + first,
                                    .stride = (size_t)C,
                                    .K = C,
                                    .columns = columns_of(item, HIDDEN * C),
                                    .each = k->raw.norm};
    dp_panel_pack_across(p->expand + first, &source);
    for (int n = 0; n < PANEL; n++)
        p->shift[item * PANEL + n] =
            n < source.columns ? (float)((double)k->raw.pwconv1_bias[item * PANEL + n] +
                                         dot(source.w + (size_t)n * source.stride,
                                             k->raw.norm_bias, C))
                               : 0;
}

typedef struct chunks {
    const dp_convnext_pass *pass;
    float *packed;
    bool close;
} chunks;

/* Item is a chunk and a panel. Rows past 4 C are 0. */
static void pack_chunk(void *arg, int item, int worker)
{
    const chunks *job = arg;
    (void)worker;
    const dp_convnext_pass *p = job->pass;
    const dp_convnext_block *k = p->block;
    const int C = k->spec.C, q = item / p->narrow, panel = item % p->narrow;
    const int depth = dp_convnext_pass_panels(p, q) * PANEL;
    const size_t first = (size_t)q * CHUNK * PANEL, column = (size_t)panel * PANEL;
    const int left = HIDDEN * C - (int)first, K = left < depth ? left : depth;
    const float *scale = job->close ? k->raw.norm : k->raw.gamma;
    float *to = job->packed +
                (first * (size_t)p->narrow + column * (size_t)depth / PANEL) * PANEL;
    dp_panel_source source = {.K = K,
                              .columns = columns_of(panel, C),
                              .column = scale ? scale + column : NULL};
    if (job->close) {
        source.stride = (size_t)C;
        source.w = k->raw.pwconv1 + first * source.stride + column;
        dp_panel_pack(to, &source);
    } else {
        source.stride = HIDDEN * (size_t)C;
        source.w = k->raw.pwconv2 + column * source.stride + first;
        dp_panel_pack_across(to, &source);
    }
    memset(to + (size_t)K * PANEL, 0, (size_t)(depth - K) * PANEL * sizeof *to);
}

void dp_convnext_pass_pack_chunks(const dp_convnext_pass *p, dp_pool *pool,
                                  float *packed, bool close)
{
    chunks job = {p, packed, close};
    dp_parallel(pool, p->chunks * p->narrow, pack_chunk, &job);
}

void dp_convnext_pass_pack(const dp_convnext_pass *p, dp_pool *pool)
{
    const dp_convnext_block *k = p->block;
    const size_t C = (size_t)k->spec.C, panels = (size_t)(p->wide + p->narrow) * PANEL;
    for (size_t t = 0; t < TAPS; t++)
        for (size_t c = 0; c < C; c++)
            p->taps[t * C + c] = k->raw.dwconv[c * TAPS + t];
    memset(p->zeros, 0, panels * sizeof *p->zeros);
    dp_convnext_pass shared = *p;
    dp_parallel(pool, p->wide, pack_expand, &shared);
}

/* ---- the way to the hidden map ------------------------------------------------------ */

void dp_convnext_pass_normalise(const dp_convnext_pass *p, int tile, float *rows,
                                float *norm, float *scale)
{
    const int C = p->x.C;
    size_t cells = 0;
    for (int i = 0; i < dp_convnext_tile_images(&p->tiles, tile); i++) {
        int image;
        const dp_map_window w = dp_convnext_tile_window(&p->tiles, tile, i, &image);
        p->kernels->dwconv7(rows + cells * (size_t)C,
                            dp_convnext_pass_image(p, p->x.data, image), p->taps,
                            p->block->raw.dwconv_bias, &w);
        cells += (size_t)w.rows * (size_t)w.cols;
    }
    p->kernels->layer_norm_panels(norm, p->panel, scale, rows, cells, C,
                                  p->block->spec.eps);
}

void dp_convnext_pass_expand(const dp_convnext_pass *p, int q, float *hidden,
                             const float *norm, int cells, unsigned flags)
{
    const size_t first = (size_t)q * CHUNK * PANEL;
    p->kernels->panel_gemm(hidden, p->panel, norm, p->panel,
                           p->expand + first * (size_t)p->x.C, p->shift + first, cells,
                           p->x.C, dp_convnext_pass_panels(p, q) * PANEL, flags);
}

void dp_convnext_pass_add(const dp_convnext_pass *p, int q, float *out,
                          const float *hidden, const float *matrix, const float *bias,
                          int cells)
{
    const size_t first = (size_t)q * CHUNK * PANEL;
    p->kernels->panel_gemm(
        out, p->panel, hidden, p->panel, matrix + first * (size_t)p->narrow * PANEL,
        q == 0 ? bias : p->zeros, cells, dp_convnext_pass_panels(p, q) * PANEL,
        p->narrow * PANEL, q == 0 ? 0 : DP_GEMM_ADD);
}

/* ---- memory ---------------------------------------------------------------------- */

dp_convnext_pass dp_convnext_pass_start(dp_run *r, const dp_step *s)
{
    const dp_convnext_block *k = s->op;
    const int C = k->spec.C;
    dp_convnext_pass p = {.block = k,
                          .kernels = r->kernels,
                          .x = s->x[0],
                          .factors = s->factors,
                          .narrow = dp_panels_count(C),
                          .wide = dp_panels_count(HIDDEN * C)};
    int *images = dp_run_take(r, (size_t)p.x.N, sizeof *images);
    p.tiles = dp_convnext_tiles_cut(p.x, images, r->dry ? NULL : s->factors);
    p.chunks = (p.wide + CHUNK - 1) / CHUNK;
    /* An odd number of cache lines: a row's panels do not meet in one set. */
    p.panel = ((size_t)p.tiles.cells | 1) * PANEL;
    p.taps = dp_run_take(r, TAPS * (size_t)C, sizeof *p.taps);
    p.zeros = dp_run_take(r, (size_t)(p.wide + p.narrow) * PANEL, sizeof *p.zeros);
    p.expand = dp_run_take(r, (size_t)p.wide * PANEL * (size_t)C, sizeof *p.expand);
    p.shift = dp_run_take(r, (size_t)p.wide * PANEL, sizeof *p.shift);
    const size_t workers = (size_t)dp_pool_threads(r->pool);
    p.rows =
        dp_run_take(r, workers * (size_t)p.tiles.cells * (size_t)C, sizeof *p.rows);
    p.hidden = dp_run_take(r, workers * CHUNK * p.panel, sizeof *p.hidden);
    p.out = dp_run_take(r, workers * (size_t)p.narrow * p.panel, sizeof *p.out);
    return p;
}
