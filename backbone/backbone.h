/* backbone.h - the contract of a backbone: an image in, four feature maps out
 *
 * Adding one is a file, a line in the list of modules, a config and a golden test
 * (docs/adding-a-module.md).
 */
#ifndef DP_BACKBONE_BACKBONE_H
#define DP_BACKBONE_BACKBONE_H

#include "core/module.h"
#include "core/run.h"

typedef struct dp_backbone_def {
    dp_module module; /* its build is given the image: one map of 3 channels */
    const char *mark; /* a tensor by which its checkpoints are known; NULL: none */

    /* The shortest side of an image that forward takes, in pixels; 0: the coarsest stride of
     * its maps. */
    int least_side;

    /* Residual branches of a block, which stochastic depth skips with one rate; 0: one. */
    int block_branches;

    /* The maps that forward will give; after build. */
    dp_feature_specs (*describe)(const void *self);

    /* image (N, H, W, 3), normalised RGB. The maps stay in the arena; what else it took
     * is given back. */
    dp_features (*forward)(const void *self, dp_run *r, dp_tensor image);
} dp_backbone_def;

/* The definition behind a module of kind DP_MODULE_BACKBONE. */
static inline const dp_backbone_def *dp_backbone_def_of(const dp_module *module)
{
    return (const dp_backbone_def *)module;
}

static inline dp_feature_specs dp_backbone_describe(const dp_part *backbone)
{
    return dp_backbone_def_of(backbone->module)->describe(backbone->self);
}

/* The shortest side of an image that the backbone takes, in pixels. */
static inline int dp_backbone_least_side(const dp_part *backbone)
{
    const int least = dp_backbone_def_of(backbone->module)->least_side;
    const dp_feature_specs maps = dp_backbone_describe(backbone);
    return least ? least : maps.spec[maps.count - 1].stride;
}

static inline dp_features dp_backbone_run(const dp_part *backbone, dp_run *r,
                                          dp_tensor image)
{
    return dp_backbone_def_of(backbone->module)->forward(backbone->self, r, image);
}

extern const dp_backbone_def dp_backbone_convnext;
extern const dp_backbone_def dp_backbone_convnext_iso;
extern const dp_backbone_def dp_backbone_resnet;
extern const dp_backbone_def dp_backbone_roadmap;
extern const dp_backbone_def dp_backbone_swin;

#endif
