/* densepred/segment.h - semantic segmentation
 */
#ifndef DENSEPRED_SEGMENT_H
#define DENSEPRED_SEGMENT_H

#include "densepred/image.h"
#include "densepred/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_label_map dp_label_map; /* a class for every pixel */

/* An empty map. */
DP_API dp_status dp_label_map_new(dp_context *ctx, dp_label_map **out);
DP_API void dp_label_map_free(dp_label_map *map);

/* Give every pixel of one image a class. Reusing `map` saves allocations. DP_EARG for a
 * model of another task; DP_ENOMEM, DP_ESHAPE. */
DP_API dp_status dp_segment(dp_context *ctx, const dp_model *model,
                            const dp_image *image, dp_label_map *map);

DP_API int dp_label_map_height(const dp_label_map *map);
DP_API int dp_label_map_width(const dp_label_map *map);

/* height x width class indices, row by row. */
DP_API const uint8_t *dp_label_map_labels(const dp_label_map *map);

#ifdef __cplusplus
}
#endif

#endif
