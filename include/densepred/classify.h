/* densepred/classify.h - image classification
 */
#ifndef DENSEPRED_CLASSIFY_H
#define DENSEPRED_CLASSIFY_H

#include "densepred/image.h"
#include "densepred/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_class_score {
    int label;   /* class index                                   */
    float score; /* probability, 0 to 1                           */
} dp_class_score;

/* What one image shows, as a whole: the best classes, at most `room`, to `out`, the
 * likeliest first, and how many there are to *count: the config's test.top_k, fewer when
 * the model has fewer classes or `room` is less, none when the weights give no finite
 * numbers. The image is taken as Pillow reads the file, with which the published classifiers
 * were trained: EXIF orientation is undone, CMYK and 16-bit grey are converted by Pillow's
 * rules. DP_EARG for a model of another task; DP_ENOMEM, DP_ESHAPE. */
DP_API dp_status dp_classify(dp_context *ctx, const dp_model *model,
                             const dp_image *image, dp_class_score *out, int room,
                             int *count);

#ifdef __cplusplus
}
#endif

#endif
