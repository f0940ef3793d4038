/* concat_conv.h - 3 x 3 convolution of maps, resized and concatenated, without either
 *
 *   y = relu(norm(conv(concat(x[0], resize(x[1]), resize(x[2]), ...))))
 *
 * The resize is bilinear (resize.h), to the size of x[0]; padding is 1, stride 1.
 *
 * A convolution of a concatenation is a sum of convolutions, and one of a resized map
 * is linear in the map. So the small map is multiplied with each of the nine taps; the
 * results are resized and added where the tap would have read. For a map of half
 * the sides that is a quarter of the multiplications, and no large map of all channels
 * is ever there. In UperNet's fusion it leaves a third of the work. It goes by groups
 * of outputs, so that only what belongs to one group is kept. The sum is the
 * same in another order; it differs by rounding only.
 */
#ifndef DP_OPS_CONCAT_CONV_H
#define DP_OPS_CONCAT_CONV_H

#include "ops/conv.h"
#include "ops/linear.h"

enum { DP_CONCAT_MAX = 16 /* maps */ };

typedef struct dp_concat_conv_spec {
    int count; /* maps, 1 to DP_CONCAT_MAX        */
    int in[DP_CONCAT_MAX];
    int out;
    const char *name; /* scope of `weight` [out, sum of in, 3, 3]: "conv." */
    const char *norm; /* scope of the batch norm to fold in: "bn."         */
} dp_concat_conv_spec;

typedef struct dp_concat_conv {
    int count, out;
    const float *weight; /* raw, as norm's, where the builder keeps parameters */
    dp_batch_norm norm;
    dp_conv first; /* of x[0], with the bias */

    /* Of x[1 + i]: one a group, whose outputs are in the order (ky, kx, output of the
     * group). */
    dp_linear *taps[DP_CONCAT_MAX - 1];
} dp_concat_conv;

/* Load and pack. */
void dp_concat_conv_build(dp_builder *b, dp_concat_conv *c,
                          const dp_concat_conv_spec *spec);

/* (N, H, W, out) of the size of x[0]; in r's arena. Maps of other channels, of unequal N
 * or without cells are recorded as DP_ESHAPE. Work is counted as the convolution
 * that this stands for. Rows are spread over the threads; the bits do not depend on how
 * many there are. */
dp_tensor dp_concat_conv_run(dp_run *r, const dp_concat_conv *c, const dp_tensor *x);

/* The plain form. */
dp_tensor dp_concat_conv_plain(dp_run *r, const dp_concat_conv *c, const dp_tensor *x);

#endif
