#include "model/segmentor.h"

#include "postprocess/softmax.h"

#include <string.h>

enum { BLOCK = 4 /* rows of the image of an item */ };

/* One worker's: two rows of a mosaic, BLOCK rows of sums, a pixel. */
typedef struct workspace {
    float *line[2];
    float *sums;
    float *pixel;
} workspace;

static size_t line_size(const dp_segmentor_result *s)
{
    size_t widest = 0;
    for (int i = 0; i < s->count; i++) {
        const size_t w = (size_t)s->passes[i].mosaic.size.w;
        widest = w > widest ? w : widest;
    }
    return widest * (size_t)s->K;
}

/* One pass is compared as it comes; several are summed. */
static size_t sums_size(const dp_segmentor_result *s)
{
    return s->count == 1 ? 0 : BLOCK * (size_t)s->image.w * (size_t)s->K;
}

static workspace workspace_of(const dp_segmentor_result *s, int worker)
{
    float *at = s->scratch + (size_t)worker * s->scratch_size;
    const size_t line = line_size(s);
    return (workspace){{at, at + line}, at + 2 * line, at + 2 * line + sums_size(s)};
}

/* The rows of a mosaic that are in a workspace's lines; -1: none. */
typedef struct held {
    int row[2];
} held;

/* Row y of the image, as two rows of the pass's mosaic and how to mix them. */
static dp_logits_row find_row(const dp_segmentor_result *s, const dp_segmentor_pass *p,
                              int y, workspace *w, held *h)
{
    const dp_blend mix = p->rows[y];
    if (h->row[0] != mix.first && h->row[1] == mix.first) {
        float *const swap = w->line[0];
        w->line[0] = w->line[1];
        w->line[1] = swap;
        h->row[1] = h->row[0];
        h->row[0] = mix.first;
    }
    if (h->row[0] != mix.first) {
        h->row[0] = mix.first;
        dp_mosaic_row(&p->mosaic, mix.first, w->line[0]);
    }
    if (mix.second != mix.first && h->row[1] != mix.second) {
        h->row[1] = mix.second;
        dp_mosaic_row(&p->mosaic, mix.second, w->line[1]);
    }
    return (dp_logits_row){.first = w->line[0],
                           .second = w->line[mix.second != mix.first],
                           .y = mix,
                           .x = p->columns,
                           .W = s->image.w,
                           .K = s->K};
}

typedef struct label_job {
    const dp_segmentor_result *s;
    const dp_kernels *kernels;
} label_job;

static void sum_passes(const dp_segmentor_result *s, int begin, int end, workspace *w)
{
    const size_t line = (size_t)s->image.w * (size_t)s->K;
    memset(w->sums, 0, (size_t)(end - begin) * line * sizeof *w->sums);
    for (int i = 0; i < s->count; i++) {
        const dp_segmentor_pass *p = &s->passes[i];
        held h = {{-1, -1}};
        for (int y = begin; y < end; y++)
            dp_probabilities_add(w->sums + (size_t)(y - begin) * line,
                                 find_row(s, p, y, w, &h), p->flip, w->pixel,
                                 p->mosaic.kernels);
    }
}

static void label_block(void *arg, int item, int worker)
{
    const label_job *j = arg;
    const dp_segmentor_result *s = j->s;
    workspace w = workspace_of(s, worker);
    const int begin = item * BLOCK;
    const int end = s->image.h - begin < BLOCK ? s->image.h : begin + BLOCK;
    uint8_t *labels = s->labels + (size_t)begin * (size_t)s->image.w;
    held h = {{-1, -1}};
    if (s->count > 1)
        sum_passes(s, begin, end, &w);
    for (int y = begin; y < end; y++, labels += s->image.w)
        if (s->count > 1)
            dp_labels_from_probabilities(labels,
                                         w.sums + (size_t)(y - begin) *
                                                      (size_t)s->image.w * (size_t)s->K,
                                         s->image.w, s->K, s->count, j->kernels);
        else
            dp_labels_from_logits(labels, find_row(s, s->passes, y, &w, &h), j->kernels,
                                  w.pixel);
}

void dp_segmentor_label(dp_run *r, dp_segmentor_result *s)
{
    const size_t lines = 2 * line_size(s) + sums_size(s) + (size_t)s->K;
    s->scratch_size = (lines + 15) / 16 * 16;
    s->labels = dp_run_take(r, (size_t)s->image.h * (size_t)s->image.w, 1);
    s->scratch = dp_run_take(r, (size_t)dp_pool_threads(r->pool),
                             s->scratch_size * sizeof *s->scratch);
    if (r->dry)
        return;
    label_job job = {s, r->kernels};
    dp_parallel(r->pool, (s->image.h + BLOCK - 1) / BLOCK, label_block, &job);
}

typedef struct probability_job {
    const dp_segmentor_result *s;
    int first;
    float *out;
} probability_job;

static void probability_row(void *arg, int item, int worker)
{
    const probability_job *j = arg;
    const dp_segmentor_result *s = j->s;
    const int y = j->first + item;
    const size_t line = (size_t)s->image.w * (size_t)s->K;
    float *out = j->out + (size_t)item * line;
    workspace w = workspace_of(s, worker);
    held h = {{-1, -1}};
    if (s->count == 1) {
        dp_logits_resize(out, find_row(s, s->passes, y, &w, &h),
                         s->passes->mosaic.kernels);
        dp_softmax_rows(out, out, (size_t)s->image.w, s->K);
        return;
    }
    sum_passes(s, y, y + 1, &w);
    for (size_t i = 0; i < line; i++)
        out[i] = w.sums[i] / (float)s->count;
}

void dp_segmentor_probabilities(dp_context *ctx, const dp_segmentor_result *s, int y,
                                int rows, float *out)
{
    probability_job job = {s, y, out};
    dp_parallel(ctx->pool, rows, probability_row, &job);
}

dp_status dp_segmentor_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                           dp_label_map *out)
{
    dp_segmentor_result *result = (void *)ctx->result;
    _Static_assert(sizeof *result <= DP_MODEL_RESULT_MAX, "room for the result");
    if (m->def->task != DP_TASK_SEGMENT)
        return dp_fail(&ctx->err, DP_EARG,
                       "segment: found a model of type %s, which is no segmentor",
                       m->def->module.name);
    dp_status st = dp_model_run(ctx, m, pixels, result);
    if (st == DP_OK)
        ctx->result_model = m->serial;
    if (st == DP_OK)
        st = dp_label_map_resize(&ctx->err, out, pixels->h, pixels->w);
    if (st == DP_OK)
        memcpy(out->labels, result->labels, (size_t)pixels->h * (size_t)pixels->w);
    return st;
}

const dp_segmentor_result *dp_segmentor_last(const dp_context *ctx, const dp_model *m)
{
    return ctx->result_model == m->serial ? (const void *)ctx->result : NULL;
}
