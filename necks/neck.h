/* neck.h - the contract of a neck: feature maps in, feature maps out
 */
#ifndef DP_NECKS_NECK_H
#define DP_NECKS_NECK_H

#include "core/module.h"
#include "core/run.h"

typedef struct dp_neck_def {
    dp_module module;

    /* The maps that forward will give; after build. */
    dp_feature_specs (*describe)(const void *self);

    /* New maps in the arena; what else it took is given back. */
    dp_features (*forward)(const void *self, dp_run *r, const dp_features *in);
} dp_neck_def;

/* The definition behind a module of kind DP_MODULE_NECK. */
static inline const dp_neck_def *dp_neck_def_of(const dp_module *module)
{
    return (const dp_neck_def *)module;
}

static inline dp_feature_specs dp_neck_describe(const dp_part *neck)
{
    return dp_neck_def_of(neck->module)->describe(neck->self);
}

static inline dp_features dp_neck_run(const dp_part *neck, dp_run *r,
                                      const dp_features *in)
{
    return dp_neck_def_of(neck->module)->forward(neck->self, r, in);
}

extern const dp_neck_def dp_neck_fpn;

#endif
