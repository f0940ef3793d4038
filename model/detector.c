#include "model/detector.h"

#include "base/memory.h"

#include <string.h>

/* Runs that a mask has room for in the arena, per column of the image. A column of a
 * plain shape has two; masks that need more are pasted again where they are collected. */
enum { RUNS_PER_COLUMN = 4 };

static dp_mask_paste paste_of(const dp_detector_result *d)
{
    return (dp_mask_paste){d->side, d->threshold, d->image};
}

struct paste_job {
    const dp_detector_result *result;
    size_t scratch_size;
    unsigned char *scratch; /* scratch_size bytes a worker */
};

static void paste_item(void *arg, int i, int worker)
{
    const struct paste_job *job = arg;
    const dp_detector_result *d = job->result;
    const dp_mask_paste p = paste_of(d);
    const size_t cells = (size_t)d->side * (size_t)d->side;
    d->run_count[i] =
        d->paste->run(d->runs + (size_t)i * d->run_capacity, d->run_capacity, &p,
                      d->masks + (size_t)i * cells, d->list[i].box,
                      job->scratch + (size_t)worker * job->scratch_size);
}

void dp_detector_paste(dp_run *r, dp_detector_result *d)
{
    const dp_mask_paste p = paste_of(d);
    d->run_capacity = RUNS_PER_COLUMN * ((size_t)d->image.w + 2);
    d->runs = dp_run_take(r, (size_t)d->count * d->run_capacity, sizeof *d->runs);
    d->run_count = dp_run_take(r, (size_t)d->count, sizeof *d->run_count);

    const size_t mark = dp_run_mark(r);
    struct paste_job job = {d, (d->paste->scratch(&p) + 63) / 64 * 64, NULL};
    job.scratch = dp_run_take(r, (size_t)dp_pool_threads(r->pool), job.scratch_size);
    if (!r->dry)
        dp_parallel(r->pool, d->count, paste_item, &job);
    dp_run_rewind(r, mark);
}

/* The runs of detection i into out, from the arena or, where they were cut there, pasted
 * once more. */
static dp_status collect_mask(dp_context *ctx, const dp_detector_result *d, int i,
                              uint32_t *out)
{
    if (d->run_count[i] <= d->run_capacity) {
        memcpy(out, d->runs + (size_t)i * d->run_capacity,
               d->run_count[i] * sizeof *out);
        return DP_OK;
    }
    const dp_mask_paste p = paste_of(d);
    void *scratch;
    const dp_status st =
        dp_alloc(&ctx->err, &scratch, 1, d->paste->scratch(&p), "a mask");
    if (st != DP_OK)
        return st;
    const size_t cells = (size_t)d->side * (size_t)d->side;
    d->paste->run(out, d->run_count[i], &p, d->masks + (size_t)i * cells,
                  d->list[i].box, scratch);
    dp_free(scratch);
    return DP_OK;
}

static dp_status collect(dp_context *ctx, const dp_detector_result *d,
                         dp_detections *out)
{
    size_t runs = 0;
    for (int i = 0; i < d->count && d->side > 0; i++)
        runs += d->run_count[i];
    dp_status st = dp_detections_reserve(&ctx->err, out, (size_t)d->count, runs);
    for (int i = 0; i < d->count && st == DP_OK; i++) {
        dp_detection x = d->list[i];
        x.mask_first = out->run_count;
        x.mask_count = d->side > 0 ? d->run_count[i] : 0;
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
