#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>

static const int row_counts[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17};
static const int depths[] = {1, 2, 7, 31, 96, 255, 256, 257, 511, 512, 513, 600};
static const int widths[] = {1,  3,  7,  8,  9,  15, 16, 17, 31, 32,
                             33, 47, 48, 49, 63, 64, 65, 96, 97, 145};

/* A call with all its arguments. */
typedef struct gemm_case {
    int rows, K, N;
    size_t x_stride, y_stride;
    unsigned flags;
    const float *x, *w, *bias;
} gemm_case;

/* `count` rows of n, `stride` apart, without the gap after the last. */
static size_t extent(int count, size_t stride, int n)
{
    return count == 0 ? 0 : (size_t)(count - 1) * stride + (size_t)n;
}

static float *packed_random(int K, int N)
{
    float *w = floats_random((size_t)K * (size_t)N, -1, 1);
    float *packed = floats_poison(dp_gemm_packed_size(K, N));

    dp_gemm_pack(packed, K, N, w, (size_t)N, 1, NULL);
    return packed;
}

static gemm_case case_random(int rows, int K, int N, unsigned flags, int rarity)
{
    gemm_case g = {.rows = rows, .K = K, .N = N, .flags = flags};

    g.x_stride = (size_t)(K + int_random(2) * int_random(20));
    g.y_stride = (size_t)(N + int_random(2) * int_random(20));
    g.x = floats_special(extent(rows, g.x_stride, K), rarity);
    g.w = packed_random(K, N);
    g.bias = floats_random((size_t)N, -1, 1);
    return g;
}

static void run(dp_gemm_fn *kernel, const gemm_case *g, float *y)
{
    kernel(y, g->y_stride, g->x, g->x_stride, g->w, g->bias, g->rows, g->K, g->N,
           g->flags);
}

static void check_case(dp_gemm_fn *variant, int rows, int K, int N, unsigned flags)
{
    const gemm_case g = case_random(rows, K, N, flags, int_random(2) ? 2000 : 1 << 30);
    const size_t n = extent(rows, g.y_stride, N);
    float *want = floats_random(n, -1, 1), *got = floats_copy(want, n);

    harness_case("gemm of %d x %d x %d, flags %u", rows, K, N, flags);
    run(dp_gemm_ref, &g, want);
    run(variant, &g, got);
    expect_bits(got, want, n);
    harness_case_end();
}

void check_gemm(dp_gemm_fn *variant)
{
    static const unsigned activations[] = {0, DP_GEMM_RELU, DP_GEMM_GELU};

    for (int i = 0; i < COUNT(widths); i++)
        for (int j = 0; j < COUNT(row_counts); j++) {
            const unsigned flags = activations[int_random(3)];
            const int K = depths[int_random(COUNT(depths))];

            check_case(variant, row_counts[j], K, widths[i],
                       int_random(2) ? flags | DP_GEMM_ADD : flags);
        }
}

/* A term goes through its chain, of at most DP_GEMM_BLOCK roundings, and the additions of
 * the start and of the blocks. */
static void against_float64(void)
{
    enum { ROWS = 3, K = 600, N = 50, ROUNDINGS = DP_GEMM_BLOCK + 4 };
    const float *w = floats_random(K * N, -1, 1), *scale = floats_random(N, -2, 2);
    const float *x = floats_random(ROWS * K, -1, 1), *bias = floats_random(N, -1, 1);
    const float *before = floats_random(ROWS * N, -1, 1);
    float *packed = floats_poison(dp_gemm_packed_size(K, N));
    float *y = floats_copy(before, ROWS * N);

    harness_case("gemm against float64");
    dp_gemm_pack(packed, K, N, w, 1, K, scale);
    dp_gemm_ref(y, N, x, K, packed, bias, ROWS, K, N, DP_GEMM_ADD);
    for (int r = 0; r < ROWS; r++)
        for (int n = 0; n < N; n++) {
            double want = (double)bias[n] + (double)before[r * N + n];
            double magnitude = fabs((double)bias[n]) + fabs((double)before[r * N + n]);

            for (int k = 0; k < K; k++) {
                const double product =
                    (double)x[r * K + k] * (double)(w[n * K + k] * scale[n]);

                want += product;
                magnitude += fabs(product);
            }
            expect_near(y[r * N + n], want,
                        ROUNDINGS * (double)FLT_EPSILON / 2 * magnitude,
                        (size_t)(r * N + n));
        }
    harness_case_end();
}

static void activations_are_those_of_the_kernels(void)
{
    gemm_case g = case_random(5, 40, 70, 0, 1 << 30);
    const size_t n = extent(g.rows, g.y_stride, g.N);
    float *plain = floats_poison(n), *relu = floats_poison(n), *gelu = floats_poison(n);

    harness_case("gemm with activations");
    run(dp_gemm_ref, &g, plain);
    g.flags = DP_GEMM_RELU;
    run(dp_gemm_ref, &g, relu);
    g.flags = DP_GEMM_GELU;
    run(dp_gemm_ref, &g, gelu);
    for (int r = 0; r < g.rows; r++) {
        const size_t at = (size_t)r * g.y_stride;
        float *want = floats_copy(plain + at, (size_t)g.N);

        dp_gelu_ref(want, (size_t)g.N);
        expect_bits(gelu + at, want, (size_t)g.N);
        dp_relu_ref(plain + at, (size_t)g.N);
        expect_bits(relu + at, plain + at, (size_t)g.N);
    }
    harness_case_end();
}

static void bits_do_not_depend_on_the_split(void)
{
    const gemm_case g = case_random(7, 300, 130, 0, 1 << 30);
    const size_t n = extent(g.rows, g.y_stride, g.N);
    float *whole = floats_random(n, -1, 1), *parts = floats_copy(whole, n);

    harness_case("gemm in parts");
    run(dp_gemm_ref, &g, whole);
    for (int first = 0; first < g.N; first += DP_GEMM_PANEL)
        for (int r = 0; r < g.rows; r += 3) {
            gemm_case part = g;

            part.x += (size_t)r * g.x_stride;
            part.w += (size_t)first * (size_t)g.K;
            part.bias += first;
            part.rows = g.rows - r < 3 ? g.rows - r : 3;
            part.N = g.N - first < DP_GEMM_PANEL ? g.N - first : DP_GEMM_PANEL;
            run(dp_gemm_ref, &part, parts + (size_t)r * g.y_stride + first);
        }
    expect_bits(parts, whole, n);
    harness_case_end();
}

void spec_gemm(void)
{
    against_float64();
    activations_are_those_of_the_kernels();
    bits_do_not_depend_on_the_split();
}
