/* backbone.h - the contract of a backbone: an image in, four feature maps out
 *
 * A backbone is one constant definition: what it is called, what it may be told, and how
 * it is built and run. Adding one is a file, a line in registry.c, a config and a golden
 * test (docs/adding-a-module.md).
 */
#ifndef DP_BACKBONE_BACKBONE_H
#define DP_BACKBONE_BACKBONE_H

#include "core/builder.h"
#include "core/features.h"
#include "core/params.h"
#include "core/run.h"

typedef struct dp_backbone_def {
    const char *name; /* the config's "type" */
    const char *summary;
    const char *mark; /* a tensor by which its checkpoints are known; NULL: none */
    size_t size;      /* of the instance: zeroed, then filled by its parameter table */
    const dp_param *params;

    /* Check what the table cannot (DP_ECONFIG with sentence), load and pack the weights
     * of the current scope. A tensor that does not fit is noted in b. */
    dp_status (*build)(void *self, dp_builder *b);

    /* The maps that forward will give; after build. */
    dp_feature_specs (*describe)(const void *self);

    /* image (1, H, W, 3), normalised RGB. The maps stay in the arena; what else it took
     * is given back. */
    dp_features (*forward)(const void *self, dp_run *r, dp_tensor image);
} dp_backbone_def;

/* NULL when there is none of this name. */
const dp_backbone_def *dp_backbone_find(const char *name);

/* That whose checkpoints have tensors like these, whatever stands before the names; NULL
 * when no mark is there. */
const dp_backbone_def *dp_backbone_recognise(const dp_named_tensor *tensors,
                                             size_t count);

/* All of them, ended by NULL. */
const dp_backbone_def *const *dp_backbone_all(void);

extern const dp_backbone_def dp_backbone_convnext;
extern const dp_backbone_def dp_backbone_convnext_iso;
extern const dp_backbone_def dp_backbone_resnet;
extern const dp_backbone_def dp_backbone_roadmap;
extern const dp_backbone_def dp_backbone_swin;

#endif
