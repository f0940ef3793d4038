/* include/densepred/detect.h: detections. */
#include "api/image.h"
#include "base/memory.h"
#include "core/detections.h"
#include "core/limits.h"
#include "model/detector.h"
#include "model/tiles.h"

#include <string.h>

static const float OVERLAP_MAX = 0.9f;

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

/* ---- running ---------------------------------------------------------------------- */

static dp_status check(dp_error *err, const dp_model *m, const dp_detect_options *o)
{
    if (o->tile < 0 || o->tile > DP_MAX_IMAGE_SIDE)
        return dp_fail(err, DP_EARG, "tile: %d is not from 0 to %d", o->tile,
                       DP_MAX_IMAGE_SIDE);
    if (!(o->overlap >= 0 && o->overlap <= OVERLAP_MAX))
        return dp_fail(err, DP_EARG, "overlap: %g is not from 0 to %g",
                       (double)o->overlap, (double)OVERLAP_MAX);
    if (o->most > DP_MAX_DETECTIONS)
        return dp_fail(err, DP_EARG, "most: %zu is not from 0 to %d", o->most,
                       DP_MAX_DETECTIONS);
    for (size_t i = 0; o->labels && i < o->label_count; i++)
        if (o->labels[i] < 0 || o->labels[i] >= m->dataset.count)
            return dp_fail(err, DP_EARG, "labels: %d is not from 0 to %d", o->labels[i],
                           m->dataset.count - 1);
    return DP_OK;
}

static dp_status detect(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                        const dp_detect_options *o, dp_detections *found)
{
    const dp_model_options options = {.boxes_only = o->boxes_only != 0,
                                      .score_thr = o->score_thr,
                                      .max_per_img = (int)o->most};
    if (o->tile == 0)
        return dp_detector_run_with(ctx, m, pixels, &options, found);
    return dp_tiles_run(ctx, m, &(dp_tiles){o->tile, o->overlap, options}, pixels,
                        found);
}

static dp_status filter(dp_error *err, const dp_model *m, const dp_detect_options *o,
                        dp_detections *found)
{
    void *classes = NULL;
    dp_status st = DP_OK;
    if (o->labels)
        st = dp_alloc(err, &classes, (size_t)m->dataset.count, sizeof(bool), "classes");
    if (st != DP_OK)
        return st;
    bool *wanted = classes;
    for (size_t i = 0; wanted && i < o->label_count; i++)
        wanted[o->labels[i]] = true;
    dp_detections_filter(found, &(dp_detection_filter){.score_thr = o->score_thr,
                                                       .classes = wanted,
                                                       .most = o->most});
    dp_free(classes);
    return DP_OK;
}

dp_status dp_detect_with(dp_context *ctx, const dp_model *model, const dp_image *image,
                         const dp_detect_options *options, dp_detections *found)
{
    const dp_detect_options none = {0};
    if (!options)
        options = &none;
    dp_status st = check(&ctx->err, model, options);
    if (st == DP_OK)
        st = detect(ctx, model, &image->pixels, options, found);
    if (st == DP_OK)
        st = filter(&ctx->err, model, options, found);
    if (st != DP_OK)
        dp_detections_reset(found, (dp_size){image->pixels.h, image->pixels.w});
    return st;
}

dp_status dp_detect(dp_context *ctx, const dp_model *model, const dp_image *image,
                    dp_detections *found)
{
    return dp_detect_with(ctx, model, image, NULL, found);
}

/* ---- what was found ----------------------------------------------------------------- */

int dp_detections_height(const dp_detections *found)
{
    return found->image.h;
}

int dp_detections_width(const dp_detections *found)
{
    return found->image.w;
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

void dp_detections_keep(dp_detections *found, const uint8_t *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++)
        if (keep[i])
            found->list[kept++] = found->list[i];
    found->count = kept;
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
