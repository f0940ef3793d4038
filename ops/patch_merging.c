#include "ops/patch_merging.h"

#include "ops/arithmetic.h"
#include "ops/kernels/kernels.h"

#include <string.h>

enum { PARTS = 4 /* cells that become one */ };

void dp_patch_merging_build(dp_builder *b, dp_patch_merging *m, int C, float eps)
{
    m->C = C;
    dp_layer_norm_build(b, &m->norm, "norm.", PARTS * C, eps);
    const float *weight =
        dp_builder_tensor(b, "reduction.weight", 2, (int[]){2 * C, PARTS * C});
    m->raw_reduction = dp_builder_kept(b, weight);
    dp_gemm_build(b, &m->reduction, PARTS * C, 2 * C, weight, 1, (size_t)(PARTS * C),
                  NULL, NULL);
    dp_builder_release(b);
}

struct merging_job {
    const dp_patch_merging *merging;
    const dp_kernels *kernels;
    dp_tensor x, y;
    int tile;
    float *memory; /* (tile, 4 C) a worker */
};

/* The four cells of x below cell `at` of y. */
static void gather(const struct merging_job *job, size_t at, float *cells)
{
    const dp_tensor x = job->x;
    const size_t C = (size_t)x.C;
    for (int p = 0; p < PARTS; p++, cells += C) {
        const int row = (int)(at / (size_t)job->y.W) * 2 + p % 2;
        const int column = (int)(at % (size_t)job->y.W) * 2 + p / 2;
        if (row < x.H && column < x.W)
            memcpy(cells, x.data + ((size_t)row * (size_t)x.W + (size_t)column) * C,
                   C * sizeof *cells);
        else
            memset(cells, 0, C * sizeof *cells);
    }
}

static void merging_item(void *arg, int item, int worker)
{
    const struct merging_job *job = arg;
    const dp_patch_merging *m = job->merging;
    const size_t in = PARTS * (size_t)m->C, out = 2 * (size_t)m->C;
    const size_t tile = (size_t)job->tile, first = (size_t)item * tile;
    const size_t left = dp_tensor_rows(job->y) - first,
                 rows = left < tile ? left : tile;
    float *cells = job->memory + (size_t)worker * tile * in;

    for (size_t i = 0; i < rows; i++)
        gather(job, first + i, cells + i * in);
    job->kernels->layer_norm(cells, cells, m->norm.weight, m->norm.bias, rows,
                             m->norm.C, m->norm.eps);
    dp_gemm_rows(&m->reduction, job->y.data + first * out, out, cells, in, (int)rows,
                 false, DP_ACTIVATION_NONE);
}

/* One item. */
static void run_item(dp_run *r, const dp_patch_merging *m, dp_tensor y, dp_tensor x)
{
    const size_t mark = dp_run_mark(r), rows = dp_tensor_rows(y);
    struct merging_job job = {m, r->kernels, x, y, dp_gemm_tile(&m->reduction), NULL};
    job.memory = dp_run_take(
        r, (size_t)dp_pool_threads(r->pool) * (size_t)job.tile * PARTS * (size_t)m->C,
        sizeof(float));
    dp_run_count(r, &(dp_work){.kind = DP_WORK_LINEAR,
                               .macs = dp_work_macs(rows, PARTS * m->C, 2 * m->C),
                               .outputs = dp_tensor_size(y)});
    if (!r->dry)
        dp_parallel(r->pool, (int)((rows + (size_t)job.tile - 1) / (size_t)job.tile),
                    merging_item, &job);
    dp_run_rewind(r, mark);
}

void dp_patch_merging_run(dp_run *r, const dp_patch_merging *m, dp_tensor y,
                          dp_tensor x)
{
    if (x.N != y.N || x.C != m->C || y.C != 2 * m->C || y.H != (x.H + 1) / 2 ||
        y.W != (x.W + 1) / 2)
        dp_run_fail(r, DP_ESHAPE, "patch merging: found %d channels, expected %d", x.C,
                    m->C);
    if (r->plain) {
        const size_t start = dp_run_mark(r);
        dp_tensor_copy(r, y, dp_patch_merging_plain(r, m, x));
        dp_run_rewind(r, start);
        return;
    }
    for (int n = 0; n < y.N; n++)
        run_item(r, m, dp_tensor_item(y, n), dp_tensor_item(x, n));
}
