/* The public functions (include/densepred.h) that only hand on to the parts: images,
 * detections, label maps, and the two tasks. Contexts and models have files of their own.
 */
#include "base/memory.h"
#include "core/detections.h"
#include "core/label_map.h"
#include "io/image/image.h"
#include "model/classifier.h"
#include "model/detector.h"
#include "model/image.h"
#include "model/model.h"
#include "model/segmentor.h"

#include <string.h>

const char *dp_version(void)
{
    return DP_VERSION;
}

const char *dp_status_text(dp_status status)
{
    switch (status) {
    case DP_OK:
        return "all well";
    case DP_ENOMEM:
        return "out of memory";
    case DP_EIO:
        return "input or output failed";
    case DP_EFORMAT:
        return "wrong bytes in a file";
    case DP_ECONFIG:
        return "wrong config";
    case DP_ESHAPE:
        return "parts do not fit";
    case DP_EUNSUPPORTED:
        return "not supported";
    case DP_EARG:
        return "wrong argument";
    }
    return "unknown status";
}

/* ---- images --------------------------------------------------------------------- */

static dp_status image_new(dp_context *ctx, dp_image **out)
{
    void *memory;
    const dp_status st = dp_alloc(&ctx->err, &memory, 1, sizeof(dp_image), "an image");
    *out = memory;
    return st;
}

/* Keep the image when `st` is well, else release it. */
static dp_status image_finish(dp_image **image, dp_status st)
{
    if (st != DP_OK) {
        dp_image_free(*image);
        *image = NULL;
    }
    return st;
}

dp_status dp_image_load(dp_context *ctx, dp_image **out, const char *path)
{
    const dp_status st = image_new(ctx, out);
    return st != DP_OK
               ? st
               : image_finish(out, dp_pixels_load(&ctx->err, &(*out)->pixels, path));
}

dp_status dp_image_decode(dp_context *ctx, dp_image **out, const void *bytes,
                          size_t size, const char *name)
{
    const dp_status st = image_new(ctx, out);
    return st != DP_OK ? st
                       : image_finish(out, dp_pixels_decode(&ctx->err, &(*out)->pixels,
                                                            bytes, size, name));
}

dp_status dp_image_from_rgb(dp_context *ctx, dp_image **out, const uint8_t *rgb,
                            int height, int width, size_t stride)
{
    dp_status st = image_new(ctx, out);
    if (st == DP_OK)
        st = image_finish(out,
                          dp_pixels_init(&ctx->err, &(*out)->pixels, height, width));
    if (st != DP_OK)
        return st;
    uint8_t *bgr = (*out)->pixels.data;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = rgb + (size_t)y * stride;
        for (int x = 0; x < width; x++, row += 3, bgr += 3) {
            bgr[0] = row[2];
            bgr[1] = row[1];
            bgr[2] = row[0];
        }
    }
    return DP_OK;
}

int dp_image_height(const dp_image *image)
{
    return image->pixels.h;
}

int dp_image_width(const dp_image *image)
{
    return image->pixels.w;
}

void dp_image_free(dp_image *image)
{
    if (!image)
        return;
    dp_pixels_done(&image->pixels);
    dp_free(image);
}

/* ---- detections ----------------------------------------------------------------- */

dp_status dp_detections_new(dp_context *ctx, dp_detections **out)
{
    void *memory;
    const dp_status st =
        dp_alloc(&ctx->err, &memory, 1, sizeof(dp_detections), "a list of detections");
    *out = memory;
    return st;
}

void dp_detections_free(dp_detections *found)
{
    if (!found)
        return;
    dp_detections_done(found);
    dp_free(found);
}

dp_status dp_detect(dp_context *ctx, const dp_model *model, const dp_image *image,
                    dp_detections *found)
{
    return dp_detector_run(ctx, model, &image->pixels, found);
}

size_t dp_detections_count(const dp_detections *found)
{
    return found->count;
}

dp_object dp_detections_get(const dp_detections *found, size_t i)
{
    if (i >= found->count)
        return (dp_object){0};
    const dp_detection *x = &found->list[i];
    return (dp_object){x->box.x1, x->box.y1, x->box.x2, x->box.y2, x->score, x->label};
}

void dp_detections_copy_mask(const dp_detections *found, size_t i, uint8_t *mask)
{
    if (i < found->count && found->list[i].mask_count > 0) {
        const dp_rle rle = dp_detections_mask(found, i);
        dp_rle_decode(&rle, mask);
    } else {
        memset(mask, 0, (size_t)found->image.h * (size_t)found->image.w);
    }
}

size_t dp_detections_format_rle(const dp_detections *found, size_t i, char *text,
                                size_t room)
{
    if (i >= found->count || found->list[i].mask_count == 0)
        return 0;
    const dp_rle rle = dp_detections_mask(found, i);
    const size_t need = dp_rle_string_size(rle.counts, rle.count) + 1;
    if (need <= room)
        dp_rle_format(text, rle.counts, rle.count);
    return need;
}

/* ---- label maps ----------------------------------------------------------------- */

dp_status dp_label_map_new(dp_context *ctx, dp_label_map **out)
{
    void *memory;
    const dp_status st =
        dp_alloc(&ctx->err, &memory, 1, sizeof(dp_label_map), "a label map");
    *out = memory;
    return st;
}

void dp_label_map_free(dp_label_map *map)
{
    if (!map)
        return;
    dp_label_map_done(map);
    dp_free(map);
}

int dp_label_map_height(const dp_label_map *map)
{
    return map->h;
}

int dp_label_map_width(const dp_label_map *map)
{
    return map->w;
}

const uint8_t *dp_label_map_labels(const dp_label_map *map)
{
    return map->labels;
}

dp_status dp_segment(dp_context *ctx, const dp_model *model, const dp_image *image,
                     dp_label_map *map)
{
    return dp_segmentor_run(ctx, model, &image->pixels, map);
}

/* ---- classes --------------------------------------------------------------------- */

dp_status dp_classify(dp_context *ctx, const dp_model *model, const dp_image *image,
                      dp_class_score *out, int room, int *count)
{
    return dp_classifier_run(ctx, model, &image->pixels, out, room, count);
}
