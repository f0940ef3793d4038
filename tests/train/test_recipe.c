#define _XOPEN_SOURCE 700 /* opendir */
/* The section "train": every key changes what it says, and nothing else is accepted. */
#include "base/text.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "train/recipe.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const int depths[4] = {3, 3, 9, 3};

static dp_error err;

/* A config whose section "train" is this object. */
static dp_status parse(dp_recipe *r, const char *train)
{
    char text[1024];
    dp_config *config;
    snprintf(text, sizeof text, "{\"train\": %s}", train);
    const dp_status loaded =
        dp_config_load(&err, &config, scratch_text("recipe.json", text));
    ck_assert_msg(loaded == DP_OK, "%s", err.text);
    const dp_status st = dp_recipe_parse(&err, r, config);
    dp_config_free(config);
    return st;
}

static dp_training training(const char *train, int ranks)
{
    dp_recipe r;
    ck_assert_msg(parse(&r, train) == DP_OK, "%s: %s", train, err.text);
    const dp_input input = {.scale = {224, 224}};
    dp_training t;
    dp_recipe_build(&r, &input, depths, ranks, &t);
    return t;
}

/* ---- every key ---------------------------------------------------------------------- */

#define FIELD(member, kind) offsetof(dp_training, member), kind
typedef enum field_kind { INT, DOUBLE, BOOL, U64 } field_kind;

/* The enums of a training are as large as an int. */
_Static_assert(sizeof(dp_schedule_kind) == sizeof(int), "an enum of another size");

static const struct {
    const char *key, *json;
    size_t offset;
    field_kind kind;
    double before, after; /* of the field: by default, and with the key */
} keys[] = {
    {"epochs", "70", FIELD(epochs, INT), 300, 70},
    {"batch", "6", FIELD(batch, INT), 128, 6},
    {"update_freq", "3", FIELD(accumulate, INT), 32, 3},
    {"seed", "5", FIELD(seed, U64), 0, 5},
    {"eval_interval", "4", FIELD(evaluate_every, INT), 1, 4},
    {"optimizer", "\"sgd\"", FIELD(optimizer, INT), DP_OPTIMIZER_ADAMW,
     DP_OPTIMIZER_SGD},
    {"betas", "[0.8, 0.999]", FIELD(adamw.beta1, DOUBLE), 0.9, 0.8},
    {"betas", "[0.9, 0.95]", FIELD(adamw.beta2, DOUBLE), 0.999, 0.95},
    {"eps", "1e-6", FIELD(adamw.eps, DOUBLE), 1e-8, 1e-6},
    {"momentum", "0.5", FIELD(momentum, DOUBLE), 0.9, 0.5},
    {"schedule", "\"poly\"", FIELD(rate.kind, INT), DP_SCHEDULE_COSINE,
     DP_SCHEDULE_POLY},
    {"lr", "5e-5", FIELD(rate.base, DOUBLE), 4e-3, 5e-5},
    {"lr_batch", "1024", FIELD(rate.base, DOUBLE), 4e-3, 4e-3 * 4},
    {"min_lr", "1e-5", FIELD(rate.last, DOUBLE), 1e-6, 1e-5},
    {"warmup_epochs", "0.5", FIELD(rate.warmup, DOUBLE), 20, 0.5},
    {"warmup_steps", "40", FIELD(warmup_steps, INT), 0, 40},
    {"warmup_ratio", "0.1", FIELD(rate.warmup_ratio, DOUBLE), 0.001, 0.1},
    {"lr_steps", "[8, 11]", FIELD(rate.step_count, INT), 3, 2},
    {"lr_steps", "[8, 11]", FIELD(rate.steps[1], DOUBLE), 60, 11},
    {"lr_factor", "0.5", FIELD(rate.factor, DOUBLE), 0.1, 0.5},
    {"power", "0.9", FIELD(rate.power, DOUBLE), 1, 0.9},
    {"weight_decay", "0.3", FIELD(decay.base, DOUBLE), 0.05, 0.3},
    {"weight_decay", "0.3", FIELD(decay.last, DOUBLE), 0.05, 0.3},
    {"weight_decay_end", "0", FIELD(decay.last, DOUBLE), 0.05, 0},
    {"decay_rule", "\"grn\"", FIELD(groups.decay, INT), DP_DECAY_COMMON, DP_DECAY_GRN},
    {"layer_decay", "0.8, \"layer_rule\": \"group\"", FIELD(groups.rate, DOUBLE), 1,
     0.8},
    {"layer_decay", "0.8, \"layer_rule\": \"single\"", FIELD(groups.layer, INT),
     DP_LAYERS_NONE, DP_LAYERS_SINGLE},
    {"layer_rule", "\"group\"", FIELD(groups.layer, INT), DP_LAYERS_NONE,
     DP_LAYERS_NONE},
    {"layers", "6", FIELD(groups.layers, INT), 12, 6},
    {"drop_path", "0.4", FIELD(drop_path, DOUBLE), 0, 0.4},
    {"clip_norm", "5", FIELD(clip_norm, DOUBLE), 0, 5},
    {"ema", "0.9999", FIELD(average_decay, DOUBLE), 0, 0.9999},
    {"label_smoothing", "0", FIELD(smoothing, DOUBLE), 0.1, 0},
    {"mixup", "0", FIELD(mixup.mixup_alpha, DOUBLE), 0.8, 0},
    {"cutmix", "0", FIELD(mixup.cutmix_alpha, DOUBLE), 1, 0},
    {"mix_prob", "0.5", FIELD(mixup.probability, DOUBLE), 1, 0.5},
    {"mix_switch", "0.25", FIELD(mixup.switch_probability, DOUBLE), 0.5, 0.25},
    {"mix_mode", "\"pair\"", FIELD(mixup.mode, INT), DP_MIXUP_BATCH, DP_MIXUP_PAIR},
    {"cutmix_minmax", "[0.2, 0.8]", FIELD(mixup.side[1], DOUBLE), 0, 0.8},
    {"cutmix_minmax", "[0.2, 0.8], \"cutmix\": 0", FIELD(mixup.cutmix_alpha, DOUBLE), 1,
     1},
    {"augment_ops", "0", FIELD(transform.augments, BOOL), true, false},
    {"augment_ops", "3", FIELD(transform.augment.layers, INT), 2, 3},
    {"augment_prob", "1", FIELD(transform.augment.probability, DOUBLE), 0.5, 1},
    {"augment_magnitude", "5", FIELD(transform.augment.magnitude, DOUBLE), 9, 5},
    {"augment_mstd", "0", FIELD(transform.augment.deviation, DOUBLE), 0.5, 0},
    {"color_jitter", "0.1", FIELD(transform.jitter.saturation, DOUBLE), 0.4, 0.1},
    {"flip", "0", FIELD(transform.flip, DOUBLE), 0.5, 0},
    {"crop_scale", "[0.5, 1]", FIELD(transform.crop.area[0], DOUBLE), 0.08, 0.5},
    {"crop_ratio", "[0.75, 2]", FIELD(transform.crop.ratio[1], DOUBLE), 4 / 3., 2},
    {"filter", "\"bilinear\"", FIELD(transform.filter, INT), DP_PILLOW_BICUBIC,
     DP_PILLOW_BILINEAR},
    {"filter", "\"bilinear\"", FIELD(transform.augment.filter, INT), DP_AFFINE_BICUBIC,
     DP_AFFINE_BILINEAR},
    {"filter", "\"random\"", FIELD(transform.augment.any_filter, BOOL), false, true},
    {"erasing", "0", FIELD(transform.erasing.probability, DOUBLE), 0.25, 0},
    {"erasing_mode", "\"zero\"", FIELD(transform.erasing.fill, INT), DP_ERASING_PIXEL,
     DP_ERASING_ZERO},
    {"erasing_count", "3", FIELD(transform.erasing.most, INT), 1, 3},
    {"size", "160", FIELD(transform.size.w, INT), 224, 160},
    {"layer_scale_init", "0.1", FIELD(layer_scale, DOUBLE), 1e-6, 0.1},
    {"head_init_scale", "0.001", FIELD(head_scale, DOUBLE), 1, 0.001},
};

static double read_field(const dp_training *t, size_t offset, field_kind kind)
{
    const char *field = (const char *)t + offset;
    switch (kind) {
    case INT:
        return *(const int *)(const void *)field;
    case DOUBLE:
        return *(const double *)(const void *)field;
    case BOOL:
        return *(const bool *)(const void *)field;
    case U64:
        return (double)*(const uint64_t *)(const void *)field;
    }
    return -1;
}

START_TEST(every_key_changes_what_it_says)
{
    char train[256];
    snprintf(train, sizeof train, "{\"%s\": %s}", keys[_i].key, keys[_i].json);
    const dp_training before = training("{}", 1), after = training(train, 1);
    ck_assert_double_eq(read_field(&before, keys[_i].offset, keys[_i].kind),
                        keys[_i].before);
    ck_assert_double_eq(read_field(&after, keys[_i].offset, keys[_i].kind),
                        keys[_i].after);
}
END_TEST

START_TEST(no_key_is_forgotten)
{
    static const char *const others[] = {"source", "save_interval", "set_aside",
                                         "freeze"};
    for (const dp_param *p = dp_recipe_params; p->key; p++) {
        bool known = false;
        for (int i = 0; i < COUNT(keys); i++)
            known = known || strcmp(keys[i].key, p->key) == 0;
        for (int i = 0; i < COUNT(others); i++)
            known = known || strcmp(others[i], p->key) == 0;
        ck_assert_msg(known, "%s has no test", p->key);
    }
}
END_TEST

START_TEST(the_others_reach_the_recipe)
{
    dp_recipe r;
    ck_assert(parse(&r, "{\"source\": \"a book\", \"save_interval\": 60, "
                        "\"set_aside\": 0.2, \"freeze\": \"backbone\"}") == DP_OK);
    ck_assert_str_eq(r.source, "a book");
    ck_assert_int_eq(r.save_interval, 60);
    ck_assert_double_eq(r.set_aside, 0.2);
    ck_assert_str_eq(r.freeze, "backbone");
}
END_TEST

START_TEST(a_rate_for_a_batch_grows_with_processes)
{
    const dp_training t = training(
        "{\"lr\": 8e-4, \"lr_batch\": 256, \"batch\": 32, \"update_freq\": 4}", 8);
    ck_assert_double_eq(t.rate.base, 8e-4 * (1024 / 256.));
}
END_TEST

START_TEST(the_table_is_sound)
{
    char problem[256];
    ck_assert_msg(!dp_params_check_table(dp_recipe_params, sizeof(dp_recipe), problem,
                                         sizeof problem),
                  "%s", problem);
}
END_TEST

/* ---- what is refused ----------------------------------------------------------------- */

static const struct {
    const char *train, *sentence;
} wrong[] = {
    {"{\"epoch\": 3}", "train.epoch: unknown key, did you mean \"epochs\"?"},
    {"{\"epochs\": 0}", "train.epochs: found 0, expected an integer from 1 to 100000"},
    {"{\"batch\": 3}",
     "train.batch: must be even, because mixup and cutmix mix pairs of images"},
    {"{\"epochs\": 10}", "train.warmup_epochs: must be at most epochs"},
    {"{\"min_lr\": 1}", "train.min_lr: must be at most lr"},
    {"{\"layer_decay\": 0.8}",
     "train.layer_decay: needs a layer_rule, such as \"group\""},
    {"{\"lr_steps\": [2, 1]}", "train.lr_steps: must not fall"},
    {"{\"crop_scale\": [1, 0.5]}", "train.crop_scale: must not fall"},
    {"{\"crop_ratio\": [2, 0.5]}", "train.crop_ratio: must not fall"},
    {"{\"cutmix_minmax\": [1, 0.5]}", "train.cutmix_minmax: must not fall"},
    {"3", "train: must be an object"},
};

START_TEST(wrong_recipes_end_in_a_sentence)
{
    dp_recipe r;
    ck_assert_int_eq(parse(&r, wrong[_i].train), DP_ECONFIG);
    const char *sentence = strstr(err.text, "recipe.json: ");
    ck_assert_ptr_nonnull(sentence);
    ck_assert_str_eq(sentence + strlen("recipe.json: "), wrong[_i].sentence);
}
END_TEST

START_TEST(an_odd_batch_that_is_not_mixed_is_allowed)
{
    dp_recipe r;
    ck_assert(parse(&r, "{\"batch\": 3, \"mixup\": 0, \"cutmix\": 0}") == DP_OK);
}
END_TEST

/* ---- those that ship ------------------------------------------------------------------- */

static const char folder[] = "configs/recipes";

static void check_shipped(const char *name)
{
    char path[512];
    dp_config *config;
    dp_recipe r;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_msg(dp_config_load(&err, &config, path) == DP_OK, "%s", err.text);
    ck_assert_msg(dp_recipe_parse(&err, &r, config) == DP_OK, "%s", err.text);
    ck_assert_msg(*r.source, "%s: no source", name);

    const int batch = r.batch * r.update_freq;
    const bool finetunes = r.layer_decay < 1, v2 = r.decay_rule == DP_DECAY_GRN;
    if (strncmp(name, "small", 5) != 0)
        ck_assert_msg(batch == (v2          ? 1024
                                : finetunes ? 512
                                            : 4096),
                      "%s: batch %d", name, batch);
    dp_config_free(config);
}

START_TEST(shipped_recipes_are_read_and_name_their_source)
{
    DIR *dir = opendir(folder);
    int count = 0;
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.') {
            check_shipped(e->d_name);
            count++;
        }
    closedir(dir);
    ck_assert_int_ge(count, 30);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recipe");
    TCase *tc = tcase_create("recipe");
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, every_key_changes_what_it_says, 0, COUNT(keys));
    tcase_add_test(tc, no_key_is_forgotten);
    tcase_add_test(tc, the_others_reach_the_recipe);
    tcase_add_test(tc, a_rate_for_a_batch_grows_with_processes);
    tcase_add_test(tc, the_table_is_sound);
    tcase_add_loop_test(tc, wrong_recipes_end_in_a_sentence, 0, COUNT(wrong));
    tcase_add_test(tc, an_odd_batch_that_is_not_mixed_is_allowed);
    tcase_add_test(tc, shipped_recipes_are_read_and_name_their_source);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
