/* depthwise.h - depthwise convolution: each channel with a square of taps of its own
 *
 *   k   taps of a side, odd      s   stride
 *
 * The zero padding is (k - 1) / 2, so sides are divided by the stride and rounded up. For
 * k = 7, stride 1 it is the kernel of the ConvNeXt block (convnext_block.h); other sizes
 * are plain loops over the taps inside the map.
 */
#ifndef DP_OPS_DEPTHWISE_H
#define DP_OPS_DEPTHWISE_H

#include "core/builder.h"
#include "core/run.h"
#include "ops/batch_norm.h"
#include "ops/gemm.h"

typedef struct dp_depthwise_spec {
    int C, kernel, stride;
    const char *name; /* scope of `weight` [C, 1, k, k]; there is no bias */
    const char *norm; /* scope of a batch norm to fold in: "bn."; NULL: none */
    float norm_eps;
    dp_activation activation;
} dp_depthwise_spec;

typedef struct dp_depthwise {
    int C, kernel, stride;
    bool normed; /* a batch norm is folded in */
    dp_activation activation;

    /* for the plain form, where the builder keeps parameters */
    struct {
        const float *weight;
        dp_batch_norm norm;
    } raw;

    float *taps; /* (k, k, C)                     */
    float *bias; /* C: of the norm, zeros without */
} dp_depthwise;

/* Load and pack. */
void dp_depthwise_build(dp_builder *b, dp_depthwise *d, const dp_depthwise_spec *spec);

/* activation(norm(convolution)), (N, Ho, Wo, C), in r's arena. Another number of channels
 * is recorded as DP_ESHAPE. Rows are spread over the threads; the bits do not depend on
 * how many there are. */
dp_tensor dp_depthwise_run(dp_run *r, const dp_depthwise *d, dp_tensor x);

/* The plain form. */
dp_tensor dp_depthwise_plain(dp_run *r, const dp_depthwise *d, dp_tensor x);

#endif
