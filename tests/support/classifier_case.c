#define _XOPEN_SOURCE 700 /* fmemopen */

#include "tests/support/classifier_case.h"

#include "train/classification_loss.h"
#include "train/drop_path.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_family(const classifier_case *c, const char *name)
{
    return strcmp(case_text_or(c->file.json, "family", ""), name) == 0;
}

/* ---- the network ------------------------------------------------------------------ */

static bool has_tensor(const classifier_case *c, const char *end)
{
    size_t count;
    const dp_named_tensor *list = dp_checkpoint_tensors(c->file.init.file, &count);
    for (size_t i = 0; i < count; i++) {
        const size_t n = strlen(list[i].name), m = strlen(end);
        if (n > m && strcmp(list[i].name + n - m, end) == 0)
            return true;
    }
    return false;
}

static void write_backbone(const classifier_case *c, FILE *file)
{
    char *depths = cJSON_PrintUnformatted(case_get(c->file.json, "depths"));
    char *dims = cJSON_PrintUnformatted(case_get(c->file.json, "dims"));
    const char *scale = has_tensor(c, "0.gamma") ? "true" : "false";
    if (is_family(c, "iso"))
        fprintf(file,
                "{\"type\": \"convnext_iso\", \"depth\": %d, \"dim\": %d, "
                "\"layer_scale\": %s}",
                case_get(c->file.json, "depths")->child->valueint,
                case_get(c->file.json, "dims")->child->valueint, scale);
    else
        fprintf(file,
                "{\"type\": \"convnext\", \"output_norms\": false, \"depths\": %s, "
                "\"dims\": %s, \"layer_scale\": %s, \"grn\": %s}",
                depths, dims, scale, is_family(c, "v2") ? "true" : "false");
    cJSON_free(depths);
    cJSON_free(dims);
}

static void build_network(classifier_case *c)
{
    char text[1500];
    FILE *file = fmemopen(text, sizeof text, "w");
    fprintf(file,
            "{\"type\": \"classifier\", \"dataset\": \"classes.json\", \"input\": "
            "{\"resize\": \"warp\", \"scale\": [%d, %d], \"mean\": [0, 0, 0], "
            "\"std\": [1, 1, 1], \"to_rgb\": true, \"size_divisor\": 1}, "
            "\"backbone\": ",
            c->W, c->W);
    write_backbone(c, file);
    fprintf(file,
            ", \"cls_head\": {\"type\": \"pooled_linear\", \"num_classes\": %d}, "
            "\"test\": {\"top_k\": 1}}",
            c->K);
    fclose(file);
    case_file_build(&c->file, text, c->K, case_number(c->file.json, "drop_path_rate"));
    for (int b = 0; b < dp_network_branches(c->file.network); b++)
        c->drawing += c->file.rates[b] > 0;
}

/* ---- the recipe --------------------------------------------------------------------- */

static void read_groups(classifier_case *c)
{
    const char *rule = case_text_or(c->file.json, "layer_decay_type", "");
    const bool group = strcmp(rule, "group") == 0, single = strcmp(rule, "single") == 0;
    dp_group_rules *g = &c->file.training.groups;
    g->decay = is_family(c, "v2") ? DP_DECAY_GRN : DP_DECAY_COMMON;
    g->layer = group ? DP_LAYERS_GROUP : single ? DP_LAYERS_SINGLE : DP_LAYERS_NONE;
    g->layers = 12;
    g->rate = case_number(case_get(c->file.json, "args"), "layer_decay");
    g->weight_decay = case_number(case_get(c->file.json, "args"), "weight_decay");
    const cJSON *depth;
    int s = 0;
    cJSON_ArrayForEach(depth, case_get(c->file.json, "depths"))
    {
        if (s < 4)
            g->depths[s++] = depth->valueint;
    }
}

/* V2's schedule goes by epochs, the others' by steps. */
static void read_schedules(classifier_case *c)
{
    const cJSON *args = case_get(c->file.json, "args");
    const double epochs = case_number(args, "epochs");
    const double steps = c->micro_batches_an_epoch /
                         case_number(c->file.json, "update_freq"); /* of an epoch */
    const double decay = case_number(args, "weight_decay");
    dp_schedule *rate = &c->file.training.rate;
    *rate = (dp_schedule){.kind = DP_SCHEDULE_COSINE,
                          .base = case_number(args, "lr"),
                          .last = case_number(args, "min_lr"),
                          .length = epochs * steps,
                          .warmup = case_number(args, "warmup_epochs") * steps};
    if (case_number_or(args, "warmup_steps", 0) > 0)
        rate->warmup = case_number(args, "warmup_steps");
    if (is_family(c, "v2")) {
        rate->kind = DP_SCHEDULE_EPOCH_COSINE;
        rate->length = epochs;
        rate->warmup = case_number(args, "warmup_epochs");
    }
    c->file.training.decay =
        (dp_schedule){.kind = DP_SCHEDULE_COSINE,
                      .base = decay,
                      .last = case_number_or(args, "weight_decay_end", decay),
                      .length = epochs * steps};
}

static void read_recipe(classifier_case *c)
{
    const cJSON *args = case_get(c->file.json, "args");
    const cJSON *betas = cJSON_GetObjectItemCaseSensitive(args, "opt_betas");
    dp_training *t = &c->file.training;
    t->optimizer = DP_OPTIMIZER_ADAMW;
    t->adamw = dp_adamw_recipe;
    t->adamw.eps = case_number(args, "opt_eps");
    if (cJSON_IsArray(betas)) {
        t->adamw.beta1 = cJSON_GetArrayItem(betas, 0)->valuedouble;
        t->adamw.beta2 = cJSON_GetArrayItem(betas, 1)->valuedouble;
    }
    t->accumulate = (int)case_number(c->file.json, "update_freq");
    t->clip_norm = case_number_or(c->file.json, "clip_grad", 0);
    t->average_decay = case_number_or(c->file.json, "ema_decay", 0);
    sscanf(case_text_or(c->file.json, "loss", ""), "LabelSmoothingCrossEntropy %lf",
           &t->smoothing);
    read_groups(c);
    read_schedules(c);
}

/* ---- open and close --------------------------------------------------------------- */

void classifier_case_open(classifier_case *c, const char *folder, int threads,
                          const char *cpu)
{
    *c = (classifier_case){0};
    case_file_open(&c->file, folder, threads, cpu);
    const cJSON *json = c->file.json;
    ck_assert_msg(cJSON_HasObjectItem(json, "family"), "%s: not of a classifier",
                  folder);
    c->batches = case_file_npy(&c->file, "batches.npy");
    c->targets = case_file_npy(&c->file, "targets.npy");
    c->draws = case_file_npy(&c->file, "drop_path_u.npy");

    c->N = (int)case_number(json, "batch");
    c->H = cJSON_GetArrayItem(case_get(json, "input_hw"), 0)->valueint;
    c->W = cJSON_GetArrayItem(case_get(json, "input_hw"), 1)->valueint;
    c->K = (int)case_number(json, "classes");
    c->micro_batches = (int)case_number(json, "micro_batches");
    c->micro_batches_an_epoch =
        c->micro_batches / (int)case_number(case_get(json, "args"), "epochs");
    c->losses = calloc((size_t)c->micro_batches, sizeof *c->losses);
    ck_assert_int_eq(c->batches.rank, 5);
    ck_assert_int_eq((int)c->batches.count / c->batches.shape[0],
                     c->N * 3 * c->H * c->W);
    build_network(c);
    read_recipe(c);
    case_file_start(&c->file);
}

void classifier_case_close(classifier_case *c)
{
    case_file_close(&c->file);
    free(c->batches.values);
    free(c->targets.values);
    free(c->draws.values);
    free(c->losses);
}

/* ---- a step --------------------------------------------------------------------------- */

/* Batch b, from (N, 3, H, W) to channels last; the caller's to free. */
static dp_tensor make_batch(const classifier_case *c, int b)
{
    const size_t cells = (size_t)c->H * (size_t)c->W, size = (size_t)c->N * 3 * cells;
    dp_tensor t = {malloc(size * sizeof(float)), c->N, c->H, c->W, 3};
    const double *from = c->batches.values + (size_t)b * size;
    for (int n = 0; n < c->N; n++)
        for (size_t at = 0; at < cells; at++)
            for (size_t k = 0; k < 3; k++)
                t.data[((size_t)n * cells + at) * 3 + k] =
                    (float)from[((size_t)n * 3 + k) * cells + at];
    return t;
}

/* The draws are stored for the branches of a rate above 0. */
static bool skip(void *arg, int branch, int N, float *factors)
{
    const classifier_case *c = arg;
    const double rate = c->file.rates[branch];
    int place = 0;
    for (int b = 0; b < branch; b++)
        place += c->file.rates[b] > 0;
    if (rate <= 0)
        return false;
    const double *u =
        c->draws.values +
        ((size_t)c->micro_batch * (size_t)c->drawing + (size_t)place) * (size_t)N;
    for (int n = 0; n < N && factors; n++)
        factors[n] =
            dp_drop_path_keeps(rate, (float)u[n]) ? 1 / dp_drop_path_divisor(rate) : 0;
    return true;
}

static double find_loss(const classifier_case *c, float *gradient, const float *logits)
{
    const size_t size = (size_t)c->N * (size_t)c->K;
    const bool soft = c->targets.rank == 3;
    const double *from =
        c->targets.values + (size_t)c->micro_batch * (soft ? size : (size_t)c->N);
    float *targets = calloc(size, sizeof *targets);
    int *labels = calloc((size_t)c->N, sizeof *labels);
    for (size_t i = 0; i < size && soft; i++)
        targets[i] = (float)from[i];
    for (int n = 0; n < c->N && !soft; n++)
        labels[n] = (int)from[n];
    const double loss = soft ? dp_loss_soft(gradient, logits, targets, c->N, c->K)
                             : dp_loss_hard(gradient, logits, labels, c->N, c->K,
                                            c->file.training.smoothing);
    free(targets);
    free(labels);
    return loss;
}

static void run_micro_batch(classifier_case *c)
{
    const size_t size = (size_t)c->N * (size_t)c->K;
    dp_error *err = &c->file.context->err;
    const dp_tensor batch = make_batch(c, c->micro_batch % c->batches.shape[0]);
    float *gradient = calloc(size, sizeof *gradient);
    const float *logits;
    dp_status st = dp_network_forward(err, c->file.network, batch, skip, c, &logits);
    ck_assert_msg(st == DP_OK, "%s", err->text);
    c->losses[c->micro_batch] = find_loss(c, gradient, logits);
    for (size_t i = 0; i < size; i++)
        gradient[i] /= (float)c->file.training.accumulate;
    st = dp_network_backward(err, c->file.network, gradient);
    ck_assert_msg(st == DP_OK, "%s", err->text);
    free(gradient);
    free(batch.data);
    c->micro_batch++;
}

void classifier_case_go_back(classifier_case *c)
{
    dp_network_clear_gradients(c->file.network);
    for (int i = 0; i < c->file.training.accumulate; i++)
        run_micro_batch(c);
}

void classifier_case_step(classifier_case *c)
{
    const double epochs = (double)(c->micro_batch - c->file.training.accumulate) /
                          c->micro_batches_an_epoch;
    const double step = (double)c->file.optimizer.steps;
    const double rate = dp_schedule_at(
        &c->file.training.rate,
        c->file.training.rate.kind == DP_SCHEDULE_EPOCH_COSINE ? epochs : step);
    dp_optimizer_run(&c->file.optimizer, c->file.context->pool,
                     &c->file.context->kernels, rate,
                     dp_schedule_at(&c->file.training.decay, step));
}
