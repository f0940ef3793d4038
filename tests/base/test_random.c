/* Random numbers: published vectors, streams, distributions, replay. */
#include "base/normal.h"
#include "base/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <string.h>

/* The known answers that come with Random123, the authors' own library. */
static const struct {
    uint32_t counter[4], key[2], want[4];
} known[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{~0u, ~0u, ~0u, ~0u},
     {~0u, ~0u},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};
enum { KNOWN = sizeof known / sizeof known[0] };

START_TEST(philox_gives_the_published_numbers)
{
    uint32_t got[4];
    dp_philox(got, known[_i].counter, known[_i].key);
    ck_assert_mem_eq(got, known[_i].want, sizeof got);
}
END_TEST

/* The vector of zeros again, as the first two numbers of the stream of zeros. */
START_TEST(a_stream_hands_out_the_blocks_in_order)
{
    dp_random r;
    dp_random_init(&r, 0, 0, 0, 0);
    ck_assert(dp_random_bits(&r) == 0xe169c58d6627e8d5u);
    ck_assert(dp_random_bits(&r) == 0x9b00dbd8bc57ac4cu);
    const uint32_t counter[4] = {1, 7, 5, 6}, key[2] = {3, 4};
    uint32_t word[4];
    dp_philox(word, counter, key);
    dp_random_init(&r, (uint64_t)4 << 32 | 3, 5, 6, 7);
    dp_random_bits(&r);
    dp_random_bits(&r);
    ck_assert(dp_random_bits(&r) == ((uint64_t)word[1] << 32 | word[0]));
    dp_random copy = r;
    ck_assert(dp_random_bits(&r) == ((uint64_t)word[3] << 32 | word[2]));
    ck_assert(dp_random_bits(&copy) == ((uint64_t)word[3] << 32 | word[2]));
    ck_assert(dp_random_bits(&copy) == dp_random_bits(&r));
}
END_TEST

START_TEST(each_part_of_the_name_makes_another_stream)
{
    uint64_t first[6];
    for (int i = 0; i < 6; i++) {
        const uint64_t seed = i == 1 ? 1 : i == 2 ? (uint64_t)1 << 32 : 0;
        dp_random r;
        dp_random_init(&r, seed, i == 3, i == 4, i == 5);
        first[i] = dp_random_bits(&r);
        for (int j = 0; j < i; j++)
            ck_assert(first[i] != first[j]);
    }
}
END_TEST

enum { N = 200000 };

/* Mean and variance of N draws, within five deviations of their own spread. */
static void expect_moments(const double *x, double mean, double variance, double fourth)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++)
        sum += x[i];
    for (int i = 0; i < N; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    ck_assert_double_eq_tol(sum / N, mean, 5 * sqrt(variance / N));
    ck_assert_double_eq_tol(squares / N, variance,
                            5 * sqrt((fourth - variance * variance) / N));
}

static double x[N];

START_TEST(units_are_uniform)
{
    dp_random r;
    dp_random_init(&r, 1, 0, 0, 0);
    for (int i = 0; i < N; i++) {
        x[i] = dp_random_unit(&r);
        ck_assert(x[i] >= 0 && x[i] < 1);
    }
    expect_moments(x, 0.5, 1.0 / 12, 1.0 / 80);
    for (int i = 0; i < N; i++) {
        x[i] = (double)dp_random_unit_f32(&r);
        ck_assert(x[i] >= 0 && x[i] < 1);
    }
    expect_moments(x, 0.5, 1.0 / 12, 1.0 / 80);
    for (int i = 0; i < N; i++)
        x[i] = dp_random_uniform(&r, -2, 1);
    expect_moments(x, -0.5, 9.0 / 12, 81.0 / 80);
}
END_TEST

START_TEST(normals_are_normal)
{
    dp_random r;
    dp_random_init(&r, 2, 0, 0, 0);
    for (int i = 0; i < N; i++)
        x[i] = dp_random_normal(&r, 3, 2);
    expect_moments(x, 3, 4, 48);
    int inside = 0;
    for (int i = 0; i < N; i++)
        inside += fabs(x[i] - 3) < 2;
    ck_assert_double_eq_tol((double)inside / N, 0.682689, 5 * sqrt(0.2166 / N));
}
END_TEST

static const double shapes[][2] = {{0.8, 0.8}, {1, 1}, {0.2, 0.2}, {2.5, 0.7}, {9, 4}};

/* The fourth central moment is at most a quarter of the variance. */
START_TEST(betas_have_their_mean_and_variance)
{
    const double a = shapes[_i][0], b = shapes[_i][1], s = a + b;
    const double mean = a / s, variance = a * b / (s * s * (s + 1));
    dp_random r;
    dp_random_init(&r, 3, 0, (uint32_t)_i, 0);
    for (int i = 0; i < N; i++) {
        x[i] = dp_random_beta(&r, a, b);
        ck_assert(x[i] >= 0 && x[i] <= 1);
    }
    expect_moments(x, mean, variance, variance / 4 + variance * variance);
    double quarter = 0;
    for (int i = 0; i < N; i++)
        quarter += x[i] < 0.25;
    if (_i == 1) /* uniform */
        ck_assert_double_eq_tol(quarter / N, 0.25, 5 * sqrt(0.1875 / N));
}
END_TEST

START_TEST(tiny_shapes_give_the_ends_and_no_nan)
{
    dp_random r;
    dp_random_init(&r, 4, 0, 0, 0);
    int low = 0;
    for (int i = 0; i < 1000; i++) {
        const double value = dp_random_beta(&r, 1e-4, 1e-4);
        ck_assert(value >= 0 && value <= 1);
        low += value < 0.5;
    }
    ck_assert_int_gt(low, 400);
    ck_assert_int_lt(low, 600);
}
END_TEST

START_TEST(integers_reach_both_ends_and_no_further)
{
    int seen[7] = {0};
    dp_random r;
    dp_random_init(&r, 5, 0, 0, 0);
    for (int i = 0; i < N; i++) {
        const int value = dp_random_between(&r, -3, 3);
        ck_assert(value >= -3 && value <= 3);
        seen[value + 3]++;
    }
    for (int i = 0; i < 7; i++)
        ck_assert_double_eq_tol((double)seen[i] / N, 1.0 / 7, 5 * sqrt(6.0 / 49 / N));
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(dp_random_between(&r, 9, 9), 9);
        ck_assert_int_eq(dp_random_below(&r, 1), 0);
        const int value = dp_random_between(&r, 0, INT32_MAX - 1);
        ck_assert(value >= 0 && value < INT32_MAX);
    }
}
END_TEST

START_TEST(permutations_are_all_as_likely)
{
    int seen[6] = {0};
    dp_random r;
    dp_random_init(&r, 6, 0, 0, 0);
    for (int i = 0; i < 60000; i++) {
        int p[3];
        dp_random_permutation(&r, p, 3);
        ck_assert_int_eq(1 << p[0] | 1 << p[1] | 1 << p[2], 7);
        seen[2 * p[0] + (p[1] > p[2])]++;
    }
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(seen[i], 10000, 5 * sqrt(60000 * 5.0 / 36));
}
END_TEST

START_TEST(stored_draws_come_back_in_order)
{
    const dp_draw draws[] = {
        {DP_DRAW_UNIT, {0, 0}, 0.25},     {DP_DRAW_UNIT_F32, {0, 0}, 0.5},
        {DP_DRAW_UNIFORM, {1, 3}, 2.5},   {DP_DRAW_INTEGER, {0, 14}, 7},
        {DP_DRAW_NORMAL, {9, 0.5}, 9.25}, {DP_DRAW_BETA, {1, 1}, 0.125},
    };
    dp_replay replay = {.draws = draws, .count = 6};
    dp_random r;
    dp_random_init_replay(&r, &replay);
    ck_assert(dp_random_unit(&r) == 0.25 && dp_random_unit_f32(&r) == 0.5f);
    ck_assert(dp_random_uniform(&r, 1, 3) == 2.5 && dp_random_below(&r, 15) == 7);
    ck_assert(dp_random_normal(&r, 9, 0.5) == 9.25);
    ck_assert(dp_random_beta(&r, 1, 1) == 0.125);
    ck_assert(!replay.failed && replay.next == replay.count);
    ck_assert(dp_random_unit(&r) == 0 && replay.failed);
}
END_TEST

START_TEST(another_draw_than_stored_is_remembered)
{
    const dp_draw draws[] = {{DP_DRAW_INTEGER, {0, 14}, 7}};
    for (int i = 0; i < 3; i++) {
        dp_replay replay = {.draws = draws, .count = 1};
        dp_random r;
        dp_random_init_replay(&r, &replay);
        if (i == 0)
            dp_random_unit(&r);
        else
            dp_random_between(&r, i == 1, i == 1 ? 14 : 15);
        ck_assert(replay.failed);
    }
}
END_TEST

/* Near p = 1 the function itself is too flat to be compared. */
START_TEST(the_quantile_is_the_inverse)
{
    for (double p = 1e-300; p < 0.5; p *= 1.7) {
        const double q = dp_normal_quantile(p);
        const double slope = exp(-q * q / 2) / 2.5066282746310002; /* of the function */
        /* Rounding of q alone moves the function by slope * q * 2^-53. */
        ck_assert_double_eq_tol(dp_normal_below(q), p,
                                8 * 0x1p-53 * (p + slope * fabs(q)) +
                                    0x1p-50 * p * (1 + q * q / 8));
    }
    for (double p = 0.01; p < 0.5; p += 0.01)
        ck_assert_double_eq_tol(dp_normal_quantile(1 - p), -dp_normal_quantile(p),
                                1e-14);
    ck_assert(dp_normal_quantile(0.5) == 0);
    ck_assert_double_eq_tol(dp_normal_quantile(0.975), 1.959963984540054, 1e-15);
    ck_assert(isinf(dp_normal_quantile(0)) && isinf(dp_normal_quantile(1)));
    ck_assert(isnan(dp_normal_quantile(-0.1)) && isnan(dp_normal_quantile(1.1)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/random");
    TCase *tc = tcase_create("random");
    tcase_add_loop_test(tc, philox_gives_the_published_numbers, 0, KNOWN);
    tcase_add_test(tc, a_stream_hands_out_the_blocks_in_order);
    tcase_add_test(tc, each_part_of_the_name_makes_another_stream);
    tcase_add_test(tc, units_are_uniform);
    tcase_add_test(tc, normals_are_normal);
    tcase_add_loop_test(tc, betas_have_their_mean_and_variance, 0,
                        (int)(sizeof shapes / sizeof shapes[0]));
    tcase_add_test(tc, tiny_shapes_give_the_ends_and_no_nan);
    tcase_add_test(tc, integers_reach_both_ends_and_no_further);
    tcase_add_test(tc, permutations_are_all_as_likely);
    tcase_add_test(tc, stored_draws_come_back_in_order);
    tcase_add_test(tc, another_draw_than_stored_is_remembered);
    tcase_add_test(tc, the_quantile_is_the_inverse);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
