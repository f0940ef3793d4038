/* Classification heads: the mean of the coarsest map over its cells, and a linear layer to
 * a logit a class. A layer norm follows the mean in ConvNeXt and precedes it in Swin
 * Transformer; ResNet has none.
 */
#include "heads/head.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/pooling.h"

/* Upstream's, not configurable there. */
static const float eps_after = 1e-6f, eps_before = 1e-5f;

typedef struct class_head {
    int num_classes;
    bool norm; /* after the mean */

    bool norm_first; /* before the mean */
    dp_layer_norm layer_norm;
    dp_linear head;
} class_head;

static const dp_param normed_params[] = {
    DP_PARAM(class_head, num_classes, "1000", 1, DP_MAX_CLASSES, "classes"),
    DP_PARAM_END,
};

static const dp_param pooled_params[] = {
    DP_PARAM(class_head, num_classes, "1000", 1, DP_MAX_CLASSES, "classes"),
    DP_PARAM(class_head, norm, "true", 0, 0, "a layer norm follows the mean"),
    DP_PARAM_END,
};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    class_head *h = self;
    const int C = in->spec[in->count - 1].channels;
    h->norm_first = module == &dp_class_head_normed_linear.module;
    if (h->norm_first || h->norm)
        dp_layer_norm_build(b, &h->layer_norm, "norm.", C,
                            h->norm_first ? eps_before : eps_after);
    dp_linear_build(b, &h->head,
                    &(dp_linear_spec){.name = "head.", .in = C, .out = h->num_classes});
    return b->status;
}

static int classes(const void *self)
{
    return ((const class_head *)self)->num_classes;
}

static dp_tensor forward(const void *self, dp_run *r, const dp_features *maps)
{
    const class_head *h = self;
    const dp_tensor logits =
        dp_run_tensor(r, maps->map[maps->count - 1].N, 1, 1, h->num_classes);
    const size_t mark = dp_run_mark(r);
    dp_tensor x = maps->map[maps->count - 1]; /* (N, H, W, C) */
    if (h->norm_first) {
        const dp_tensor normed = dp_run_tensor(r, x.N, x.H, x.W, x.C);
        dp_layer_norm_run(r, &h->layer_norm, normed, x);
        x = normed;
    }
    x = dp_pooling_average_run(r, x, 1); /* (N, 1, 1, C) */
    if (h->norm)
        dp_layer_norm_run(r, &h->layer_norm, x, x);
    dp_run_trace(r, "pooled", x);
    dp_linear_run_into(r, &h->head, logits, x, DP_ACTIVATION_NONE);
    dp_run_rewind(r, mark);
    dp_run_trace(r, "logits", logits); /* (N, 1, 1, K) */
    return logits;
}

const dp_class_head_def dp_class_head_pooled_linear = {
    .module = DP_MODULE(DP_MODULE_CLASS_HEAD, "pooled_linear",
                        "classification head: mean, layer norm, linear layer",
                        class_head, pooled_params, build),
    .classes = classes,
    .forward = forward,
};

const dp_class_head_def dp_class_head_normed_linear = {
    .module = DP_MODULE(DP_MODULE_CLASS_HEAD, "normed_linear",
                        "classification head: layer norm, mean, linear layer",
                        class_head, normed_params, build),
    .classes = classes,
    .forward = forward,
};
