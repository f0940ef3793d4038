/* A small backbone with a block of its own, as docs/adding-a-module.md says how. A stage is
 * a convolution that makes the map smaller, then a gated block:
 *
 *   y = x + relu(depthwise(x)) * gelu(gate(mean of x over its cells))
 */
#include "tests/toy/toy_modules.h"

#include "ops/arithmetic.h"
#include "ops/conv.h"
#include "ops/depthwise.h"
#include "ops/linear.h"
#include "ops/pooling.h"

#include <stdio.h>

enum { STAGES = 4, STEM = 4 };

typedef struct toy {
    int dims[STAGES];

    dp_conv down[STAGES];
    dp_depthwise taps[STAGES]; /* 5 x 5 */
    dp_linear gate[STAGES];
} toy;

static const dp_param params[] = {
    DP_PARAM(toy, dims, "[8, 16, 24, 32]", 1, 4096, "channels of each stage"),
    DP_PARAM_END,
};

static const char *const map_names[STAGES] = {"stage1", "stage2", "stage3", "stage4"};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    toy *net = self;
    for (int s = 0; s < STAGES; s++) {
        const int side = s == 0 ? STEM : 2, C = net->dims[s];
        const size_t outer = dp_builder_enter(b, "stages.%d.", s);
        dp_conv_build(b, &net->down[s],
                      &(dp_conv_spec){.in = s ? net->dims[s - 1] : in->spec[0].channels,
                                      .out = C,
                                      .kernel = side,
                                      .stride = side,
                                      .name = "down."});
        dp_depthwise_build(b, &net->taps[s],
                           &(dp_depthwise_spec){.C = C,
                                                .kernel = 5,
                                                .stride = 1,
                                                .name = "taps.",
                                                .activation = DP_ACTIVATION_RELU});
        dp_linear_build(b, &net->gate[s],
                        &(dp_linear_spec){.name = "gate.", .in = C, .out = C});
        dp_builder_leave(b, outer);
    }
    return b->status;
}

static dp_feature_specs describe(const void *self)
{
    const toy *net = self;
    dp_feature_specs specs = {.count = STAGES};
    for (int s = 0; s < STAGES; s++)
        specs.spec[s] = (dp_feature_spec){map_names[s], net->dims[s], STEM << s};
    return specs;
}

static dp_tensor run_block(const toy *net, dp_run *r, int s, dp_tensor x)
{
    const dp_tensor mean = dp_pooling_average_run(r, x, 1); /* (1, 1, 1, C) */
    const dp_tensor gate = dp_linear_run(r, &net->gate[s], mean, DP_ACTIVATION_GELU);
    const dp_tensor y = dp_depthwise_run(r, &net->taps[s], x); /* (1, H, W, C) */
    return dp_tensor_add(r, x, dp_tensor_multiply(r, y, gate));
}

static dp_features forward(const void *self, dp_run *r, dp_tensor image)
{
    const toy *net = self;
    const dp_feature_specs specs = describe(self);
    dp_features out = {.count = STAGES};
    for (int s = 0; s < STAGES; s++) {
        out.spec[s] = specs.spec[s];
        out.map[s] = dp_conv_run(r, &net->down[s], s ? out.map[s - 1] : image);
        const size_t mark = dp_run_mark(r);
        dp_tensor_copy(r, out.map[s], run_block(net, r, s, out.map[s]));
        dp_run_rewind(r, mark);
        dp_run_trace(r, out.spec[s].name, out.map[s]);
    }
    return out;
}

const dp_backbone_def dp_backbone_toy = {
    .module = DP_MODULE(DP_MODULE_BACKBONE, "toy", "a gated block a stage", toy, params,
                        build),
    .mark = "stages.0.down.weight",
    .describe = describe,
    .forward = forward,
};
