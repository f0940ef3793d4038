#include "base/random.h"

#include "base/normal.h"

#include <math.h>

enum { ROUNDS = 10 };

void dp_random_init(dp_random *r, uint64_t seed, uint32_t epoch, uint32_t index,
                    uint32_t purpose)
{
    *r = (dp_random){.seed = seed, .epoch = epoch, .index = index, .purpose = purpose};
}

void dp_random_init_replay(dp_random *r, dp_replay *replay)
{
    *r = (dp_random){.replay = replay};
}

void dp_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t p = (uint64_t)a * 0xD2511F53u, q = (uint64_t)c * 0xCD9E8D57u;
        a = (uint32_t)(q >> 32) ^ b ^ k0;
        b = (uint32_t)q;
        c = (uint32_t)(p >> 32) ^ d ^ k1;
        d = (uint32_t)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

uint64_t dp_random_bits(dp_random *r)
{
    const uint64_t number = r->next++;
    if (number % 2)
        return r->spare;
    const uint32_t key[2] = {(uint32_t)r->seed, (uint32_t)(r->seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)(number / 2), r->purpose, r->epoch,
                                 r->index};
    uint32_t word[4];
    dp_philox(word, counter, key);
    r->spare = (uint64_t)word[3] << 32 | word[2];
    return (uint64_t)word[1] << 32 | word[0];
}

/* ---- replay ---------------------------------------------------------------------- */

/* The stored draw, which has this kind and these bounds to the bit; else `otherwise`. */
static double replay(dp_replay *p, dp_draw_kind kind, double low, double high,
                     double otherwise)
{
    const dp_draw *d = p->next < p->count ? &p->draws[p->next++] : NULL;
    if (d && d->kind == kind && !(d->bounds[0] < low) && !(d->bounds[0] > low) &&
        !(d->bounds[1] < high) && !(d->bounds[1] > high))
        return d->value;
    p->failed = true;
    return otherwise;
}

/* ---- draws ----------------------------------------------------------------------- */

static double unit(dp_random *r)
{
    return (double)(dp_random_bits(r) >> 11) * 0x1p-53;
}

/* Never 0 or 1. */
static double inner(dp_random *r)
{
    return ((double)(dp_random_bits(r) >> 12) + 0.5) * 0x1p-52;
}

double dp_random_unit(dp_random *r)
{
    return r->replay ? replay(r->replay, DP_DRAW_UNIT, 0, 0, 0) : unit(r);
}

float dp_random_unit_f32(dp_random *r)
{
    if (r->replay)
        return (float)replay(r->replay, DP_DRAW_UNIT_F32, 0, 0, 0);
    return (float)(dp_random_bits(r) >> 40) * 0x1p-24f;
}

double dp_random_uniform(dp_random *r, double low, double high)
{
    if (r->replay)
        return replay(r->replay, DP_DRAW_UNIFORM, low, high, low);
    return low + (high - low) * unit(r);
}

int dp_random_between(dp_random *r, int first, int last)
{
    if (r->replay)
        return (int)replay(r->replay, DP_DRAW_INTEGER, first, last, first);
    const uint64_t range = (uint64_t)((int64_t)last - first + 1);
    return (int)(first + (int64_t)((dp_random_bits(r) >> 32) * range >> 32));
}

int dp_random_below(dp_random *r, int count)
{
    return dp_random_between(r, 0, count - 1);
}

static double standard_normal(dp_random *r)
{
    return dp_normal_quantile(inner(r));
}

double dp_random_normal(dp_random *r, double mean, double deviation)
{
    if (r->replay)
        return replay(r->replay, DP_DRAW_NORMAL, mean, deviation, mean);
    return mean + deviation * standard_normal(r);
}

/* The logarithm of a gamma variable of this shape. Shapes below 1 are made from shape + 1
 * and a power of a uniform one. */
static double log_gamma_variable(dp_random *r, double shape)
{
    const double boost = log(inner(r));
    const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
    const double c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = standard_normal(r), v = 1 + c * x;
        const double u = inner(r);
        if (v <= 0)
            continue;
        const double log_cube = 3 * log(v);
        if (log(u) < 0.5 * x * x + d - d * v * v * v + d * log_cube)
            return log(d) + log_cube + (shape < 1 ? boost / shape : 0);
    }
}

double dp_random_beta(dp_random *r, double a, double b)
{
    if (r->replay)
        return replay(r->replay, DP_DRAW_BETA, a, b, 0);
    const double x = log_gamma_variable(r, a), y = log_gamma_variable(r, b);
    return 1 / (1 + exp(y - x));
}

void dp_random_permutation(dp_random *r, int *out, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = i;
    for (int i = count - 1; i > 0; i--) {
        const int j = dp_random_below(r, i + 1), moved = out[i];
        out[i] = out[j];
        out[j] = moved;
    }
}
