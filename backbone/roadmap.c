/* The road from ResNet to ConvNeXt: Liu et al. 2022, "A ConvNet for the 2020s", section 2
 * and appendix C, whose networks are settings of this one. configs/roadmap has a config a
 * step, each laid over the one before.
 *
 * A block has three convolutions, and y = activation(three of them + shortcut(x)):
 *
 *   1 x 1, k x k, 1 x 1     hidden channels C, outputs 4 C       ResNet
 *                           hidden channels 4 C, outputs C       inverted
 *   k x k, 1 x 1, 1 x 1     the k x k one on the block's inputs  depthwise_first
 *
 * with C = width, 2 width, 4 width, 8 width in the four stages. What the paper leaves open
 * is as follows: a norm, and no activation, after the patchify stem; a norm on projected
 * shortcuts, also with fewer norms; no biases before separate downsampling.
 *
 * Tensors. With separate downsampling they are ConvNeXt's: downsample_layers.S.I,
 * stages.S.I.NAME. Before it they are ResNet's, and convolutions are counted in the order in
 * which they run: conv1 and bn1 of the stem; in layerS.I (S from 1) conv1 to conv3 and
 * bn1 to bn3, downsample.0 and downsample.1 for shortcut and norm. A layer norm is ln1 in
 * the place of bn1. No weights were published of steps 1 to 12.
 */
#include "backbone/backbone.h"
#include "ops/arithmetic.h"
#include "ops/conv.h"
#include "ops/convnext_block.h"
#include "ops/depthwise.h"
#include "ops/layer_norm.h"
#include "ops/pooling.h"

#include <stdio.h>

enum { STAGES = 4, STEM = 4 /* stride of the stem */, EXPANSION = 4, LAYERS = 3 };

enum { STEM_POOLED /* 7 x 7, stride 2, and max pooling */, STEM_PATCHIFY /* 4 x 4 */ };
enum { ACTIVATION_RELU, ACTIVATION_GELU };
enum { NORM_BATCH, NORM_LAYER };

static const float layer_norm_eps = 1e-6f; /* ConvNeXt's, not configurable there */

typedef struct block {
    dp_conv conv[LAYERS]; /* in the order in which they run; one of them may be */
    dp_depthwise depthwise;
    dp_layer_norm norm; /* after the first */
    dp_conv shortcut;
    dp_layer_norm shortcut_norm;
} block;

typedef struct stage {
    block *blocks; /* depths[s] of them; with separate downsampling instead: */
    dp_convnext_block *convnext_blocks;
    dp_conv downsample; /* but for the first stage */
    dp_layer_norm downsample_norm;
    dp_layer_norm output_norm;
} stage;

typedef struct roadmap {
    int depths[STAGES];
    int width;
    int stem;
    bool depthwise, inverted, depthwise_first;
    int kernel_size;
    int activation;
    bool fewer_activations, fewer_norms;
    int norm;
    bool separate_downsampling, layer_scale, output_norms;

    dp_conv stem_conv;
    dp_layer_norm stem_norm;
    stage stages[STAGES];
} roadmap;

static const dp_param params[] = {
    DP_PARAM(roadmap, depths, "[3, 4, 6, 3]", 1, 256, "blocks in each stage"),
    DP_PARAM(roadmap, width, "64", 1, 4096,
             "channels of the stem; of the narrow side of the first stage's blocks"),
    DP_PARAM_CHOICE(roadmap, stem, "pooled|patchify", "\"pooled\"",
                    "7 x 7 of stride 2 and max pooling, or 4 x 4 of stride 4"),
    DP_PARAM(roadmap, depthwise, "false", 0, 0,
             "the k x k convolution of a block is depthwise"),
    DP_PARAM(roadmap, inverted, "false", 0, 0,
             "a block is wide in its middle, not at its ends"),
    DP_PARAM(roadmap, depthwise_first, "false", 0, 0,
             "the k x k convolution is a block's first, not its second"),
    DP_PARAM(roadmap, kernel_size, "3", 1, 31, "k, odd"),
    DP_PARAM_CHOICE(roadmap, activation, "relu|gelu", "\"relu\"", "all of them"),
    DP_PARAM(roadmap, fewer_activations, "false", 0, 0,
             "a block has one, after its second convolution"),
    DP_PARAM(roadmap, fewer_norms, "false", 0, 0,
             "a block has one, after its first convolution"),
    DP_PARAM_CHOICE(roadmap, norm, "bn|ln", "\"bn\"", "batch norm or layer norm"),
    DP_PARAM(roadmap, separate_downsampling, "false", 0, 0,
             "maps are halved between the stages, not in the first block: ConvNeXt"),
    DP_PARAM(roadmap, layer_scale, "false", 0, 0, "blocks have a gamma"),
    DP_PARAM(roadmap, output_norms, "false", 0, 0,
             "normalise each stage's map on its way out"),
    DP_PARAM_END,
};

static const char *const map_names[STAGES] = {"stage1", "stage2", "stage3", "stage4"};

/* ---- what follows from the settings ---------------------------------------------- */

/* Hidden channels and outputs of a block of stage s. */
static int hidden_of(const roadmap *net, int s)
{
    return (net->width << s) * (net->inverted ? EXPANSION : 1);
}

static int outputs_of(const roadmap *net, int s)
{
    return (net->width << s) * (net->inverted ? 1 : EXPANSION);
}

/* Inputs of block i of stage s. */
static int inputs_of(const roadmap *net, int s, int i)
{
    return i > 0 ? outputs_of(net, s) : s > 0 ? outputs_of(net, s - 1) : net->width;
}

static int stride_of(int s, int i)
{
    return s > 0 && i == 0 ? 2 : 1;
}

/* Whether its shortcut is a convolution. */
static bool is_projected(const roadmap *net, int s, int i)
{
    return i == 0 && (s > 0 || inputs_of(net, 0, 0) != outputs_of(net, 0));
}

/* Which of a block's convolutions is k x k, from 0. */
static int spatial_of(const roadmap *net)
{
    return net->depthwise_first ? 0 : 1;
}

static dp_activation activation_of(const roadmap *net)
{
    return net->activation == ACTIVATION_GELU ? DP_ACTIVATION_GELU : DP_ACTIVATION_RELU;
}

/* Convolution n of a block, from 0, without its names. */
static dp_conv_spec layer_of(const roadmap *net, int s, int i, int n)
{
    const int in = inputs_of(net, s, i), hidden = hidden_of(net, s);
    const int widths[LAYERS + 1] = {in, net->depthwise_first ? in : hidden, hidden,
                                    outputs_of(net, s)};
    const bool spatial = n == spatial_of(net), active = n == 1;
    return (dp_conv_spec){.in = widths[n],
                          .out = widths[n + 1],
                          .kernel = spatial ? net->kernel_size : 1,
                          .stride = spatial ? stride_of(s, i) : 1,
                          .padding = spatial ? net->kernel_size / 2 : 0,
                          .activation = active || !net->fewer_activations
                                            ? activation_of(net)
                                            : DP_ACTIVATION_NONE};
}

/* Settings that only make sense with others, and these. */
static dp_status check_settings(dp_error *err, const roadmap *net)
{
    const bool last = net->separate_downsampling;
    const bool single = net->fewer_activations && net->fewer_norms;
    const struct {
        bool refused;
        const char *key, *found, *needed;
    } rules[] = {
        {net->depthwise_first && !net->depthwise, "depthwise_first", "true",
         "false without depthwise"},
        {net->norm == NORM_LAYER && !(single && net->stem == STEM_PATCHIFY), "norm",
         "\"ln\"",
         "\"bn\" without fewer_activations, fewer_norms and the stem \"patchify\""},
        {last && !(net->norm == NORM_LAYER && net->inverted && net->depthwise_first &&
                   net->activation == ACTIVATION_GELU && net->kernel_size == 7),
         "separate_downsampling", "true",
         "false without inverted, depthwise_first, the kernel_size 7, the activation "
         "\"gelu\" and the norm \"ln\""},
        {net->layer_scale && !last, "layer_scale", "true",
         "false without separate_downsampling"},
        {net->output_norms && !last, "output_norms", "true",
         "false without separate_downsampling"},
    };
    if (net->kernel_size % 2 == 0)
        return dp_fail(err, DP_ECONFIG,
                       "backbone.kernel_size: found %d, expected an odd number",
                       net->kernel_size);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].refused)
            return dp_fail(err, DP_ECONFIG, "backbone.%s: found %s, expected %s",
                           rules[i].key, rules[i].found, rules[i].needed);
    return DP_OK;
}

/* ---- build: blocks that halve their maps themselves ------------------------------ */

/* A convolution without a bias; with spec.norm, the scope of its norm, either a batch norm
 * that is folded into it, or a layer norm. */
static void build_conv(const roadmap *net, dp_builder *b, dp_conv *conv,
                       dp_layer_norm *norm, dp_conv_spec spec)
{
    const char *scope = spec.norm;
    spec.norm_eps = DP_BATCH_NORM_EPS;
    if (net->norm == NORM_LAYER)
        spec.norm = NULL;
    spec.no_bias = !spec.norm;
    dp_conv_build(b, conv, &spec);
    if (scope && net->norm == NORM_LAYER)
        dp_layer_norm_build(b, norm, scope, spec.out, layer_norm_eps);
}

/* The same of a depthwise one. */
static void build_depthwise(const roadmap *net, dp_builder *b, dp_depthwise *d,
                            dp_layer_norm *norm, dp_conv_spec spec)
{
    const bool batch = net->norm == NORM_BATCH;
    dp_depthwise_build(b, d,
                       &(dp_depthwise_spec){.C = spec.in,
                                            .kernel = spec.kernel,
                                            .stride = spec.stride,
                                            .name = spec.name,
                                            .norm = batch ? spec.norm : NULL,
                                            .norm_eps = DP_BATCH_NORM_EPS,
                                            .activation = spec.activation});
    if (spec.norm && !batch)
        dp_layer_norm_build(b, norm, spec.norm, spec.in, layer_norm_eps);
}

static void build_stem(roadmap *net, dp_builder *b)
{
    const bool pooled = net->stem == STEM_POOLED;
    build_conv(
        net, b, &net->stem_conv, &net->stem_norm,
        (dp_conv_spec){.in = 3,
                       .out = net->width,
                       .kernel = pooled ? 7 : STEM,
                       .stride = pooled ? 2 : STEM,
                       .padding = pooled ? 3 : 0,
                       .name = "conv1.",
                       .norm = net->norm == NORM_BATCH ? "bn1." : "ln1.",
                       .activation = pooled ? activation_of(net) : DP_ACTIVATION_NONE});
}

static void build_block(roadmap *net, dp_builder *b, int s, int i)
{
    block *k = &net->stages[s].blocks[i];
    const size_t outer = dp_builder_enter(b, "layer%d.%d.", s + 1, i);
    for (int n = 0; n < LAYERS; n++) {
        char name[24], norm[24];
        snprintf(name, sizeof name, "conv%d.", n + 1);
        snprintf(norm, sizeof norm, "%s%d.", net->norm == NORM_BATCH ? "bn" : "ln",
                 n + 1);
        dp_conv_spec spec = layer_of(net, s, i, n);
        spec.name = name;
        spec.norm = n == 0 || !net->fewer_norms ? norm : NULL;
        if (net->depthwise && n == spatial_of(net))
            build_depthwise(net, b, &k->depthwise, &k->norm, spec);
        else
            build_conv(net, b, &k->conv[n], &k->norm, spec);
    }
    if (is_projected(net, s, i))
        build_conv(net, b, &k->shortcut, &k->shortcut_norm,
                   (dp_conv_spec){.in = inputs_of(net, s, i),
                                  .out = outputs_of(net, s),
                                  .kernel = 1,
                                  .stride = stride_of(s, i),
                                  .name = "downsample.0.",
                                  .norm = "downsample.1."});
    dp_builder_leave(b, outer);
}

static void build_stage(roadmap *net, dp_builder *b, int s)
{
    const size_t depth = (size_t)net->depths[s];
    net->stages[s].blocks = dp_builder_take(b, depth, sizeof *net->stages[s].blocks);
    for (int i = 0; i < net->depths[s] && net->stages[s].blocks; i++)
        build_block(net, b, s, i);
}

/* ---- build: ConvNeXt ------------------------------------------------------------- */

/* The stem is a convolution and then a norm; the later ones are a norm and then a
 * convolution. */
static void build_downsample(roadmap *net, dp_builder *b, int s)
{
    const bool first = s == 0;
    const int side = first ? STEM : 2, in = first ? 3 : outputs_of(net, s - 1);
    const size_t outer = dp_builder_enter(b, "downsample_layers.%d.", s);
    dp_conv_build(b, first ? &net->stem_conv : &net->stages[s].downsample,
                  &(dp_conv_spec){.in = in,
                                  .out = outputs_of(net, s),
                                  .kernel = side,
                                  .stride = side,
                                  .name = first ? "0." : "1."});
    dp_layer_norm_build(b, first ? &net->stem_norm : &net->stages[s].downsample_norm,
                        first ? "1." : "0.", first ? net->width : in, layer_norm_eps);
    dp_builder_leave(b, outer);
}

static void build_convnext_stage(roadmap *net, dp_builder *b, int s)
{
    const size_t depth = (size_t)net->depths[s];
    dp_convnext_block *blocks = dp_builder_take(b, depth, sizeof *blocks);
    build_downsample(net, b, s);
    for (int i = 0; i < net->depths[s] && blocks; i++) {
        const size_t outer = dp_builder_enter(b, "stages.%d.%d.", s, i);
        dp_convnext_block_build(
            b, &blocks[i],
            &(dp_convnext_block_spec){.C = outputs_of(net, s),
                                      .eps = layer_norm_eps,
                                      .layer_scale = net->layer_scale});
        dp_builder_leave(b, outer);
    }
    net->stages[s].convnext_blocks = blocks;
    char name[24];
    snprintf(name, sizeof name, "norm%d.", s);
    if (net->output_norms)
        dp_layer_norm_build(b, &net->stages[s].output_norm, name, outputs_of(net, s),
                            layer_norm_eps);
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    (void)in;
    roadmap *net = self;
    const dp_status st = check_settings(b->err, net);
    if (st != DP_OK)
        return st;
    if (!net->separate_downsampling)
        build_stem(net, b);
    for (int s = 0; s < STAGES && b->status == DP_OK; s++)
        if (net->separate_downsampling)
            build_convnext_stage(net, b, s);
        else
            build_stage(net, b, s);
    return b->status;
}

static dp_feature_specs describe(const void *self)
{
    const roadmap *net = self;
    dp_feature_specs specs = {.count = STAGES};
    for (int s = 0; s < STAGES; s++)
        specs.spec[s] = (dp_feature_spec){map_names[s], outputs_of(net, s), STEM << s};
    return specs;
}

/* ---- forward --------------------------------------------------------------------- */

/* Convolution n of a block, with what follows it. */
static dp_tensor run_layer(const roadmap *net, dp_run *r, const block *k, int n,
                           dp_tensor x)
{
    x = net->depthwise && n == spatial_of(net) ? dp_depthwise_run(r, &k->depthwise, x)
                                               : dp_conv_run(r, &k->conv[n], x);
    if (n == 0 && net->norm == NORM_LAYER)
        dp_layer_norm_run(r, &k->norm, x, x);
    return x;
}

/* y of x; the later blocks of a stage work in place, y is x. */
static void run_block(const roadmap *net, dp_run *r, int s, int i, dp_tensor y,
                      dp_tensor x)
{
    const block *k = &net->stages[s].blocks[i];
    const size_t mark = dp_run_mark(r);
    dp_tensor t = run_layer(net, r, k, 0, x); /* (N, H or its half, ., hidden or in) */
    t = run_layer(net, r, k, 1, t);           /* (N, H', W', hidden)                 */
    if (is_projected(net, s, i)) {
        dp_conv_run_into(r, &k->shortcut, y, x);
        if (net->norm == NORM_LAYER)
            dp_layer_norm_run(r, &k->shortcut_norm, y, y);
    } else if (i == 0) {
        dp_tensor_copy(r, y, x);
    }
    dp_conv_run_add(r, &k->conv[2], y, t); /* (N, H', W', outputs) */
    dp_run_rewind(r, mark);
}

/* image to (N, H/4, W/4, width): rounded up when pooled, down by patches. */
static dp_tensor run_stem(const roadmap *net, dp_run *r, dp_tensor image)
{
    dp_tensor x = dp_conv_run(r, &net->stem_conv, image);
    if (net->norm == NORM_LAYER)
        dp_layer_norm_run(r, &net->stem_norm, x, x);
    return net->stem == STEM_POOLED ? dp_pooling_max_run(r, x) : x;
}

/* ConvNeXt's: into `out`, normed there or not; what goes on is returned. */
static dp_tensor run_convnext_stage(const roadmap *net, dp_run *r, int s, dp_tensor out,
                                    dp_tensor x)
{
    const stage *k = &net->stages[s];
    if (s > 0) {
        dp_layer_norm_run(r, &k->downsample_norm, x, x);
        x = dp_conv_run(r, &k->downsample, x);
    }
    dp_tensor y = dp_run_tensor(r, x.N, x.H, x.W, x.C);
    for (int i = 0; i < net->depths[s]; i++) {
        dp_convnext_block_run(r, &k->convnext_blocks[i], y, x);
        const dp_tensor swap = x;
        x = y;
        y = swap;
    }
    if (net->output_norms)
        dp_layer_norm_run(r, &k->output_norm, out, x);
    else
        dp_tensor_copy(r, out, x);
    return x;
}

/* Sides of the map of stage s from those of the one before, or of the image. */
static void map_sides(const roadmap *net, int s, int *H, int *W)
{
    const bool pooled = s == 0 && net->stem == STEM_POOLED;
    if (s == 0)
        dp_conv_output(&net->stem_conv, *H, *W, H, W);
    else if (net->separate_downsampling)
        dp_conv_output(&net->stages[s].downsample, *H, *W, H, W);
    if (pooled || (s > 0 && !net->separate_downsampling)) {
        *H = *H / 2 + *H % 2;
        *W = *W / 2 + *W % 2;
    }
}

static dp_features forward(const void *self, dp_run *r, dp_tensor image)
{
    const roadmap *net = self;
    const dp_feature_specs specs = describe(self);
    dp_features out = {.count = STAGES};
    int H = image.H, W = image.W;
    for (int s = 0; s < STAGES; s++) {
        map_sides(net, s, &H, &W);
        out.spec[s] = specs.spec[s];
        out.map[s] = dp_run_tensor(r, image.N, H, W, specs.spec[s].channels);
    }

    const size_t mark = dp_run_mark(r);
    dp_tensor x = run_stem(net, r, image);
    for (int s = 0; s < STAGES; s++) {
        if (net->separate_downsampling)
            x = run_convnext_stage(net, r, s, out.map[s], x);
        else
            for (int i = 0; i < net->depths[s]; i++, x = out.map[s])
                run_block(net, r, s, i, out.map[s], x);
        dp_run_trace(r, out.spec[s].name, out.map[s]);
    }
    dp_run_rewind(r, mark);
    return out;
}

const dp_backbone_def dp_backbone_roadmap = {
    .module = DP_MODULE(DP_MODULE_BACKBONE, "roadmap",
                        "the steps from ResNet to ConvNeXt, Liu et al. 2022", roadmap,
                        params, build),
    .describe = describe,
    .forward = forward,
};
