#include "train/mixup.h"

#include <math.h>
#include <stddef.h>

const dp_mixup dp_mixup_recipe = {.mode = DP_MIXUP_BATCH,
                                  .mixup_alpha = 0.8,
                                  .cutmix_alpha = 1.0,
                                  .probability = 1,
                                  .switch_probability = 0.5,
                                  .smoothing = 0.1};

/* ---- draws ----------------------------------------------------------------------- */

static int clamp(int i, int most)
{
    return i < 0 ? 0 : i > most ? most : i;
}

/* A box of area 1 - share. `root` is the part of each side. */
static void draw_middle(dp_random *r, dp_mix *mix, double root, int H, int W)
{
    const int h = (int)(H * root) / 2, w = (int)(W * root) / 2;
    const int y = dp_random_below(r, H), x = dp_random_below(r, W);
    mix->top = clamp(y - h, H);
    mix->bottom = clamp(y + h, H);
    mix->left = clamp(x - w, W);
    mix->right = clamp(x + w, W);
}

static void draw_sides(dp_random *r, dp_mix *mix, const double side[2], int H, int W)
{
    const int h = dp_random_between(r, (int)(H * side[0]), (int)(H * side[1]) - 1);
    const int w = dp_random_between(r, (int)(W * side[0]), (int)(W * side[1]) - 1);
    mix->top = dp_random_below(r, H - h);
    mix->left = dp_random_below(r, W - w);
    mix->bottom = mix->top + h;
    mix->right = mix->left + w;
}

/* An image's own share, unless it is cut: then what its box leaves. In ELEM and PAIR
 * timm's shares are float32. */
static void decide(dp_random *r, const dp_mixup *m, dp_mix *mix, bool cut, double share,
                   int H, int W)
{
    const bool single = m->mode != DP_MIXUP_BATCH;
    const bool mixes = share < 1;
    *mix = (dp_mix){.kind = !mixes ? DP_MIX_NONE : cut ? DP_MIX_CUT : DP_MIX_BLEND};
    if (mix->kind == DP_MIX_CUT) {
        if (m->side[1] > 0)
            draw_sides(r, mix, m->side, H, W);
        else
            draw_middle(r, mix,
                        single ? (double)sqrtf((float)(1 - share)) : sqrt(1 - share), H,
                        W);
        const double area = (double)(mix->bottom - mix->top) * (mix->right - mix->left);
        share = 1 - area / ((double)H * W);
        share = single ? (double)(float)share : share;
    }
    mix->own = (float)share;
    mix->other = (float)(1 - share);
}

static double draw_share(dp_random *r, double alpha)
{
    return dp_random_beta(r, alpha, alpha);
}

static void draw_batch(dp_random *r, const dp_mixup *m, dp_mix *mixes, int B, int H,
                       int W)
{
    bool cut = m->cutmix_alpha > 0;
    double share = 1;
    if (dp_random_unit(r) < m->probability) {
        if (cut && m->mixup_alpha > 0)
            cut = dp_random_unit(r) < m->switch_probability;
        share = draw_share(r, cut ? m->cutmix_alpha : m->mixup_alpha);
    }
    decide(r, m, &mixes[0], cut, share, H, W);
    for (int i = 1; i < B; i++)
        mixes[i] = mixes[0];
}

/* For the first n images. Kind and share wait in the mixes until all are drawn. */
static void draw_each(dp_random *r, const dp_mixup *m, dp_mix *mixes, int n, int H,
                      int W)
{
    const bool can_cut = m->cutmix_alpha > 0, can_blend = m->mixup_alpha > 0;
    for (int i = 0; i < n; i++) {
        bool cut = can_cut;
        if (can_cut && can_blend)
            cut = dp_random_unit(r) < m->switch_probability;
        mixes[i].kind = cut ? DP_MIX_CUT : DP_MIX_BLEND;
    }
    for (int kind = 0; kind < 2; kind++)
        for (int i = 0; i < n && (kind ? can_blend : can_cut); i++) {
            const double share = draw_share(r, kind ? m->mixup_alpha : m->cutmix_alpha);
            if ((mixes[i].kind == DP_MIX_BLEND) == (kind == 1))
                mixes[i].own = (float)share;
        }
    for (int i = 0; i < n; i++)
        if (!(dp_random_unit(r) < m->probability))
            mixes[i].own = 1;
    for (int i = 0; i < n; i++)
        decide(r, m, &mixes[i], mixes[i].kind == DP_MIX_CUT, (double)mixes[i].own, H,
               W);
}

void dp_mixup_draw(dp_random *r, const dp_mixup *m, dp_mix *mixes, int B, int H, int W)
{
    if (m->mode == DP_MIXUP_BATCH)
        draw_batch(r, m, mixes, B, H, W);
    else if (m->mode == DP_MIXUP_ELEM)
        draw_each(r, m, mixes, B, H, W);
    else
        draw_each(r, m, mixes, B / 2, H, W);
    for (int i = 0; i < B / 2 && m->mode == DP_MIXUP_PAIR; i++)
        mixes[B - 1 - i] = mixes[i];
}

/* ---- images ---------------------------------------------------------------------- */

struct job {
    float *images;
    const dp_mix *mixes;
    int B, H, W, C;
};

/* What a value becomes, beside that of the partner at the same place. */
static float mixed(const dp_mix *mix, float own, float other, bool in_box)
{
    if (mix->kind == DP_MIX_BLEND)
        return own * mix->own + other * mix->other;
    return mix->kind == DP_MIX_CUT && in_box ? other : own;
}

static bool is_in_box(const dp_mix *mix, int y, int x)
{
    return y >= mix->top && y < mix->bottom && x >= mix->left && x < mix->right;
}

/* Both images of a pair at once: each needs the other as it was. */
static void mix_item(void *arg, int item, int worker)
{
    (void)worker;
    const struct job *j = arg;
    const dp_mix *mix = &j->mixes[item], *partners = &j->mixes[j->B - 1 - item];
    const size_t size = (size_t)j->H * (size_t)j->W * (size_t)j->C;
    float *own = j->images + (size_t)item * size;
    float *other = j->images + (size_t)(j->B - 1 - item) * size;
    for (int y = 0; y < j->H; y++)
        for (int x = 0; x < j->W; x++) {
            const bool in_own = is_in_box(mix, y, x);
            const bool in_other = is_in_box(partners, y, x);
            for (int c = 0; c < j->C; c++, own++, other++) {
                const float a = *own, b = *other;
                *own = mixed(mix, a, b, in_own);
                *other = mixed(partners, b, a, in_other);
            }
        }
}

void dp_mixup_run(dp_pool *pool, float *images, const dp_mix *mixes, int B, int H,
                  int W, int C)
{
    struct job job = {images, mixes, B, H, W, C};
    dp_parallel(pool, B / 2, mix_item, &job);
}

void dp_mixup_targets(float *targets, const int *labels, const dp_mix *mixes, int B,
                      int K, double smoothing)
{
    const float off = (float)(smoothing / K);
    const float on = (float)(1 - smoothing + smoothing / K);
    for (int i = 0; i < B; i++)
        for (int k = 0; k < K; k++) {
            const float own = k == labels[i] ? on : off;
            const float other = k == labels[B - 1 - i] ? on : off;
            *targets++ = own * mixes[i].own + other * mixes[i].other;
        }
}
