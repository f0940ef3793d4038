/* Drop path and initial weights: torch's rates, the runs' kept blocks, distributions. */
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"
#include "train/drop_path.h"
#include "train/purpose.h"
#include "train/weight_init.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 100, BATCH = 4 };

static void expect_rates(const cJSON *list, double rate)
{
    double got[MOST];
    const int blocks = cJSON_GetArraySize(list);
    const cJSON *want;
    int i = 0;
    dp_drop_path_rates(got, blocks, rate);
    cJSON_ArrayForEach(want, list)
    {
        ck_assert_msg(got[i] == want->valuedouble, "block %d of %d: %.17g, not %.17g",
                      i, blocks, got[i], want->valuedouble);
        i++;
    }
}

/* The key ends in the rate: "S_0.4". */
START_TEST(rates_are_those_of_torch)
{
    cJSON *tables = json_load(shared_path("golden_train_cls/ops/tables.json"));
    const cJSON *list;
    cJSON_ArrayForEach(list, json_get(tables, "drop_path_rates"))
        expect_rates(list, atof(strrchr(list->string, '_') + 1));
    cJSON_Delete(tables);
}
END_TEST

static const char *const runs[] = {"cls_v1", "cls_v2", "cls_iso"};

START_TEST(runs_keep_what_upstream_kept)
{
    cJSON *file = json_load(shared_path("golden_train_cls/%s/case.json", runs[_i]));
    const npy u =
        npy_load(shared_path("golden_train_cls/%s/drop_path_u.npy", runs[_i]));
    double rates[MOST];
    const cJSON *stored = json_get(file, "drop_path_rates_per_block");
    const int blocks = cJSON_GetArraySize(stored);
    expect_rates(stored, json_number(file, "drop_path_rate"));
    dp_drop_path_rates(rates, blocks, json_number(file, "drop_path_rate"));
    dp_draw *draws = calloc(u.count, sizeof *draws);
    for (size_t i = 0; i < u.count; i++)
        draws[i] = (dp_draw){.kind = DP_DRAW_UNIT_F32, .value = u.values[i]};
    dp_replay replay = {.draws = draws, .count = u.count};
    dp_random r;
    dp_random_init_replay(&r, &replay);
    const cJSON *batch, *of_block, *want;
    cJSON_ArrayForEach(batch, json_get(file, "drop_path_keep"))
    {
        of_block = batch->child;
        for (int b = 0; b < blocks; b++) {
            bool keep[BATCH];
            dp_drop_path_draw(&r, keep, BATCH, rates[b]);
            int n = 0;
            if (rates[b] <= 0) {
                ck_assert(keep[0] && keep[BATCH - 1]);
                continue;
            }
            cJSON_ArrayForEach(want, of_block)
                ck_assert_int_eq(keep[n++], want->valueint);
            of_block = of_block->next;
        }
        ck_assert_ptr_null(of_block);
    }
    ck_assert(!replay.failed && replay.next == replay.count);
    free(draws);
    free(u.values);
    cJSON_Delete(file);
}
END_TEST

START_TEST(edges_of_drop_path)
{
    double rates[2] = {-1, -1};
    dp_drop_path_rates(rates, 1, 0.5);
    ck_assert(rates[0] == 0 && rates[1] == -1);
    dp_drop_path_rates(rates, 2, 0.5);
    ck_assert(rates[0] == 0 && rates[1] == 0.5);
    ck_assert(dp_drop_path_keeps(0.25, 0.25f) && !dp_drop_path_keeps(0.25, 0.2499f));
    ck_assert(dp_drop_path_divisor(0.1) == 0.9f);
}
END_TEST

enum { COUNT = 100000 };
static float w[COUNT];

/* Cut at one deviation: all inside, uniform between the limits' probabilities. */
START_TEST(truncated_normals_stay_inside)
{
    dp_random r;
    dp_random_init(&r, 1, 0, 0, DP_PURPOSE_INIT);
    dp_init_truncated_normal(&r, w, COUNT, 0.5, 0.5);
    double squares = 0;
    int inner = 0;
    for (int i = 0; i < COUNT; i++) {
        ck_assert(w[i] >= -0.5f && w[i] <= 0.5f);
        squares += (double)w[i] * (double)w[i];
        inner += fabsf(w[i]) < 0.25f;
    }
    /* The variance of N(0, 1) within one deviation is 0.29112; a half lies in 0.5609 of
     * it. */
    ck_assert_double_eq_tol(squares / COUNT, 0.25 * 0.29112, 1e-3);
    ck_assert_double_eq_tol((double)inner / COUNT, 0.382925 / 0.682689, 0.01);
}
END_TEST

START_TEST(the_end_of_an_uncut_normal_is_finite)
{
    const dp_draw draws[] = {{DP_DRAW_UNIT, {0, 0}, 0},
                             {DP_DRAW_UNIT, {0, 0}, 1 - 0x1p-53},
                             {DP_DRAW_UNIT, {0, 0}, 0.5}};
    dp_replay replay = {.draws = draws, .count = 3};
    dp_random r;
    dp_random_init_replay(&r, &replay);
    dp_init_truncated_normal(&r, w, 3, 0.02, 2);
    ck_assert(w[0] > -0.2f && w[0] < -0.15f && w[1] < 0.2f && w[1] > 0.15f);
    ck_assert(w[2] == 0);
}
END_TEST

static const struct {
    const char *name;
    int rank;
    float want; /* NAN: drawn */
} parameters[] = {
    {"stages.0.0.gamma", 1, 1e-6f}, {"stages.0.0.grn.gamma", 4, 0},
    {"stages.0.0.grn.beta", 4, 0},  {"stages.0.0.norm.weight", 1, 1},
    {"stages.0.0.norm.bias", 1, 0}, {"head.bias", 1, 0},
    {"head.weight", 2, NAN},        {"stages.0.0.dwconv.weight", 4, NAN},
};

START_TEST(parameters_begin_as_their_names_say)
{
    dp_random r;
    dp_random_init(&r, 1, 0, (uint32_t)_i, DP_PURPOSE_INIT);
    dp_init_convnext(&r, parameters[_i].name, parameters[_i].rank, w, COUNT, 1e-6);
    double squares = 0;
    for (int i = 0; i < COUNT; i++) {
        squares += (double)w[i] * (double)w[i];
        ck_assert(isnan(parameters[_i].want) || w[i] == parameters[_i].want);
    }
    if (isnan(parameters[_i].want))
        ck_assert_double_eq_tol(sqrt(squares / COUNT), 0.02, 3e-4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/drop_path");
    TCase *tc = tcase_create("drop path and initial weights");
    if (shared_has("golden_train_cls/ops"))
        tcase_add_test(tc, rates_are_those_of_torch);
    if (shared_has("golden_train_cls/cls_v1"))
        tcase_add_loop_test(tc, runs_keep_what_upstream_kept, 0, 3);
    tcase_add_test(tc, edges_of_drop_path);
    tcase_add_test(tc, truncated_normals_stay_inside);
    tcase_add_test(tc, the_end_of_an_uncut_normal_is_finite);
    tcase_add_loop_test(tc, parameters_begin_as_their_names_say, 0,
                        (int)(sizeof parameters / sizeof parameters[0]));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
