#include "ops/convnext_block.h"

#include "ops/arithmetic.h"
#include "ops/convnext_block_training.h"
#include "ops/kernels/kernels.h"

#include <math.h>
#include <string.h>

enum {
    SIDE = 7,
    TAPS = SIDE * SIDE,
    HIDDEN = 4,    /* hidden channels per channel                         */
    TILE_ROWS = 8, /* image rows of a tile, and its columns at the most:  */
    TILE_COLS = 28 /* the window that suits dp_dwconv7_fn                 */
};

/* [C, 1, 7, 7] becomes (7, 7, C). */
static void build_depthwise(dp_builder *b, dp_convnext_block *k)
{
    const int C = k->spec.C;
    const float *weight =
        dp_builder_tensor(b, "dwconv.weight", 4, (int[]){C, 1, SIDE, SIDE});
    const float *bias = dp_builder_vector(b, "dwconv.bias", C);
    k->raw.dwconv = dp_builder_kept(b, weight);
    k->raw.dwconv_bias = dp_builder_kept(b, bias);
    k->taps = dp_builder_floats(b, (size_t)TAPS * (size_t)C);
    k->bias = dp_builder_floats(b, (size_t)C);
    if (weight && bias && k->taps && k->bias) {
        for (int t = 0; t < TAPS; t++)
            for (int c = 0; c < C; c++)
                k->taps[(size_t)t * (size_t)C + (size_t)c] =
                    weight[(size_t)c * TAPS + (size_t)t];
        memcpy(k->bias, bias, (size_t)C * sizeof *bias);
    }
    dp_builder_release(b);
}

/* W (norm(x)) with norm(x) = n * u + v is (W u) n + (W v + bias). */
static void build_pwconv1(dp_builder *b, dp_convnext_block *k)
{
    const int C = k->spec.C, out = HIDDEN * C;
    const float *u = dp_builder_vector(b, "norm.weight", C);
    const float *v = dp_builder_vector(b, "norm.bias", C);
    const float *weight = dp_builder_tensor(b, "pwconv1.weight", 2, (int[]){out, C});
    const float *bias = dp_builder_vector(b, "pwconv1.bias", out);
    k->raw.norm = dp_builder_kept(b, u);
    k->raw.norm_bias = dp_builder_kept(b, v);
    k->raw.pwconv1 = dp_builder_kept(b, weight);
    k->raw.pwconv1_bias = dp_builder_kept(b, bias);
    float *folded = dp_builder_scratch(b, (size_t)out * (size_t)C);
    float *shift = dp_builder_scratch(b, (size_t)out);
    const bool whole = u && v && weight && bias && folded && shift;
    if (whole)
        for (int o = 0; o < out; o++) {
            const float *row = weight + (size_t)o * (size_t)C;
            double sum = (double)bias[o];
            for (int c = 0; c < C; c++) {
                sum += (double)row[c] * (double)v[c];
                folded[(size_t)o * (size_t)C + (size_t)c] = row[c] * u[c];
            }
            shift[o] = (float)sum;
        }
    dp_gemm_build_pointwise(b, &k->pwconv1, C, out, whole ? folded : NULL, 1, (size_t)C,
                            NULL, shift);
    dp_builder_release(b);
}

/* The shift that pwconv2 adds: its bias, and what it makes of the GRN's beta. */
static void fold_shift(float *shift, const float *weight, const float *bias,
                       const float *scale, const float *beta, int C)
{
    const size_t in = HIDDEN * (size_t)C;
    for (size_t c = 0; c < (size_t)C; c++) {
        double sum = (double)bias[c];
        for (size_t i = 0; i < in && beta; i++)
            sum += (double)weight[c * in + i] * (double)beta[i];
        shift[c] = (float)(scale ? sum * (double)scale[c] : sum);
    }
}

/* W (s * h + beta) is W (s * h) + W beta. */
static void build_pwconv2(dp_builder *b, dp_convnext_block *k)
{
    const int C = k->spec.C, in = HIDDEN * C;
    const int grn_shape[4] = {1, 1, 1, in};
    const bool scaled = k->spec.layer_scale, grn = k->spec.grn;
    const float *gamma = scaled ? dp_builder_vector(b, "gamma", C) : NULL;
    const float *weight = dp_builder_tensor(b, "pwconv2.weight", 2, (int[]){C, in});
    const float *bias = dp_builder_vector(b, "pwconv2.bias", C);
    const float *grn_gamma =
        grn ? dp_builder_tensor(b, "grn.gamma", 4, grn_shape) : NULL;
    const float *beta = grn ? dp_builder_tensor(b, "grn.beta", 4, grn_shape) : NULL;
    k->raw.gamma = dp_builder_kept(b, gamma);
    k->raw.pwconv2 = dp_builder_kept(b, weight);
    k->raw.pwconv2_bias = dp_builder_kept(b, bias);
    k->raw.grn_gamma = dp_builder_kept(b, grn_gamma);
    k->raw.grn_beta = dp_builder_kept(b, beta);
    float *shift = dp_builder_scratch(b, (size_t)C);
    const bool whole = weight && bias && shift && (!scaled || gamma) && (!grn || beta);
    if (whole)
        fold_shift(shift, weight, bias, gamma, beta, C);
    if (grn)
        k->grn_gamma = dp_builder_floats(b, (size_t)in);
    if (grn_gamma && k->grn_gamma)
        memcpy(k->grn_gamma, grn_gamma, (size_t)in * sizeof *grn_gamma);
    dp_gemm_build_pointwise(b, &k->pwconv2, in, C, whole ? weight : NULL, 1, (size_t)in,
                            gamma, shift);
    dp_builder_release(b);
}

void dp_convnext_block_build(dp_builder *b, dp_convnext_block *k,
                             const dp_convnext_block_spec *spec)
{
    *k = (dp_convnext_block){.spec = *spec};
    build_depthwise(b, k);
    build_pwconv1(b, k);
    build_pwconv2(b, k);
}

/* ---- tiles ----------------------------------------------------------------------- */

struct block_job {
    const dp_convnext_block *block;
    const dp_kernels *kernels;
    dp_tensor x, y;

    /* Tiles of the map and of one band of rows, and columns of each. */
    int tiles, tiles_across, cols;

    /* A worker's branch (cells, C) and, without GRN, hidden (cells, 4 C). */
    float *memory;

    /* with GRN */
    float *hidden;  /* of the whole map, tile after tile           */
    float *squares; /* (tiles, 4 C): sums over the cells of a tile */
    float *factor;  /* 4 C: what hidden is multiplied by           */
};

static dp_map_window tile_window(const struct block_job *job, int item)
{
    const int H = job->x.H, W = job->x.W;
    const int row = item / job->tiles_across * TILE_ROWS;
    const int col = item % job->tiles_across * job->cols;
    return (dp_map_window){.H = H,
                           .W = W,
                           .C = job->x.C,
                           .row = row,
                           .rows = H - row < TILE_ROWS ? H - row : TILE_ROWS,
                           .col = col,
                           .cols = W - col < job->cols ? W - col : job->cols};
}

/* Cells of a tile, at most. */
static size_t tile_cells(const struct block_job *job)
{
    return (size_t)TILE_ROWS * (size_t)job->cols;
}

static float *worker_branch(const struct block_job *job, int worker)
{
    const size_t width = job->hidden ? 1 : 1 + HIDDEN;
    return job->memory +
           (size_t)worker * tile_cells(job) * width * (size_t)job->block->spec.C;
}

/* hidden (cells, 4 C) of a tile. */
static void expand(const struct block_job *job, const dp_map_window *w, float *branch,
                   float *hidden)
{
    const dp_convnext_block *k = job->block;
    const size_t c = (size_t)k->spec.C;
    const int cells = w->rows * w->cols;
    job->kernels->dwconv7(branch, job->x.data, k->taps, k->bias, w);
    job->kernels->layer_norm(branch, branch, NULL, NULL, (size_t)cells, k->spec.C,
                             k->spec.eps);
    dp_gemm_use_up(&k->pwconv1, hidden, HIDDEN * c, branch, c, cells, false,
                   DP_ACTIVATION_GELU);
}

/* The tile of y. The branch becomes the residual, and then the sum; hidden is used up. */
static void contract(const struct block_job *job, const dp_map_window *w, float *branch,
                     float *hidden)
{
    const dp_convnext_block *k = job->block;
    const size_t c = (size_t)k->spec.C, line = (size_t)w->cols * c;
    const size_t at = ((size_t)w->row * (size_t)w->W + (size_t)w->col) * c;
    const size_t next = (size_t)w->W * c;
    for (int i = 0; i < w->rows; i++)
        memcpy(branch + (size_t)i * line, job->x.data + at + (size_t)i * next,
               line * sizeof(float));
    dp_gemm_use_up(&k->pwconv2, branch, c, hidden, HIDDEN * c, w->rows * w->cols, true,
                   DP_ACTIVATION_NONE);
    for (int i = 0; i < w->rows; i++)
        memcpy(job->y.data + at + (size_t)i * next, branch + (size_t)i * line,
               line * sizeof(float));
}

static void block_item(void *arg, int item, int worker)
{
    const struct block_job *job = arg;
    const dp_map_window w = tile_window(job, item);
    float *branch = worker_branch(job, worker);
    float *hidden = branch + tile_cells(job) * (size_t)job->block->spec.C;
    expand(job, &w, branch, hidden);
    contract(job, &w, branch, hidden);
}

/* ---- global response normalisation ----------------------------------------------- */

static const double grn_eps = 1e-6; /* upstream's, not configurable there */

/* Where a tile's part of the hidden map is: the bands above, and the tiles to the left. */
static float *hidden_of(const struct block_job *job, const dp_map_window *w)
{
    const size_t cells =
        (size_t)w->row * (size_t)w->W + (size_t)w->rows * (size_t)w->col;
    return job->hidden + cells * HIDDEN * (size_t)job->block->spec.C;
}

static void expand_item(void *arg, int item, int worker)
{
    const struct block_job *job = arg;
    const dp_map_window w = tile_window(job, item);
    const size_t K = HIDDEN * (size_t)job->block->spec.C;
    const size_t cells = (size_t)w.rows * (size_t)w.cols;
    const float *hidden = hidden_of(job, &w);
    float *sum = job->squares + (size_t)item * K;
    expand(job, &w, worker_branch(job, worker), hidden_of(job, &w));
    memset(sum, 0, K * sizeof *sum);
    for (size_t i = 0; i < cells; i++)
        for (size_t c = 0; c < K; c++)
            sum[c] += hidden[i * K + c] * hidden[i * K + c];
}

/* gamma * n + 1 for each channel, where n is its norm in parts of the norms' mean. */
static void find_factors(const struct block_job *job)
{
    const size_t K = HIDDEN * (size_t)job->block->spec.C;
    double mean = 0;
    for (size_t c = 0; c < K; c++) {
        double sum = 0;
        for (int i = 0; i < job->tiles; i++)
            sum += (double)job->squares[(size_t)i * K + c];
        job->factor[c] = (float)sqrt(sum);
        mean += sqrt(sum);
    }
    mean /= (double)K;
    for (size_t c = 0; c < K; c++)
        job->factor[c] = (float)((double)job->block->grn_gamma[c] *
                                     ((double)job->factor[c] / (mean + grn_eps)) +
                                 1);
}

static void contract_item(void *arg, int item, int worker)
{
    const struct block_job *job = arg;
    const dp_map_window w = tile_window(job, item);
    const size_t K = HIDDEN * (size_t)job->block->spec.C;
    const size_t cells = (size_t)w.rows * (size_t)w.cols;
    float *hidden = hidden_of(job, &w);
    for (size_t i = 0; i < cells; i++)
        for (size_t c = 0; c < K; c++)
            hidden[i * K + c] *= job->factor[c];
    contract(job, &w, worker_branch(job, worker), hidden);
}

/* ---- a block --------------------------------------------------------------------- */

static void run_tiles(dp_run *r, struct block_job *job)
{
    const size_t C = (size_t)job->block->spec.C;
    job->memory = dp_run_take(
        r, (size_t)dp_pool_threads(r->pool) * tile_cells(job) * (1 + HIDDEN) * C,
        sizeof(float));
    if (!r->dry)
        dp_parallel(r->pool, job->tiles, block_item, job);
}

static void run_grn(dp_run *r, struct block_job *job)
{
    const size_t C = (size_t)job->block->spec.C;
    job->hidden = dp_run_tensor(r, 1, job->x.H, job->x.W, HIDDEN * job->x.C).data;
    job->squares = dp_run_tensor(r, job->tiles, 1, 1, HIDDEN * job->x.C).data;
    job->factor = dp_run_take(r, HIDDEN * C, sizeof *job->factor);
    job->memory = dp_run_take(r, (size_t)dp_pool_threads(r->pool) * tile_cells(job) * C,
                              sizeof(float));
    if (r->dry)
        return;
    dp_parallel(r->pool, job->tiles, expand_item, job);
    find_factors(job);
    dp_parallel(r->pool, job->tiles, contract_item, job);
}

/* One item. */
static void run_item(dp_run *r, const dp_convnext_block *k, dp_tensor y, dp_tensor x)
{
    const int C = k->spec.C;
    const size_t mark = dp_run_mark(r);
    struct block_job job = {.block = k, .kernels = r->kernels, .x = x, .y = y};
    job.tiles_across = (x.W + TILE_COLS - 1) / TILE_COLS;
    job.cols = x.W < TILE_COLS ? x.W : TILE_COLS;
    job.tiles = (x.H + TILE_ROWS - 1) / TILE_ROWS * job.tiles_across;
    dp_run_count(r, &(dp_work){.kind = DP_WORK_CONV,
                               .macs = dp_work_macs(dp_tensor_rows(x), C, TAPS),
                               .outputs = dp_tensor_size(x),
                               .bias = true});
    dp_run_count(r,
                 &(dp_work){.kind = DP_WORK_LINEAR,
                            .macs = dp_work_macs(dp_tensor_rows(x), C, 2 * HIDDEN * C),
                            .outputs = dp_tensor_size(x)});
    if (k->spec.grn)
        run_grn(r, &job);
    else
        run_tiles(r, &job);
    dp_run_rewind(r, mark);
}

void dp_convnext_block_run(dp_run *r, const dp_convnext_block *k, dp_tensor y,
                           dp_tensor x)
{
    if (x.C != k->spec.C || !dp_tensor_alike(x, y))
        dp_run_fail(r, DP_ESHAPE, "ConvNeXt block: found %d channels, expected %d", x.C,
                    k->spec.C);
    if (x.H < 1 || x.W < 1)
        return;
    if (r->plain) {
        const size_t mark = dp_run_mark(r);
        dp_tensor_copy(r, y,
                       dp_convnext_block_trains(r, k)
                           ? dp_convnext_block_step(r, k, x)
                           : dp_convnext_block_plain(r, k, x));
        dp_run_rewind(r, mark);
        return;
    }
    for (int n = 0; n < x.N; n++)
        run_item(r, k, dp_tensor_item(y, n), dp_tensor_item(x, n));
}
