/* conv.h - two-dimensional convolution
 *
 * It is a GEMM of patches and packed weights. Where it is 3 x 3 of stride 1 and padding 1
 * over enough channels it goes by tiles (winograd.h).
 *
 *   k   kernel side      s   stride      p   zero padding on each side
 *
 * Output extents are (H + 2p - k) / s + 1, rounded down: trailing rows and columns that
 * do not fill a stride are dropped, as the upstream models do.
 */
#ifndef DP_OPS_CONV_H
#define DP_OPS_CONV_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/batch_norm.h"
#include "ops/gemm.h"
#include "ops/winograd.h"

typedef struct dp_conv_spec {
    int in, out;
    int kernel, stride, padding;
    int groups; /* parts of inputs and outputs, each with the other's; 0 counts as 1 */

    /* Scope of `weight` [out, in / groups, k, k] and, without a norm, `bias` [out], unless
     * there is none. */
    const char *name;

    /* Scope of a batch norm to fold in: "bn.". NULL: the convolution has a bias instead. */
    const char *norm;
    float norm_eps; /* of the batch norm: mostly DP_BATCH_NORM_EPS */
    bool no_bias;   /* and no norm: the weights alone              */
    dp_activation activation;
} dp_conv_spec;

typedef struct dp_conv {
    int in, out, kernel, stride, padding;
    int groups;          /* 0 counts as 1 */
    bool biased, normed; /* the bias is a layer's own, or that of a batch norm */
    dp_activation activation;

    /* for the plain form, where the builder keeps parameters */
    struct {
        const float *weight, *bias; /* bias NULL: there is a norm */
        dp_batch_norm norm;
    } raw;

    bool by_tiles;
    dp_winograd winograd; /* by tiles */

    /* Else one a group; K = k * k * in / groups, in the order (ky, kx, c). */
    dp_gemm *gemms;
} dp_conv;

/* Load and pack. Batch norm (running statistics) becomes a scale and a bias; its
 * num_batches_tracked is known and unused. groups divides in and out. */
void dp_conv_build(dp_builder *b, dp_conv *c, const dp_conv_spec *spec);

/* Only pack, for a part of a larger weight tensor; the sizes of c are set. Element
 * (o, i, ky, kx), i within o's group, is
 *   weight[o * out_stride + (i * kernel + ky) * kernel + kx] * scale[o]
 * With scale NULL that is 1; bias may be NULL. With weight NULL only the sizes are set. */
void dp_conv_pack(dp_builder *b, dp_conv *c, const float *weight, size_t out_stride,
                  const float *scale, const float *bias);

/* (N, Ho, Wo, out). x with another number of channels, or smaller than the kernel, is
 * recorded as DP_ESHAPE. */
dp_tensor dp_conv_run(dp_run *r, const dp_conv *c, dp_tensor x);

/* The plain forms of dp_conv_run and, with y, of dp_conv_run_add. */
dp_tensor dp_conv_plain(dp_run *r, const dp_conv *c, dp_tensor x);
dp_tensor dp_conv_add_plain(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x);

/* The same into y, which has the extents of the output; another extent is recorded as
 * DP_ESHAPE. y does not overlap x. */
void dp_conv_run_into(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x);

/* activation(y + conv(x)) into y: a shortcut, added before the activation. As
 * dp_conv_run_into; a convolution by tiles is recorded as DP_ESHAPE. The plain form takes
 * conv(x) for the end of a residual branch (dp_tensor_branch). */
void dp_conv_run_add(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x);

/* y[i] = then[i](conv(x)) for the `count` pointwise layers (1 x 1, stride 1, one group) that
 * are all that read the map between. It is never in memory when c is by tiles and they are
 * at most DP_CONV_THEN. y[i] has the extents of conv(x) and the outputs of then[i] as
 * channels; other extents, and an x of other channels than c's, are recorded as DP_ESHAPE.
 * No y[i] overlaps x. */
enum { DP_CONV_THEN = 4 };
void dp_conv_run_through(dp_run *r, const dp_conv *c, const dp_conv *const *then,
                         const dp_tensor *y, int count, dp_tensor x);

/* Extents of the output for an input of h x w; 0 where nothing fits. */
void dp_conv_output(const dp_conv *c, int h, int w, int *out_h, int *out_w);

#endif
