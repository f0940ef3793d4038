/* The ConvNeXt block, V1 and V2, against plain loops in float64; and that threads change no
 * bit. */
#include "base/cpu.h"
#include "ops/convnext_block.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 7, TAPS = SIDE * SIDE, TENSORS = 11 };

static const struct {
    int H, W, C;
    bool layer_scale, grn;
} cases[] = {
    {1, 1, 3, true, false},  {9, 31, 20, true, false}, {17, 60, 8, false, false},
    {1, 1, 3, false, true},  {9, 31, 20, false, true}, {17, 60, 8, true, true},
    {7, 7, 40, false, true}, {8, 28, 16, false, true}, {3, 57, 5, false, true},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static const double eps = 1e-6;

/* Named as in a checkpoint, in this order. */
enum { DW_W, DW_B, NORM_W, NORM_B, PW1_W, PW1_B, PW2_W, PW2_B, GAMMA, GRN_G, GRN_B };
static const char *const names[TENSORS] = {
    "dwconv.weight",  "dwconv.bias",  "norm.weight",    "norm.bias",
    "pwconv1.weight", "pwconv1.bias", "pwconv2.weight", "pwconv2.bias",
    "gamma",          "grn.gamma",    "grn.beta"};

typedef struct weights {
    dp_named_tensor list[TENSORS];
    float *values[TENSORS];
    size_t count;
} weights;

static void add(weights *w, int which, int rank, const int *shape)
{
    uint64_t seed = 900 + (uint64_t)which;
    dp_named_tensor *t = &w->list[w->count++];
    *t = (dp_named_tensor){.name = names[which], .dtype = DP_DTYPE_F32, .rank = rank};
    size_t size = 1;
    for (int i = rank - 1; i >= 0; i--) {
        t->shape[i] = shape[i];
        t->stride[i] = (int64_t)size;
        size *= (size_t)shape[i];
    }
    w->values[which] = random_floats(&seed, size, -1, 1);
    t->data = w->values[which];
}

static weights make_weights(int C, bool layer_scale, bool grn)
{
    weights w = {.count = 0};
    const int K = 4 * C;
    add(&w, DW_W, 4, (int[]){C, 1, SIDE, SIDE});
    add(&w, DW_B, 1, &C);
    add(&w, NORM_W, 1, &C);
    add(&w, NORM_B, 1, &C);
    add(&w, PW1_W, 2, (int[]){K, C});
    add(&w, PW1_B, 1, &K);
    add(&w, PW2_W, 2, (int[]){C, K});
    add(&w, PW2_B, 1, &C);
    if (layer_scale)
        add(&w, GAMMA, 1, &C);
    if (grn) {
        add(&w, GRN_G, 4, (int[]){1, 1, 1, K});
        add(&w, GRN_B, 4, (int[]){1, 1, 1, K});
    }
    return w;
}

static void weights_done(weights *w)
{
    for (int i = 0; i < TENSORS; i++)
        free(w->values[i]);
}

/* ---- in float64 -------------------------------------------------------------------- */

/* A value, and the same sums over absolute values: what rounding errors are parts of. */
typedef struct sized {
    double value, size;
} sized;

static void depthwise(const weights *w, const float *x, int H, int W, int C, int row,
                      int col, sized *out)
{
    for (int c = 0; c < C; c++) {
        sized s = {(double)w->values[DW_B][c], fabs((double)w->values[DW_B][c])};
        for (int t = 0; t < TAPS; t++) {
            const int y = row + t / SIDE - 3, z = col + t % SIDE - 3;
            if (y < 0 || y >= H || z < 0 || z >= W)
                continue;
            const double p =
                (double)w->values[DW_W][c * TAPS + t] * (double)x[(y * W + z) * C + c];
            s.value += p;
            s.size += fabs(p);
        }
        out[c] = s;
    }
}

static void normalise(const weights *w, int C, sized *cell)
{
    double mean = 0, size = 0, variance = 0;
    for (int c = 0; c < C; c++) {
        mean += cell[c].value / C;
        size += cell[c].size / C;
    }
    for (int c = 0; c < C; c++)
        variance += (cell[c].value - mean) * (cell[c].value - mean) / C;
    const double scale = 1 / sqrt(variance + eps);
    for (int c = 0; c < C; c++) {
        const double u = (double)w->values[NORM_W][c], v = (double)w->values[NORM_B][c];
        /* The deviation's own error counts too: it is a mean of squares of errors. */
        cell[c].size = fabs(u) * scale * (cell[c].size + size) *
                           (1 + fabs(cell[c].value - mean) * scale) +
                       fabs(v);
        cell[c].value = u * scale * (cell[c].value - mean) + v;
    }
}

/* out[n] = b[n] + sum of W[n, k] x[k]. */
static void multiply(const float *matrix, const float *bias, int K, int N,
                     const sized *x, sized *out)
{
    for (int n = 0; n < N; n++) {
        out[n] = (sized){(double)bias[n], fabs((double)bias[n])};
        for (int k = 0; k < K; k++) {
            const double weight = (double)matrix[n * K + k];
            out[n].value += weight * x[k].value;
            out[n].size += fabs(weight) * x[k].size;
        }
    }
}

static void respond(const weights *w, int cells, int K, sized *hidden)
{
    double *norm = calloc((size_t)K, sizeof *norm), mean = 0;
    for (int i = 0; i < cells * K; i++)
        norm[i % K] += hidden[i].value * hidden[i].value;
    for (int k = 0; k < K; k++)
        mean += sqrt(norm[k]) / K;
    for (int i = 0; i < cells * K; i++) {
        const double g =
            (double)w->values[GRN_G][i % K] * sqrt(norm[i % K]) / (mean + 1e-6);
        const double beta = (double)w->values[GRN_B][i % K];
        hidden[i].value = g * hidden[i].value + beta + hidden[i].value;
        hidden[i].size = (2 * fabs(g) + 1) * hidden[i].size + fabs(beta);
    }
    free(norm);
}

static sized *reference(const weights *w, const float *x, int H, int W, int C, bool grn)
{
    const int cells = H * W, K = 4 * C;
    sized *hidden = calloc((size_t)(cells * K), sizeof *hidden);
    sized *y = calloc((size_t)(cells * C), sizeof *y);
    sized *cell = calloc((size_t)C, sizeof *cell);
    for (int i = 0; i < cells; i++) {
        sized *h = hidden + (size_t)i * (size_t)K;
        depthwise(w, x, H, W, C, i / W, i % W, cell);
        normalise(w, C, cell);
        multiply(w->values[PW1_W], w->values[PW1_B], C, K, cell, h);
        for (int k = 0; k < K; k++)
            h[k].value = 0.5 * h[k].value * (1 + erf(h[k].value / sqrt(2)));
    }
    if (grn)
        respond(w, cells, K, hidden);
    for (int i = 0; i < cells; i++) {
        sized *out = y + (size_t)i * (size_t)C;
        multiply(w->values[PW2_W], w->values[PW2_B], K, C,
                 hidden + (size_t)i * (size_t)K, out);
        for (int c = 0; c < C; c++) {
            const double gamma = w->values[GAMMA] ? (double)w->values[GAMMA][c] : 1;
            const double residual = (double)x[i * C + c];
            out[c].value = residual + gamma * out[c].value;
            out[c].size = fabs(residual) + fabs(gamma) * out[c].size;
        }
    }
    free(hidden);
    free(cell);
    return y;
}

/* ---- ours -------------------------------------------------------------------------- */

typedef struct block_run {
    dp_convnext_block block;
    const float *values;
    int H, W, C;
    bool bf16;
    dp_tensor y;
} block_run;

static void run(dp_run *r, void *arg)
{
    block_run *t = arg;
    t->y = dp_run_tensor(r, 1, t->H, t->W, t->C);
    const dp_tensor x = dp_run_tensor(r, 1, t->H, t->W, t->C);
    if (!r->dry)
        memcpy(x.data, t->values, dp_tensor_size(x) * sizeof(float));
    dp_convnext_block_run(r, &t->block, t->y, x);
}

static void build(forward *f, dp_store *store, block_run *t, const weights *w,
                  int which)
{
    dp_builder b;
    const dp_convnext_block_spec spec = {.C = t->C,
                                         .eps = (float)eps,
                                         .layer_scale = cases[which].layer_scale,
                                         .grn = cases[which].grn};
    ck_assert_int_eq(
        dp_builder_init(&f->err, &b, store, &f->kernels, w->list, w->count), DP_OK);
    b.bf16 = t->bf16;
    dp_convnext_block_build(&b, &t->block, &spec);
    ck_assert_msg(dp_builder_finish(&b) == DP_OK, "%s", f->err.text);
    dp_builder_done(&b);
}

/* To first order an error is the number of roundings, times half a unit in the last place
 * of the sums of absolute values. Sums have 49, C, C and 4 C terms. GELU's slope is
 * below 1.13. */
static void check(const block_run *t, const sized *want)
{
    const double roundings = 1.13 * (TAPS + 2 * t->C + 4 * t->C + 32);
    for (int i = 0; i < t->H * t->W * t->C; i++) {
        const double off = fabs((double)t->y.data[i] - want[i].value);
        const double bound = roundings * 0x1p-24 * want[i].size;
        ck_assert_msg(off <= bound, "element %d is off by %g, bound %g", i, off, bound);
    }
}

static const unsigned masks[] = {0, DP_CPU_AVX2, ~0u};

START_TEST(block_equals_plain_loops)
{
    const int which = _i / 3;
    block_run t = {.H = cases[which].H, .W = cases[which].W, .C = cases[which].C};
    weights w = make_weights(t.C, cases[which].layer_scale, cases[which].grn);
    uint64_t seed = 77;
    float *x = random_floats(&seed, (size_t)(t.H * t.W * t.C), -2, 2);
    sized *want = reference(&w, x, t.H, t.W, t.C, cases[which].grn);
    t.values = x;
    float *first = NULL;
    const size_t bytes = (size_t)(t.H * t.W * t.C) * sizeof *first;
    for (int i = 0; i < FORWARD_THREADS; i++) {
        forward f;
        dp_store store = {0};
        forward_init(&f, forward_threads[i], masks[_i % 3]);
        build(&f, &store, &t, &w, which);
        forward_run(&f, run, &t);
        check(&t, want);
        if (!first) {
            first = malloc(bytes);
            memcpy(first, t.y.data, bytes);
        }
        ck_assert_mem_eq(first, t.y.data, bytes);
        dp_store_done(&store);
        forward_done(&f);
    }
    free(first);
    free(want);
    free(x);
    weights_done(&w);
}
END_TEST

/* Weights and inputs of two layers are rounded to 8 bits, each by at most 2^-9 of itself:
 * a term of a sum by less than 2^-8 + 2^-17, which GELU's slope makes 1.13 as much. For the
 * whole branch these are four times 2^-9, that is 7.8e-3, were all at their worst. */
static void check_bf16(const block_run *t, const sized *want)
{
    const double roundings = 1.13 * (TAPS + 2 * t->C + 4 * t->C + 32) * 0x1p-24;
    const double bound = roundings + 1.13 * 2 * (0x1p-8 + 0x1p-17);
    double off = 0, all = 0;
    for (int i = 0; i < t->H * t->W * t->C; i++) {
        const double e = (double)t->y.data[i] - want[i].value;
        ck_assert_msg(fabs(e) <= bound * want[i].size, "element %d is off by %g", i, e);
        off += e * e;
        all += pow(want[i].value - (double)t->values[i], 2);
    }
    ck_assert_msg(sqrt(off / all) <= 1e-2, "the branch is off by %g", sqrt(off / all));
    ck_assert_msg(sqrt(off / all) > 1e-5, "the branch is not rounded");
}

/* Plain C and the instruction give the same bits. */
START_TEST(block_of_bf16_is_near_and_the_same_everywhere)
{
    block_run t = {.H = cases[_i].H, .W = cases[_i].W, .C = cases[_i].C, .bf16 = true};
    weights w = make_weights(t.C, cases[_i].layer_scale, cases[_i].grn);
    const size_t count = (size_t)(t.H * t.W * t.C);
    uint64_t seed = 77;
    float *x = random_floats(&seed, count, -2, 2);
    float *first = calloc(count, sizeof *first);
    sized *want = reference(&w, x, t.H, t.W, t.C, cases[_i].grn);
    t.values = x;
    for (int i = 0; i < 2 * FORWARD_THREADS; i++) {
        forward f;
        dp_store store = {0};
        forward_init(&f, forward_threads[i / 2], i % 2 ? ~0u : 0);
        build(&f, &store, &t, &w, _i);
        forward_run(&f, run, &t);
        check_bf16(&t, want);
        if (i == 0)
            memcpy(first, t.y.data, count * sizeof *first);
        ck_assert_mem_eq(first, t.y.data, count * sizeof *first);
        dp_store_done(&store);
        forward_done(&f);
    }
    free(first);
    free(want);
    free(x);
    weights_done(&w);
}
END_TEST

/* A checkpoint of V1 given to V2, and the other way about. */
START_TEST(a_checkpoint_of_the_other_version_is_refused)
{
    const bool v2 = _i == 1;
    weights w = make_weights(4, v2, !v2);
    forward f;
    dp_store store = {0};
    dp_builder b;
    dp_convnext_block block;
    forward_init(&f, 1, ~0u);
    ck_assert_int_eq(dp_builder_init(&f.err, &b, &store, &f.kernels, w.list, w.count),
                     DP_OK);
    dp_convnext_block_build(&b, &block, &(dp_convnext_block_spec){4, 1e-6f, !v2, v2});
    ck_assert_int_eq(dp_builder_finish(&b), DP_ESHAPE);
    ck_assert_uint_eq(b.mismatches.count, 3);
    dp_builder_done(&b);
    dp_store_done(&store);
    forward_done(&f);
    weights_done(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/convnext_block");
    TCase *tc = tcase_create("block");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, block_equals_plain_loops, 0, CASES * 3);
    tcase_add_loop_test(tc, block_of_bf16_is_near_and_the_same_everywhere, 0, CASES);
    tcase_add_loop_test(tc, a_checkpoint_of_the_other_version_is_refused, 0, 2);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
