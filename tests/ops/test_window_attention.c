/* Window attention against upstream's steps, one after the other, in float64: norm,
 * padding, roll, windows, mask by regions, roll back. */
#include "ops/window_attention.h"
#include "tests/support/bounded.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHTS = 7 };
enum { NORM, NORM_BIAS, QKV, QKV_BIAS, PROJ, PROJ_BIAS, TABLE };

static const double eps = 1e-5;

struct shape {
    int H, W, C, heads, side, shift;
};

static const struct shape shapes[] = {
    {7, 7, 8, 2, 7, 0},    {7, 7, 8, 2, 7, 3}, /* one window, which is cut too      */
    {14, 21, 12, 3, 7, 3},                     /* filled windows                    */
    {15, 8, 6, 2, 7, 0},   {15, 8, 6, 2, 7, 3}, {5, 3, 6, 1, 7, 3},
    {1, 1, 4, 1, 7, 3},    {1, 40, 4, 2, 7, 3}, {13, 30, 6, 3, 12, 6},
    {24, 25, 8, 2, 12, 0}, {9, 10, 4, 2, 2, 1}, {20, 31, 16, 4, 4, 2},
    {6, 5, 34, 2, 3, 1},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

struct layer {
    forward f;
    dp_store store;
    dp_window_attention attention;
    struct shape s;
    float *weight[WEIGHTS];
    float *x;    /* the input (H, W, C) */
    dp_tensor y; /* the output          */
};

static void build(struct layer *l)
{
    static const char *const names[WEIGHTS] = {"norm1.weight",
                                               "norm1.bias",
                                               "attn.qkv.weight",
                                               "attn.qkv.bias",
                                               "attn.proj.weight",
                                               "attn.proj.bias",
                                               "attn.relative_position_bias_table"};
    const int C = l->s.C, span = 2 * l->s.side - 1;
    const int shape[WEIGHTS][2] = {{C, 0},
                                   {C, 0},
                                   {3 * C, C},
                                   {3 * C, 0},
                                   {C, C},
                                   {C, 0},
                                   {span * span, l->s.heads}};
    dp_named_tensor tensors[WEIGHTS + 2];
    for (int i = 0; i < WEIGHTS; i++)
        tensors[i] = (dp_named_tensor){.name = names[i],
                                       .dtype = DP_DTYPE_F32,
                                       .rank = shape[i][1] ? 2 : 1,
                                       .shape = {shape[i][0], shape[i][1]},
                                       .stride = {shape[i][1] ? shape[i][1] : 1, 1},
                                       .data = l->weight[i]};
    /* Buffers: never read. */
    tensors[WEIGHTS] = (dp_named_tensor){
        "attn.relative_position_index", DP_DTYPE_I64, 1, {1}, {1}, "        "};
    tensors[WEIGHTS + 1] =
        (dp_named_tensor){"attn_mask", DP_DTYPE_F32, 1, {1}, {1}, "    "};
    dp_builder b;
    ck_assert_int_eq(
        dp_builder_init(&l->f.err, &b, &l->store, &l->f.kernels, tensors, WEIGHTS + 2),
        DP_OK);
    dp_window_attention_build(
        &b, &l->attention,
        &(dp_window_attention_spec){C, l->s.heads, l->s.side, (float)eps});
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", l->f.err.text);
    dp_builder_done(&b);
}

static void layer_init(struct layer *l, const struct shape *s, int threads,
                       unsigned cpu)
{
    uint64_t seed = 31;
    const size_t C = (size_t)s->C, span = 2 * (size_t)s->side - 1;
    const float wide = 2 / sqrtf((float)s->C);
    const struct {
        size_t count;
        float low, high;
    } of[WEIGHTS] = {[NORM] = {C, 0.5f, 1.5f},
                     [NORM_BIAS] = {C, -1, 1},
                     [QKV] = {3 * C * C, -wide, wide},
                     [QKV_BIAS] = {3 * C, -1, 1}, /* padded cells consist of it */
                     [PROJ] = {C * C, -wide, wide},
                     [PROJ_BIAS] = {C, -1, 1},
                     [TABLE] = {span * span * (size_t)s->heads, -2, 2}};
    *l = (struct layer){.s = *s};
    forward_init(&l->f, threads, cpu);
    for (int i = 0; i < WEIGHTS; i++)
        l->weight[i] = random_floats(&seed, of[i].count, of[i].low, of[i].high);
    l->x = random_floats(&seed, (size_t)s->H * (size_t)s->W * C, -3, 3);
    build(l);
}

static void layer_done(struct layer *l)
{
    forward_done(&l->f);
    dp_store_done(&l->store);
    for (int i = 0; i < WEIGHTS; i++)
        free(l->weight[i]);
    free(l->x);
}

static void run(dp_run *r, void *arg)
{
    struct layer *l = arg;
    l->y = dp_run_tensor(r, 1, l->s.H, l->s.W, l->s.C);
    if (!r->dry)
        memcpy(l->y.data, l->x, dp_tensor_size(l->y) * sizeof *l->x);
    dp_window_attention_run(r, &l->attention, l->y, l->s.shift);
}

/* ---- the definition ---------------------------------------------------------------- */

/* The padded and rolled map. */
typedef struct grid {
    int H, W;     /* multiples of the side                          */
    bounded *qkv; /* (H, W, 3 C)                                    */
    bounded *out; /* (H, W, C): the heads' results, then projected  */
} grid;

static grid make_grid(const struct layer *l)
{
    const struct shape *s = &l->s;
    const int C = s->C;
    grid g = {(s->H + s->side - 1) / s->side * s->side,
              (s->W + s->side - 1) / s->side * s->side, NULL, NULL};
    g.qkv = calloc((size_t)(g.H * g.W * 3 * C), sizeof *g.qkv);
    g.out = calloc((size_t)(g.H * g.W * C), sizeof *g.out);
    bounded *cell = calloc((size_t)C, sizeof *cell);
    for (int a = 0; a < g.H; a++)
        for (int b = 0; b < g.W; b++) {
            const int row = (a + s->shift) % g.H, column = (b + s->shift) % g.W;
            memset(cell, 0, (size_t)C * sizeof *cell);
            if (row < s->H && column < s->W) {
                for (int c = 0; c < C; c++)
                    cell[c] = bounded_exact(l->x[(row * s->W + column) * C + c]);
                bounded_norm(cell, cell, l->weight[NORM], l->weight[NORM_BIAS], C, eps);
            }
            for (int o = 0; o < 3 * C; o++)
                g.qkv[(a * g.W + b) * 3 * C + o] = bounded_product(
                    l->weight[QKV_BIAS][o], l->weight[QKV] + o * C, cell, C);
        }
    free(cell);
    return g;
}

/* Class of a row or a column of the rolled map. */
static int part(const struct shape *s, int at, int extent)
{
    return s->shift == 0 ? 0 : (at >= extent - s->side) + (at >= extent - s->shift);
}

/* Attention of head h for the query at (a, b). */
static void attend(const struct layer *l, const grid *g, int a, int b, int h)
{
    const struct shape *s = &l->s;
    const int side = s->side, N = side * side, C = s->C, depth = C / s->heads;
    const int top = a / side * side, left = b / side * side;
    bounded *weights = calloc((size_t)N, sizeof *weights);
    bounded *values = calloc((size_t)(N * depth), sizeof *values);
    const bounded *q = g->qkv + (a * g->W + b) * 3 * C + h * depth;
    for (int j = 0; j < N; j++) {
        const int row = top + j / side, column = left + j % side;
        const bounded *k = g->qkv + (row * g->W + column) * 3 * C + C + h * depth;
        const double scale = 1 / sqrt(depth);
        bounded logit = bounded_mix(q, k, 1, depth);
        logit = (bounded){logit.value * scale,
                          logit.off * scale + 0x1p-23 * fabs(logit.value * scale)};
        const int index = (a - row + side - 1) * (2 * side - 1) + b - column + side - 1;
        logit =
            bounded_add(logit, bounded_exact(l->weight[TABLE][index * s->heads + h]));
        if (part(s, a, g->H) != part(s, row, g->H) ||
            part(s, b, g->W) != part(s, column, g->W))
            logit.value -= 100;
        weights[j] = logit;
        memcpy(values + j * depth, k + C, (size_t)depth * sizeof *values);
    }
    bounded_softmax(weights, N);
    for (int d = 0; d < depth; d++)
        g->out[(a * g->W + b) * C + h * depth + d] =
            bounded_mix(weights, values + d, depth, N);
    free(weights);
    free(values);
}

static void expect_definition(const struct layer *l)
{
    const struct shape *s = &l->s;
    const int C = s->C;
    const grid g = make_grid(l);
    for (int a = 0; a < g.H; a++)
        for (int b = 0; b < g.W; b++)
            for (int h = 0; h < s->heads; h++)
                attend(l, &g, a, b, h);
    for (int i = 0; i < s->H * s->W * C; i++) {
        const int c = i % C, row = i / C / s->W, column = i / C % s->W;
        const int a = (row + g.H - s->shift) % g.H, b = (column + g.W - s->shift) % g.W;
        const bounded branch =
            bounded_product(l->weight[PROJ_BIAS][c], l->weight[PROJ] + c * C,
                            g.out + (a * g.W + b) * C, C);
        bounded_check(bounded_add(branch, bounded_exact(l->x[i])), l->y.data[i], i);
    }
    free(g.qkv);
    free(g.out);
}

START_TEST(it_is_attention_within_shifted_windows)
{
    struct layer l;
    layer_init(&l, &shapes[_i % SHAPES], 2, _i < SHAPES ? ~0u : 0);
    forward_run(&l.f, run, &l);
    expect_definition(&l);
    layer_done(&l);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static const struct shape s = {40, 61, 16, 2, 7, 3};
    enum { SIZE = 40 * 61 * 16 };
    float *want = malloc(SIZE * sizeof *want);
    for (int k = 0; k < FORWARD_THREADS; k++) {
        struct layer l;
        layer_init(&l, &s, forward_threads[k], ~0u);
        forward_run(&l.f, run, &l);
        if (k == 0)
            memcpy(want, l.y.data, SIZE * sizeof *want);
        ck_assert_mem_eq(l.y.data, want, SIZE * sizeof *want);
        layer_done(&l);
    }
    free(want);
}
END_TEST

START_TEST(work_is_counted_on_whole_windows)
{
    static const struct shape s = {15, 8, 6, 2, 7, 3};
    struct layer l;
    layer_init(&l, &s, 1, ~0u);
    forward_run(&l.f, run, &l);
    /* Dry and real: twice 21 * 14 cells, four products over channels and two over the
     * cells of a window. */
    ck_assert(l.f.run.macs == 2.0 * 21 * 14 * 6 * (4 * 6 + 2 * 49));
    layer_done(&l);
}
END_TEST

START_TEST(an_empty_map_stays_empty)
{
    static const struct shape s = {0, 8, 6, 2, 7, 3};
    struct layer l;
    layer_init(&l, &s, 2, ~0u);
    forward_run(&l.f, run, &l);
    ck_assert_uint_eq(dp_tensor_size(l.y), 0);
    layer_done(&l);
}
END_TEST

START_TEST(a_map_of_other_channels_is_refused)
{
    struct layer l;
    layer_init(&l, &shapes[0], 1, ~0u);
    l.s.C++;
    forward_expect_shape_error(&l.f, run, &l);
    l.s.C--;
    layer_done(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ops/window_attention");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, it_is_attention_within_shifted_windows, 0, 2 * SHAPES);
    tcase_add_test(t, threads_do_not_change_a_bit);
    tcase_add_test(t, work_is_counted_on_whole_windows);
    tcase_add_test(t, an_empty_map_stays_empty);
    tcase_add_test(t, a_map_of_other_channels_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
