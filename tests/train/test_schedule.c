/* Schedules and parameter groups: the tables of ConvNeXt, mmcv and whole runs. */
#include "tests/support/golden.h"
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "train/parameter_groups.h"
#include "train/schedule.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static dp_schedule cosine_of(const cJSON *c)
{
    const double iterations = json_number(c, "iterations_per_epoch");
    const cJSON *steps = cJSON_GetObjectItem(c, "warmup_steps");
    const bool in_steps = steps && steps->valuedouble > 0;
    return (dp_schedule){.kind = DP_SCHEDULE_COSINE,
                         .base = json_number(c, "base"),
                         .last = json_number(c, "final"),
                         .length = iterations * json_number(c, "epochs"),
                         .warmup = in_steps
                                       ? steps->valuedouble
                                       : json_number(c, "warmup_epochs") * iterations};
}

START_TEST(cosine_tables_are_convnexts)
{
    cJSON *tables = json_load(shared_path("golden_train_cls/ops/tables.json"));
    const cJSON *c, *value;
    int count = 0;
    cJSON_ArrayForEach(c, json_get(tables, "cosine_tables"))
    {
        const dp_schedule s = cosine_of(c);
        int i = 0;
        cJSON_ArrayForEach(value, json_get(c, "table")) ck_assert_double_eq_tol(
            dp_schedule_at(&s, i++), value->valuedouble, 1e-15 * s.base);
        ck_assert_double_eq(i, s.length);
        count++;
    }
    ck_assert_int_eq(count, 6);
    const cJSON *recipe = json_get(tables, "recipe_1k");
    const dp_schedule s = cosine_of(recipe);
    cJSON_ArrayForEach(value, json_get(recipe, "at")) ck_assert_double_eq_tol(
        dp_schedule_at(&s, atoi(value->string)), value->valuedouble, 1e-15 * s.base);
    cJSON_Delete(tables);
}
END_TEST

static void expect_values(const cJSON *pairs, const dp_schedule *s)
{
    const cJSON *pair;
    int count = 0;
    cJSON_ArrayForEach(pair, pairs)
    {
        const double want = cJSON_GetArrayItem(pair, 1)->valuedouble;
        const double t = cJSON_GetArrayItem(pair, 0)->valuedouble;
        ck_assert_double_eq_tol(dp_schedule_at(s, t), want, 1e-12 * want);
        count++;
    }
    ck_assert_int_gt(count, 5);
}

/* The poly rate after warm-up ends in 1 - t / length, which cancels near the end. */
START_TEST(step_and_poly_are_mmcvs)
{
    cJSON *file = json_load(shared_path("golden_train/ops/schedules.json"));
    const dp_schedule step = {.kind = DP_SCHEDULE_STEP,
                              .base = 1e-4,
                              .length = 36 * 200,
                              .warmup = 500,
                              .warmup_ratio = 1e-3,
                              .factor = 0.1,
                              .step_count = 2,
                              .steps = {27 * 200, 33 * 200}};
    const dp_schedule poly = {.kind = DP_SCHEDULE_POLY,
                              .base = 1e-4,
                              .length = 160000,
                              .warmup = 1500,
                              .warmup_ratio = 1e-6,
                              .power = 1};
    expect_values(json_get(file, "mask_rcnn_t_3x_epoch_len_200"), &step);
    expect_values(json_get(file, "upernet_160k"), &poly);
    cJSON_Delete(file);
}
END_TEST

START_TEST(ends_and_edges)
{
    const dp_schedule one = {
        .kind = DP_SCHEDULE_COSINE, .base = 1, .last = 0, .length = 3, .warmup = 1};
    ck_assert(dp_schedule_at(&one, 0) == 0 && dp_schedule_at(&one, 1) == 1);
    const dp_schedule epochs = {.kind = DP_SCHEDULE_EPOCH_COSINE,
                                .base = 4,
                                .last = 1,
                                .length = 10,
                                .warmup = 2};
    ck_assert(dp_schedule_at(&epochs, 0) == 0 && dp_schedule_at(&epochs, 0.5) == 1);
    ck_assert(dp_schedule_at(&epochs, 2) == 4 && dp_schedule_at(&epochs, 6) == 2.5);
    const dp_schedule poly = {
        .kind = DP_SCHEDULE_POLY, .base = 1, .last = 0.5, .length = 4, .power = 2};
    ck_assert(dp_schedule_at(&poly, 2) == 0.625 && dp_schedule_at(&poly, 0) == 1);
}
END_TEST

/* ---- groups ---------------------------------------------------------------------- */

static void expect_layers(const cJSON *ids, const dp_group_rules *rules)
{
    const cJSON *id;
    int count = 0;
    cJSON_ArrayForEach(id, ids)
    {
        ck_assert_msg(dp_parameter_layer(rules, id->string) == id->valueint,
                      "%s: layer %d, not %d", id->string,
                      dp_parameter_layer(rules, id->string), id->valueint);
        count++;
    }
    ck_assert_int_gt(count, 20);
}

START_TEST(layers_of_classifiers)
{
    cJSON *tables = json_load(shared_path("golden_train_cls/ops/tables.json"));
    const dp_group_rules group = {.layer = DP_LAYERS_GROUP, .layers = 12};
    const dp_group_rules single = {.layer = DP_LAYERS_SINGLE, .depths = {2, 2, 6, 2}};
    expect_layers(json_get(tables, "layer_ids_convnext_s_12_groups"), &group);
    expect_layers(json_get(tables, "layer_ids_v2_atto_single"), &single);
    const cJSON *rate, *scale;
    cJSON_ArrayForEach(rate, json_get(tables, "layer_scale_values"))
    {
        const dp_group_rules r = {
            .layer = DP_LAYERS_GROUP, .layers = 12, .rate = atof(rate->string)};
        int i = 0;
        cJSON_ArrayForEach(scale, rate)
            ck_assert(dp_layer_scale(&r, i++) == scale->valuedouble);
    }
    cJSON_Delete(tables);
}
END_TEST

START_TEST(layers_of_detectors_and_segmentors)
{
    cJSON *file = json_load(shared_path("golden_train/ops/layer_ids.json"));
    for (int M = 6; M <= 12; M += 6) {
        const dp_group_rules group = {.layer = DP_LAYERS_GROUP, .layers = M};
        const dp_group_rules stage = {.layer = DP_LAYERS_STAGE, .layers = M};
        expect_layers(json_get(file, M == 6 ? "layer_wise_M6" : "layer_wise_M12"),
                      &group);
        expect_layers(json_get(file, M == 6 ? "stage_wise_M6" : "stage_wise_M12"),
                      &stage);
    }
    cJSON_Delete(file);
}
END_TEST

static const struct {
    const char *name;
    int layer;
} swin[] = {
    {"patch_embed.proj.weight", 0},
    {"absolute_pos_embed", 0},
    {"layers.0.blocks.0.attn.qkv.weight", 1},
    {"layers.0.blocks.1.norm1.bias", 2},
    {"layers.0.downsample.reduction.weight", 2},
    {"backbone.layers.1.blocks.0.mlp.fc1.weight", 3},
    {"layers.2.blocks.5.attn.relative_position_bias_table", 10},
    {"layers.2.downsample.norm.weight", 10},
    {"layers.3.blocks.1.norm2.weight", 12},
    {"norm.weight", 13},
    {"head.bias", 13},
    {"layers.x.blocks.0.norm1.weight", 13},
    {"layers.7.blocks.0.norm1.weight", 13},
};

START_TEST(layers_of_swin)
{
    const dp_group_rules rules = {.layer = DP_LAYERS_SWIN, .depths = {2, 2, 6, 2}};
    ck_assert_int_eq(dp_parameter_layer(&rules, swin[_i].name), swin[_i].layer);
}
END_TEST

static const struct {
    dp_decay_rule rule;
    const char *name;
    int rank;
    bool decays;
} decays[] = {
    {DP_DECAY_COMMON, "stages.0.0.dwconv.weight", 4, true},
    {DP_DECAY_COMMON, "stages.0.0.dwconv.bias", 1, false},
    {DP_DECAY_COMMON, "stages.0.0.gamma", 1, false},
    {DP_DECAY_COMMON, "a.bias", 2, false},
    {DP_DECAY_COMMON, "bias", 2, true},
    {DP_DECAY_COMMON, "stages.0.0.grn.gamma", 4, true},
    {DP_DECAY_GRN, "stages.0.0.grn.gamma", 4, false},
    {DP_DECAY_GRN, "stages.0.0.grn.beta", 4, false},
    {DP_DECAY_GRN, "head.weight", 2, true},
    {DP_DECAY_SWIN, "layers.0.blocks.0.attn.relative_position_bias_table", 2, false},
    {DP_DECAY_SWIN, "absolute_pos_embed", 3, false},
    {DP_DECAY_SWIN, "layers.0.blocks.0.attn.qkv.weight", 2, true},
};

START_TEST(what_decays)
{
    ck_assert_int_eq(
        dp_parameter_decays(decays[_i].rule, decays[_i].name, decays[_i].rank),
        decays[_i].decays);
}
END_TEST

/* ---- whole runs ------------------------------------------------------------------ */

static const struct {
    const char *folder;
    dp_group_rules rules;
} runs[] = {
    {"cls_v1", {.layer = DP_LAYERS_GROUP, .layers = 12, .rate = 0.7}},
    {"cls_v2",
     {.decay = DP_DECAY_GRN,
      .layer = DP_LAYERS_SINGLE,
      .depths = {1, 2, 3, 1},
      .rate = 0.9}},
    {"cls_iso", {.layer = DP_LAYERS_NONE, .rate = 1}},
};

enum { MOST = 400 };

/* The groups of case.json name their parameters; ours must find the same. The order of
 * the model is that of gradient_tensors; `init` has the shapes. */
static int check_groups(const cJSON *file, const golden *init,
                        const dp_group_rules *rules, dp_parameter_group *groups)
{
    const char *names[MOST];
    int ranks[MOST], group[MOST], count = 0, at = 0;
    const cJSON *one, *name;
    cJSON_ArrayForEach(one, json_get(file, "gradient_tensors"))
    {
        ck_assert_int_lt(count, MOST);
        ranks[count] = golden_get(init, one->string)->rank;
        names[count++] = one->string;
    }
    const int known =
        dp_parameter_groups_assign(group, groups, names, ranks, count, rules);
    cJSON_ArrayForEach(one, json_get(file, "param_groups"))
    {
        ck_assert_int_lt(at, known);
        ck_assert(groups[at].weight_decay == json_number(one, "weight_decay"));
        ck_assert(groups[at].lr_scale == json_number(one, "lr_scale"));
        cJSON_ArrayForEach(name, json_get(one, "params"))
        {
            int i = 0;
            while (i < count && strcmp(names[i], name->valuestring) != 0)
                i++;
            ck_assert_msg(i < count && group[i] == at, "%s is not in group %d",
                          name->valuestring, at);
            names[i] = "";
        }
        at++;
    }
    ck_assert_int_eq(at, known);
    for (int i = 0; i < count; i++)
        ck_assert_str_eq(names[i], "");
    return known;
}

/* The learning rate before groups of optimizer step s. */
static double rate_at(const cJSON *file, int s, int steps)
{
    const cJSON *args = json_get(file, "args");
    dp_schedule lr = {.base = json_number(args, "lr"),
                      .last = json_number(args, "min_lr"),
                      .length = json_number(args, "epochs"),
                      .warmup = json_number(args, "warmup_epochs")};
    if (strcmp(json_text(file, "family"), "v2") == 0) {
        lr.kind = DP_SCHEDULE_EPOCH_COSINE;
        return dp_schedule_at(&lr, s * lr.length / steps);
    }
    const double warmup = json_number(args, "warmup_steps");
    lr.kind = DP_SCHEDULE_COSINE;
    lr.warmup = warmup > 0 ? warmup : lr.warmup * steps / lr.length;
    lr.length = steps;
    return dp_schedule_at(&lr, s);
}

START_TEST(rates_of_whole_runs)
{
    cJSON *file =
        json_load(shared_path("golden_train_cls/%s/case.json", runs[_i].folder));
    const cJSON *args = json_get(file, "args");
    dp_group_rules rules = runs[_i].rules;
    dp_parameter_group groups[MOST];
    rules.weight_decay = json_number(args, "weight_decay");
    golden init = golden_open_path(
        shared_path("golden_train_cls/%s/init.safetensors", runs[_i].folder));
    const int known = check_groups(file, &init, &rules, groups);
    golden_close(&init);
    const cJSON *table = json_get(file, "lr_wd_per_step_and_group");
    const cJSON *end = cJSON_GetObjectItem(args, "weight_decay_end"), *step, *pair;
    const int steps = cJSON_GetArraySize(table);
    const dp_schedule decay = {.kind = DP_SCHEDULE_COSINE,
                               .base = rules.weight_decay,
                               .last = end ? end->valuedouble : rules.weight_decay,
                               .length = steps};
    int s = 0;
    cJSON_ArrayForEach(step, table)
    {
        int at = 0;
        ck_assert_int_eq(cJSON_GetArraySize(step), known);
        cJSON_ArrayForEach(pair, step)
        {
            const double lr = rate_at(file, s, steps) * groups[at].lr_scale;
            const double wd =
                groups[at].weight_decay > 0 ? dp_schedule_at(&decay, s) : 0;
            ck_assert_double_eq_tol(lr, cJSON_GetArrayItem(pair, 0)->valuedouble,
                                    1e-15 * json_number(args, "lr"));
            ck_assert_double_eq_tol(wd, cJSON_GetArrayItem(pair, 1)->valuedouble,
                                    1e-15);
            at++;
        }
        s++;
    }
    ck_assert_int_eq(s, 10);
    cJSON_Delete(file);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

int main(void)
{
    Suite *suite = suite_create("train/schedule");
    TCase *tc = tcase_create("schedules and groups");
    if (shared_has("golden_train_cls/ops")) {
        tcase_add_test(tc, cosine_tables_are_convnexts);
        tcase_add_test(tc, layers_of_classifiers);
        tcase_add_loop_test(tc, rates_of_whole_runs, 0, COUNT(runs));
    }
    if (shared_has("golden_train/ops")) {
        tcase_add_test(tc, step_and_poly_are_mmcvs);
        tcase_add_test(tc, layers_of_detectors_and_segmentors);
    }
    tcase_add_test(tc, ends_and_edges);
    tcase_add_loop_test(tc, layers_of_swin, 0, COUNT(swin));
    tcase_add_loop_test(tc, what_decays, 0, COUNT(decays));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
