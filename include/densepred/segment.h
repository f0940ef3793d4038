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

/* How much of an image a class has. */
typedef struct dp_class_share {
    int label; /* class index                */
    size_t pixels;
    double share; /* of all pixels, 0 to 1 */
} dp_class_share;

/* The classes that occur, the largest first, at most `room` of them. Returns how many occur,
 * up to 256. */
DP_API int dp_label_map_shares(const dp_label_map *map, const dp_model *model,
                               dp_class_share *list, int room);

/* Write the map as a grey PNG in the data set's own numbers (dp_model_class_id), whole or
 * not at all. DP_EARG where a class of the model has a number above 255, DP_EIO,
 * DP_ENOMEM. */
DP_API dp_status dp_label_map_save(dp_context *ctx, const dp_label_map *map,
                                   const dp_model *model, const char *path);

/* The probabilities behind the labels of the context's last dp_segment, computed anew for
 * rows [y, y + rows) of its image: out[row][column][class], float32. They take no memory
 * but `out`. DP_EARG when the context's last run was none of this model's, or for rows
 * outside the image. */
DP_API dp_status dp_segment_probabilities(dp_context *ctx, const dp_model *model, int y,
                                          int rows, float *out);

/* The same of the whole image as the tensor "probability" (1, classes, height, width) of a
 * safetensors file, whole or not at all. DP_EUNSUPPORTED when `path` is a pipe or a
 * terminal; DP_EIO, DP_ENOMEM. */
DP_API dp_status dp_segment_save_probabilities(dp_context *ctx, const dp_model *model,
                                               const char *path);

#ifdef __cplusplus
}
#endif

#endif
