#include "ops/linear.h"

#include "ops/arithmetic.h"

/* Our matrix (out, in) and bias of the tensor's, whose rows or columns are in another
 * order. False when memory ran out. */
static bool reorder(dp_builder *b, const dp_linear_spec *s, int rows,
                    const float **weight, const float **bias)
{
    const size_t K = (size_t)s->in, cells = (size_t)(s->cells > 0 ? s->cells : 1);
    const size_t C = K / cells;
    float *ours = dp_builder_scratch(b, (size_t)s->out * K);
    float *our_bias = dp_builder_scratch(b, (size_t)s->out);
    if (!ours || !our_bias)
        return false;
    for (int n = 0; n < s->out; n++) {
        const size_t row = (size_t)((s->first + n) % rows);
        const float *from = *weight + row * K;
        float *to = ours + (size_t)n * K;
        for (size_t c = 0; c < C; c++)
            for (size_t i = 0; i < cells; i++)
                to[i * C + c] = from[c * cells + i];
        our_bias[n] = (*bias)[row];
    }
    *weight = ours;
    *bias = our_bias;
    return true;
}

void dp_linear_build(dp_builder *b, dp_linear *l, const dp_linear_spec *spec)
{
    const int in = spec->in, out = spec->out, rows = spec->rows > 0 ? spec->rows : out;
    const size_t outer = dp_builder_enter(b, "%s", spec->name);
    const float *weight = dp_builder_tensor(b, "weight", 2, (int[]){rows, in});
    const float *bias = dp_builder_vector(b, "bias", rows);
    l->raw.weight = dp_builder_kept(b, weight);
    l->raw.bias = dp_builder_kept(b, bias);
    l->raw.cells = spec->cells;
    l->raw.rows = rows;
    l->raw.first = spec->first;
    if (!weight || !bias ||
        ((spec->cells > 1 || spec->rows > 0) &&
         !reorder(b, spec, rows, &weight, &bias)))
        weight = NULL;
    (spec->pointwise ? dp_gemm_build_pointwise : dp_gemm_build)(
        b, &l->gemm, in, out, weight, 1, (size_t)in, NULL, bias);
    dp_builder_release(b);
    dp_builder_leave(b, outer);
}

struct linear_job {
    const dp_linear *layer;
    const float *x;
    float *y;
    int rows, tile;
    dp_activation activation;
};

static void linear_item(void *arg, int item, int worker)
{
    (void)worker;
    const struct linear_job *job = arg;
    const dp_gemm *g = &job->layer->gemm;
    const int first = item * job->tile;
    const int rows = job->rows - first < job->tile ? job->rows - first : job->tile;
    const size_t K = (size_t)g->K, N = (size_t)g->N;
    dp_gemm_rows(g, job->y + (size_t)first * N, N, job->x + (size_t)first * K, K, rows,
                 false, job->activation);
}

void dp_linear_run_into(dp_run *r, const dp_linear *l, dp_tensor y, dp_tensor x,
                        dp_activation activation)
{
    const dp_gemm *g = &l->gemm;
    if ((long long)x.H * x.W * x.C != g->K || y.N != x.N || y.C != g->N)
        dp_run_fail(r, DP_ESHAPE,
                    "linear layer: found items of %d x %d x %d, expected %d values",
                    x.H, x.W, x.C, g->K);
    if (r->plain) {
        const size_t start = dp_run_mark(r);
        dp_tensor_copy(r, y, dp_linear_plain(r, l, x, activation));
        dp_run_rewind(r, start);
        return;
    }
    struct linear_job job = {l, x.data, y.data, x.N, dp_gemm_tile(g), activation};
    dp_run_count(r, &(dp_work){.kind = DP_WORK_LINEAR,
                               .macs = dp_work_macs((size_t)x.N, g->K, g->N),
                               .outputs = dp_tensor_size(y),
                               .relu = activation == DP_ACTIVATION_RELU});
    if (!r->dry)
        dp_parallel(r->pool, (x.N + job.tile - 1) / job.tile, linear_item, &job);
}

dp_tensor dp_linear_run(dp_run *r, const dp_linear *l, dp_tensor x,
                        dp_activation activation)
{
    const dp_tensor y = dp_run_tensor(r, x.N, 1, 1, l->gemm.N);
    dp_linear_run_into(r, l, y, x, activation);
    return y;
}
