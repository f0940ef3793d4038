/* Resizes of feature maps: PyTorch's documented examples, the formula in float64,
 * sums. */
#include "ops/resize.h"
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
    int H, W;
    dp_tensor y;
    float *start; /* what y holds before an addition */
};

static void resize(dp_run *r, void *arg)
{
    struct call *c = arg;
    c->y = dp_resize_run(r, c->x, c->H, c->W);
}

static void start(dp_run *r, struct call *c)
{
    c->y = dp_run_tensor(r, c->x.N, c->H, c->W, c->x.C);
    if (!r->dry)
        memcpy(c->y.data, c->start, dp_tensor_size(c->y) * sizeof *c->start);
}

static void resize_add(dp_run *r, void *arg)
{
    start(r, arg);
    dp_resize_add_run(r, ((struct call *)arg)->y, ((struct call *)arg)->x);
}

static void nearest_add(dp_run *r, void *arg)
{
    start(r, arg);
    dp_resize_nearest_add_run(r, ((struct call *)arg)->y, ((struct call *)arg)->x);
}

/* The example of torch.nn.Upsample: 1 2 / 3 4, twice as large. */
START_TEST(doubling_takes_quarters)
{
    static const float want[16] = {1,    1.25f, 1.75f, 2,    1.5f, 1.75f, 2.25f, 2.5f,
                                   2.5f, 2.75f, 3.25f, 3.5f, 3,    3.25f, 3.75f, 4};
    float x[4] = {1, 2, 3, 4};
    struct call c = {.x = {x, 1, 2, 2, 1}, .H = 4, .W = 4};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, resize, &c);
    ck_assert_mem_eq(c.y.data, want, sizeof want);
    forward_done(&f);
}
END_TEST

START_TEST(the_same_size_changes_nothing)
{
    uint64_t seed = 6;
    float *x = random_floats(&seed, 5 * 7 * 3, -1, 1);
    struct call c = {.x = {x, 1, 5, 7, 3}, .H = 5, .W = 7};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, resize, &c);
    ck_assert_mem_eq(c.y.data, x, 5 * 7 * 3 * sizeof *x);
    free(x);
    forward_done(&f);
}
END_TEST

START_TEST(one_cell_fills_the_map)
{
    float x[3] = {1.5f, -2, 0.1f};
    struct call c = {.x = {x, 1, 1, 1, 3}, .H = 4, .W = 5};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, resize, &c);
    for (int i = 0; i < 4 * 5 * 3; i++)
        ck_assert(fabsf(c.y.data[i] - x[i % 3]) <= fabsf(x[i % 3]) * FLT_EPSILON);
    forward_done(&f);
}
END_TEST

static int lower(double at, int size)
{
    return (int)at > size - 1 ? size - 1 : (int)at;
}

static double source(int i, int out, int in)
{
    const double at = (double)((float)in / (float)out) * (i + 0.5) - 0.5;
    return at < 0 ? 0 : at;
}

/* In float64, with the weights in float32; *magnitude is the same sum of absolute
 * values. */
static double value_at(dp_tensor x, int n, int c, double v, double u, double *magnitude)
{
    const int row = lower(v, x.H), column = lower(u, x.W);
    double sum = 0;
    *magnitude = 0;
    for (int k = 0; k < 4; k++) {
        const int i = row + k / 2 < x.H ? row + k / 2 : x.H - 1;
        const int j = column + k % 2 < x.W ? column + k % 2 : x.W - 1;
        const float fv = (float)(v - row), fu = (float)(u - column);
        const float wv = k / 2 ? fv : 1 - fv, wu = k % 2 ? fu : 1 - fu;
        const double value = (double)wv * (double)wu *
                             (double)x.data[((n * x.H + i) * x.W + j) * x.C + c];
        sum += value;
        *magnitude += fabs(value);
    }
    return sum;
}

/* The weights are rounded as the rule says. After that a value goes through a
 * product and a sum, twice, and an addition: each rounds by half a unit at most. */
static void expect_formula(const struct call *c, bool add)
{
    for (int i = 0; i < (int)dp_tensor_size(c->y); i++) {
        const int channel = i % c->y.C, cell = i / c->y.C;
        double magnitude;
        double want = value_at(c->x, cell / c->W / c->H, channel,
                               source(cell / c->W % c->H, c->H, c->x.H),
                               source(cell % c->W, c->W, c->x.W), &magnitude);
        if (add) {
            want += (double)c->start[i];
            magnitude += fabs((double)c->start[i]);
        }
        ck_assert_msg(fabs((double)c->y.data[i] - want) <=
                          (add ? 5.001 : 4.001) * 0.5 * (double)FLT_EPSILON * magnitude,
                      "%d x %d to %d x %d, value %d: found %.9g, expected %.9g", c->x.H,
                      c->x.W, c->H, c->W, i, (double)c->y.data[i], want);
    }
}

START_TEST(any_size_follows_the_formula)
{
    uint64_t seed = 7;
    forward f;
    forward_init(&f, 2, ~0u);
    for (int round = 0; round < 100; round++) {
        struct call c = {.x = {NULL, 1 + random_int(&seed, 2),
                               1 + random_int(&seed, 20), 1 + random_int(&seed, 20),
                               1 + random_int(&seed, 9)},
                         .H = 1 + random_int(&seed, 45),
                         .W = 1 + random_int(&seed, 45)};
        c.x.data = random_floats(&seed, dp_tensor_size(c.x), -3, 3);
        c.start = random_floats(&seed, (size_t)(c.x.N * c.H * c.W * c.x.C), -3, 3);
        forward_run(&f, resize, &c);
        expect_formula(&c, false);
        forward_run(&f, resize_add, &c);
        expect_formula(&c, true);
        free(c.x.data);
        free(c.start);
    }
    forward_done(&f);
}
END_TEST

START_TEST(nearest_repeats_cells_at_twice_the_size)
{
    float x[4] = {1, 2, 3, 4}, ones[16];
    static const float want[16] = {2, 2, 3, 3, 2, 2, 3, 3, 4, 4, 5, 5, 4, 4, 5, 5};
    for (int i = 0; i < 16; i++)
        ones[i] = 1;
    struct call c = {.x = {x, 1, 2, 2, 1}, .H = 4, .W = 4, .start = ones};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, nearest_add, &c);
    ck_assert_mem_eq(c.y.data, want, sizeof want);
    forward_done(&f);
}
END_TEST

START_TEST(nearest_takes_the_cell_that_the_position_is_in)
{
    uint64_t seed = 8;
    forward f;
    forward_init(&f, 2, ~0u);
    for (int round = 0; round < 100; round++) {
        const int in = 1 + random_int(&seed, 30), out = 1 + random_int(&seed, 60);
        struct call c = {.x = {random_floats(&seed, (size_t)in, -1, 1), 1, 1, in, 1},
                         .H = 1,
                         .W = out,
                         .start = calloc((size_t)out, sizeof(float))};
        forward_run(&f, nearest_add, &c);
        for (int i = 0; i < out; i++) {
            int at = (int)((float)i * ((float)in / (float)out));
            at = at > in - 1 ? in - 1 : at;
            ck_assert(c.y.data[i] == c.x.data[at]);
        }
        free(c.x.data);
        free(c.start);
    }
    forward_done(&f);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    enum { N = 2, H = 13, W = 21, C = 19, OUT_H = 50, OUT_W = 33 };
    enum { SIZE = N * OUT_H * OUT_W * C };
    forward_fn *const fn[3] = {resize, resize_add, nearest_add};
    uint64_t seed = 9;
    struct call c = {.x = {random_floats(&seed, N * H * W * C, -1, 1), N, H, W, C},
                     .H = OUT_H,
                     .W = OUT_W,
                     .start = random_floats(&seed, SIZE, -1, 1)};
    float *want = malloc(SIZE * sizeof *want);
    for (int k = 0; k < 3 * FORWARD_THREADS; k++) {
        forward f;
        forward_init(&f, forward_threads[k % FORWARD_THREADS], ~0u);
        forward_run(&f, fn[k / FORWARD_THREADS], &c);
        if (k % FORWARD_THREADS == 0)
            memcpy(want, c.y.data, SIZE * sizeof *want);
        ck_assert_mem_eq(c.y.data, want, SIZE * sizeof *want);
        forward_done(&f);
    }
    free(want);
    free(c.x.data);
    free(c.start);
}
END_TEST

static const struct {
    dp_tensor x;
    int H, W;
} empty[] = {{{NULL, 1, 0, 3, 1}, 2, 2}, {{NULL, 1, 3, 0, 1}, 1, 1}};

START_TEST(something_from_nothing_is_refused)
{
    forward f;
    forward_init(&f, 1, ~0u);
    struct call c = {.x = empty[_i].x, .H = empty[_i].H, .W = empty[_i].W};
    forward_expect_shape_error(&f, resize, &c);
    forward_expect_shape_error(&f, resize_add, &c);
    forward_expect_shape_error(&f, nearest_add, &c);
    forward_done(&f);
}
END_TEST

static void add_other_channels(dp_run *r, void *arg)
{
    (void)arg;
    dp_resize_add_run(r, dp_run_tensor(r, 1, 2, 2, 3), dp_run_tensor(r, 1, 2, 2, 4));
}

START_TEST(other_channels_are_refused)
{
    forward f;
    forward_init(&f, 1, ~0u);
    forward_expect_shape_error(&f, add_other_channels, NULL);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/resize");
    TCase *t = tcase_create("core");
    tcase_add_test(t, doubling_takes_quarters);
    tcase_add_test(t, the_same_size_changes_nothing);
    tcase_add_test(t, one_cell_fills_the_map);
    tcase_add_test(t, any_size_follows_the_formula);
    tcase_add_test(t, nearest_repeats_cells_at_twice_the_size);
    tcase_add_test(t, nearest_takes_the_cell_that_the_position_is_in);
    tcase_add_test(t, threads_do_not_change_a_bit);
    tcase_add_loop_test(t, something_from_nothing_is_refused, 0, 2);
    tcase_add_test(t, other_channels_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
