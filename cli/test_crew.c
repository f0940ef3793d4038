#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "cli/test_crew.h"

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/input_image.h"
#include "io/data/results.h"
#include "io/image/png.h"
#include "model/detector.h"
#include "model/segmentor.h"

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
    free(r->records);
    dp_free(r->png);
}

/* The records as they stand in a results file, without the brackets around all. */
static dp_status write_records(dp_error *err, result *r, const dp_found *found)
{
    static const char opening[] = "[", closing[] = "]\n";
    size_t size = 0;
    dp_results_writer w;
    FILE *stream = open_memstream(&r->records, &size);
    if (!stream)
        return dp_fail(err, DP_ENOMEM, "out of memory: results of an image");
    dp_results_writer_init(&w, DP_RESULTS_COCO, stream, "results");
    dp_status st = dp_results_writer_add(err, &w, found);
    if (st == DP_OK)
        st = dp_results_writer_end(err, &w);
    dp_results_writer_done(&w);
    if ((fclose(stream) != 0 || !r->records) && st == DP_OK)
        st = dp_fail(err, DP_ENOMEM, "out of memory: results of an image");
    if (st != DP_OK)
        return st == DP_EIO ? dp_fail_while(err, "memory") : st;
    r->bytes = r->records + sizeof opening - 1;
    r->size = size - (sizeof opening - 1) - (sizeof closing - 1);
    return DP_OK;
}

static dp_status detect(const dp_test_crew *c, dp_context *ctx, const dp_test_job *job,
                        const dp_pixels *pixels, result *r)
{
    dp_detections found = {0};
    dp_status st = dp_detector_run(ctx, c->session.model, pixels, &found);
    if (st == DP_OK)
        st = write_records(&ctx->err, r,
                           &(dp_found){.detections = &found,
                                       .dataset = &c->session.model->dataset,
                                       .image_id = job->id});
    dp_detections_done(&found);
    return st;
}

static dp_status segment(const dp_test_crew *c, dp_context *ctx,
                         const dp_pixels *pixels, result *r)
{
    dp_label_map map = {0};
    dp_status st = dp_segmentor_run(ctx, c->session.model, pixels, &map);
    if (st == DP_OK) {
        const size_t count = (size_t)map.h * (size_t)map.w;
        for (size_t i = 0; i < count; i++)
            map.labels[i] = c->ids[map.labels[i]];
        st = dp_png_encode_labels(&ctx->err, &r->png, &r->size, &map, NULL, 0);
    }
    r->bytes = r->png;
    dp_label_map_done(&map);
    return st;
}

static dp_status run_image(const dp_test_crew *c, dp_context *ctx,
                           const dp_test_job *job, result *r)
{
    dp_pixels pixels;
    if (!job->path[0])
        return dp_fail(&ctx->err, DP_EFORMAT,
                       "image %lld: found a file_name that leads out of the folder of "
                       "images",
                       (long long)job->id);
    dp_status st = dp_input_image_read(&ctx->err, &pixels, job->path);
    if (st != DP_OK)
        return st;
    if (dp_model_task(c->session.model) == DP_TASK_DETECT)
        st = detect(c, ctx, job, &pixels, r);
    else
        st = segment(c, ctx, &pixels, r);
    dp_pixels_done(&pixels);
    return st == DP_OK ? st : dp_fail_while(&ctx->err, "%s", job->path);
}

/* ---- one worker ------------------------------------------------------------------------ */

struct shift {
    dp_test_crew *crew;
    const dp_test_desk *desk;
    dp_status *status; /* of each worker */
};

/* An image that fails is an answer too; memory that runs out is not about the image. */
static dp_status run_job(const struct shift *s, dp_context *ctx, const dp_test_job *job)
{
    result r = {0};
    dp_status st = run_image(s->crew, ctx, job, &r);
    if (st == DP_OK) {
        st = s->desk->answer(
            &ctx->err, s->desk->arg,
            &(dp_test_answer){job->item, DP_WORK_DONE, r.bytes, r.size});
    } else if (st != DP_ENOMEM) {
        char sentence[DP_ERROR_TEXT];
        snprintf(sentence, sizeof sentence, "%s", ctx->err.text);
        st = s->desk->answer(
            &ctx->err, s->desk->arg,
            &(dp_test_answer){job->item, DP_WORK_FAILED, sentence, strlen(sentence)});
    }
    result_done(&r);
    return st;
}

/* A worker is an item of the pool: what it does may fail and allocates, and is kept apart
 * by the contexts. */
static void work(void *arg, int item, int worker)
{
    const struct shift *s = arg;
    dp_context *ctx = s->crew->contexts[item];
    dp_test_job job;
    (void)worker;
    while (s->status[item] == DP_OK && s->desk->next(s->desk->arg, &job))
        s->status[item] = run_job(s, ctx, &job);
    if (s->status[item] != DP_OK)
        s->desk->stop(s->desk->arg);
}

int dp_test_crew_run(dp_test_crew *c, const dp_test_desk *desk)
{
    dp_error err = {0};
    dp_pool *pool;
    void *memory;
    dp_status st = dp_pool_new(&err, &pool, c->count);
    if (st == DP_OK)
        st = dp_alloc(&err, &memory, (size_t)c->count, sizeof(dp_status), "workers");
    if (st != DP_OK) {
        desk->stop(desk->arg);
        dp_pool_free(pool);
        return dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    }
    struct shift shift = {c, desk, memory};
    int status = DP_EXIT_OK;
    dp_parallel(pool, c->count, work, &shift);
    for (int i = 0; i < c->count && status == DP_EXIT_OK; i++)
        if (shift.status[i] != DP_OK) {
            dp_cli_say("%s", c->contexts[i]->err.text);
            status = DP_EXIT_MACHINE;
        }
    dp_free(memory);
    dp_pool_free(pool);
    return status;
}

/* ---- the crew --------------------------------------------------------------------------- */

/* Contexts beside the session's. */
static dp_status add_contexts(dp_error *err, dp_test_crew *c, const dp_test_plan *plan)
{
    const dp_options options = {.threads = 1,
                                .cpu = plan->ask->common.cpu,
                                .gemm = plan->ask->common.gemm,
                                .precision = plan->ask->common.precision};
    const int count = plan->ask->workers > 0 ? plan->ask->workers : 1;
    void *memory;
    dp_status st =
        dp_alloc(err, &memory, (size_t)count, sizeof(dp_context *), "workers");
    c->contexts = memory;
    if (st != DP_OK)
        return st;
    c->contexts[c->count++] = c->session.ctx;
    while (c->count < count) {
        st = dp_context_new(&c->contexts[c->count], &options);
        if (st != DP_OK)
            return dp_fail(err, st, "worker %d of %d cannot start: %s", c->count + 1,
                           count, dp_status_text(st));
        c->count++;
    }
    return DP_OK;
}

/* Of a segmentor: a label map has 8 bits. */
static int fill_ids(dp_test_crew *c)
{
    const dp_dataset *d = &c->session.model->dataset;
    for (int i = 0; i < d->count; i++) {
        if (d->count > LABELS || d->list[i].id < 0 || d->list[i].id >= LABELS) {
            dp_cli_say("data set %s: class %s: found id %d, expected 0 to %d for a "
                       "label map",
                       d->name, d->list[i].name, d->list[i].id, LABELS - 1);
            return DP_EXIT_MODEL;
        }
        c->ids[i] = (uint8_t)d->list[i].id;
    }
    return DP_EXIT_OK;
}

int dp_test_crew_open(dp_test_crew *c, const dp_test_plan *plan)
{
    dp_error err = {0};
    dp_common_options common = plan->ask->common;
    const dp_load_options load = {.test = dp_test_plan_section(plan),
                                  .changes = plan->changes[0] ? plan->changes : NULL};
    *c = (dp_test_crew){0};
    if (plan->ask->workers > 0)
        common.threads = 1;
    int status = dp_session_open(&c->session, &common, plan->ask->model, true, &load);
    if (status != DP_EXIT_OK)
        return status;
    if (plan->task == DP_TASK_SEGMENT)
        status = fill_ids(c);
    if (status == DP_EXIT_OK && add_contexts(&err, c, plan) != DP_OK)
        status = dp_cli_fail(&err, DP_SUBJECT_OUTPUT);
    if (status != DP_EXIT_OK)
        dp_test_crew_close(c);
    return status;
}

void dp_test_crew_close(dp_test_crew *c)
{
    for (int i = 1; i < c->count; i++)
        dp_context_free(c->contexts[i]);
    dp_free(c->contexts);
    dp_session_close(&c->session);
    *c = (dp_test_crew){0};
}
