/* A small box head, as docs/adding-a-module.md says how: the mean of each region's window,
 * then two predictors. */
#include "tests/toy/toy_modules.h"

#include "heads/roi_features.h"
#include "ops/linear.h"
#include "ops/pooling.h"

enum { SIDE = 3 };

typedef struct mean_box {
    int num_classes; /* K */

    dp_linear cls, reg;
} mean_box;

static const dp_param params[] = {
    DP_PARAM(mean_box, num_classes, "80", 1, 65535, "classes, without the background"),
    DP_PARAM_END,
};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    mean_box *head = self;
    const int C = in->spec[0].channels, K = head->num_classes;
    dp_linear_build(b, &head->cls,
                    &(dp_linear_spec){.name = "cls.", .in = C, .out = K + 1});
    dp_linear_build(b, &head->reg,
                    &(dp_linear_spec){.name = "reg.", .in = C, .out = 4 * K});
    return b->status;
}

static int classes(const void *self)
{
    return ((const mean_box *)self)->num_classes;
}

static dp_box_predictions forward(const void *self, dp_run *r, const dp_frame *frame,
                                  const dp_features *maps, dp_box *rois, int count)
{
    (void)frame;
    const mean_box *head = self;
    const int K = head->num_classes;
    dp_box_predictions out = {.count = count, .rois = rois, .stds = {1, 1, 1, 1}};
    out.logits = dp_run_tensor(r, count, 1, 1, K + 1);
    out.deltas = dp_run_tensor(r, count, 1, 1, 4 * K);

    const size_t mark = dp_run_mark(r);
    const dp_tensor x = dp_pooling_average_run(
        r, dp_roi_features_run(r, dp_box_head_mean.rules, maps, SIDE, rois, count), 1);
    dp_linear_run_into(r, &head->cls, out.logits, x, DP_ACTIVATION_NONE);
    dp_linear_run_into(r, &head->reg, out.deltas, x, DP_ACTIVATION_NONE);
    dp_run_rewind(r, mark);
    return out;
}

const dp_box_head_def dp_box_head_mean = {
    .module = DP_MODULE(DP_MODULE_BOX_HEAD, "mean", "mean of each region's window",
                        mean_box, params, build),
    .rules = &dp_rules_mmdetection,
    .classes = classes,
    .forward = forward,
};
