/* The plain forms of layers: convolutions and fully connected layers with their norms and
 * activations.
 */
#include "ops/arithmetic.h"
#include "ops/concat_conv.h"
#include "ops/conv.h"
#include "ops/deconv.h"
#include "ops/depthwise.h"
#include "ops/layer_norm.h"
#include "ops/layout.h"
#include "ops/linear.h"
#include "ops/mask_logits.h"
#include "ops/reduction.h"
#include "ops/weighted.h"

static dp_tensor activate(dp_run *r, dp_tensor x, dp_activation activation)
{
    switch (activation) {
    case DP_ACTIVATION_NONE:
        break;
    case DP_ACTIVATION_RELU:
        return dp_tensor_relu(r, x);
    case DP_ACTIVATION_GELU:
        return dp_tensor_gelu(r, x);
    }
    return x;
}

dp_tensor dp_layer_norm_plain(dp_run *r, const dp_layer_norm *n, dp_tensor x)
{
    return dp_tensor_layer_norm(r, x, n->raw_weight, n->raw_bias, n->eps);
}

/* The convolution with its norm, if any. */
static dp_tensor convolve(dp_run *r, const dp_conv *c, dp_tensor x)
{
    const dp_conv_shape shape = {c->out, c->kernel, c->stride, c->padding,
                                 c->groups > 0 ? c->groups : 1};
    const dp_tensor y = dp_tensor_conv(r, x, c->raw.weight, c->raw.bias, &shape);
    return c->normed ? dp_tensor_batch_norm(r, y, &c->raw.norm) : y;
}

dp_tensor dp_conv_plain(dp_run *r, const dp_conv *c, dp_tensor x)
{
    return activate(r, convolve(r, c, x), c->activation);
}

dp_tensor dp_conv_add_plain(dp_run *r, const dp_conv *c, dp_tensor y, dp_tensor x)
{
    const dp_tensor branch = dp_tensor_branch(r, convolve(r, c, x));
    return activate(r, dp_tensor_add(r, y, branch), c->activation);
}

dp_tensor dp_concat_conv_plain(dp_run *r, const dp_concat_conv *c, const dp_tensor *x)
{
    dp_tensor maps[DP_CONCAT_MAX] = {x[0]};
    for (int i = 1; i < c->count; i++)
        maps[i] = dp_tensor_bilinear(r, x[i], x[0].H, x[0].W);
    const dp_tensor all = dp_tensor_concat(r, maps, c->count);
    const dp_conv_shape shape = {c->out, 3, 1, 1, 1};
    const dp_tensor y = dp_tensor_conv(r, all, c->weight, NULL, &shape);
    return dp_tensor_relu(r, dp_tensor_batch_norm(r, y, &c->norm));
}

dp_tensor dp_deconv_plain(dp_run *r, const dp_deconv *d, dp_tensor x)
{
    return activate(r, dp_tensor_deconv(r, x, d->weight, d->bias, d->out),
                    d->activation);
}

dp_tensor dp_depthwise_plain(dp_run *r, const dp_depthwise *d, dp_tensor x)
{
    dp_tensor y = dp_tensor_depthwise(r, x, d->raw.weight, NULL, d->kernel, d->stride);
    if (d->normed)
        y = dp_tensor_batch_norm(r, y, &d->raw.norm);
    return activate(r, y, d->activation);
}

dp_tensor dp_linear_plain(dp_run *r, const dp_linear *l, dp_tensor x,
                          dp_activation activation)
{
    if (l->raw.cells > 1)
        x = dp_tensor_channels_first(r, x); /* (N, 1, 1, in) */
    dp_tensor y = dp_tensor_linear(r, x, l->raw.weight, l->raw.bias, l->raw.rows);
    if (l->raw.first > 0 || l->raw.rows != l->gemm.N)
        y = dp_tensor_channels(r, y, l->raw.first, l->gemm.N);
    return activate(r, y, activation); /* (N, 1, 1, out) */
}

dp_tensor dp_mask_logits_plain(dp_run *r, const dp_mask_logits *m, dp_tensor x,
                               const int *labels)
{
    const int K = m->K;
    const dp_conv_shape shape = {m->skipped + K, 1, 1, 0, 1};
    dp_tensor y = dp_deconv_plain(r, &m->upsample, x); /* (R, 2 H, 2 W, C) */
    y = dp_tensor_conv(r, y, m->weight, m->bias, &shape);
    y = dp_tensor_channels(r, y, m->skipped, K); /* (R, 2 H, 2 W, K) */
    return dp_tensor_own_channel(r, y, labels);  /* (R, 2 H, 2 W, 1) */
}
