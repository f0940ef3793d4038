/* Optimizers, clipping and averages: torch's bits, and the same for any threads and
 * instruction sets. */
#include "base/cpu.h"
#include "tests/support/golden.h"
#include "tests/support/random.h"
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "train/adamw.h"
#include "train/gradient_clip.h"
#include "train/sgd.h"
#include "train/weight_average.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dp_kernels kernels_of(unsigned mask)
{
    dp_kernels k;
    dp_kernels_init(&k, dp_cpu_detect() & mask);
    return k;
}

static float *load(const golden *g, size_t *n, const char *format, ...) DP_PRINTF(3, 4);
static float *load(const golden *g, size_t *n, const char *format, ...)
{
    char name[40];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return golden_floats(g, name, n);
}

/* Steps between two floats of one sign. */
static int ulps(float a, float b)
{
    int32_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return abs(x - y);
}

/* All within `most` ulps, and all but the `tail` last elements of 32 equal to the bit. */
static void expect(const golden *g, const char *name, int step, const float *got,
                   size_t n, int most)
{
    size_t count;
    float *want = load(g, &count, "%s%d", name, step);
    ck_assert_uint_eq(count, n);
    for (size_t i = 0; i < n; i++) {
        const int allowed = i < n / 32 * 32 ? 0 : most;
        ck_assert_msg(ulps(got[i], want[i]) <= allowed,
                      "%s%d: element %zu is %.9g, not %.9g", name, step, i,
                      (double)got[i], (double)want[i]);
    }
    free(want);
}

START_TEST(adamw_gives_the_bits_of_torch)
{
    golden g = golden_open_path(shared_path("golden_train_cls/ops/ops.safetensors"));
    cJSON *tables = json_load(shared_path("golden_train_cls/ops/tables.json"));
    const cJSON *options = json_get(tables, "adamw");
    const dp_kernels kernels = kernels_of(_i ? ~0u : 0);
    size_t n;
    dp_adamw_tensor t = {.value = load(&g, &n, "adamw.p0")};
    t.count = n;
    t.first = calloc(n, sizeof *t.first);
    t.second = calloc(n, sizeof *t.second);
    for (int step = 1; step <= 4; step++) {
        float *gradient = load(&g, &n, "adamw.g%d", step);
        const dp_adamw_factors f = dp_adamw_factors_get(
            &dp_adamw_recipe,
            cJSON_GetArrayItem(json_get(options, "lr"), step - 1)->valuedouble,
            cJSON_GetArrayItem(json_get(options, "weight_decay"), step - 1)
                ->valuedouble,
            step);
        t.gradient = gradient;
        dp_adamw_run(NULL, &kernels, &t, &f);
        expect(&g, "adamw.p", step, t.value, n, 1);
        expect(&g, "adamw.m", step, t.first, n, 1);
        expect(&g, "adamw.v", step, t.second, n, 1);
        free(gradient);
    }
    free(t.value);
    free(t.first);
    free(t.second);
    cJSON_Delete(tables);
    golden_close(&g);
}
END_TEST

/* Two tensors of their own rates, in float32 by torch: 2 ulps a step from the stored
 * parameters, 1e-6 after ten steps of our own. */
static void run_ten_steps(const char *file, double max_norm)
{
    golden g = golden_open_path(shared_path("golden_train/ops/%s.safetensors", file));
    const dp_kernels kernels = kernels_of(~0u);
    dp_adamw_tensor t[2];
    size_t n[2];
    for (int k = 0; k < 2; k++) {
        t[k] = (dp_adamw_tensor){.value = load(&g, &n[k], "p0.%d", k)};
        t[k].count = n[k];
        t[k].first = calloc(n[k], sizeof(float));
        t[k].second = calloc(n[k], sizeof(float));
    }
    for (int step = 0; step < 10; step++) {
        float *gradient[2];
        double squares = 0;
        for (int k = 0; k < 2; k++) {
            gradient[k] = load(&g, &n[k], "g%d.%d", step, k);
            squares += dp_gradient_squares(NULL, gradient[k], n[k]);
        }
        for (int k = 0; k < 2; k++) {
            const double lr = (k ? 3e-4 : 1e-3) * (step < 5 ? 1 : 0.1);
            const dp_adamw_factors f =
                dp_adamw_factors_get(&dp_adamw_recipe, lr, k ? 0 : 0.05, step + 1);
            if (max_norm > 0)
                dp_gradient_scale(NULL, gradient[k], n[k],
                                  dp_gradient_clip_factor(sqrt(squares), max_norm));
            t[k].gradient = gradient[k];
            dp_adamw_run(NULL, &kernels, &t[k], &f);
            free(gradient[k]);
            float *want = load(&g, &n[k], "p%d.%d", step + 1, k);
            for (size_t i = 0; i < n[k]; i++)
                ck_assert_double_eq_tol((double)t[k].value[i], (double)want[i],
                                        2 * (double)FLT_EPSILON * (step + 1) *
                                            fmax(fabs((double)want[i]), 1e-3));
            free(want);
        }
    }
    for (int k = 0; k < 2; k++) {
        free(t[k].value);
        free(t[k].first);
        free(t[k].second);
    }
    golden_close(&g);
}

START_TEST(ten_steps_follow_torch)
{
    run_ten_steps("adamw", 0);
}
END_TEST

START_TEST(ten_clipped_steps_follow_torch)
{
    run_ten_steps("adamw_clip", 2);
}
END_TEST

START_TEST(averages_have_the_bits_of_timm)
{
    golden g = golden_open_path(shared_path("golden_train_cls/ops/ops.safetensors"));
    size_t n;
    float *average = load(&g, &n, "ema.start");
    for (int step = 1; step <= 3; step++) {
        float *value = load(&g, &n, "ema.model%d", step);
        float *want = load(&g, &n, "ema.ema%d", step);
        dp_weight_average_run(NULL, average, value, n, 0.9999);
        ck_assert_mem_eq(average, want, n * sizeof *want);
        free(value);
        free(want);
    }
    free(average);
    golden_close(&g);
}
END_TEST

START_TEST(clipping_follows_torch)
{
    golden g = golden_open_path(shared_path("golden_train_cls/ops/ops.safetensors"));
    double squares = 0;
    float *gradient[3];
    size_t n[3];
    for (int k = 0; k < 3; k++) {
        gradient[k] = load(&g, &n[k], "clip.g%d", k);
        squares += dp_gradient_squares(NULL, gradient[k], n[k]);
    }
    double *norm = golden_doubles(&g, "clip.norm", NULL);
    ck_assert_double_eq_tol(sqrt(squares), *norm, 2e-7 * *norm);
    for (int k = 0; k < 3; k++) {
        float *want = load(&g, &n[k], "clip.out%d", k);
        dp_gradient_scale(NULL, gradient[k], n[k],
                          dp_gradient_clip_factor(sqrt(squares), 2.5));
        for (size_t i = 0; i < n[k]; i++)
            ck_assert_int_le(ulps(gradient[k][i], want[i]), 1);
        free(gradient[k]);
        free(want);
    }
    free(norm);
    golden_close(&g);
}
END_TEST

START_TEST(small_norms_are_left_alone)
{
    float g[] = {3, -4};
    const double norm = sqrt(dp_gradient_squares(NULL, g, 2));
    ck_assert(norm == 5);
    ck_assert(dp_gradient_clip_factor(norm, 5.1) == 1);
    ck_assert(dp_gradient_clip_factor(norm, 1) == 1 / (5 + 1e-6));
    ck_assert(isnan(dp_gradient_clip_factor((double)NAN, 1)));
    dp_gradient_scale(NULL, g, 2, 1);
    ck_assert(g[0] == 3 && g[1] == -4);
    ck_assert(dp_gradient_squares(NULL, g, 0) == 0);
}
END_TEST

/* Worked by hand: with decay 0.5, momentum 0.5 and lr 0.25, all exact. */
START_TEST(momentum_by_hand)
{
    float p = 2, m = 0, gradient = 1;
    const dp_sgd_tensor t = {&p, &m, &gradient, 1};
    const dp_kernels kernels = kernels_of(0);
    dp_sgd_run(NULL, &kernels, &t, 0.25, 0.5, 0.5);
    ck_assert(m == 2 && p == 1.5f);
    dp_sgd_run(NULL, &kernels, &t, 0.25, 0.5, 0.5);
    ck_assert(m == 2.75f && p == 0.8125f);
}
END_TEST

enum { N = 200003, ARRAYS = 5, STEPS = 2 };

/* Everything on N elements, with this many threads and these instruction sets. */
static double run_all(float *out, int threads, unsigned cpu)
{
    const dp_kernels kernels = kernels_of(cpu);
    const dp_adamw_factors f = dp_adamw_factors_get(&dp_adamw_recipe, 1e-3, 0.05, 3);
    uint64_t seed = 5;
    dp_error err = {0};
    dp_pool *pool;
    double squares = 0;
    ck_assert_int_eq(dp_pool_new(&err, &pool, threads), DP_OK);
    for (size_t i = 0; i < (size_t)N * ARRAYS; i++)
        out[i] = random_float(&seed, 0, 1);
    float *array[ARRAYS];
    for (int i = 0; i < ARRAYS; i++)
        array[i] = out + (size_t)i * N;
    float *gradient = random_floats(&seed, N, -1, 1);
    for (int step = 0; step < STEPS; step++) {
        const dp_adamw_tensor a = {array[0], array[1], array[2], gradient, N};
        const dp_sgd_tensor s = {array[3], array[4], gradient, N};
        squares += dp_gradient_squares(pool, gradient, N);
        dp_gradient_scale(pool, gradient, N, 0.7);
        dp_adamw_run(pool, &kernels, &a, &f);
        dp_sgd_run(pool, &kernels, &s, 0.1, 0.9, 1e-4);
        dp_weight_average_run(pool, array[4], array[0], N, 0.99);
    }
    dp_pool_free(pool);
    free(gradient);
    return squares;
}

START_TEST(bits_do_not_depend_on_threads_or_instruction_sets)
{
    float *want = malloc(sizeof(float) * N * ARRAYS);
    float *got = malloc(sizeof(float) * N * ARRAYS);
    const double squares = run_all(want, 1, 0);
    for (int i = 0; i < 4; i++) {
        ck_assert(run_all(got, 1 + i, i % 2 ? ~0u : DP_CPU_AVX2) == squares);
        ck_assert_mem_eq(got, want, sizeof(float) * N * ARRAYS);
    }
    free(want);
    free(got);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/optimizer");
    TCase *tc = tcase_create("steps");
    if (shared_has("golden_train_cls/ops")) {
        tcase_add_loop_test(tc, adamw_gives_the_bits_of_torch, 0, 2);
        tcase_add_test(tc, averages_have_the_bits_of_timm);
        tcase_add_test(tc, clipping_follows_torch);
    }
    if (shared_has("golden_train/ops")) {
        tcase_add_test(tc, ten_steps_follow_torch);
        tcase_add_test(tc, ten_clipped_steps_follow_torch);
    }
    tcase_add_test(tc, small_norms_are_left_alone);
    tcase_add_test(tc, momentum_by_hand);
    tcase_add_test(tc, bits_do_not_depend_on_threads_or_instruction_sets);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
