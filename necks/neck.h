/* neck.h - the contract of a neck: feature maps in, feature maps out
 */
#ifndef DP_NECKS_NECK_H
#define DP_NECKS_NECK_H

#include "core/builder.h"
#include "core/features.h"
#include "core/params.h"
#include "core/run.h"

typedef struct dp_neck_def {
    const char *name; /* the config's "type" */
    const char *summary;
    size_t size; /* of the instance: zeroed, then filled by its parameter table */
    const dp_param *params;

    /* Check what the table cannot (DP_ECONFIG with sentence), load and pack the weights
     * of the current scope, for maps as `in` describes them. */
    dp_status (*build)(void *self, dp_builder *b, const dp_feature_specs *in);

    /* The maps that forward will give; after build. */
    dp_feature_specs (*describe)(const void *self);

    /* New maps in the arena; what else it took is given back. */
    dp_features (*forward)(const void *self, dp_run *r, const dp_features *in);
} dp_neck_def;

/* NULL when there is none of this name. */
const dp_neck_def *dp_neck_find(const char *name);

/* All of them, ended by NULL. */
const dp_neck_def *const *dp_neck_all(void);

extern const dp_neck_def dp_neck_fpn;

#endif
