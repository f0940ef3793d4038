/* Softmax, and the rows of a label map. */
#include "base/cpu.h"
#include "ops/kernels/kernels.h"
#include "postprocess/label_map.h"
#include "postprocess/softmax.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static dp_kernels kernels;

static void setup(void)
{
    dp_kernels_init(&kernels, dp_cpu_detect());
}

START_TEST(softmax_worked)
{
    const float x[] = {0, logf(3), 5, 5}; /* two rows of two */
    float y[4];
    dp_softmax_rows(y, x, 2, 2);
    ck_assert(fabsf(y[0] - 0.25f) <= 2 * FLT_EPSILON);
    ck_assert(fabsf(y[1] - 0.75f) <= 2 * FLT_EPSILON);
    ck_assert(y[2] == 0.5f && y[3] == 0.5f);
}
END_TEST

/* Against float64: exp and each of C + 2 roundings may be off by one in 2^24. */
START_TEST(softmax_is_near_the_exact_one)
{
    enum { C = 81, ROWS = 50 };
    uint64_t state = 1;
    float *x = random_floats(&state, C * ROWS, -20, 20), y[C * ROWS];
    dp_softmax_rows(y, x, ROWS, C);
    for (int r = 0; r < ROWS; r++) {
        double sum = 0, total = 0;
        for (int c = 0; c < C; c++)
            sum += exp((double)x[r * C + c]);
        for (int c = 0; c < C; c++) {
            const double want = exp((double)x[r * C + c]) / sum;
            /* The argument is rounded to a step of at most 40 * 2^-24 too. */
            ck_assert(fabs((double)y[r * C + c] - want) <=
                      want * (C + 2 + 40) * (double)FLT_EPSILON);
            total += (double)y[r * C + c];
        }
        ck_assert(fabs(total - 1) <= C * (double)FLT_EPSILON);
    }
    free(x);
}
END_TEST

START_TEST(softmax_of_large_logits_is_finite)
{
    float x[] = {1e38f, -1e38f, 1e38f};
    dp_softmax_rows(x, x, 1, 3);
    ck_assert(x[0] == 0.5f && x[1] == 0 && x[2] == 0.5f);
}
END_TEST

START_TEST(softmax_nan_spreads_over_its_row_only)
{
    float x[] = {NAN, 1, 0, 0};
    dp_softmax_rows(x, x, 2, 2);
    ck_assert(isnan(x[0]) && isnan(x[1]) && x[2] == 0.5f);
}
END_TEST

START_TEST(sigmoid_worked)
{
    const float x[] = {0, logf(3), -200, 200, INFINITY, -INFINITY, NAN};
    float y[7];
    dp_sigmoid(y, x, 7);
    ck_assert(y[0] == 0.5f);
    ck_assert(fabsf(y[1] - 0.75f) <= FLT_EPSILON);
    ck_assert(y[2] == 0 && y[3] == 1 && y[4] == 1 && y[5] == 0 && isnan(y[6]));
}
END_TEST

/* Twice as many: 0, 0.25, 0.75, 1.25, ...; the ends stay at the last pixel. */
START_TEST(mix_of_a_doubling)
{
    static const struct {
        int first, second;
        float high;
    } want[] = {{0, 1, 0},     {0, 1, 0.25f}, {0, 1, 0.75f},
                {1, 2, 0.25f}, {1, 2, 0.75f}, {2, 2, 0.25f}};
    dp_blend m[6];
    dp_blend_axis(m, 3, 6);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(m[i].first, want[i].first);
        ck_assert_int_eq(m[i].second, want[i].second);
        ck_assert(m[i].high == want[i].high && m[i].low == 1 - want[i].high);
    }
}
END_TEST

START_TEST(mix_stays_inside)
{
    uint64_t state = 9;
    for (int i = 0; i < 3000; i++) {
        const int in = 1 + random_int(&state, i % 3 ? 50 : 5000);
        const int out = 1 + random_int(&state, i % 3 ? 50 : 5000);
        dp_blend m = dp_blend_get(random_int(&state, out), in, out);
        ck_assert(m.first >= 0 && m.second < in && m.second - m.first <= 1);
        ck_assert(m.low >= 0 && m.high >= 0 && m.low + m.high == 1);
        m = dp_blend_get(out - 1, in, out);
        ck_assert(m.first >= 0 && m.second < in);
    }
}
END_TEST

/* Weights of PyTorch 1.13: its results for an input with a single pixel set. */
static const struct {
    int in, out, at, first;
    float low, high;
} weights[] = {
    {17, 67, 32, 7, 0x1.03d22cp-2f, 0x1.7e16eap-1f},
    {171, 683, 400, 99, 0x1.d3c59p-3f, 0x1.8b0e9cp-1f},
    {60, 41, 20, 29, 0x1.ffffdp-2f, 0x1.000018p-1f},
    {60, 41, 33, 48, 0x1.e705fp-2f, 0x1.0c7d08p-1f},
};

START_TEST(mix_has_the_reference_weights)
{
    const dp_blend m = dp_blend_get(weights[_i].at, weights[_i].in, weights[_i].out);
    ck_assert_int_eq(m.first, weights[_i].first);
    ck_assert(m.low == weights[_i].low && m.high == weights[_i].high);
}
END_TEST

/* A map of H x W x K to h x w, row by row. */
typedef struct map {
    int H, W, K, h, w;
    float *data;
    dp_blend *x;
} map;

static map map_new(uint64_t seed, int H, int W, int K, int h, int w)
{
    map m = {H, W, K, h, w, NULL, malloc((size_t)w * sizeof(dp_blend))};
    m.data = random_floats(&seed, (size_t)(H * W * K), -9, 9);
    dp_blend_axis(m.x, W, w);
    return m;
}

static void map_done(map *m)
{
    free(m->data);
    free(m->x);
}

static dp_logits_row row_of(const map *m, int y)
{
    const dp_blend mix = dp_blend_get(y, m->H, m->h);
    return (dp_logits_row){m->data + mix.first * m->W * m->K,
                           m->data + mix.second * m->W * m->K,
                           mix,
                           m->x,
                           m->w,
                           m->K};
}

static const int sizes[][5] = {
    {3, 4, 5, 12, 16}, {7, 9, 150, 28, 33}, {8, 8, 19, 3, 5}, {1, 1, 3, 4, 6},
    {1, 6, 2, 1, 24},  {6, 1, 2, 24, 1},    {5, 5, 7, 5, 5},
};

/* The rule in float64: three mixes of values up to 9, each with three roundings. */
START_TEST(logits_row_is_the_bilinear_resize)
{
    const int *s = sizes[_i];
    map m = map_new(3, s[0], s[1], s[2], s[3], s[4]);
    float *out = malloc((size_t)(m.w * m.K) * sizeof *out);

    for (int y = 0; y < m.h; y++) {
        dp_logits_resize(out, row_of(&m, y), &kernels);
        const dp_blend my = dp_blend_get(y, m.H, m.h);
        for (int i = 0; i < m.w * m.K; i++) {
            const dp_blend mx = m.x[i / m.K];
            double want = 0;
            for (int corner = 0; corner < 4; corner++) {
                const int row = corner / 2 ? my.second : my.first;
                const int column = corner % 2 ? mx.second : mx.first;
                want += (double)(corner / 2 ? my.high : my.low) *
                        (double)(corner % 2 ? mx.high : mx.low) *
                        (double)m.data[(row * m.W + column) * m.K + i % m.K];
            }
            ck_assert(fabs((double)out[i] - want) <= 9 * 6 * (double)FLT_EPSILON / 2);
        }
    }
    free(out);
    map_done(&m);
}
END_TEST

START_TEST(logits_of_one_size_are_copied)
{
    map m = map_new(4, 4, 5, 6, 4, 5);
    float out[5 * 6];
    for (int y = 0; y < 4; y++) {
        dp_logits_resize(out, row_of(&m, y), &kernels);
        ck_assert_mem_eq(out, m.data + y * 5 * 6, sizeof out);
    }
    map_done(&m);
}
END_TEST

START_TEST(logits_are_added_as_resized)
{
    map m = map_new(5, 3, 4, 19, 11, 15);
    float sum[15 * 19], out[15 * 19];
    for (int y = 0; y < m.h; y++) {
        for (int i = 0; i < 15 * 19; i++)
            sum[i] = (float)i;
        dp_logits_add(sum, row_of(&m, y), &kernels);
        dp_logits_resize(out, row_of(&m, y), &kernels);
        for (int i = 0; i < 15 * 19; i++)
            ck_assert(sum[i] == (float)i + out[i]);
    }
    map_done(&m);
}
END_TEST

/* The shortcut past the exponentials never shows. */
START_TEST(labels_are_those_of_the_softmax)
{
    const int *s = sizes[_i];
    map m = map_new(6, s[0], s[1], s[2], s[3], s[4]);
    const size_t n = (size_t)(m.w * m.K);
    float *out = malloc(n * sizeof *out), *scratch = malloc((size_t)m.K * sizeof *out);
    uint8_t *labels = malloc((size_t)m.w);

    for (int y = 0; y < m.h; y++) {
        dp_labels_from_logits(labels, row_of(&m, y), &kernels, scratch);
        dp_logits_resize(out, row_of(&m, y), &kernels);
        dp_softmax_rows(out, out, (size_t)m.w, m.K);
        for (int x = 0; x < m.w; x++)
            ck_assert_int_eq(labels[x], kernels.argmax(out + x * m.K, m.K));
    }
    free(out);
    free(scratch);
    free(labels);
    map_done(&m);
}
END_TEST

/* One pixel, two logits that differ by 1e-8: as probabilities they are the same, so the
 * lower class has it. By 1e-5 they are not. */
START_TEST(labels_tie_where_softmax_cannot_tell)
{
    const dp_blend mix = {0, 0, 1, 0};
    float scratch[3], logits[] = {-1, 1e-8f, 2e-8f};
    uint8_t label;
    dp_labels_from_logits(&label, (dp_logits_row){logits, logits, mix, &mix, 1, 3},
                          &kernels, scratch);
    ck_assert_int_eq(label, 1);
    logits[2] = 1e-5f;
    dp_labels_from_logits(&label, (dp_logits_row){logits, logits, mix, &mix, 1, 3},
                          &kernels, scratch);
    ck_assert_int_eq(label, 2);
}
END_TEST

START_TEST(labels_agree_with_softmax_on_near_ties)
{
    const dp_blend mix = {0, 0, 1, 0};
    uint64_t state = 21;
    int ties = 0;
    for (int i = 0; i < 20000; i++) {
        float x[9], p[9], scratch[9];
        uint8_t label;
        for (int k = 0; k < 9; k++)
            x[k] = 0.25f + (float)random_int(&state, 40) * 0x1p-25f;
        dp_softmax_rows(p, x, 1, 9);
        dp_labels_from_logits(&label, (dp_logits_row){x, x, mix, &mix, 1, 9}, &kernels,
                              scratch);
        ck_assert_int_eq(label, kernels.argmax(p, 9));
        ties += kernels.argmax(p, 9) != kernels.argmax(x, 9);
    }
    ck_assert_int_gt(ties, 100);
}
END_TEST

START_TEST(probabilities_add_up_over_passes)
{
    map m = map_new(8, 3, 4, 5, 6, 10);
    const size_t n = (size_t)(m.w * m.K);
    float *sum = calloc(n, sizeof *sum), *p = malloc(n * sizeof *p), scratch[5];
    uint8_t labels[10];

    for (int y = 0; y < m.h; y++) {
        memset(sum, 0, n * sizeof *sum);
        dp_probabilities_add(sum, row_of(&m, y), false, scratch, &kernels);
        dp_probabilities_add(sum, row_of(&m, y), true, scratch, &kernels);
        dp_logits_resize(p, row_of(&m, y), &kernels);
        dp_softmax_rows(p, p, (size_t)m.w, m.K);
        for (int x = 0; x < m.w; x++)
            for (int k = 0; k < m.K; k++)
                ck_assert(sum[x * m.K + k] ==
                          p[x * m.K + k] + p[(m.w - 1 - x) * m.K + k]);
        dp_labels_from_probabilities(labels, sum, m.w, m.K, 2, &kernels);
        for (int x = 0; x < m.w; x++) {
            ck_assert_int_eq(labels[x], labels[m.w - 1 - x]); /* it is symmetric */
            float total = 0;
            for (int k = 0; k < m.K; k++) {
                total += sum[x * m.K + k];
                ck_assert(sum[x * m.K + k] <= sum[x * m.K + labels[x]]);
            }
            ck_assert(fabsf(total - 1) <= 10 * FLT_EPSILON);
        }
    }
    free(sum);
    free(p);
    map_done(&m);
}
END_TEST

START_TEST(labels_of_equal_probabilities_are_the_lowest)
{
    float sum[] = {0.2f, 0.4f, 0.4f, 1, 1, 1};
    uint8_t labels[2];
    dp_labels_from_probabilities(labels, sum, 2, 3, 2, &kernels);
    ck_assert_int_eq(labels[0], 1);
    ck_assert_int_eq(labels[1], 0);
    ck_assert(sum[1] == 0.2f);
}
END_TEST

START_TEST(labels_of_nan_are_classes)
{
    const dp_blend mix = {0, 0, 1, 0};
    float scratch[3], logits[] = {NAN, NAN, 1};
    uint8_t label;
    dp_labels_from_logits(&label, (dp_logits_row){logits, logits, mix, &mix, 1, 3},
                          &kernels, scratch);
    ck_assert_int_lt(label, 3);
}
END_TEST

int main(void)
{
    const int kinds = sizeof sizes / sizeof *sizes;
    Suite *suite = suite_create("label_map");
    TCase *t = tcase_create("label_map");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, softmax_worked);
    tcase_add_test(t, softmax_is_near_the_exact_one);
    tcase_add_test(t, softmax_of_large_logits_is_finite);
    tcase_add_test(t, softmax_nan_spreads_over_its_row_only);
    tcase_add_test(t, sigmoid_worked);
    tcase_add_test(t, mix_of_a_doubling);
    tcase_add_test(t, mix_stays_inside);
    tcase_add_loop_test(t, mix_has_the_reference_weights, 0, 4);
    tcase_add_loop_test(t, logits_row_is_the_bilinear_resize, 0, kinds);
    tcase_add_test(t, logits_of_one_size_are_copied);
    tcase_add_test(t, logits_are_added_as_resized);
    tcase_add_loop_test(t, labels_are_those_of_the_softmax, 0, kinds);
    tcase_add_test(t, labels_tie_where_softmax_cannot_tell);
    tcase_add_test(t, labels_agree_with_softmax_on_near_ties);
    tcase_add_test(t, probabilities_add_up_over_passes);
    tcase_add_test(t, labels_of_equal_probabilities_are_the_lowest);
    tcase_add_test(t, labels_of_nan_are_classes);
    suite_add_tcase(suite, t);

    return suite_run(suite);
}
