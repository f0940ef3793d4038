/* The first optimizer step of upstream's runs, from its stored gradients: groups,
 * schedules, clipping, AdamW and the average of weights put together. */
#include "base/cpu.h"
#include "tests/support/golden.h"
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "train/adamw.h"
#include "train/gradient_clip.h"
#include "train/parameter_groups.h"
#include "train/schedule.h"
#include "train/weight_average.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *folder;
    dp_group_rules rules;
    dp_adamw adamw;
    dp_schedule lr; /* at 0 */
    double max_norm, average;
} runs[] = {
    {"cls_v1",
     {DP_DECAY_COMMON, DP_LAYERS_GROUP, 12, {0}, 0.7, 0.05},
     {0.9, 0.999, 1e-8},
     {DP_SCHEDULE_COSINE, .base = 0.004, .last = 1e-6, .length = 10, .warmup = 3},
     0,
     0.9},
    {"cls_v2",
     {DP_DECAY_GRN, DP_LAYERS_SINGLE, 0, {1, 2, 3, 1}, 0.9, 0.05},
     {0.9, 0.999, 1e-8},
     {DP_SCHEDULE_EPOCH_COSINE, .base = 0.002, .last = 1e-6, .length = 5, .warmup = 1},
     1,
     0.9},
    {"cls_iso",
     {DP_DECAY_COMMON, DP_LAYERS_NONE, 0, {0}, 1, 0.1},
     {0.9, 0.95, 1e-8},
     {DP_SCHEDULE_COSINE, .base = 0.001, .last = 1e-5, .length = 10},
     0,
     0.99},
};

enum { MOST = 400 };

typedef struct step_files {
    golden init, gradient, after;
} step_files;

static golden open_file(const char *folder, const char *name)
{
    return golden_open_path(
        shared_path("golden_train_cls/%s/%s.safetensors", folder, name));
}

/* Compare with "KIND.NAME" of the file, relative to the largest value of the tensor and to
 * `at_least`. */
static void expect(const golden *g, const char *kind, const char *name,
                   const float *got, size_t n, double bound, double at_least)
{
    char key[200];
    size_t count;
    snprintf(key, sizeof key, "%s.%s", kind, name);
    float *want = golden_floats(g, key, &count);
    double most = at_least;
    ck_assert_uint_eq(count, n);
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)want[i]));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs((double)got[i] - (double)want[i]) <= bound * most,
                      "%s: element %zu is %.9g, not %.9g", key, i, (double)got[i],
                      (double)want[i]);
    free(want);
}

/* Step one parameter and compare all that is kept of it. */
static void step(const step_files *files, int run, const char *name,
                 const dp_parameter_group *group, double factor)
{
    const dp_schedule *lr = &runs[run].lr;
    dp_kernels kernels;
    size_t n;
    dp_kernels_init(&kernels, dp_cpu_detect());
    float *gradient = golden_floats(&files->gradient, name, &n);
    float *average = golden_floats(&files->init, name, NULL);
    const dp_adamw_tensor t = {golden_floats(&files->init, name, NULL),
                               calloc(n, sizeof(float)), calloc(n, sizeof(float)),
                               gradient, n};
    const dp_adamw_factors f =
        dp_adamw_factors_get(&runs[run].adamw, dp_schedule_at(lr, 0) * group->lr_scale,
                             group->weight_decay, 1);
    dp_gradient_scale(NULL, gradient, n, factor);
    dp_adamw_run(NULL, &kernels, &t, &f);
    dp_weight_average_run(NULL, average, t.value, n, runs[run].average);
    expect(&files->after, "exp_avg", name, t.first, n, 1e-6, 0);
    expect(&files->after, "exp_avg_sq", name, t.second, n, 1e-6, 0);
    expect(&files->after, "param", name, t.value, n, 3e-7, 1e-2);
    expect(&files->after, "ema", name, average, n, 3e-7, 1e-2);
    free(t.value);
    free(t.first);
    free(t.second);
    free(gradient);
    free(average);
}

/* The factor of all gradients; checks their norm, where the run clips. */
static double clip(const cJSON *file, const golden *gradients, int run,
                   const char *const *names, int count)
{
    double squares = 0;
    if (runs[run].max_norm <= 0)
        return 1;
    for (int i = 0; i < count; i++) {
        size_t n;
        float *g = golden_floats(gradients, names[i], &n);
        squares += dp_gradient_squares(NULL, g, n);
        free(g);
    }
    const double want =
        json_get(file, "grad_norm_before_clip_per_step")->child->valuedouble;
    ck_assert_double_eq_tol(sqrt(squares), want, 1e-6 * want);
    return dp_gradient_clip_factor(sqrt(squares), runs[run].max_norm);
}

START_TEST(the_first_step_is_upstreams)
{
    const char *folder = runs[_i].folder;
    cJSON *file = json_load(shared_path("golden_train_cls/%s/case.json", folder));
    step_files files = {open_file(folder, "init"), open_file(folder, "grad"),
                        open_file(folder, "step1")};
    const char *names[MOST];
    int ranks[MOST], group[MOST], count = 0;
    dp_parameter_group groups[MOST];
    const cJSON *one;
    cJSON_ArrayForEach(one, json_get(file, "gradient_tensors"))
    {
        ck_assert_int_lt(count, MOST);
        ranks[count] = golden_get(&files.init, one->string)->rank;
        names[count++] = one->string;
    }
    dp_parameter_groups_assign(group, groups, names, ranks, count, &runs[_i].rules);
    const double factor = clip(file, &files.gradient, _i, names, count);
    for (int i = 0; i < count; i++)
        step(&files, _i, names[i], &groups[group[i]], factor);
    ck_assert_int_gt(count, 20);
    golden_close(&files.init);
    golden_close(&files.gradient);
    golden_close(&files.after);
    cJSON_Delete(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/first_step");
    TCase *tc = tcase_create("steps");
    if (shared_has("golden_train_cls"))
        tcase_add_loop_test(tc, the_first_step_is_upstreams, 0,
                            (int)(sizeof runs / sizeof runs[0]));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
