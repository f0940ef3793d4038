#include "ops/layer_norm.h"

#include "ops/arithmetic.h"
#include "ops/kernels/kernels.h"

#include <string.h>

enum { TILE = 256 }; /* rows an item */

void dp_layer_norm_build(dp_builder *b, dp_layer_norm *n, const char *name, int C,
                         float eps)
{
    const size_t outer = dp_builder_enter(b, "%s", name);
    const float *weight = dp_builder_vector(b, "weight", C);
    const float *bias = dp_builder_vector(b, "bias", C);
    *n = (dp_layer_norm){.C = C, .eps = eps};
    n->raw_weight = dp_builder_kept(b, weight);
    n->raw_bias = dp_builder_kept(b, bias);
    n->weight = dp_builder_floats(b, (size_t)C);
    n->bias = dp_builder_floats(b, (size_t)C);
    if (weight && bias && n->weight && n->bias) {
        memcpy(n->weight, weight, (size_t)C * sizeof *weight);
        memcpy(n->bias, bias, (size_t)C * sizeof *bias);
    }
    dp_builder_release(b);
    dp_builder_leave(b, outer);
}

struct norm_job {
    const dp_layer_norm *norm;
    const dp_kernels *kernels;
    const float *x;
    float *y;
    size_t rows;
};

static void norm_item(void *arg, int item, int worker)
{
    (void)worker;
    const struct norm_job *job = arg;
    const dp_layer_norm *n = job->norm;
    const size_t first = (size_t)item * TILE, at = first * (size_t)n->C;
    const size_t rows = job->rows - first < TILE ? job->rows - first : TILE;
    job->kernels->layer_norm(job->y + at, job->x + at, n->weight, n->bias, rows, n->C,
                             n->eps);
}

void dp_layer_norm_run(dp_run *r, const dp_layer_norm *n, dp_tensor y, dp_tensor x)
{
    if (x.C != n->C || dp_tensor_size(y) != dp_tensor_size(x))
        dp_run_fail(r, DP_ESHAPE, "layer norm: found %d channels, expected %d", x.C,
                    n->C);
    if (r->plain) {
        const size_t start = dp_run_mark(r);
        dp_tensor_copy(r, y, dp_layer_norm_plain(r, n, x));
        dp_run_rewind(r, start);
        return;
    }
    struct norm_job job = {n, r->kernels, x.data, y.data, dp_tensor_rows(x)};
    if (!r->dry)
        dp_parallel(r->pool, (int)((job.rows + TILE - 1) / TILE), norm_item, &job);
}
