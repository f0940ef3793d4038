/* mixup.h - batches of images and targets mixed: Mixup and CutMix
 *
 * Zhang and others, "mixup: Beyond Empirical Risk Minimization", 2018; Yun and others,
 * "CutMix", 2019; as timm 0.3.2's Mixup. The partner of image i of B is image B - 1 - i, so
 * B is even.
 *
 *   images    (B, H, W, C) float32, normalised and erased
 *   labels    (B) class indices          targets   (B, K) float32
 *
 * What an image becomes that keeps a share l of itself:
 *
 *   Mixup    x f32(l) + partner f32(1 - l), each operation rounded
 *   CutMix   itself, but for a box that is copied from the partner before it was mixed
 */
#ifndef DP_TRAIN_MIXUP_H
#define DP_TRAIN_MIXUP_H

#include "base/pool.h"
#include "base/random.h"

#include <stdbool.h>

typedef enum dp_mixup_mode {
    DP_MIXUP_BATCH, /* one share for all: the recipe    */
    DP_MIXUP_ELEM,  /* a share for each image           */
    DP_MIXUP_PAIR   /* a share for an image and partner */
} dp_mixup_mode;

typedef struct dp_mixup {
    dp_mixup_mode mode;
    double mixup_alpha, cutmix_alpha; /* of beta(alpha, alpha); 0: without it     */

    /* CutMix boxes have sides between these parts of the image's; both 0: an area of 1 - l */
    double side[2];

    double probability;        /* of mixing at all                                 */
    double switch_probability; /* of CutMix, where both are asked for              */
    double smoothing;          /* of targets, 0 to 1                               */
} dp_mixup;

/* Batch, 0.8, 1.0, area, 1, 0.5, 0.1. */
extern const dp_mixup dp_mixup_recipe;

/* What is done to one image. */
typedef struct dp_mix {
    enum { DP_MIX_NONE, DP_MIX_BLEND, DP_MIX_CUT } kind;
    float own, other; /* the shares: of pixels in a blend, and of targets always */
    int top, bottom, left, right; /* of a cut: [top, bottom) x [left, right) */
} dp_mix;

/* Decide for B images of H x W. One alpha at least is not 0.
 *
 * BATCH draws unit: the probability or more, nothing is done. If both are asked for, unit:
 * CutMix below switch_probability. Then beta(alpha, alpha) of the kind chosen: l. If that is
 * not 1, CutMix draws its box.
 *
 * ELEM draws B values of each: unit (CutMix below switch_probability) and beta of CutMix, if
 * both or CutMix alone are asked for; beta of Mixup likewise; unit, for the probability.
 * Without both there is no first unit. l is rounded to float32. Then each image that has a
 * box draws it, in order. PAIR is the same for the first half; partners get the same.
 *
 * A box of area 1 - l has sides trunc(side sqrt(1 - l)) and the middle below(H), below(W).
 * It reaches half a side, rounded down, to both sides of the middle, and is cut to the
 * image. With `side`: height between(trunc(H low), trunc(H high) - 1), width likewise, top
 * below(H - height), left below(W - width). l becomes 1 - area of the box / (H W). */
void dp_mixup_draw(dp_random *r, const dp_mixup *m, dp_mix *mixes, int B, int H, int W);

/* Mix the images in place. Pairs are spread over the pool. */
void dp_mixup_run(dp_pool *pool, float *images, const dp_mix *mixes, int B, int H,
                  int W, int C);

/* targets = own onehot(label) + other onehot(partner's label) in float32, where onehot has
 * off = smoothing / K, and 1 - smoothing + off for the label. */
void dp_mixup_targets(float *targets, const int *labels, const dp_mix *mixes, int B,
                      int K, double smoothing);

#endif
