#include "ops/convnext_block.h"

#include "ops/kernels/kernels.h"

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
    const int C = k->C;
    const float *weight =
        dp_builder_tensor(b, "dwconv.weight", 4, (int[]){C, 1, SIDE, SIDE});
    const float *bias = dp_builder_vector(b, "dwconv.bias", C);
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
    const int C = k->C, out = HIDDEN * C;
    const float *u = dp_builder_vector(b, "norm.weight", C);
    const float *v = dp_builder_vector(b, "norm.bias", C);
    const float *weight = dp_builder_tensor(b, "pwconv1.weight", 2, (int[]){out, C});
    const float *bias = dp_builder_vector(b, "pwconv1.bias", out);
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
    dp_gemm_build(b, &k->pwconv1, C, out, whole ? folded : NULL, 1, (size_t)C, NULL,
                  shift);
    dp_builder_release(b);
}

static void build_pwconv2(dp_builder *b, dp_convnext_block *k)
{
    const int C = k->C, in = HIDDEN * C;
    const float *gamma = dp_builder_vector(b, "gamma", C);
    const float *weight = dp_builder_tensor(b, "pwconv2.weight", 2, (int[]){C, in});
    const float *bias = dp_builder_vector(b, "pwconv2.bias", C);
    float *shift = dp_builder_scratch(b, (size_t)C);
    const bool whole = gamma && weight && bias && shift;
    if (whole)
        for (int c = 0; c < C; c++)
            shift[c] = bias[c] * gamma[c];
    dp_gemm_build(b, &k->pwconv2, in, C, whole ? weight : NULL, 1, (size_t)in, gamma,
                  shift);
    dp_builder_release(b);
}

void dp_convnext_block_build(dp_builder *b, dp_convnext_block *k, int C, float eps)
{
    *k = (dp_convnext_block){.C = C, .eps = eps};
    build_depthwise(b, k);
    build_pwconv1(b, k);
    build_pwconv2(b, k);
}

struct block_job {
    const dp_convnext_block *block;
    const dp_kernels *kernels;
    dp_tensor x, y;
    int tiles_across, cols; /* tiles of one band of rows, and columns of each */
    float *memory;          /* branch (cells, C) and hidden (cells, 4 C) a worker */
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

static void block_item(void *arg, int item, int worker)
{
    const struct block_job *job = arg;
    const dp_convnext_block *k = job->block;
    const dp_map_window w = tile_window(job, item);
    const size_t c = (size_t)k->C, line = (size_t)w.cols * c;
    const size_t most = (size_t)TILE_ROWS * (size_t)job->cols; /* cells of a tile */
    const int cells = w.rows * w.cols;
    float *branch = job->memory + (size_t)worker * most * (1 + HIDDEN) * c;
    float *hidden = branch + most * c;

    job->kernels->dwconv7(branch, job->x.data, k->taps, k->bias, &w);
    job->kernels->layer_norm(branch, branch, NULL, NULL, (size_t)cells, k->C, k->eps);
    dp_gemm_rows(&k->pwconv1, job->kernels, hidden, HIDDEN * c, branch, c, cells, false,
                 DP_ACTIVATION_GELU);
    /* The branch is used up: it becomes the residual, and then the sum. */
    const size_t at = ((size_t)w.row * (size_t)w.W + (size_t)w.col) * c;
    const size_t next = (size_t)w.W * c;
    for (int i = 0; i < w.rows; i++)
        memcpy(branch + (size_t)i * line, job->x.data + at + (size_t)i * next,
               line * sizeof(float));
    dp_gemm_rows(&k->pwconv2, job->kernels, branch, c, hidden, HIDDEN * c, cells, true,
                 DP_ACTIVATION_NONE);
    for (int i = 0; i < w.rows; i++)
        memcpy(job->y.data + at + (size_t)i * next, branch + (size_t)i * line,
               line * sizeof(float));
}

void dp_convnext_block_run(dp_run *r, const dp_convnext_block *k, dp_tensor y,
                           dp_tensor x)
{
    if (x.N != 1 || x.C != k->C || y.C != k->C || y.H != x.H || y.W != x.W)
        dp_run_fail(r, DP_ESHAPE, "ConvNeXt block: found %d channels, expected %d", x.C,
                    k->C);
    if (x.H < 1 || x.W < 1)
        return;
    const size_t mark = dp_run_mark(r);
    struct block_job job = {.block = k, .kernels = r->kernels, .x = x, .y = y};
    job.tiles_across = (x.W + TILE_COLS - 1) / TILE_COLS;
    job.cols = (x.W + job.tiles_across - 1) / job.tiles_across;
    job.memory = dp_run_take(r,
                             (size_t)dp_pool_threads(r->pool) * TILE_ROWS *
                                 (size_t)job.cols * (1 + HIDDEN) * (size_t)k->C,
                             sizeof(float));
    dp_run_count(r, dp_tensor_rows(x), k->C, TAPS + 2 * HIDDEN * k->C);
    dp_run_count_extra(r, (double)dp_tensor_size(x)); /* the depthwise bias */
    if (!r->dry)
        dp_parallel(r->pool, (x.H + TILE_ROWS - 1) / TILE_ROWS * job.tiles_across,
                    block_item, &job);
    dp_run_rewind(r, mark);
}
