/* Bin averages, maxima and subsampling. */
#include "ops/pooling.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct call {
    dp_tensor x;
    int n; /* bins, or stride */
    dp_tensor y;
};

static void average(dp_run *r, void *arg)
{
    struct call *c = arg;
    c->y = dp_pooling_average_run(r, c->x, c->n);
}

static void subsample(dp_run *r, void *arg)
{
    struct call *c = arg;
    c->y = dp_pooling_subsample_run(r, c->x, c->n);
}

static void max(dp_run *r, void *arg)
{
    struct call *c = arg;
    c->y = dp_pooling_max_run(r, c->x);
}

static const struct {
    int W, bins;
    float want[6]; /* of the columns 0 1 2 ... */
} rows[] = {
    {4, 2, {0.5f, 2.5f}},
    {5, 2, {1, 3}},                   /* the middle column is in both bins */
    {7, 3, {1, 3, 5}},                /* 0-2, 2-4, 4-6                      */
    {5, 3, {0.5f, 2, 3.5f}},          /* 0-1, 1-3, 3-4                      */
    {1, 3, {0, 0, 0}},                /* more bins than cells               */
    {4, 6, {0, 0.5f, 1, 2, 2.5f, 3}}, /* 0, 0-1, 1, 2, 2-3, 3             */
    {6, 6, {0, 1, 2, 3, 4, 5}},
    {9, 1, {4}},
};

START_TEST(bins_cover_what_pytorch_has_them_cover)
{
    float x[9 * 9];
    const int W = rows[_i].W, bins = rows[_i].bins;
    for (int i = 0; i < W * W; i++)
        x[i] = (float)(i % W) + 100 * (float)(i / W);
    struct call c = {{x, 1, W, W, 1}, bins, {0}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, average, &c);
    ck_assert(c.y.N == 1 && c.y.H == bins && c.y.W == bins && c.y.C == 1);
    for (int i = 0; i < bins * bins; i++) {
        const float want = rows[_i].want[i % bins] + 100 * rows[_i].want[i / bins];
        ck_assert(fabsf(c.y.data[i] - want) <= 1e-5f * (1 + want));
    }
    forward_done(&f);
}
END_TEST

START_TEST(every_channel_of_every_item_is_averaged)
{
    enum { N = 2, H = 11, W = 7, C = 130, BINS = 3 };
    uint64_t seed = 10;
    float *x = random_floats(&seed, N * H * W * C, -1, 1), *want = NULL;
    const size_t size = N * BINS * BINS * C;
    for (int k = 0; k < FORWARD_THREADS; k++) {
        struct call c = {{x, N, H, W, C}, BINS, {0}};
        forward f;
        forward_init(&f, forward_threads[k], ~0u);
        forward_run(&f, average, &c);
        if (!want) {
            want = malloc(size * sizeof *want);
            memcpy(want, c.y.data, size * sizeof *want);
        }
        ck_assert_mem_eq(c.y.data, want, size * sizeof *want);
        forward_done(&f);
    }
    /* The last bin of the last item: rows 7 to 10 and columns 4 to 6. */
    for (int channel = 0; channel < C; channel++) {
        double sum = 0;
        for (int i = 7; i < 11; i++)
            for (int j = 4; j < 7; j++)
                sum += (double)x[((H + i) * W + j) * C + channel];
        const double got = (double)want[size - C + (size_t)channel];
        /* One rounding, and what float64 leaves. */
        ck_assert(fabs(got - sum / 12) <=
                  0.5 * (double)FLT_EPSILON * fabs(sum / 12) + 1e-15);
    }
    free(want);
    free(x);
}
END_TEST

START_TEST(an_empty_map_has_no_average)
{
    struct call c = {{NULL, 1, 0, 4, 2}, 3, {0}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_expect_shape_error(&f, average, &c);
    forward_done(&f);
}
END_TEST

START_TEST(every_second_cell_is_kept_from_the_first)
{
    enum { N = 2, C = 3 };
    uint64_t seed = 11;
    for (int H = 1; H < 6; H++)
        for (int W = 1; W < 6; W++) {
            float *x = random_floats(&seed, (size_t)(N * H * W * C), -1, 1);
            struct call c = {{x, N, H, W, C}, 2, {0}};
            forward f;
            forward_init(&f, 2, ~0u);
            forward_run(&f, subsample, &c);
            ck_assert(c.y.N == N && c.y.H == (H + 1) / 2 && c.y.W == (W + 1) / 2);
            for (int i = 0; i < (int)dp_tensor_size(c.y); i++) {
                const int cell = i / C, n = cell / c.y.W / c.y.H;
                const int row = 2 * (cell / c.y.W % c.y.H), column = 2 * (cell % c.y.W);
                ck_assert(c.y.data[i] == x[((n * H + row) * W + column) * C + i % C]);
            }
            forward_done(&f);
            free(x);
        }
}
END_TEST

/* The largest of the cells within one of (2 i, 2 j); negative values, so that a border of
 * zeros would show. */
START_TEST(a_maximum_is_of_the_cells_inside_the_map)
{
    enum { N = 2, C = 3 };
    uint64_t seed = 12;
    for (int H = 1; H < 7; H++)
        for (int W = 1; W < 7; W++) {
            float *x = random_floats(&seed, (size_t)(N * H * W * C), -2, -1);
            struct call c = {{x, N, H, W, C}, 0, {0}};
            forward f;
            forward_init(&f, 2, ~0u);
            forward_run(&f, max, &c);
            ck_assert(c.y.N == N && c.y.H == (H + 1) / 2 && c.y.W == (W + 1) / 2);
            for (int i = 0; i < (int)dp_tensor_size(c.y); i++) {
                const int cell = i / C, n = cell / c.y.W / c.y.H;
                const int row = 2 * (cell / c.y.W % c.y.H), column = 2 * (cell % c.y.W);
                float want = -3;
                for (int v = 0; v < H; v++)
                    for (int u = 0; u < W; u++)
                        if (abs(v - row) <= 1 && abs(u - column) <= 1)
                            want = fmaxf(want, x[((n * H + v) * W + u) * C + i % C]);
                ck_assert(c.y.data[i] == want);
            }
            forward_done(&f);
            free(x);
        }
}
END_TEST

START_TEST(a_nan_is_the_maximum_of_its_window)
{
    for (int at = 0; at < 9; at++) {
        float x[9] = {1, 2, INFINITY, 4, 5, 6, 7, 8, 9};
        x[at] = NAN;
        struct call c = {{x, 1, 3, 3, 1}, 0, {0}};
        forward f;
        forward_init(&f, 1, ~0u);
        forward_run(&f, max, &c);
        for (int i = 0; i < 4; i++) {
            const bool inside =
                abs(at / 3 - 2 * (i / 2)) <= 1 && abs(at % 3 - 2 * (i % 2)) <= 1;
            ck_assert_int_eq(isnan(c.y.data[i]) != 0, inside);
        }
        forward_done(&f);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/pooling");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, bins_cover_what_pytorch_has_them_cover, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_test(t, every_channel_of_every_item_is_averaged);
    tcase_add_test(t, an_empty_map_has_no_average);
    tcase_add_test(t, every_second_cell_is_kept_from_the_first);
    tcase_add_test(t, a_maximum_is_of_the_cells_inside_the_map);
    tcase_add_test(t, a_nan_is_the_maximum_of_its_window);
    suite_add_tcase(s, t);
    return suite_run(s);
}
