/* densepred/features.h - the feature maps inside a model
 */
#ifndef DENSEPRED_FEATURES_H
#define DENSEPRED_FEATURES_H

#include "densepred/image.h"
#include "densepred/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_feature_maps dp_feature_maps; /* copies of named maps */

/* One map: count x channels x height x width float32, the last fastest. */
typedef struct dp_feature_map {
    const char *name; /* "stage1" */
    int count;        /* of images, or of regions in one */
    int channels, height, width;
    const float *data;
} dp_feature_map;

/* What is taken besides the backbone's "stage1", "stage2", ... Zero-initialise. */
typedef struct dp_feature_options {
    int neck;  /* not 0: the neck's maps too: "p2", "p3", ...                */
    int input; /* not 0: the network's input too: "input"                    */
    int all;   /* not 0: every named intermediate: proposals, logits, ...    */
} dp_feature_options;

/* An empty list. */
DP_API dp_status dp_feature_maps_new(dp_context *ctx, dp_feature_maps **out);
DP_API void dp_feature_maps_free(dp_feature_maps *maps);

/* Run a model on an image and keep its maps, in the order in which they arise. Without
 * `neck` and `all` only the backbone is run. Where a segmentor takes several windows, each
 * has its maps: "window0.stage1", which only `all` takes. A classifier sees the image as
 * dp_classify does. `maps` is emptied first.
 * options NULL: defaults. DP_ENOMEM, DP_ESHAPE; `maps` is empty then. */
DP_API dp_status dp_extract(dp_context *ctx, const dp_model *model,
                            const dp_image *image, const dp_feature_options *options,
                            dp_feature_maps *maps);

/* How many there are, and map i of them; all zero for another i. */
DP_API size_t dp_feature_maps_count(const dp_feature_maps *maps);
DP_API dp_feature_map dp_feature_maps_get(const dp_feature_maps *maps, size_t i);

/* Write all of them as a safetensors file, whole or not at all. DP_EIO, DP_ENOMEM. */
DP_API dp_status dp_feature_maps_save(dp_context *ctx, const dp_feature_maps *maps,
                                      const char *path);

#ifdef __cplusplus
}
#endif

#endif
