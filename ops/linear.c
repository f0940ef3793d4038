#include "ops/linear.h"

#include "ops/kernels/kernels.h"

#include <string.h>

void dp_linear_build(dp_builder *b, dp_linear *l, const char *name, int in, int out)
{
    const size_t outer = dp_builder_enter(b, "%s", name);
    const float *weight = dp_builder_tensor(b, "weight", 2, (int[]){out, in});
    const float *bias = dp_builder_vector(b, "bias", out);
    dp_gemm_build(b, &l->gemm, in, out, weight, 1, (size_t)in, NULL, bias);
    dp_builder_release(b);
    dp_builder_leave(b, outer);
}

void dp_linear_build_pointwise(dp_builder *b, dp_linear *l, const char *name, int in,
                               int out)
{
    const size_t outer = dp_builder_enter(b, "%s", name);
    const float *weight = dp_builder_tensor(b, "weight", 2, (int[]){out, in});
    const float *bias = dp_builder_vector(b, "bias", out);
    dp_gemm_build_pointwise(b, &l->gemm, in, out, weight, 1, (size_t)in, NULL, bias);
    dp_builder_release(b);
    dp_builder_leave(b, outer);
}

void dp_linear_build_rows(dp_builder *b, dp_linear *l, const char *name, int in,
                          int out, int rows, int first)
{
    const size_t outer = dp_builder_enter(b, "%s", name), K = (size_t)in;
    const float *weight = dp_builder_tensor(b, "weight", 2, (int[]){rows, in});
    const float *bias = dp_builder_vector(b, "bias", rows);
    float *ours = dp_builder_scratch(b, (size_t)out * K);
    float *our_bias = dp_builder_scratch(b, (size_t)out);
    const bool whole = weight && bias && ours && our_bias;
    for (int n = 0; n < out && whole; n++) {
        const size_t from = (size_t)((first + n) % rows);
        memcpy(ours + (size_t)n * K, weight + from * K, K * sizeof *ours);
        our_bias[n] = bias[from];
    }
    dp_gemm_build(b, &l->gemm, in, out, whole ? ours : NULL, 1, K, NULL, our_bias);
    dp_builder_release(b);
    dp_builder_leave(b, outer);
}

void dp_linear_build_flattened(dp_builder *b, dp_linear *l, const char *name, int C,
                               int P, int out)
{
    const size_t outer = dp_builder_enter(b, "%s", name);
    const int cells = P * P, in = C * cells;
    const float *weight = dp_builder_tensor(b, "weight", 2, (int[]){out, in});
    const float *bias = dp_builder_vector(b, "bias", out);
    float *ours = dp_builder_scratch(b, (size_t)out * (size_t)in);
    const bool whole = weight && bias && ours;
    for (size_t n = 0; n < (size_t)out && whole; n++)
        for (int c = 0; c < C; c++)
            for (int i = 0; i < cells; i++)
                ours[n * (size_t)in + (size_t)(i * C + c)] =
                    weight[n * (size_t)in + (size_t)(c * cells + i)];
    dp_gemm_build(b, &l->gemm, in, out, whole ? ours : NULL, 1, (size_t)in, NULL, bias);
    dp_builder_release(b);
    dp_builder_leave(b, outer);
}

struct linear_job {
    const dp_linear *layer;
    const dp_kernels *kernels;
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
    dp_gemm_rows(g, job->kernels, job->y + (size_t)first * N, N,
                 job->x + (size_t)first * K, K, rows, false, job->activation);
}

void dp_linear_run_into(dp_run *r, const dp_linear *l, dp_tensor y, dp_tensor x,
                        dp_activation activation)
{
    const dp_gemm *g = &l->gemm;
    if ((long long)x.H * x.W * x.C != g->K || y.N != x.N || y.C != g->N)
        dp_run_fail(r, DP_ESHAPE,
                    "linear layer: found items of %d x %d x %d, expected %d values",
                    x.H, x.W, x.C, g->K);
    struct linear_job job = {l,   r->kernels,      x.data,    y.data,
                             x.N, dp_gemm_tile(g), activation};
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
