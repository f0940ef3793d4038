#define _XOPEN_SOURCE 700 /* fmemopen */

#include "tests/support/segmentor_case.h"

#include "model/segmentor.h"
#include "train/drop_path.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- open and close --------------------------------------------------------------- */

static void build_network(segmentor_case *c)
{
    const cJSON *a = case_get(c->file.json, "architecture");
    char text[2500], root[500];
    char *depths = cJSON_PrintUnformatted(case_get(a, "depths"));
    char *dims = cJSON_PrintUnformatted(case_get(a, "dims"));
    ck_assert_ptr_nonnull(getcwd(root, sizeof root));
    snprintf(text, sizeof text,
             "{\"base\": \"%s/configs/_base_/upernet.json\", \"dataset\": "
             "\"classes.json\", \"backbone\": {\"type\": \"convnext\", \"depths\": %s, "
             "\"dims\": %s}, \"decode_head\": {\"channels\": %d, \"num_classes\": %d}, "
             "\"auxiliary_head\": {\"channels\": %d, \"num_classes\": %d}}",
             root, depths, dims, (int)case_number(a, "ch"), c->K,
             (int)case_number(a, "aux"), c->K);
    cJSON_free(depths);
    cJSON_free(dims);
    case_file_build(&c->file, text, c->K, case_number(a, "drop_path"));
    for (int b = 0; b < dp_network_branches(c->file.network); b++)
        c->drawing += c->file.rates[b] > 0;
}

static void read_recipe(segmentor_case *c)
{
    const cJSON *optimizer = case_get(c->file.json, "optimizer");
    const cJSON *schedule = case_get(c->file.json, "schedule");
    dp_training *t = &c->file.training;
    t->optimizer = DP_OPTIMIZER_ADAMW;
    t->adamw = dp_adamw_recipe;
    t->groups =
        (dp_group_rules){.decay = DP_DECAY_COMMON,
                         .layer = DP_LAYERS_STAGE,
                         .layers = (int)case_number(optimizer, "num_layers"),
                         .rate = case_number(optimizer, "layer_decay_rate"),
                         .weight_decay = case_number(optimizer, "weight_decay")};
    t->rate = (dp_schedule){.kind = DP_SCHEDULE_POLY,
                            .base = case_number(optimizer, "lr"),
                            .last = case_number(schedule, "min_lr"),
                            .length = case_number(schedule, "max_iters"),
                            .power = case_number(schedule, "power"),
                            .warmup = case_number(schedule, "warmup_iters"),
                            .warmup_ratio = case_number(schedule, "warmup_ratio")};
}

void segmentor_case_open(segmentor_case *c, const char *folder, int threads,
                         const char *cpu)
{
    *c = (segmentor_case){0};
    case_file_open(&c->file, folder, threads, cpu);
    ck_assert_str_eq(case_text_or(c->file.json, "kind", ""), "upernet");
    c->inputs = case_file_tensors(&c->file, "inputs.safetensors");
    c->decisions = case_file_tensors(&c->file, "decisions.safetensors");
    const cJSON *shape =
        case_get(case_get(c->file.json, "batches")->child, "tensor_shape");
    c->N = cJSON_GetArrayItem(shape, 0)->valueint;
    c->H = cJSON_GetArrayItem(shape, 2)->valueint;
    c->W = cJSON_GetArrayItem(shape, 3)->valueint;
    c->K = (int)case_number(case_get(c->file.json, "architecture"), "classes");
    build_network(c);
    read_recipe(c);
    case_file_start(&c->file);
}

void segmentor_case_close(segmentor_case *c)
{
    golden_close(&c->inputs);
    golden_close(&c->decisions);
    case_file_close(&c->file);
}

/* ---- a step --------------------------------------------------------------------------- */

static void load_image(const segmentor_case *c, dp_tensor batch, uint8_t *labels, int n)
{
    static const double mean[3] = {123.675, 116.28, 103.53},
                        deviation[3] = {58.395, 57.12, 57.375};
    char name[40];
    snprintf(name, sizeof name, "b%d.image%d.bgr", c->step % 2, n);
    const dp_named_tensor *image = golden_get(&c->inputs, name);
    int *bgr = golden_ints(&c->inputs, name, NULL);
    for (int h = 0; h < image->shape[0]; h++)
        for (int w = 0; w < image->shape[1]; w++)
            for (int k = 0; k < 3; k++)
                dp_tensor_cell(batch, n, h, w)[k] =
                    (float)((bgr[(h * (int)image->shape[1] + w) * 3 + 2 - k] -
                             mean[k]) /
                            deviation[k]);
    free(bgr);
    snprintf(name, sizeof name, "b%d.image%d.label", c->step % 2, n);
    size_t count;
    int *label = golden_ints(&c->inputs, name, &count);
    ck_assert_uint_eq(count, (size_t)c->H * (size_t)c->W);
    for (size_t i = 0; i < count; i++)
        labels[(size_t)n * count + i] = (uint8_t)label[i];
    free(label);
}

static bool skip(void *arg, int branch, int N, float *factors)
{
    const segmentor_case *c = arg;
    const double rate = c->file.rates[branch];
    char name[40];
    int place = 0;
    for (int b = 0; b < branch; b++)
        place += c->file.rates[b] > 0;
    if (rate <= 0 || !factors)
        return rate > 0;
    snprintf(name, sizeof name, "s%d.drop_path_u", c->step);
    float *u = golden_floats(&c->decisions, name, NULL);
    for (int n = 0; n < N; n++)
        factors[n] = dp_drop_path_keeps(rate, u[place * N + n])
                         ? 1 / dp_drop_path_divisor(rate)
                         : 0;
    free(u);
    return true;
}

/* The auxiliary head is the one whose channels are its own. */
static bool drop(void *arg, float ratio, int N, int C, float *factors)
{
    const segmentor_case *c = arg;
    const int own = (int)case_number(case_get(c->file.json, "architecture"), "aux");
    char name[40];
    if (!factors)
        return true;
    snprintf(name, sizeof name, "s%d.%s_dropout_keep", c->step,
             C == own ? "aux" : "decode");
    size_t count;
    int *keep = golden_ints(&c->decisions, name, &count);
    ck_assert_uint_eq(count, (size_t)(N * C));
    for (int i = 0; i < N * C; i++)
        factors[i] = (float)keep[i] / (1 - ratio);
    free(keep);
    return true;
}

static void run_heads(void *arg, const dp_model *m, dp_run *r, dp_tensor batch)
{
    *(dp_segmentor_logits *)arg = dp_segmentor_logits_run(m, r, batch);
}

/* The gradient of the logits; the caller's to free. */
static float *find_loss(const segmentor_case *c, dp_segmentation_loss *loss,
                        dp_tensor logits, const uint8_t *labels, double weight)
{
    const dp_segmentation_target target = {labels, c->H, c->W, weight};
    float *scratch =
        malloc(dp_segmentation_loss_scratch(logits, &target) * sizeof *scratch);
    float *gradient = malloc(dp_tensor_size(logits) * sizeof *gradient);
    *loss = dp_segmentation_loss_run(c->file.context->pool, gradient, logits, &target,
                                     scratch);
    free(scratch);
    return gradient;
}

void segmentor_case_go_back(segmentor_case *c)
{
    dp_error *err = &c->file.context->err;
    const dp_network_draws draws = {skip, drop, c};
    dp_tensor batch = {NULL, c->N, c->H, c->W, 3};
    batch.data = calloc(dp_tensor_size(batch), sizeof(float));
    uint8_t *labels = malloc(dp_tensor_size(batch) / 3);
    for (int n = 0; n < c->N; n++)
        load_image(c, batch, labels, n);

    dp_segmentor_logits logits;
    dp_network_clear_gradients(c->file.network);
    dp_status st =
        dp_network_record(err, c->file.network, batch, run_heads, &logits, &draws);
    ck_assert_msg(st == DP_OK, "%s", err->text);
    float *decode = find_loss(c, &c->decode[c->step], logits.decode, labels, 1);
    float *auxiliary =
        find_loss(c, &c->auxiliary[c->step], logits.auxiliary, labels, 0.4);
    const dp_tape_seed seeds[] = {{logits.decode, decode},
                                  {logits.auxiliary, auxiliary}};
    st = dp_network_go_back(err, c->file.network, seeds, 2);
    ck_assert_msg(st == DP_OK, "%s", err->text);
    free(decode);
    free(auxiliary);
    free(labels);
    free(batch.data);
}

void segmentor_case_step(segmentor_case *c)
{
    dp_optimizer_run(&c->file.optimizer, c->file.context->pool,
                     &c->file.context->kernels,
                     dp_schedule_at(&c->file.training.rate, c->step),
                     c->file.training.groups.weight_decay);
    c->step++;
}
