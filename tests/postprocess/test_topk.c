#include "postprocess/rank.h"
#include "postprocess/topk.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *what;
    int m, n;
    float scores[6];
    int kept, index[6];
} cases[] = {
    {"best first", 4, 2, {0.1f, 0.9f, 0.3f, 0.5f}, 2, {1, 3}},
    {"more asked than there are", 3, 5, {1, 3, 2}, 3, {1, 2, 0}},
    {"ties by index", 5, 3, {0.5f, 0.7f, 0.5f, 0.7f, 0.5f}, 3, {1, 3, 0}},
    {"the cut falls among ties", 6, 2, {1, 1, 1, 1, 1, 1}, 2, {0, 1}},
    {"negative scores", 4, 3, {-3, -1, -2, 0}, 3, {3, 1, 2}},
    {"both zeros are one score", 4, 4, {-0.0f, 0.0f, -0.0f, 1}, 4, {3, 0, 1, 2}},
    {"NaN is never chosen", 4, 4, {NAN, 1, -NAN, 2}, 2, {3, 1}},
    {"NaN does not fill up", 5, 4, {NAN, NAN, NAN, -INFINITY, 2}, 2, {4, 3}},
    {"infinities are scores", 4, 3, {-INFINITY, INFINITY, 0, 1}, 3, {1, 3, 2}},
    {"none of some", 3, 0, {1, 2, 3}, 0, {0}},
    {"some of none", 0, 3, {0}, 0, {0}},
};

typedef struct topk {
    int *index;
    const float *scores;
    int m, n, kept;
} topk;

static void run_topk(dp_run *r, void *arg)
{
    topk *t = arg;
    t->kept = dp_topk_run(r, t->index, t->scores, t->m, t->n);
}

static int run(int *index, const float *scores, int m, int n)
{
    forward f;
    topk t = {index, scores, m, n, 0};
    forward_init(&f, 1, ~0u);
    forward_run(&f, run_topk, &t);
    forward_done(&f);
    return t.kept;
}

START_TEST(topk_case)
{
    int index[6];
    const int kept = run(index, cases[_i].scores, cases[_i].m, cases[_i].n);

    ck_assert_msg(kept == cases[_i].kept, "%s: kept %d", cases[_i].what, kept);
    for (int i = 0; i < kept; i++)
        ck_assert_msg(index[i] == cases[_i].index[i], "%s: place %d is %d",
                      cases[_i].what, i, index[i]);
}
END_TEST

static const float *order_scores;

static int by_score_then_index(const void *a, const void *b)
{
    const int i = *(const int *)a, j = *(const int *)b;
    const float x = order_scores[i], y = order_scores[j];
    return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}

/* Against a comparison sort, on scores with many ties and of every magnitude. */
START_TEST(topk_agrees_with_a_sort)
{
    enum { M = 5000 };
    static const int asked[] = {1, 2, 10, 999, 4999, 5000};
    uint64_t state = (uint64_t)_i + 1;
    float *scores = random_floats(&state, M, -1, 1);
    int *want = malloc(M * sizeof *want), *got = malloc(M * sizeof *got);

    for (int i = 0; i < M; i++) {
        if (_i % 2)
            scores[i] = roundf(scores[i] * 8) / 8;
        else
            scores[i] = ldexpf(scores[i], random_int(&state, 60) - 30);
        want[i] = i;
    }
    order_scores = scores;
    qsort(want, M, sizeof *want, by_score_then_index);
    for (size_t a = 0; a < sizeof asked / sizeof *asked; a++) {
        ck_assert_int_eq(run(got, scores, M, asked[a]), asked[a]);
        ck_assert_mem_eq(got, want, (size_t)asked[a] * sizeof *got);
    }
    free(scores);
    free(want);
    free(got);
}
END_TEST

START_TEST(rank_sort_is_stable)
{
    enum { N = 3000 };
    dp_rank *list = malloc(N * sizeof *list), *spare = malloc(N * sizeof *spare);
    uint64_t state = 7;

    for (int i = 0; i < N; i++)
        list[i] = (dp_rank){(uint32_t)random_int(&state, 40) * 0x04000801u, i};
    dp_rank_sort(list, spare, N);
    for (int i = 1; i < N; i++)
        ck_assert(list[i - 1].key < list[i].key || (list[i - 1].key == list[i].key &&
                                                    list[i - 1].index < list[i].index));
    free(list);
    free(spare);
}
END_TEST

START_TEST(rank_key_falls_as_scores_rise)
{
    static const float up[] = {-INFINITY, -1e30f, -2,    -1,    -1e-40f,
                               0,         1e-40f, 1e-5f, 1e30f, INFINITY};
    for (size_t i = 1; i < sizeof up / sizeof *up; i++)
        ck_assert_uint_lt(dp_rank_key(up[i]), dp_rank_key(up[i - 1]));
    ck_assert_uint_lt(dp_rank_key(-INFINITY), DP_RANK_NAN);
    ck_assert_uint_eq(dp_rank_key(NAN), DP_RANK_NAN);
    ck_assert_uint_eq(dp_rank_key(-0.0f), dp_rank_key(0.0f));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topk");
    TCase *t = tcase_create("topk");
    tcase_add_loop_test(t, topk_case, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(t, topk_agrees_with_a_sort, 0, 6);
    tcase_add_test(t, rank_sort_is_stable);
    tcase_add_test(t, rank_key_falls_as_scores_rise);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
