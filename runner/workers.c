#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "runner/workers.h"

#include "base/memory.h"
#include "io/data/results.h"
#include "io/image/png.h"
#include "model/detector.h"
#include "model/segmentor.h"
#include "runner/plan.h"
#include "runner/read_ahead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS = 256 };

/* ---- one image ------------------------------------------------------------------------- */

/* A result under way; the bytes are malloc's or dp_alloc's, by the task. */
typedef struct result {
    char *records;     /* of a detector: open_memstream's own      */
    uint8_t *png;      /* of a segmentor                           */
    const void *bytes; /* of the answer */
    size_t size;
} result;

static void result_done(result *r)
{
    free(r->records); /* lint: open_memstream's own */
    dp_free(r->png);
}

/* The records as they stand in a results file, without the brackets around all. */
static dp_status write_records(dp_error *err, result *r, const dp_found *found)
{
    static const char opening[] = "[", closing[] = "]\n";
    size_t size = 0;
    dp_results_writer writer;
    FILE *stream = open_memstream(&r->records, &size);
    if (!stream)
        return dp_fail(err, DP_ENOMEM, "out of memory: results of an image");
    dp_results_writer_init(&writer, DP_RESULTS_COCO, stream, "results");
    dp_status st = dp_results_writer_add(err, &writer, found);
    if (st == DP_OK)
        st = dp_results_writer_end(err, &writer);
    dp_results_writer_done(&writer);
    if ((fclose(stream) != 0 || !r->records) && st == DP_OK)
        st = dp_fail(err, DP_ENOMEM, "out of memory: results of an image");
    if (st != DP_OK)
        return st == DP_EIO ? dp_fail_while(err, "memory") : st;
    r->bytes = r->records + sizeof opening - 1;
    r->size = size - (sizeof opening - 1) - (sizeof closing - 1);
    return DP_OK;
}

static dp_status detect(const dp_workers *w, dp_context *ctx, const dp_job *job,
                        const dp_pixels *pixels, result *r)
{
    dp_detections found = {0};
    dp_status st = dp_detector_run(ctx, w->model, pixels, &found);
    if (st == DP_OK)
        st = write_records(&ctx->err, r,
                           &(dp_found){.detections = &found,
                                       .dataset = &w->model->dataset,
                                       .image_id = job->id});
    dp_detections_done(&found);
    return st;
}

static dp_status segment(const dp_workers *w, dp_context *ctx, const dp_pixels *pixels,
                         result *r)
{
    dp_label_map map = {0};
    dp_status st = dp_segmentor_run(ctx, w->model, pixels, &map);
    if (st == DP_OK) {
        const size_t count = (size_t)map.h * (size_t)map.w;
        for (size_t i = 0; i < count; i++)
            map.labels[i] = w->ids[map.labels[i]];
        st = dp_png_encode_labels(&ctx->err, &r->png, &r->size, &map, NULL, 0);
    }
    r->bytes = r->png;
    dp_label_map_done(&map);
    return st;
}

static dp_status run_image(const dp_workers *w, dp_context *ctx,
                           const dp_read_image *image, result *r)
{
    if (image->err.code != DP_OK) {
        ctx->err = image->err;
        return image->err.code;
    }
    const dp_status st = dp_model_task(w->model) == DP_TASK_DETECT
                             ? detect(w, ctx, &image->job, &image->pixels, r)
                             : segment(w, ctx, &image->pixels, r);
    return st == DP_OK ? st : dp_fail_while(&ctx->err, "%s", image->job.path);
}

/* ---- one worker ------------------------------------------------------------------------ */

/* The work of all, while they run. */
struct work {
    dp_workers *workers;
    const dp_queue *queue;
    dp_status (*serve)(dp_error *err,
                       const dp_queue *queue); /* NULL: no other process */
    dp_error serve_err;
};

/* An image that fails is an answer too; memory that runs out is not about the image. */
static dp_status run_job(const struct work *work, dp_context *ctx,
                         const dp_read_image *image)
{
    const dp_queue *queue = work->queue;
    const dp_job *job = &image->job;
    result r = {0};
    dp_status st = run_image(work->workers, ctx, image, &r);
    if (st == DP_OK) {
        st = queue->answer(&ctx->err, queue->arg,
                           &(dp_answer){job->item, DP_ITEM_DONE, r.bytes, r.size});
    } else if (st != DP_ENOMEM) {
        char sentence[DP_ERROR_TEXT];
        snprintf(sentence, sizeof sentence, "%s", ctx->err.text);
        st = queue->answer(
            &ctx->err, queue->arg,
            &(dp_answer){job->item, DP_ITEM_FAILED, sentence, strlen(sentence)});
    }
    result_done(&r);
    return st;
}

/* Run images while the next one is read. */
static dp_status run_jobs(const struct work *work, dp_context *ctx)
{
    dp_read_ahead *ahead;
    dp_read_image *image;
    dp_error err = {0};
    dp_status st = dp_read_ahead_new(&ctx->err, &ahead, work->queue);
    while (st == DP_OK && (image = dp_read_ahead_take(ahead))) {
        st = run_job(work, ctx, image);
        dp_read_image_free(image);
    }
    const dp_status ended = dp_read_ahead_end(&err, ahead);
    if (st != DP_OK)
        return st;
    ctx->err = err; /* what is left is of an image */
    return ended;
}

/* A worker is an item of the pool: what it does may fail and allocates, and is kept apart
 * by the contexts. One more item serves the other processes. */
static void work(void *arg, int item, int thread)
{
    struct work *work = arg;
    const dp_queue *queue = work->queue;
    dp_status st = DP_OK;
    (void)thread;
    if (item == work->workers->count) {
        st = work->serve(&work->serve_err, queue);
    } else {
        dp_context *ctx = work->workers->contexts[item];
        ctx->err = (dp_error){0};
        st = run_jobs(work, ctx);
    }
    if (st != DP_OK)
        queue->stop(queue->arg);
}

dp_status dp_workers_run(dp_error *err, dp_workers *w, const dp_queue *queue,
                         dp_status (*serve)(dp_error *err, const dp_queue *queue))
{
    struct work all = {.workers = w, .queue = queue, .serve = serve};
    const int items = w->count + (serve != NULL);
    dp_pool *pool;
    const dp_status st = dp_pool_new(err, &pool, items);
    if (st != DP_OK) {
        queue->stop(queue->arg);
        return st;
    }
    dp_parallel(pool, items, work, &all);
    dp_pool_free(pool);
    const dp_error *first = &all.serve_err;
    for (int i = 0; i < w->count && first->code == DP_OK; i++)
        first = &w->contexts[i]->err;
    *err = *first;
    return err->code;
}

/* ---- all workers ------------------------------------------------------------------------ */

/* The test's own context is the only worker, or else several have a context each. */
static dp_status add_contexts(dp_error *err, dp_workers *w, const dp_test *t)
{
    const int count = t->options.workers > 0 ? t->options.workers : 1;
    dp_status st =
        dp_alloc(err, &w->contexts, (size_t)count, sizeof(dp_context *), "workers");
    w->shares = t->options.workers == 0;
    if (st == DP_OK && w->shares)
        w->contexts[w->count++] = t->ctx;
    for (; st == DP_OK && w->count < count; w->count += st == DP_OK)
        st = dp_context_fork(err, &w->contexts[w->count], t->ctx, 1);
    return st;
}

/* Of a segmentor: a label map has 8 bits. */
static dp_status fill_ids(dp_error *err, dp_workers *w, const dp_dataset *d)
{
    for (int i = 0; i < d->count; i++) {
        if (d->count > LABELS || d->list[i].id < 0 || d->list[i].id >= LABELS)
            return dp_fail(err, DP_ECONFIG,
                           "data set %s: class %s: id: found %d, expected 0 to %d for "
                           "a label map",
                           d->name, d->list[i].name, d->list[i].id, LABELS - 1);
        w->ids[i] = (uint8_t)d->list[i].id;
    }
    return DP_OK;
}

dp_status dp_workers_open(dp_error *err, dp_workers *w, const dp_test *t)
{
    const dp_load_options load = {.test = dp_plan_section(t),
                                  .changes = t->changes[0] ? t->changes : NULL,
                                  .cache = t->options.cache,
                                  .configs = t->options.configs,
                                  .set = t->options.set,
                                  .set_count = t->options.set_count};
    *w = (dp_workers){0};
    dp_status st =
        dp_model_load(t->ctx, &w->model, t->options.config, t->options.weights, &load);
    if (st == DP_OK && t->task == DP_TASK_SEGMENT)
        st = fill_ids(err, w, &w->model->dataset);
    if (st == DP_OK)
        st = add_contexts(err, w, t);
    if (st != DP_OK)
        dp_workers_close(w);
    return st;
}

void dp_workers_close(dp_workers *w)
{
    for (int i = 0; i < w->count && !w->shares; i++)
        dp_context_free(w->contexts[i]);
    dp_free(w->contexts);
    dp_model_free(w->model);
    *w = (dp_workers){0};
}
