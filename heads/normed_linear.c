/* Classification head: a layer norm of each cell of the coarsest map, the mean over the
 * cells, and a linear layer to a logit a class; the end of upstream's Swin
 * Transformer.
 */
#include "heads/head.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/pooling.h"

static const float eps = 1e-5f; /* upstream's, not configurable there */

typedef struct normed_linear {
    int num_classes;

    dp_layer_norm norm;
    dp_linear head;
} normed_linear;

static const dp_param params[] = {
    DP_PARAM(normed_linear, num_classes, "1000", 1, DP_MAX_CLASSES, "classes"),
    DP_PARAM_END,
};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    normed_linear *head = self;
    const int C = in->spec[in->count - 1].channels;
    dp_layer_norm_build(b, &head->norm, "norm.", C, eps);
    dp_linear_build(
        b, &head->head,
        &(dp_linear_spec){.name = "head.", .in = C, .out = head->num_classes});
    return b->status;
}

static int classes(const void *self)
{
    return ((const normed_linear *)self)->num_classes;
}

static dp_tensor forward(const void *self, dp_run *r, const dp_features *maps)
{
    const normed_linear *head = self;
    const dp_tensor map = maps->map[maps->count - 1];
    const dp_tensor logits = dp_run_tensor(r, 1, 1, 1, head->num_classes);
    const size_t mark = dp_run_mark(r);
    const dp_tensor normed = dp_run_tensor(r, 1, map.H, map.W, map.C);
    dp_layer_norm_run(r, &head->norm, normed, map);
    const dp_tensor x = dp_pooling_average_run(r, normed, 1); /* (1, 1, 1, C) */
    dp_run_trace(r, "pooled", x);
    dp_linear_run_into(r, &head->head, logits, x, DP_ACTIVATION_NONE);
    dp_run_rewind(r, mark);
    dp_run_trace(r, "logits", logits); /* (1, 1, 1, K) */
    return logits;
}

const dp_class_head_def dp_class_head_normed_linear = {
    .module = {.kind = DP_MODULE_CLASS_HEAD,
               .name = "normed_linear",
               .summary = "classification head: layer norm, mean, linear layer",
               .size = sizeof(normed_linear),
               .params = params,
               .build = build},
    .classes = classes,
    .forward = forward,
};
