/* Swin Transformer: Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer
 * using Shifted Windows"; upstream's mmdet/models/backbones/swin_transformer.py and,
 * for classification, models/swin_transformer.py, under their tensor names.
 *
 * For dense prediction each stage's map is normalised by an own norm on its way out; the
 * map that goes on to the next stage is not. Every second block shifts its windows, here
 * also where one window covers the whole map.
 */
#include "backbone/backbone.h"
#include "ops/arithmetic.h"
#include "ops/conv.h"
#include "ops/layer_norm.h"
#include "ops/layout.h"
#include "ops/mlp.h"
#include "ops/patch_merging.h"
#include "ops/window_attention.h"

#include <stdio.h>

enum { STAGES = 4, PATCH = 4 /* side of the stem's */ };

static const float eps = 1e-5f; /* of every norm; upstream's */

typedef struct block {
    dp_window_attention attention;
    dp_mlp mlp;
} block;

typedef struct swin {
    int embed_dim;
    int depths[STAGES];
    int num_heads[STAGES];
    int window_size;
    bool shift_single_window;
    bool output_norms;

    dp_conv patch_embed;
    dp_layer_norm patch_norm;
    struct {
        block *blocks; /* depths[s] of them */
        dp_layer_norm output_norm;
        dp_patch_merging downsample; /* to the next stage; the last has none */
    } stages[STAGES];
} swin;

static const dp_param params[] = {
    DP_PARAM(swin, embed_dim, "96", 1, 2048,
             "channels of the first stage; each later one has twice as many"),
    DP_PARAM(swin, depths, "[2, 2, 6, 2]", 1, 256, "blocks in each stage"),
    DP_PARAM(swin, num_heads, "[3, 6, 12, 24]", 1, 1024,
             "heads of attention in each stage; they divide its channels"),
    DP_PARAM(swin, window_size, "7", 2, DP_WINDOW_MAX_SIDE,
             "side of a window, in cells"),
    DP_PARAM(swin, shift_single_window, "true", 0, 0,
             "shift windows also where one is as large as the map, or larger; the "
             "classifiers do not"),
    DP_PARAM(swin, output_norms, "true", 0, 0,
             "normalise each stage's map on its way out; the classifiers do not"),
    DP_PARAM_END,
};

static const char *const map_names[STAGES] = {"stage1", "stage2", "stage3", "stage4"};

static int channels(const swin *net, int s)
{
    return net->embed_dim << s;
}

static void build_blocks(swin *net, dp_builder *b, int s)
{
    block *blocks = dp_builder_take(b, (size_t)net->depths[s], sizeof *blocks);
    net->stages[s].blocks = blocks;
    for (int i = 0; i < net->depths[s] && blocks; i++) {
        const size_t outer = dp_builder_enter(b, "blocks.%d.", i);
        const dp_window_attention_spec spec = {.C = channels(net, s),
                                               .heads = net->num_heads[s],
                                               .side = net->window_size,
                                               .eps = eps};
        dp_window_attention_build(b, &blocks[i].attention, &spec);
        dp_mlp_build(b, &blocks[i].mlp, spec.C, eps);
        dp_builder_leave(b, outer);
    }
}

static void build_stage(swin *net, dp_builder *b, int s)
{
    const size_t outer = dp_builder_enter(b, "layers.%d.", s);
    build_blocks(net, b, s);
    if (s + 1 < STAGES) {
        const size_t inner = dp_builder_enter(b, "downsample.");
        dp_patch_merging_build(b, &net->stages[s].downsample, channels(net, s), eps);
        dp_builder_leave(b, inner);
    }
    dp_builder_leave(b, outer);

    char name[24];
    snprintf(name, sizeof name, "norm%d.", s);
    if (net->output_norms)
        dp_layer_norm_build(b, &net->stages[s].output_norm, name, channels(net, s),
                            eps);
}

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    (void)in;
    swin *net = self;
    for (int s = 0; s < STAGES; s++)
        if (channels(net, s) % net->num_heads[s] != 0)
            return dp_fail(
                b->err, DP_ECONFIG,
                "backbone.num_heads: found %d in stage %d, expected a divisor "
                "of its %d channels",
                net->num_heads[s], s, channels(net, s));

    const size_t outer = dp_builder_enter(b, "patch_embed.");
    dp_conv_build(b, &net->patch_embed,
                  &(dp_conv_spec){.in = 3,
                                  .out = net->embed_dim,
                                  .kernel = PATCH,
                                  .stride = PATCH,
                                  .name = "proj."});
    dp_layer_norm_build(b, &net->patch_norm, "norm.", net->embed_dim, eps);
    dp_builder_leave(b, outer);
    for (int s = 0; s < STAGES; s++)
        build_stage(net, b, s);
    return b->status;
}

static dp_feature_specs describe(const void *self)
{
    const swin *net = self;
    dp_feature_specs specs = {.count = STAGES};
    for (int s = 0; s < STAGES; s++)
        specs.spec[s] = (dp_feature_spec){map_names[s], channels(net, s), PATCH << s};
    return specs;
}

/* The image, continued below and to the right by zeros until patches fill it. */
static dp_tensor fill_patches(dp_run *r, dp_tensor image)
{
    const int H = (image.H + PATCH - 1) / PATCH * PATCH;
    const int W = (image.W + PATCH - 1) / PATCH * PATCH;
    return H == image.H && W == image.W ? image : dp_tensor_pad(r, image, H, W);
}

/* In place. */
static void run_blocks(const swin *net, dp_run *r, int s, dp_tensor x)
{
    const int smaller = x.H < x.W ? x.H : x.W;
    const bool shifts = net->shift_single_window || smaller > net->window_size;
    for (int i = 0; i < net->depths[s]; i++) {
        const block *b = &net->stages[s].blocks[i];
        dp_window_attention_run(r, &b->attention, x,
                                shifts && i % 2 ? net->window_size / 2 : 0);
        dp_mlp_run(r, &b->mlp, x);
    }
}

/* The maps that outlive forward come first. */
static dp_features forward(const void *self, dp_run *r, dp_tensor image)
{
    const swin *net = self;
    const dp_feature_specs specs = describe(self);
    dp_features out = {.count = STAGES};
    int H = (image.H + PATCH - 1) / PATCH, W = (image.W + PATCH - 1) / PATCH;
    for (int s = 0; s < STAGES; s++, H = (H + 1) / 2, W = (W + 1) / 2) {
        out.spec[s] = specs.spec[s];
        out.map[s] = dp_run_tensor(r, image.N, H, W, channels(net, s));
    }

    const size_t mark = dp_run_mark(r);
    dp_tensor x = dp_conv_run(r, &net->patch_embed, fill_patches(r, image));
    dp_layer_norm_run(r, &net->patch_norm, x, x);
    for (int s = 0; s < STAGES; s++) {
        run_blocks(net, r, s, x);
        if (net->output_norms)
            dp_layer_norm_run(r, &net->stages[s].output_norm, out.map[s], x);
        else
            dp_tensor_copy(r, out.map[s], x);
        dp_run_trace(r, out.spec[s].name, out.map[s]);
        if (s + 1 < STAGES) {
            const dp_tensor next = out.map[s + 1];
            const dp_tensor y = dp_run_tensor(r, x.N, next.H, next.W, next.C);
            dp_patch_merging_run(r, &net->stages[s].downsample, y, x);
            x = y;
        }
    }
    dp_run_rewind(r, mark);
    return out;
}

const dp_backbone_def dp_backbone_swin = {
    .module = DP_MODULE(DP_MODULE_BACKBONE, "swin", "Swin Transformer, Liu et al. 2021",
                        swin, params, build),
    .mark = "patch_embed.proj.weight",
    .block_branches = 2, /* attention and MLP */
    .least_side = 1,     /* patches and merging fill up what is missing */
    .describe = describe,
    .forward = forward,
};
