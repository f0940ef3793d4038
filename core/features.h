/* features.h - what backbone, neck and heads know of each other: named feature maps
 *
 * The only meeting place of the modules: each map carries its name, channels and stride,
 * so no module looks into another.
 */
#ifndef DP_CORE_FEATURES_H
#define DP_CORE_FEATURES_H

#include "core/limits.h"
#include "core/tensor.h"

/* What a map will be, known after build. */
typedef struct dp_feature_spec {
    const char *name; /* "stage1", "p2"; a constant                  */
    int channels;     /* C                                           */
    int stride;       /* image pixels per cell, the same on both axes */
} dp_feature_spec;

typedef struct dp_feature_specs {
    int count;
    dp_feature_spec spec[DP_MAX_LEVELS]; /* finest first */
} dp_feature_specs;

/* The maps of an image, or of N images of one size. */
typedef struct dp_features {
    int count;
    dp_feature_spec spec[DP_MAX_LEVELS];
    dp_tensor map[DP_MAX_LEVELS]; /* (N, H, W, channels) */
} dp_features;

#endif
