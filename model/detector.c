#include "model/detector.h"

#include "base/memory.h"

#include <string.h>

/* The runs of detection i into out, from the arena or, where they were cut there, pasted
 * once more. */
static dp_status collect_mask(dp_context *ctx, const dp_detector_result *d, int i,
                              uint32_t *out)
{
    const size_t capacity = d->pasted.capacity, count = d->pasted.count[i];
    if (count <= capacity) {
        memcpy(out, d->pasted.runs + (size_t)i * capacity, count * sizeof *out);
        return DP_OK;
    }
    void *scratch;
    const dp_status st =
        dp_alloc(&ctx->err, &scratch, 1, d->rule->scratch(&d->paste), "a mask");
    if (st != DP_OK)
        return st;
    const size_t cells = (size_t)d->paste.side * (size_t)d->paste.side;
    d->rule->run(out, count, &d->paste, d->masks + (size_t)i * cells, d->list[i].box,
                 scratch);
    dp_free(scratch);
    return DP_OK;
}

static dp_status collect(dp_context *ctx, const dp_detector_result *d,
                         dp_detections *out)
{
    size_t runs = 0;
    for (int i = 0; i < d->count && d->paste.side > 0; i++)
        runs += d->pasted.count[i];
    dp_status st = dp_detections_reserve(&ctx->err, out, (size_t)d->count, runs);
    for (int i = 0; i < d->count && st == DP_OK; i++) {
        dp_detection x = d->list[i];
        x.mask_first = out->run_count;
        x.mask_count = d->paste.side > 0 ? d->pasted.count[i] : 0;
        if (x.mask_count > 0)
            st = collect_mask(ctx, d, i, out->runs + x.mask_first);
        out->run_count += x.mask_count;
        out->list[out->count++] = x;
    }
    return st;
}

dp_status dp_detector_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                          dp_detections *out)
{
    return dp_detector_run_with(ctx, m, pixels, &(dp_model_options){0}, out);
}

dp_status dp_detector_run_with(dp_context *ctx, const dp_model *m,
                               const dp_pixels *pixels, const dp_model_options *options,
                               dp_detections *out)
{
    dp_detector_result result;
    _Static_assert(sizeof result <= DP_MODEL_RESULT_MAX, "room for the result");
    dp_detections_reset(out, (dp_size){pixels->h, pixels->w});
    if (m->def->task != DP_TASK_DETECT)
        return dp_fail(&ctx->err, DP_EARG,
                       "detect: found a model of type %s, which is no "
                       "detector",
                       m->def->module.name);
    dp_status st = dp_model_run_with(ctx, m, pixels, options, &result);
    if (st == DP_OK)
        st = collect(ctx, &result, out);
    if (st != DP_OK)
        dp_detections_reset(out, out->image);
    return st;
}
