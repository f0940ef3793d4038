/* ResNet and ResNeXt for dense prediction: He et al. 2016, Xie et al. 2017; upstream's
 *  ResNet and ResNeXt of mmdet 2.11, under its tensor names, which are
 * torchvision's.
 *
 * Only the bottleneck block, of networks with 50 layers and more. Batch norm uses its
 * running statistics and is folded into the convolution before it.
 */
#include "backbone/backbone.h"
#include "ops/conv.h"
#include "ops/pooling.h"

#include <stdio.h>

enum {
    STAGES = 4,
    STEM = 4,     /* stride of the stem: convolution and pooling  */
    EXPANSION = 4 /* outputs of a block, in planes                */
};

/* Where a block halves its map. */
enum { STYLE_PYTORCH /* 3 x 3 */, STYLE_CAFFE /* first 1 x 1 */ };

/* y = relu(conv3(conv2(conv1(x))) + shortcut(x)) */
typedef struct bottleneck {
    dp_conv conv1, conv2, conv3;
    dp_conv shortcut; /* of a stage's first block; later ones add x itself */
} bottleneck;

typedef struct resnet {
    int depths[STAGES];
    int base_channels;
    int groups, base_width;
    int style;
    float norm_eps;

    dp_conv stem;
    bottleneck *blocks[STAGES]; /* depths[s] of them */
} resnet;

static const dp_param params[] = {
    DP_PARAM(resnet, depths, "[3, 4, 6, 3]", 1, 256, "blocks in each stage"),
    DP_PARAM(resnet, base_channels, "64", 1, 4096,
             "channels of the stem, and planes of the first stage"),
    DP_PARAM(resnet, groups, "1", 1, 1024,
             "groups of a 3 x 3 convolution; more than 1 is a ResNeXt"),
    DP_PARAM(resnet, base_width, "4", 1, 4096,
             "channels of a group in the first stage, of a ResNeXt"),
    DP_PARAM_CHOICE(resnet, style, "pytorch|caffe", "\"pytorch\"",
                    "a map is halved by the 3 x 3 or by the first 1 x 1 convolution"),
    DP_PARAM(resnet, norm_eps, "1e-5", 0, 1, "added to a variance"),
    DP_PARAM_END,
};

static const char *const map_names[STAGES] = {"stage1", "stage2", "stage3", "stage4"};

/* Channels of the output of stage s. */
static int channels_of(const resnet *net, int s)
{
    return EXPANSION * (net->base_channels << s);
}

/* Channels of the 3 x 3 convolutions of stage s. */
static int width_of(const resnet *net, int s)
{
    const int planes = net->base_channels << s;
    return net->groups == 1
               ? planes
               : planes * net->base_width / net->base_channels * net->groups;
}

/* A convolution and its batch norm, number i of a block. */
static void build_conv(const resnet *net, dp_builder *b, dp_conv *conv, int i,
                       dp_conv_spec spec)
{
    char name[24], norm[24];
    snprintf(name, sizeof name, "conv%d.", i);
    snprintf(norm, sizeof norm, "bn%d.", i);
    spec.name = name;
    spec.norm = norm;
    spec.norm_eps = net->norm_eps;
    spec.activation = DP_ACTIVATION_RELU;
    dp_conv_build(b, conv, &spec);
}

static void build_block(const resnet *net, dp_builder *b, int s, int i)
{
    bottleneck *block = &net->blocks[s][i];
    const int out = channels_of(net, s), width = width_of(net, s);
    const int in = i > 0 ? out : s > 0 ? channels_of(net, s - 1) : net->base_channels;
    const int stride = i == 0 && s > 0 ? 2 : 1;
    const int first = net->style == STYLE_CAFFE ? stride : 1;
    const size_t outer = dp_builder_enter(b, "layer%d.%d.", s + 1, i);
    build_conv(net, b, &block->conv1, 1,
               (dp_conv_spec){.in = in, .out = width, .kernel = 1, .stride = first});
    build_conv(net, b, &block->conv2, 2,
               (dp_conv_spec){.in = width,
                              .out = width,
                              .kernel = 3,
                              .stride = stride / first,
                              .padding = 1,
                              .groups = net->groups});
    build_conv(net, b, &block->conv3, 3,
               (dp_conv_spec){.in = width, .out = out, .kernel = 1, .stride = 1});
    if (i == 0)
        dp_conv_build(b, &block->shortcut,
                      &(dp_conv_spec){.in = in,
                                      .out = out,
                                      .kernel = 1,
                                      .stride = stride,
                                      .name = "downsample.0.",
                                      .norm = "downsample.1.",
                                      .norm_eps = net->norm_eps});
    dp_builder_leave(b, outer);
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    (void)in;
    resnet *net = self;
    if (width_of(net, 0) == 0)
        return dp_fail(b->err, DP_ECONFIG,
                       "backbone.base_width: found %d, expected at least 1 channel in "
                       "a group of the first stage's %d planes",
                       net->base_width, net->base_channels);
    build_conv(net, b, &net->stem, 1,
               (dp_conv_spec){.in = 3,
                              .out = net->base_channels,
                              .kernel = 7,
                              .stride = 2,
                              .padding = 3});
    for (int s = 0; s < STAGES; s++) {
        net->blocks[s] =
            dp_builder_take(b, (size_t)net->depths[s], sizeof *net->blocks[s]);
        if (!net->blocks[s])
            return b->status;
        for (int i = 0; i < net->depths[s]; i++)
            build_block(net, b, s, i);
    }
    return b->status;
}

static dp_feature_specs describe(const void *self)
{
    const resnet *net = self;
    dp_feature_specs specs = {.count = STAGES};
    for (int s = 0; s < STAGES; s++)
        specs.spec[s] = (dp_feature_spec){map_names[s], channels_of(net, s), STEM << s};
    return specs;
}

/* y of x; later blocks of a stage work in place, y is x. */
static void run_block(dp_run *r, const bottleneck *block, dp_tensor y, dp_tensor x,
                      bool first)
{
    const size_t mark = dp_run_mark(r);
    dp_tensor t = dp_conv_run(r, &block->conv1, x); /* (N, H, W, width) */
    t = dp_conv_run(r, &block->conv2, t);           /* (N, H, W, width) */
    if (first)
        dp_conv_run_into(r, &block->shortcut, y, x);
    dp_conv_run_add(r, &block->conv3, y, t); /* (N, H, W, 4 planes) */
    dp_run_rewind(r, mark);
}

/* Sides of the next stage: halves, rounded up. */
static int half(int size)
{
    return size / 2 + size % 2;
}

static dp_features forward(const void *self, dp_run *r, dp_tensor image)
{
    const resnet *net = self;
    const dp_feature_specs specs = describe(self);
    dp_features out = {.count = STAGES};
    int H = half(image.H), W = half(image.W);
    for (int s = 0; s < STAGES; s++) {
        H = half(H);
        W = half(W);
        out.spec[s] = specs.spec[s];
        out.map[s] = dp_run_tensor(r, image.N, H, W, specs.spec[s].channels);
    }

    const size_t mark = dp_run_mark(r);
    dp_tensor x = dp_conv_run(r, &net->stem, image); /* (N, H/2, W/2, base) */
    x = dp_pooling_max_run(r, x);                    /* (N, H/4, W/4, base) */
    for (int s = 0; s < STAGES; s++) {
        for (int i = 0; i < net->depths[s]; i++, x = out.map[s])
            run_block(r, &net->blocks[s][i], out.map[s], x, i == 0);
        dp_run_trace(r, out.spec[s].name, out.map[s]);
    }
    dp_run_rewind(r, mark);
    return out;
}

const dp_backbone_def dp_backbone_resnet = {
    .module = DP_MODULE(DP_MODULE_BACKBONE, "resnet",
                        "ResNet and ResNeXt, He et al. 2016, Xie et al. 2017", resnet,
                        params, build),
    .mark = "layer1.0.conv1.weight",
    .describe = describe,
    .forward = forward,
};
