#include "postprocess/label_map.h"

#include "ops/kernels/kernels.h"
#include "postprocess/softmax.h"

dp_mix dp_mix_get(int i, int in, int out)
{
    const float scale = (float)in / (float)out;
    const double at = (double)scale * (i + 0.5) - 0.5;
    const double from = at > 0 ? at : 0;
    const int first = from < in - 1 ? (int)from : in - 1;
    const float high = (float)(from - first);
    return (dp_mix){first, first + (first < in - 1), 1 - high, high};
}

void dp_mix_axis(dp_mix *mixes, int in, int out)
{
    for (int i = 0; i < out; i++)
        mixes[i] = dp_mix_get(i, in, out);
}

/* The four input pixels around an output pixel, and their weights. */
typedef struct corners {
    const float *nw, *ne, *sw, *se;
    dp_mix x, y;
} corners;

static corners corners_of(const dp_logits_row *r, int x)
{
    const dp_mix m = r->x[x];
    const size_t first = (size_t)m.first * (size_t)r->K;
    const size_t second = (size_t)m.second * (size_t)r->K;
    return (corners){r->first + first,
                     r->first + second,
                     r->second + first,
                     r->second + second,
                     m,
                     r->y};
}

static float mix(const corners *c, size_t k)
{
    const float upper = c->x.low * c->nw[k] + c->x.high * c->ne[k];
    const float lower = c->x.low * c->sw[k] + c->x.high * c->se[k];
    return c->y.low * upper + c->y.high * lower;
}

static void resize_pixel(float *restrict out, const dp_logits_row *r, int x)
{
    const corners c = corners_of(r, x);
    for (size_t k = 0; k < (size_t)r->K; k++)
        out[k] = mix(&c, k);
}

void dp_logits_resize(float *out, dp_logits_row r)
{
    for (int x = 0; x < r.W; x++)
        resize_pixel(out + (size_t)x * (size_t)r.K, &r, x);
}

void dp_logits_add(float *restrict sum, dp_logits_row r)
{
    for (int x = 0; x < r.W; x++, sum += r.K) {
        const corners c = corners_of(&r, x);
        for (size_t k = 0; k < (size_t)r.K; k++)
            sum[k] += mix(&c, k);
    }
}

/* Logits this far apart never have equal softmax values: exp(-2^-21) is seven steps of
 * float32 below 1, and a division keeps numbers apart that differ by more than one. */
#define APART 0x1p-21f

/* argmax(softmax(x)), mostly without the exponentials: only a class before the highest
 * can take its place, and only when it is nearly as high. x is overwritten. */
static int pick(float *x, int K, const dp_kernels *kernels)
{
    const int best = kernels->argmax(x, K);
    const float near = x[best] - APART;

    for (int k = 0; k < best; k++)
        if (x[k] >= near) {
            dp_softmax_rows(x, x, 1, K);
            return kernels->argmax(x, K);
        }
    return best;
}

void dp_labels_from_logits(uint8_t *labels, dp_logits_row r, const dp_kernels *k,
                           float *scratch)
{
    for (int x = 0; x < r.W; x++) {
        resize_pixel(scratch, &r, x);
        labels[x] = (uint8_t)pick(scratch, r.K, k);
    }
}

void dp_probabilities_add(float *sum, dp_logits_row r, bool flip, float *scratch)
{
    for (int x = 0; x < r.W; x++) {
        float *to = sum + (size_t)(flip ? r.W - 1 - x : x) * (size_t)r.K;
        resize_pixel(scratch, &r, x);
        dp_softmax_rows(scratch, scratch, 1, r.K);
        for (int k = 0; k < r.K; k++)
            to[k] += scratch[k];
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
