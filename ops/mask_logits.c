#include "ops/mask_logits.h"

#include "ops/arithmetic.h"

void dp_mask_logits_build(dp_builder *b, dp_mask_logits *m, int C, int K, int skipped)
{
    m->K = K;
    m->skipped = skipped;
    dp_deconv_build(b, &m->upsample, "upsample.", C, C, DP_ACTIVATION_RELU);
    const size_t outer = dp_builder_enter(b, "conv_logits.");
    const float *weight =
        dp_builder_tensor(b, "weight", 4, (int[]){skipped + K, C, 1, 1});
    const float *bias = dp_builder_vector(b, "bias", skipped + K);
    m->weight = dp_builder_kept(b, weight);
    m->bias = dp_builder_kept(b, bias);
    m->classes = dp_builder_take(b, (size_t)K, sizeof *m->classes);
    for (int k = 0; k < K && m->classes; k++)
        dp_gemm_build(b, &m->classes[k], C, 1,
                      weight && bias ? weight + (size_t)(skipped + k) * (size_t)C
                                     : NULL,
                      1, 1, NULL, bias ? bias + skipped + k : NULL);
    dp_builder_release(b);
    dp_builder_leave(b, outer);
}

enum {
    TAPS = 4,  /* cells of a mask to one of a window                       */
    CELLS = 56 /* of a window at a time: what is made of them stays in the cache */
};

struct logits_job {
    const dp_mask_logits *op;
    const int *labels;
    dp_tensor x, y;
    float *memory; /* upsampled cells and their logits, a worker */
};

static size_t memory_size(const dp_mask_logits *m)
{
    return (size_t)CELLS * TAPS * ((size_t)m->upsample.out + 1);
}

/* Logits of cells [first, first + count) of a window, in the order (cell, a, b), to their
 * places in a mask. */
static void place_logits(float *mask, const float *logits, int first, int count, int W)
{
    for (int i = first; i < first + count; i++, logits += TAPS) {
        float *to = mask + (ptrdiff_t)(i / W) * 4 * W + (ptrdiff_t)(i % W) * 2;
        to[0] = logits[0];
        to[1] = logits[1];
        to[2 * W] = logits[2];
        to[2 * W + 1] = logits[3];
    }
}

static void logits_item(void *arg, int item, int worker)
{
    const struct logits_job *job = arg;
    const dp_mask_logits *m = job->op;
    const int cells = job->x.H * job->x.W;
    const size_t C = (size_t)m->upsample.out;
    const float *x = job->x.data + (size_t)item * (size_t)cells * C;
    float *mask = job->y.data + (size_t)item * TAPS * (size_t)cells;
    float *upsampled = job->memory + (size_t)worker * memory_size(m);
    float *logits = upsampled + CELLS * TAPS * C;

    for (int first = 0; first < cells; first += CELLS) {
        const int count = cells - first < CELLS ? cells - first : CELLS;
        dp_gemm_rows(&m->upsample.gemm, upsampled, TAPS * C, x + (size_t)first * C, C,
                     count, false, DP_ACTIVATION_RELU);
        dp_gemm_rows(&m->classes[job->labels[item]], logits, 1, upsampled, C,
                     TAPS * count, false, DP_ACTIVATION_NONE);
        place_logits(mask, logits, first, count, job->x.W);
    }
}

void dp_mask_logits_run(dp_run *r, const dp_mask_logits *m, dp_tensor y, dp_tensor x,
                        const int *labels)
{
    if (r->plain) {
        const size_t start = dp_run_mark(r);
        dp_tensor_copy(r, y, dp_mask_logits_plain(r, m, x, labels));
        dp_run_rewind(r, start);
        return;
    }
    const size_t mark = dp_run_mark(r), rows = dp_tensor_rows(x);
    struct logits_job job = {.op = m, .labels = labels, .x = x, .y = y};
    job.memory = dp_run_take(r, (size_t)dp_pool_threads(r->pool) * memory_size(m),
                             sizeof *job.memory);
    dp_deconv_count(r, &m->upsample, x);
    /* Upstream computes every class's logit, of which it keeps one. */
    dp_run_count(r, &(dp_work){.kind = DP_WORK_CONV,
                               .macs = dp_work_macs(TAPS * rows, x.C, 1),
                               .outputs = TAPS * rows,
                               .bias = true,
                               .variants = m->K});
    if (!r->dry)
        dp_parallel(r->pool, y.N, logits_item, &job);
    dp_run_rewind(r, mark);
}
