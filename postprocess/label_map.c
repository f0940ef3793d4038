#include "postprocess/label_map.h"

#include "ops/kernels/kernels.h"
#include "postprocess/softmax.h"

dp_blend dp_blend_get(int i, int in, int out)
{
    const float scale = (float)in / (float)out;
    const double at = (double)scale * (i + 0.5) - 0.5;
    const double from = at > 0 ? at : 0;
    const int first = from < in - 1 ? (int)from : in - 1;
    const float high = (float)(from - first);
    return (dp_blend){first, first + (first < in - 1), 1 - high, high};
}

void dp_blend_axis(dp_blend *list, int in, int out)
{
    for (int i = 0; i < out; i++)
        list[i] = dp_blend_get(i, in, out);
}

/* out (K) = pixel x of the row; with DP_GEMM_ADD added to it. */
static void resize_pixel(float *out, const dp_logits_row *r, int x, unsigned flags,
                         const dp_kernels *k)
{
    const dp_blend m = r->x[x];
    const size_t first = (size_t)m.first * (size_t)r->K;
    const size_t second = (size_t)m.second * (size_t)r->K;
    const dp_corners c = {r->first + first,   r->first + second, r->second + first,
                          r->second + second, {m.low, m.high},   {r->y.low, r->y.high}};
    k->bilinear(out, &c, r->K, flags);
}

void dp_logits_resize(float *out, dp_logits_row r, const dp_kernels *k)
{
    for (int x = 0; x < r.W; x++)
        resize_pixel(out + (size_t)x * (size_t)r.K, &r, x, 0, k);
}

void dp_logits_add(float *sum, dp_logits_row r, const dp_kernels *k)
{
    for (int x = 0; x < r.W; x++)
        resize_pixel(sum + (size_t)x * (size_t)r.K, &r, x, DP_GEMM_ADD, k);
}

/* Logits this far apart never have equal softmax values: exp(-2^-21) is seven steps of
 * float32 below 1, and a division keeps numbers apart that differ by more than one. */
#define APART 0x1p-21f

/* argmax(softmax(x)), mostly without the exponentials: only a class before the highest
 * can take its place, and only when it is nearly as high. scratch may be x. */
static int pick(const float *x, int K, const dp_kernels *kernels, float *scratch)
{
    const int best = kernels->argmax(x, K);
    if (best == 0 || !(x[kernels->argmax(x, best)] >= x[best] - APART))
        return best;
    dp_softmax_rows(scratch, x, 1, K);
    return kernels->argmax(scratch, K);
}

void dp_labels_from_logits(uint8_t *labels, dp_logits_row r, const dp_kernels *k,
                           float *scratch)
{
    for (int x = 0; x < r.W; x++) {
        const float *logits = r.first + (size_t)r.x[x].first * (size_t)r.K;
        if (r.y.high > 0 || r.x[x].high > 0) {
            resize_pixel(scratch, &r, x, 0, k);
            logits = scratch;
        }
        labels[x] = (uint8_t)pick(logits, r.K, k, scratch);
    }
}

void dp_probabilities_add(float *sum, dp_logits_row r, bool flip, float *scratch,
                          const dp_kernels *k)
{
    for (int x = 0; x < r.W; x++) {
        float *to = sum + (size_t)(flip ? r.W - 1 - x : x) * (size_t)r.K;
        resize_pixel(scratch, &r, x, 0, k);
        dp_softmax_rows(scratch, scratch, 1, r.K);
        for (int c = 0; c < r.K; c++)
            to[c] += scratch[c];
    }
}

void dp_labels_from_probabilities(uint8_t *labels, float *sum, int W, int K, int passes,
                                  const dp_kernels *k)
{
    for (int x = 0; x < W; x++, sum += K) {
        for (int c = 0; c < K; c++)
            sum[c] /= (float)passes;
        labels[x] = (uint8_t)k->argmax(sum, K);
    }
}
