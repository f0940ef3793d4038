#define _XOPEN_SOURCE 700 /* mkdtemp */

#include "tests/support/training_case.h"

#include "io/checkpoint/checkpoint.h"
#include "tests/support/suite.h"
#include "train/classification_loss.h"
#include "train/drop_path.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the case's words ------------------------------------------------------------- */

static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(value != NULL, "case.json: there is no %s", key);
    return value;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *value = get(object, key);
    ck_assert_msg(cJSON_IsNumber(value), "case.json: %s is no number", key);
    return value->valuedouble;
}

static double number_or(const cJSON *object, const char *key, double other)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(value) ? value->valuedouble : other;
}

static const char *text_or(const cJSON *object, const char *key, const char *other)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) ? value->valuestring : other;
}

static bool is_family(const training_case *c, const char *name)
{
    return strcmp(text_or(c->json, "family", ""), name) == 0;
}

/* ---- the network ------------------------------------------------------------------ */

static bool has_tensor(const training_case *c, const char *end)
{
    size_t count;
    const dp_named_tensor *list = dp_checkpoint_tensors(c->init.file, &count);
    for (size_t i = 0; i < count; i++) {
        const size_t n = strlen(list[i].name), m = strlen(end);
        if (n > m && strcmp(list[i].name + n - m, end) == 0)
            return true;
    }
    return false;
}

static void write_backbone(const training_case *c, FILE *file)
{
    char *depths = cJSON_PrintUnformatted(get(c->json, "depths"));
    char *dims = cJSON_PrintUnformatted(get(c->json, "dims"));
    const char *scale = has_tensor(c, "0.gamma") ? "true" : "false";
    if (is_family(c, "iso"))
        fprintf(file,
                "{\"type\": \"convnext_iso\", \"depth\": %d, \"dim\": %d, "
                "\"layer_scale\": %s}",
                get(c->json, "depths")->child->valueint,
                get(c->json, "dims")->child->valueint, scale);
    else
        fprintf(file,
                "{\"type\": \"convnext\", \"output_norms\": false, \"depths\": %s, "
                "\"dims\": %s, \"layer_scale\": %s, \"grn\": %s}",
                depths, dims, scale, is_family(c, "v2") ? "true" : "false");
    cJSON_free(depths);
    cJSON_free(dims);
}

static void write_config(const training_case *c, const char *path, const char *classes)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "{\"type\": \"classifier\", \"dataset\": \"%s\", \"input\": {\"resize\": "
            "\"warp\", \"scale\": [%d, %d], \"mean\": [0, 0, 0], \"std\": [1, 1, 1], "
            "\"to_rgb\": true, \"size_divisor\": 1}, \"backbone\": ",
            classes, c->W, c->W);
    write_backbone(c, file);
    fprintf(file,
            ", \"cls_head\": {\"type\": \"pooled_linear\", \"num_classes\": %d}, "
            "\"test\": {\"top_k\": 1}}",
            c->K);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_classes(const training_case *c, const char *path)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("{\"name\": \"case\", \"classes\": [", file);
    for (int k = 0; k < c->K; k++)
        fprintf(file, "%s{\"name\": \"class %d\", \"id\": %d}", k ? ", " : "", k, k);
    fputs("]}", file);
    ck_assert_int_eq(fclose(file), 0);
}

static void build_network(training_case *c)
{
    char folder[] = "/tmp/densepred-case-XXXXXX", config[64], classes[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(config, sizeof config, "%s/config.json", folder);
    snprintf(classes, sizeof classes, "%s/classes.json", folder);
    write_classes(c, classes);
    write_config(c, config, "classes.json");
    dp_network_options o = {0};
    o.tensors = dp_checkpoint_tensors(c->init.file, &o.count);
    dp_status st = dp_config_load(&c->context->err, &c->config, config);
    if (st == DP_OK)
        st = dp_network_new(c->context, &c->network, c->config, &o);
    ck_assert_msg(st == DP_OK, "%s", dp_context_error(c->context));
    unlink(config);
    unlink(classes);
    rmdir(folder);
}

/* ---- the recipe --------------------------------------------------------------------- */

static void read_groups(training_case *c)
{
    const char *rule = text_or(c->json, "layer_decay_type", "");
    const bool group = strcmp(rule, "group") == 0, single = strcmp(rule, "single") == 0;
    dp_group_rules *g = &c->training.groups;
    g->decay = is_family(c, "v2") ? DP_DECAY_GRN : DP_DECAY_COMMON;
    g->layer = group ? DP_LAYERS_GROUP : single ? DP_LAYERS_SINGLE : DP_LAYERS_NONE;
    g->layers = 12;
    g->rate = number(get(c->json, "args"), "layer_decay");
    g->weight_decay = number(get(c->json, "args"), "weight_decay");
    const cJSON *depth;
    int s = 0;
    cJSON_ArrayForEach(depth, get(c->json, "depths"))
    {
        if (s < 4)
            g->depths[s++] = depth->valueint;
    }
}

/* V2's schedule goes by epochs, the others' by steps. */
static void read_schedules(training_case *c)
{
    const cJSON *args = get(c->json, "args");
    const double epochs = number(args, "epochs");
    const double steps =
        c->micro_batches_an_epoch / number(c->json, "update_freq"); /* of an epoch */
    const double decay = number(args, "weight_decay");
    dp_schedule *rate = &c->training.rate;
    *rate = (dp_schedule){.kind = DP_SCHEDULE_COSINE,
                          .base = number(args, "lr"),
                          .last = number(args, "min_lr"),
                          .length = epochs * steps,
                          .warmup = number(args, "warmup_epochs") * steps};
    if (number_or(args, "warmup_steps", 0) > 0)
        rate->warmup = number(args, "warmup_steps");
    if (is_family(c, "v2")) {
        rate->kind = DP_SCHEDULE_EPOCH_COSINE;
        rate->length = epochs;
        rate->warmup = number(args, "warmup_epochs");
    }
    c->training.decay =
        (dp_schedule){.kind = DP_SCHEDULE_COSINE,
                      .base = decay,
                      .last = number_or(args, "weight_decay_end", decay),
                      .length = epochs * steps};
}

static void read_recipe(training_case *c)
{
    const cJSON *args = get(c->json, "args");
    const cJSON *betas = cJSON_GetObjectItemCaseSensitive(args, "opt_betas");
    dp_training *t = &c->training;
    t->optimizer = DP_OPTIMIZER_ADAMW;
    t->adamw = dp_adamw_recipe;
    t->adamw.eps = number(args, "opt_eps");
    if (cJSON_IsArray(betas)) {
        t->adamw.beta1 = cJSON_GetArrayItem(betas, 0)->valuedouble;
        t->adamw.beta2 = cJSON_GetArrayItem(betas, 1)->valuedouble;
    }
    t->accumulate = (int)number(c->json, "update_freq");
    t->clip_norm = number_or(c->json, "clip_grad", 0);
    t->average_decay = number_or(c->json, "ema_decay", 0);
    sscanf(text_or(c->json, "loss", ""), "LabelSmoothingCrossEntropy %lf",
           &t->smoothing);
    read_groups(c);
    read_schedules(c);
}

static void read_rates(training_case *c)
{
    const int branches = dp_network_branches(c->network);
    c->rates = calloc((size_t)branches + 1, sizeof *c->rates);
    dp_drop_path_rates(c->rates, branches, number(c->json, "drop_path_rate"));
    for (int b = 0; b < branches; b++)
        c->drawing += c->rates[b] > 0;
}

/* ---- open and close --------------------------------------------------------------- */

static npy load(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return npy_load(path);
}

void training_case_open(training_case *c, const char *folder, int threads,
                        const char *cpu)
{
    char path[1024];
    size_t size;
    *c = (training_case){0};
    snprintf(path, sizeof path, "%s/case.json", folder);
    char *text = file_load(path, &size);
    c->json = cJSON_Parse(text);
    free(text);
    ck_assert_msg(c->json != NULL, "%s: not JSON", path);
    ck_assert_msg(cJSON_HasObjectItem(c->json, "family"), "%s: not of a classifier",
                  path);
    snprintf(path, sizeof path, "%s/init.safetensors", folder);
    c->init = golden_open_path(path);
    c->batches = load(folder, "batches.npy");
    c->targets = load(folder, "targets.npy");
    c->draws = load(folder, "drop_path_u.npy");

    c->N = (int)number(c->json, "batch");
    c->H = cJSON_GetArrayItem(get(c->json, "input_hw"), 0)->valueint;
    c->W = cJSON_GetArrayItem(get(c->json, "input_hw"), 1)->valueint;
    c->K = (int)number(c->json, "classes");
    c->micro_batches = (int)number(c->json, "micro_batches");
    c->micro_batches_an_epoch =
        c->micro_batches / (int)number(get(c->json, "args"), "epochs");
    c->losses = calloc((size_t)c->micro_batches, sizeof *c->losses);
    ck_assert_int_eq(c->batches.rank, 5);
    ck_assert_int_eq((int)c->batches.count / c->batches.shape[0],
                     c->N * 3 * c->H * c->W);

    ck_assert_int_eq(
        dp_context_new(&c->context, &(dp_options){.threads = threads, .cpu = cpu}),
        DP_OK);
    build_network(c);
    read_recipe(c);
    read_rates(c);
    const dp_parameter_gradients trained = {dp_network_parameters(c->network),
                                            dp_network_gradients(c->network)};
    ck_assert_int_eq(
        dp_optimizer_init(&c->context->err, &c->optimizer, &c->training, &trained),
        DP_OK);
}

void training_case_close(training_case *c)
{
    dp_optimizer_done(&c->optimizer);
    dp_network_free(c->network);
    dp_config_free(c->config);
    dp_context_free(c->context);
    golden_close(&c->init);
    cJSON_Delete(c->json);
    free(c->batches.values);
    free(c->targets.values);
    free(c->draws.values);
    free(c->rates);
    free(c->losses);
}

/* ---- a step --------------------------------------------------------------------------- */

/* Batch b, from (N, 3, H, W) to channels last; the caller's to free. */
static dp_tensor make_batch(const training_case *c, int b)
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
    const training_case *c = arg;
    const double rate = c->rates[branch];
    int place = 0;
    for (int b = 0; b < branch; b++)
        place += c->rates[b] > 0;
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

static double find_loss(const training_case *c, float *gradient, const float *logits)
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
                                            c->training.smoothing);
    free(targets);
    free(labels);
    return loss;
}

static void run_micro_batch(training_case *c)
{
    const size_t size = (size_t)c->N * (size_t)c->K;
    dp_error *err = &c->context->err;
    const dp_tensor batch = make_batch(c, c->micro_batch % c->batches.shape[0]);
    float *gradient = calloc(size, sizeof *gradient);
    const float *logits;
    dp_status st = dp_network_forward(err, c->network, batch, skip, c, &logits);
    ck_assert_msg(st == DP_OK, "%s", err->text);
    c->losses[c->micro_batch] = find_loss(c, gradient, logits);
    for (size_t i = 0; i < size; i++)
        gradient[i] /= (float)c->training.accumulate;
    st = dp_network_backward(err, c->network, gradient);
    ck_assert_msg(st == DP_OK, "%s", err->text);
    free(gradient);
    free(batch.data);
    c->micro_batch++;
}

void training_case_go_back(training_case *c)
{
    dp_network_clear_gradients(c->network);
    for (int i = 0; i < c->training.accumulate; i++)
        run_micro_batch(c);
}

void training_case_step(training_case *c)
{
    const double epochs =
        (double)(c->micro_batch - c->training.accumulate) / c->micro_batches_an_epoch;
    const double step = (double)c->optimizer.steps;
    const double rate = dp_schedule_at(
        &c->training.rate,
        c->training.rate.kind == DP_SCHEDULE_EPOCH_COSINE ? epochs : step);
    dp_optimizer_run(&c->optimizer, c->context->pool, &c->context->kernels, rate,
                     dp_schedule_at(&c->training.decay, step));
}
