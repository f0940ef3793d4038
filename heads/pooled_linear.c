/* Classification head: the mean of the coarsest map over its cells, a layer norm, and a
 * linear layer to a logit a class; the end of upstream's ConvNeXt, and without the norm
 * of ResNet.
 */
#include "heads/head.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/pooling.h"

static const float eps = 1e-6f; /* upstream's, not configurable there */

typedef struct pooled_linear {
    int num_classes;
    bool norm;

    dp_layer_norm layer_norm;
    dp_linear head;
} pooled_linear;

static const dp_param params[] = {
    DP_PARAM(pooled_linear, num_classes, "1000", 1, DP_MAX_CLASSES, "classes"),
    DP_PARAM(pooled_linear, norm, "true", 0, 0, "a layer norm follows the mean"),
    DP_PARAM_END,
};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    pooled_linear *head = self;
    const int C = in->spec[in->count - 1].channels;
    if (head->norm)
        dp_layer_norm_build(b, &head->layer_norm, "norm.", C, eps);
    dp_linear_build(
        b, &head->head,
        &(dp_linear_spec){.name = "head.", .in = C, .out = head->num_classes});
    return b->status;
}

static int classes(const void *self)
{
    return ((const pooled_linear *)self)->num_classes;
}

static dp_tensor forward(const void *self, dp_run *r, const dp_features *maps)
{
    const pooled_linear *head = self;
    const dp_tensor logits = dp_run_tensor(r, 1, 1, 1, head->num_classes);
    const size_t mark = dp_run_mark(r);
    const dp_tensor x =
        dp_pooling_average_run(r, maps->map[maps->count - 1], 1); /* (1, 1, 1, C) */
    if (head->norm)
        dp_layer_norm_run(r, &head->layer_norm, x, x);
    dp_run_trace(r, "pooled", x);
    dp_linear_run_into(r, &head->head, logits, x, DP_ACTIVATION_NONE);
    dp_run_rewind(r, mark);
    dp_run_trace(r, "logits", logits); /* (1, 1, 1, K) */
    return logits;
}

const dp_class_head_def dp_class_head_pooled_linear = {
    .module = {.kind = DP_MODULE_CLASS_HEAD,
               .name = "pooled_linear",
               .summary = "classification head: mean, layer norm, linear layer",
               .size = sizeof(pooled_linear),
               .params = params,
               .build = build},
    .classes = classes,
    .forward = forward,
};
