/* Cross entropies: values and gradients of torch and timm, and against differences. */
#include "tests/support/golden.h"
#include "tests/support/random.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "train/classification_loss.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 5, K = 13 };

static double run(int which, float *gradient, const float *logits, const float *soft,
                  const int *labels)
{
    if (which == 0)
        return dp_loss_soft(gradient, logits, soft, N, K);
    return dp_loss_hard(gradient, logits, labels, N, K, which == 1 ? 0.1 : 0);
}

static const char *const names[] = {"loss_soft", "loss_smooth", "loss_plain"};

/* Stored values are float64; gradients were rounded to float32. */
START_TEST(values_and_gradients_are_the_stored_ones)
{
    golden g = golden_open_path(shared_path("golden_train_cls/ops/ops.safetensors"));
    float *logits = golden_floats(&g, "loss.logits", NULL);
    float *soft = golden_floats(&g, "loss.soft_targets", NULL);
    int64_t stored[N];
    int labels[N];
    dp_named_tensor_copy(golden_get(&g, "loss.labels"), stored);
    for (int i = 0; i < N; i++)
        labels[i] = (int)stored[i];
    char name[40];
    snprintf(name, sizeof name, "%s.value", names[_i]);
    double *value = golden_doubles(&g, name, NULL);
    snprintf(name, sizeof name, "%s.grad", names[_i]);
    float *want = golden_floats(&g, name, NULL);
    float got[N * K];
    ck_assert_double_eq_tol(run(_i, got, logits, soft, labels), *value, 1e-14);
    for (int i = 0; i < N * K; i++)
        ck_assert_double_eq_tol((double)got[i], (double)want[i],
                                (double)FLT_EPSILON * fabs((double)want[i]) + 1e-12);
    ck_assert_double_eq_tol(run(_i, NULL, logits, soft, labels), *value, 1e-14);
    free(logits);
    free(soft);
    free(value);
    free(want);
    golden_close(&g);
}
END_TEST

/* Also where the targets of a row do not add up to 1. */
START_TEST(gradients_are_slopes)
{
    uint64_t seed = 11;
    float *logits = random_floats(&seed, (size_t)N * K, -3, 3);
    float *soft = random_floats(&seed, (size_t)N * K, 0, 0.4f);
    int labels[N];
    float gradient[N * K];
    for (int i = 0; i < N; i++)
        labels[i] = random_int(&seed, K);
    run(_i, gradient, logits, soft, labels);
    for (int i = 0; i < N * K; i++) {
        const float at = logits[i];
        logits[i] = at + 0x1p-10f;
        const double after = run(_i, NULL, logits, soft, labels);
        logits[i] = at - 0x1p-10f;
        const double before = run(_i, NULL, logits, soft, labels);
        logits[i] = at;
        ck_assert_double_eq_tol((after - before) / 0x1p-9, (double)gradient[i], 1e-6);
    }
    free(logits);
    free(soft);
}
END_TEST

START_TEST(large_logits_do_not_overflow_and_nan_shows)
{
    const float large[] = {1e4f, -1e4f, 0};
    const float bad[] = {0, NAN, 1};
    const int label = 1;
    float gradient[3];
    ck_assert_double_eq_tol(dp_loss_hard(gradient, large, &label, 1, 3, 0), 2e4, 1e-9);
    ck_assert(gradient[0] == 1 && gradient[1] == -1 && gradient[2] == 0);
    ck_assert(isnan(dp_loss_hard(NULL, bad, &label, 1, 3, 0)));
    ck_assert(dp_loss_hard(NULL, large, NULL, 0, 3, 0) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/classification_loss");
    TCase *tc = tcase_create("losses");
    if (shared_has("golden_train_cls/ops"))
        tcase_add_loop_test(tc, values_and_gradients_are_the_stored_ones, 0, 3);
    tcase_add_loop_test(tc, gradients_are_slopes, 0, 3);
    tcase_add_test(tc, large_logits_do_not_overflow_and_nan_shows);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
