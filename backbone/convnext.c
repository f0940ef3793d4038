/* ConvNeXt: Liu et al. 2022, "A ConvNet for the 2020s", and V2: Woo et al. 2023,
 * "Co-designing and Scaling ConvNets with Masked Autoencoders"; upstream's
 * models/convnext.py and models/convnextv2.py and, for dense prediction,
 * object_detection/mmdet/models/backbones/convnext.py, under their tensor names.
 *
 * For dense prediction each stage's map is normalised by an own norm on its way out; the
 * map that goes on to the next stage is not.
 */
#include "backbone/backbone.h"
#include "ops/arithmetic.h"
#include "ops/conv.h"
#include "ops/convnext_block.h"
#include "ops/layer_norm.h"

#include <stdio.h>

enum { STAGES = 4, STEM = 4 /* patch of the stem */ };

static const float eps = 1e-6f; /* of every norm; upstream's, not configurable there */

typedef struct convnext {
    int depths[STAGES];
    int dims[STAGES];
    bool layer_scale;
    bool grn;
    bool output_norms;

    struct {
        dp_conv downsample;
        dp_layer_norm downsample_norm; /* after the stem, before the others */
        dp_convnext_block *blocks;     /* depths[s] of them                 */
        dp_layer_norm output_norm;
    } stages[STAGES];
} convnext;

static const dp_param params[] = {
    DP_PARAM(convnext, depths, "[3, 3, 9, 3]", 1, 256, "blocks in each stage"),
    DP_PARAM(convnext, dims, "[96, 192, 384, 768]", 1, 16384, "channels of each stage"),
    DP_PARAM(convnext, layer_scale, "true", 0, 0, "blocks have a gamma; V2's do not"),
    DP_PARAM(convnext, grn, "false", 0, 0,
             "blocks have a global response normalisation: V2"),
    DP_PARAM(convnext, output_norms, "true", 0, 0,
             "normalise each stage's map on its way out; the classifiers do not"),
    DP_PARAM_END,
};

static const char *const map_names[STAGES] = {"stage1", "stage2", "stage3", "stage4"};

/* The stem is a convolution and then a norm; the later ones are a norm and then a
 * convolution. */
static void build_downsample(convnext *net, dp_builder *b, int s)
{
    const int norm = s == 0 ? 1 : 0;
    const int channels = s == 0 ? net->dims[0] : net->dims[s - 1];
    char conv_name[8], norm_name[8];
    snprintf(conv_name, sizeof conv_name, "%d.", 1 - norm);
    snprintf(norm_name, sizeof norm_name, "%d.", norm);

    const size_t outer = dp_builder_enter(b, "downsample_layers.%d.", s);
    const int side = s == 0 ? STEM : 2;
    dp_conv_build(b, &net->stages[s].downsample,
                  &(dp_conv_spec){.in = s == 0 ? 3 : channels,
                                  .out = net->dims[s],
                                  .kernel = side,
                                  .stride = side,
                                  .name = conv_name});
    dp_layer_norm_build(b, &net->stages[s].downsample_norm, norm_name, channels, eps);
    dp_builder_leave(b, outer);
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    (void)in;
    convnext *net = self;
    for (int s = 0; s < STAGES; s++) {
        build_downsample(net, b, s);
        net->stages[s].blocks =
            dp_builder_take(b, (size_t)net->depths[s], sizeof *net->stages[s].blocks);
        if (!net->stages[s].blocks)
            return b->status;
        for (int i = 0; i < net->depths[s]; i++) {
            const size_t outer = dp_builder_enter(b, "stages.%d.%d.", s, i);
            dp_convnext_block_build(
                b, &net->stages[s].blocks[i],
                &(dp_convnext_block_spec){.C = net->dims[s],
                                          .eps = eps,
                                          .layer_scale = net->layer_scale,
                                          .grn = net->grn});
            dp_builder_leave(b, outer);
        }
        char name[24];
        snprintf(name, sizeof name, "norm%d.", s);
        if (net->output_norms)
            dp_layer_norm_build(b, &net->stages[s].output_norm, name, net->dims[s],
                                eps);
    }
    return b->status;
}

static dp_feature_specs describe(const void *self)
{
    const convnext *net = self;
    dp_feature_specs specs = {.count = STAGES};
    for (int s = 0; s < STAGES; s++)
        specs.spec[s] = (dp_feature_spec){map_names[s], net->dims[s], STEM << s};
    return specs;
}

/* x (N, H, W, C of the stage before), overwritten, to the stage's input:
 * (N, H/4, W/4, C) by the stem, (N, H/2, W/2, C) later. */
static dp_tensor downsample(const convnext *net, dp_run *r, int s, dp_tensor x)
{
    const dp_layer_norm *norm = &net->stages[s].downsample_norm;
    if (s > 0)
        dp_layer_norm_run(r, norm, x, x);
    x = dp_conv_run(r, &net->stages[s].downsample, x);
    if (s == 0)
        dp_layer_norm_run(r, norm, x, x);
    return x;
}

/* The maps that outlive forward come first, so that the two that a stage works in can be
 * given back: each block reads one and writes the other. */
static dp_features forward(const void *self, dp_run *r, dp_tensor image)
{
    const convnext *net = self;
    const dp_feature_specs specs = describe(self);
    dp_features out = {.count = STAGES};
    int H = image.H, W = image.W;
    for (int s = 0; s < STAGES; s++) {
        dp_conv_output(&net->stages[s].downsample, H, W, &H, &W);
        out.spec[s] = specs.spec[s];
        out.map[s] = dp_run_tensor(r, image.N, H, W, net->dims[s]);
    }

    const size_t mark = dp_run_mark(r);
    dp_tensor x = image;
    for (int s = 0; s < STAGES; s++) {
        x = downsample(net, r, s, x);
        dp_tensor y = dp_run_tensor(r, x.N, x.H, x.W, x.C);
        for (int i = 0; i < net->depths[s]; i++) {
            dp_convnext_block_run(r, &net->stages[s].blocks[i], y, x);
            const dp_tensor swap = x;
            x = y;
            y = swap;
        }
        if (net->output_norms)
            dp_layer_norm_run(r, &net->stages[s].output_norm, out.map[s], x);
        else
            dp_tensor_copy(r, out.map[s], x);
        dp_run_trace(r, out.spec[s].name, out.map[s]);
    }
    dp_run_rewind(r, mark);
    return out;
}

const dp_backbone_def dp_backbone_convnext = {
    .module = DP_MODULE(DP_MODULE_BACKBONE, "convnext",
                        "ConvNeXt, Liu et al. 2022, and V2, Woo et al. 2023", convnext,
                        params, build),
    .mark = "stages.0.0.dwconv.weight",
    .describe = describe,
    .forward = forward,
};
