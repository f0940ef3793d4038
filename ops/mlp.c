#include "ops/mlp.h"

#include "ops/arithmetic.h"
#include "ops/kernels/kernels.h"

enum { HIDDEN = 4 /* hidden channels per channel */ };

void dp_mlp_build(dp_builder *b, dp_mlp *m, int C, float eps)
{
    dp_layer_norm_build(b, &m->norm, "norm2.", C, eps);
    dp_linear_build(
        b, &m->fc1,
        &(dp_linear_spec){
            .name = "mlp.fc1.", .in = C, .out = HIDDEN * C, .pointwise = true});
    dp_linear_build(
        b, &m->fc2,
        &(dp_linear_spec){
            .name = "mlp.fc2.", .in = HIDDEN * C, .out = C, .pointwise = true});
}

struct mlp_job {
    const dp_mlp *mlp;
    const dp_kernels *kernels;
    float *x;
    size_t rows;
    int tile;
    float *memory; /* normed (tile, C) and hidden (tile, 4 C) a worker */
};

static void mlp_item(void *arg, int item, int worker)
{
    const struct mlp_job *job = arg;
    const dp_mlp *m = job->mlp;
    const size_t C = (size_t)m->norm.C, tile = (size_t)job->tile;
    const size_t first = (size_t)item * tile;
    const size_t rows = job->rows - first < tile ? job->rows - first : tile;
    float *x = job->x + first * C;
    float *normed = job->memory + (size_t)worker * tile * (1 + HIDDEN) * C;
    float *hidden = normed + tile * C;

    job->kernels->layer_norm(normed, x, m->norm.weight, m->norm.bias, rows, m->norm.C,
                             m->norm.eps);
    dp_gemm_use_up(&m->fc1.gemm, hidden, HIDDEN * C, normed, C, (int)rows, false,
                   DP_ACTIVATION_GELU);
    dp_gemm_use_up(&m->fc2.gemm, x, C, hidden, HIDDEN * C, (int)rows, true,
                   DP_ACTIVATION_NONE);
}

void dp_mlp_run(dp_run *r, const dp_mlp *m, dp_tensor x)
{
    if (x.C != m->norm.C)
        dp_run_fail(r, DP_ESHAPE, "transformer block: found %d channels, expected %d",
                    x.C, m->norm.C);
    if (r->plain) {
        const size_t start = dp_run_mark(r);
        dp_tensor_copy(r, x, dp_mlp_plain(r, m, x));
        dp_run_rewind(r, start);
        return;
    }
    const size_t mark = dp_run_mark(r);
    struct mlp_job job = {
        m, r->kernels, x.data, dp_tensor_rows(x), dp_gemm_tile(&m->fc1.gemm), NULL};
    job.memory = dp_run_take(r,
                             (size_t)dp_pool_threads(r->pool) * (size_t)job.tile *
                                 (1 + HIDDEN) * (size_t)m->norm.C,
                             sizeof(float));
    dp_run_count(
        r, &(dp_work){.kind = DP_WORK_LINEAR,
                      .macs = dp_work_macs(job.rows, m->norm.C, 2 * HIDDEN * m->norm.C),
                      .outputs = dp_tensor_size(x)});
    if (!r->dry)
        dp_parallel(r->pool,
                    (int)((job.rows + (size_t)job.tile - 1) / (size_t)job.tile),
                    mlp_item, &job);
    dp_run_rewind(r, mark);
}
