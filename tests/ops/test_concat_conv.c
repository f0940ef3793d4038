/* The convolution of resized and concatenated maps against doing just that, in float64. */
#include "ops/concat_conv.h"
#include "ops/resize.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAPS = 4 };

struct shape {
    int count, out;
    struct {
        int H, W, C;
    } map[MAPS];
};

struct layer {
    forward f;
    dp_store store;
    dp_concat_conv conv;
    int in, out; /* channels of all maps */
    float *weight;
    float *norm[4]; /* weight, bias, running_mean, running_var */
    dp_tensor x[MAPS], y;
};

static void build(struct layer *l, const struct shape *s)
{
    static const char *const names[4] = {"bn.weight", "bn.bias", "bn.running_mean",
                                         "bn.running_var"};
    const int in = l->in, out = l->out;
    dp_named_tensor tensors[5] = {{"conv.weight",
                                   DP_DTYPE_F32,
                                   4,
                                   {out, in, 3, 3},
                                   {in * 9, 9, 3, 1},
                                   l->weight}};
    for (int i = 0; i < 4; i++)
        tensors[1 + i] =
            (dp_named_tensor){names[i], DP_DTYPE_F32, 1, {out}, {1}, l->norm[i]};
    dp_concat_conv_spec spec = {
        .count = s->count, .out = out, .name = "conv.", .norm = "bn."};
    for (int i = 0; i < s->count; i++)
        spec.in[i] = s->map[i].C;
    dp_builder b;
    ck_assert_int_eq(
        dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors, 5), DP_OK);
    dp_concat_conv_build(&b, &l->conv, &spec);
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", l->f.err.text);
    dp_builder_done(&b);
}

static void layer_init(struct layer *l, const struct shape *s, int threads,
                       unsigned cpu)
{
    uint64_t seed = 15;
    *l = (struct layer){.out = s->out};
    forward_init(&l->f, threads, cpu);
    for (int i = 0; i < s->count; i++) {
        l->in += s->map[i].C;
        l->x[i] = (dp_tensor){NULL, 1, s->map[i].H, s->map[i].W, s->map[i].C};
        l->x[i].data = random_floats(&seed, dp_tensor_size(l->x[i]), -1, 1);
    }
    l->weight = random_floats(&seed, (size_t)(l->out * l->in * 9), -1, 1);
    for (int i = 0; i < 4; i++)
        l->norm[i] = random_floats(&seed, (size_t)l->out, i == 3 ? 0.5f : -1, 2);
    build(l, s);
}

static void layer_done(struct layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    for (int i = 0; i < MAPS; i++) {
        free(l->x[i].data);
        free(l->norm[i]);
    }
    free(l->weight);
}

static void run(dp_run *r, void *arg)
{
    struct layer *l = arg;
    l->y = dp_concat_conv_run(r, &l->conv, l->x);
}

/* Channel c of map x at cell (i, j) of an H x W map; with `absolute` of |x|. */
static double resized(dp_tensor x, int H, int W, int i, int j, int c, bool absolute)
{
    dp_resize_tap rows[64], columns[64];
    dp_resize_fill_taps(rows, H, x.H);
    dp_resize_fill_taps(columns, W, x.W);
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        const dp_resize_tap *r = &rows[i], *q = &columns[j];
        const int row = k / 2 ? r->high : r->low, column = k % 2 ? q->high : q->low;
        const double w = (double)(k / 2 ? r->weight_high : r->weight_low) *
                         (double)(k % 2 ? q->weight_high : q->weight_low);
        const double v = (double)x.data[(row * x.W + column) * x.C + c];
        sum += w * (absolute ? fabs(v) : v);
    }
    return sum;
}

/* The convolution at one cell for one output, before the norm. */
static double convolved(const struct layer *l, int maps, int i, int j, int o,
                        bool absolute)
{
    const int H = l->y.H, W = l->y.W;
    double sum = 0;
    for (int m = 0, first = 0; m < maps; first += l->x[m].C, m++)
        for (int t = 0; t < 9; t++) {
            const int row = i + t / 3 - 1, column = j + t % 3 - 1;
            if (row < 0 || row >= H || column < 0 || column >= W)
                continue;
            for (int c = 0; c < l->x[m].C; c++) {
                const double w = (double)l->weight[(o * l->in + first + c) * 9 + t];
                sum += (absolute ? fabs(w) : w) *
                       resized(l->x[m], H, W, row, column, c, absolute);
            }
        }
    return sum;
}

/* 9 * in products and, of each, a few roundings more for resize, scale and shift. */
static void expect_definition(const struct layer *l, int maps)
{
    const double bound = (9 * l->in + 16) * (double)FLT_EPSILON;
    int positive = 0;
    for (int i = 0; i < (int)dp_tensor_size(l->y); i++) {
        const int o = i % l->out, cell = i / l->out;
        const double scale = (double)l->norm[0][o] / sqrt((double)l->norm[3][o] + 1e-5);
        const double shift = (double)l->norm[1][o] - (double)l->norm[2][o] * scale;
        const int row = cell / l->y.W, column = cell % l->y.W;
        double want = convolved(l, maps, row, column, o, false) * scale + shift;
        const double magnitude =
            convolved(l, maps, row, column, o, true) * fabs(scale) +
            fabs((double)l->norm[1][o]) + fabs((double)l->norm[2][o] * scale);
        want = want > 0 ? want : 0;
        positive += want > 0;
        ck_assert_msg(fabs((double)l->y.data[i] - want) <= bound * magnitude,
                      "value %d: found %.9g, expected %.9g", i, (double)l->y.data[i],
                      want);
    }
    ck_assert_int_gt(positive, 0);
}

static const struct shape shapes[] = {
    {1, 3, {{5, 4, 2}}},
    {2, 3, {{8, 8, 2}, {4, 4, 3}}},
    {4, 5, {{16, 12, 3}, {8, 6, 2}, {4, 3, 4}, {2, 2, 1}}},
    {4, 2, {{13, 9, 2}, {6, 4, 2}, {3, 2, 2}, {1, 1, 2}}}, /* odd sides          */
    {3, 4, {{6, 7, 3}, {1, 1, 2}, {6, 6, 2}}},             /* pooled bins        */
    {3, 9, {{1, 1, 2}, {1, 1, 3}, {1, 1, 1}}},             /* nothing to resize  */
    {2, 2, {{3, 3, 1}, {7, 5, 2}}},                        /* a larger map       */
    {2, 2, {{1, 9, 1}, {1, 4, 2}}},                        /* a single row       */
};

START_TEST(it_is_the_convolution_of_the_concatenation)
{
    struct layer l;
    layer_init(&l, &shapes[_i], 2, ~0u);
    forward_run(&l.f, run, &l);
    ck_assert(l.y.N == 1 && l.y.H == shapes[_i].map[0].H &&
              l.y.W == shapes[_i].map[0].W && l.y.C == shapes[_i].out);
    expect_definition(&l, shapes[_i].count);
    layer_done(&l);
}
END_TEST

START_TEST(work_is_counted_as_one_convolution)
{
    struct layer l;
    layer_init(&l, &shapes[2], 1, ~0u);
    forward_run(&l.f, run, &l);
    /* Dry and real: twice 16 * 12 cells, 9 taps, 10 channels in and 5 out. */
    ck_assert(l.f.run.macs == 2.0 * 16 * 12 * 9 * 10 * 5);
    layer_done(&l);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static const struct shape s = {
        4, 24, {{33, 21, 8}, {17, 11, 16}, {9, 6, 16}, {5, 3, 16}}};
    enum { SIZE = 33 * 21 * 24 };
    float want[SIZE];
    for (int k = 0; k < FORWARD_THREADS; k++) {
        struct layer l;
        layer_init(&l, &s, forward_threads[k], ~0u);
        forward_run(&l.f, run, &l);
        if (k == 0)
            memcpy(want, l.y.data, sizeof want);
        ck_assert_mem_eq(l.y.data, want, sizeof want);
        layer_done(&l);
    }
}
END_TEST

START_TEST(maps_that_do_not_fit_are_refused)
{
    struct layer l;
    layer_init(&l, &shapes[1], 1, ~0u);
    l.x[1].C++;
    forward_expect_shape_error(&l.f, run, &l);
    l.x[1].C--;
    l.x[1].H = 0;
    forward_expect_shape_error(&l.f, run, &l);
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/concat_conv");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, it_is_the_convolution_of_the_concatenation, 0,
                        sizeof shapes / sizeof shapes[0]);
    tcase_add_test(t, work_is_counted_as_one_convolution);
    tcase_add_test(t, threads_do_not_change_a_bit);
    tcase_add_test(t, maps_that_do_not_fit_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
