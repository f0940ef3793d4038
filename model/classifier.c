/* Classifiers: a backbone and a classification head on one map, as upstream's ImageNet
 * models. The names in their checkpoints have no prefix.
 */
#include "model/classifier.h"

#include "heads/head.h"
#include "io/image/stored_pixels.h"
#include "postprocess/softmax.h"
#include "postprocess/topk.h"

#include <math.h>
#include <string.h>

typedef struct classifier {
    int top_k;

    dp_part head;
} classifier;

static const dp_param params[] = {
    DP_PARAM(classifier, top_k, "5", 1, DP_MAX_CLASSES,
             "classes that are reported, the best first"),
    DP_PARAM_END,
};

static dp_status build(void *self, const dp_module *module, dp_builder *b,
                       const dp_feature_specs *in)
{
    (void)module;
    classifier *net = self;
    return dp_module_build(b, &net->head, DP_MODULE_CLASS_HEAD, in);
}

static int classes(const void *self)
{
    const classifier *net = self;
    return dp_class_head_def_of(net->head.module)->classes(net->head.self);
}

/* A NaN or an infinity among the logits makes every probability NaN. */
static void choose_best(dp_run *r, dp_classifier_result *out, int most)
{
    const size_t mark = dp_run_mark(r);
    float *p = dp_run_take(r, (size_t)out->K, sizeof *p);
    int *index = dp_run_take(r, (size_t)most, sizeof *index);
    out->count = dp_topk_run(r, index, out->logits, out->K, most);
    if (!r->dry) {
        dp_softmax_rows(p, out->logits, 1, out->K);
        if (isnan(p[0]))
            out->count = 0;
        for (int i = 0; i < out->count; i++)
            out->best[i] = (dp_class_score){index[i], p[index[i]]};
    }
    dp_run_rewind(r, mark);
}

dp_tensor dp_classifier_logits(const dp_model *m, dp_run *r, dp_tensor input)
{
    const classifier *net = m->task;
    const dp_features maps = dp_backbone_run(&m->backbone, r, input);
    return dp_class_head_def_of(net->head.module)->forward(net->head.self, r, &maps);
}

static void forward(const dp_model *m, dp_run *r, dp_size original,
                    const uint8_t *pixels, const dp_model_options *options,
                    void *result)
{
    (void)options;
    const classifier *net = m->task;
    dp_classifier_result *out = result;
    const int K = classes(net), most = net->top_k < K ? net->top_k : K;
    *out = (dp_classifier_result){.K = K};
    out->best = dp_run_take(r, (size_t)most, sizeof *out->best);

    const dp_frame frame = dp_input_frame(&m->input, original);
    const dp_tensor input = dp_input_run(r, &m->input, &frame, pixels);
    out->logits = dp_classifier_logits(m, r, input).data;
    choose_best(r, out, most);
}

const dp_model_def dp_model_classifier = {
    .module = DP_MODULE(DP_MODULE_MODEL, "classifier", "a class for the whole image",
                        classifier, params, build),
    .task = DP_TASK_CLASSIFY,
    .scope = "",
    .classes = classes,
    .forward = forward,
};

static dp_status run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                     dp_class_score *out, int room, int *count)
{
    dp_classifier_result result;
    const dp_status st = dp_model_run(ctx, m, pixels, &result);
    if (st != DP_OK)
        return st;
    *count = result.count < room ? result.count : room;
    memcpy(out, result.best, (size_t)*count * sizeof *out);
    return DP_OK;
}

dp_status dp_classifier_run(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                            dp_class_score *out, int room, int *count)
{
    *count = 0;
    if (m->def->task != DP_TASK_CLASSIFY)
        return dp_fail(&ctx->err, DP_EARG,
                       "found a model of type %s, expected a classifier",
                       m->def->module.name);
    dp_stored_pixels stored;
    dp_status st = dp_stored_pixels_init(&ctx->err, &stored, pixels);
    if (st == DP_OK)
        st = run(ctx, m, &stored.pixels, out, room, count);
    dp_stored_pixels_done(&stored);
    return st;
}
