/* The auxiliary head of a segmentor, which takes part in training only; mmsegmentation's
 * FCNHead with one convolution on one of the backbone's maps. Its loss reaches the backbone
 * by a shorter path than that of the decode head.
 */
#include "heads/head.h"
#include "ops/arithmetic.h"
#include "ops/conv.h"

typedef struct fcn_head {
    int in_index;
    int channels;
    int num_classes;
    float dropout_ratio;

    dp_conv conv;       /* 3 x 3 */
    dp_conv classifier; /* 1 x 1 */
} fcn_head;

static const dp_param params[] = {
    DP_PARAM(fcn_head, in_index, "2", 0, DP_MAX_LEVELS - 1,
             "which of the backbone's maps it reads, from 0"),
    DP_PARAM(fcn_head, channels, "256", 1, 16384, "channels of its convolution"),
    DP_PARAM(fcn_head, num_classes, "150", 1, 65535, "classes: as the decode head's"),
    DP_PARAM(fcn_head, dropout_ratio, "0.1", 0, 0.99,
             "of the channels before the last layer"),
    DP_PARAM_END,
};

/* Load convs.0.conv, convs.0.bn and conv_seg. */
static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    fcn_head *h = self;
    if (h->in_index >= in->count)
        return dp_fail(
            b->err, DP_ECONFIG,
            "%s: auxiliary_head.in_index: found %d; the backbone has %d maps, "
            "counted from 0",
            dp_config_path(b->config), h->in_index, in->count);
    const size_t outer = dp_builder_enter(b, "convs.0.");
    dp_conv_build(b, &h->conv,
                  &(dp_conv_spec){.in = in->spec[h->in_index].channels,
                                  .out = h->channels,
                                  .kernel = 3,
                                  .stride = 1,
                                  .padding = 1,
                                  .name = "conv.",
                                  .norm = "bn.",
                                  .norm_eps = DP_BATCH_NORM_EPS,
                                  .activation = DP_ACTIVATION_RELU});
    dp_builder_leave(b, outer);
    dp_conv_build(b, &h->classifier,
                  &(dp_conv_spec){.in = h->channels,
                                  .out = h->num_classes,
                                  .kernel = 1,
                                  .stride = 1,
                                  .name = "conv_seg."});
    return b->status;
}

static int classes(const void *self)
{
    return ((const fcn_head *)self)->num_classes;
}

static dp_tensor forward(const void *self, dp_run *r, const dp_features *maps)
{
    const fcn_head *h = self;
    dp_tensor x = dp_conv_run(r, &h->conv, maps->map[h->in_index]); /* (N, h, w, C) */
    x = dp_tensor_dropout(r, x, h->dropout_ratio);
    x = dp_conv_run(r, &h->classifier, x); /* (N, h, w, K) */
    dp_run_trace(r, "aux_logits", x);
    return x;
}

const dp_decode_head_def dp_auxiliary_head_fcn = {
    .module = DP_MODULE(DP_MODULE_AUXILIARY_HEAD, "fcn",
                        "auxiliary head of a segmentor: a convolution and a classifier",
                        fcn_head, params, build),
    .classes = classes,
    .forward = forward,
};
