/* include/densepred/classify.h: classes of a whole image. */
#include "api/image.h"
#include "model/classifier.h"

dp_status dp_classify(dp_context *ctx, const dp_model *model, const dp_image *image,
                      dp_class_score *out, int room, int *count)
{
    return dp_classifier_run(ctx, model, &image->pixels, out, room, count);
}
