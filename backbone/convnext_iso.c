/* Isotropic ConvNeXt: Liu et al. 2022, section 3.3; upstream's
 * models/convnext_isotropic.py, under its tensor names. Patches of 16 x 16 pixels, then
 * equal blocks at one size: one map, which is not normalised.
 */
#include "backbone/backbone.h"
#include "ops/conv.h"
#include "ops/convnext_block.h"

enum { PATCH = 16 };

static const float eps = 1e-6f; /* upstream's, not configurable there */

typedef struct convnext_iso {
    int depth;
    int dim;
    bool layer_scale;

    dp_conv stem;
    dp_convnext_block *blocks; /* depth of them */
} convnext_iso;

static const dp_param params[] = {
    DP_PARAM(convnext_iso, depth, "18", 1, 256, "blocks"),
    DP_PARAM(convnext_iso, dim, "384", 1, 16384, "channels"),
    DP_PARAM(convnext_iso, layer_scale, "false", 0, 0, "blocks have a gamma"),
    DP_PARAM_END,
};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    (void)in;
    convnext_iso *net = self;
    dp_conv_build(b, &net->stem,
                  &(dp_conv_spec){.in = 3,
                                  .out = net->dim,
                                  .kernel = PATCH,
                                  .stride = PATCH,
                                  .name = "stem."});
    net->blocks = dp_builder_take(b, (size_t)net->depth, sizeof *net->blocks);
    for (int i = 0; i < net->depth && net->blocks; i++) {
        const size_t outer = dp_builder_enter(b, "blocks.%d.", i);
        dp_convnext_block_build(
            b, &net->blocks[i],
            &(dp_convnext_block_spec){
                .C = net->dim, .eps = eps, .layer_scale = net->layer_scale});
        dp_builder_leave(b, outer);
    }
    return b->status;
}

static dp_feature_specs describe(const void *self)
{
    const convnext_iso *net = self;
    return (dp_feature_specs){.count = 1, .spec = {{"stage1", net->dim, PATCH}}};
}

static dp_features forward(const void *self, dp_run *r, dp_tensor image)
{
    const convnext_iso *net = self;
    dp_features out = {.count = 1, .spec = {describe(self).spec[0]}};
    int H, W;
    dp_conv_output(&net->stem, image.H, image.W, &H, &W);
    if (H < 1 || W < 1)
        dp_run_fail(r, DP_ESHAPE, "image: found %d x %d, expected at least %d x %d",
                    image.W, image.H, PATCH, PATCH);
    out.map[0] = dp_run_tensor(r, image.N, H, W, net->dim);

    /* Each block reads one map and writes the other: the last one writes what stays. */
    const size_t mark = dp_run_mark(r);
    const dp_tensor other = dp_run_tensor(r, image.N, H, W, net->dim);
    dp_tensor x = net->depth % 2 == 0 ? out.map[0] : other;
    dp_tensor y = net->depth % 2 == 0 ? other : out.map[0];
    dp_conv_run_into(r, &net->stem, x, image); /* (N, H/16, W/16, C) */
    for (int i = 0; i < net->depth; i++) {
        dp_convnext_block_run(r, &net->blocks[i], y, x);
        const dp_tensor swap = x;
        x = y;
        y = swap;
    }
    dp_run_rewind(r, mark);
    dp_run_trace(r, out.spec[0].name, out.map[0]);
    return out;
}

const dp_backbone_def dp_backbone_convnext_iso = {
    .module =
        DP_MODULE(DP_MODULE_BACKBONE, "convnext_iso",
                  "isotropic ConvNeXt, Liu et al. 2022", convnext_iso, params, build),
    .mark = "blocks.0.dwconv.weight",
    .describe = describe,
    .forward = forward,
};
