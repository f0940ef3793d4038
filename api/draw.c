/* include/densepred/draw.h: results drawn over their image. */
#include "densepred/draw.h"
#include "api/image.h"
#include "base/memory.h"
#include "model/model.h"
#include "report/draw.h"
#include "report/draw_labels.h"

/* Nothing is drawn on Pillow's pixels. */
static void forget_pillow(dp_image *image)
{
    dp_free(image->pixels.pillow);
    image->pixels.pillow = NULL;
}

dp_status dp_image_draw_detections(dp_context *ctx, dp_image *image,
                                   const dp_model *model, const dp_detections *found,
                                   float score_thr)
{
    forget_pillow(image);
    return dp_draw_detections(&ctx->err, &image->pixels,
                              &(dp_found){.detections = found,
                                          .dataset = &model->dataset,
                                          .score_thr = score_thr});
}

dp_status dp_image_draw_labels(dp_context *ctx, dp_image **out, const dp_image *image,
                               const dp_model *model, const dp_label_map *map)
{
    const dp_status st = dp_image_new(ctx, out);
    return st != DP_OK ? st
                       : dp_image_finish(out, dp_draw_labels(&ctx->err, &(*out)->pixels,
                                                             &image->pixels, map,
                                                             &model->dataset));
}

dp_status dp_image_tint_labels(dp_context *ctx, dp_image *image, const dp_model *model,
                               const dp_label_map *map)
{
    forget_pillow(image);
    return dp_draw_tint(&ctx->err, &image->pixels, map, &model->dataset);
}
