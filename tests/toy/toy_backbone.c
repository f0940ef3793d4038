/* The smallest backbone that there can be, as docs/adding-a-module.md says how: a
 * convolution a stage, each halving the map. */
#include "tests/toy/toy_backbone.h"

#include "ops/conv.h"

#include <stdio.h>

enum { STAGES = 4, STEM = 4 };

typedef struct toy {
    int dims[STAGES];

    dp_conv stages[STAGES];
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
    (void)in;
    toy *net = self;
    for (int s = 0; s < STAGES; s++) {
        const int side = s == 0 ? STEM : 2;
        char name[16];
        snprintf(name, sizeof name, "convs.%d.", s);
        dp_conv_build(b, &net->stages[s],
                      &(dp_conv_spec){.in = s == 0 ? 3 : net->dims[s - 1],
                                      .out = net->dims[s],
                                      .kernel = side,
                                      .stride = side,
                                      .name = name,
                                      .activation = DP_ACTIVATION_RELU});
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

static dp_features forward(const void *self, dp_run *r, dp_tensor image)
{
    const toy *net = self;
    const dp_feature_specs specs = describe(self);
    dp_features out = {.count = STAGES};
    for (int s = 0; s < STAGES; s++) {
        out.spec[s] = specs.spec[s];
        out.map[s] = image =
            dp_conv_run(r, &net->stages[s], image); /* (1, H/2, W/2, C) */
        dp_run_trace(r, out.spec[s].name, out.map[s]);
    }
    return out;
}

const dp_backbone_def dp_backbone_toy = {
    .module = DP_MODULE(DP_MODULE_BACKBONE, "toy", "a convolution a stage", toy, params,
                        build),
    .mark = "convs.0.weight",
    .describe = describe,
    .forward = forward,
};
