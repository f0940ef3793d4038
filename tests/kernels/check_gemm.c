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

/* ---- panels ---------------------------------------------------------------------- */

static size_t panels_of(int columns)
{
    return ((size_t)columns + DP_GEMM_PANEL - 1) / DP_GEMM_PANEL;
}

static void check_panels(dp_panel_gemm_fn *variant, int rows, int K, int N,
                         unsigned flags)
{
    const int rarity = int_random(2) ? 2000 : 1 << 30;
    const size_t x_panel = (size_t)(rows + int_random(3)) * DP_GEMM_PANEL;
    const size_t y_panel = (size_t)(rows + int_random(3)) * DP_GEMM_PANEL;
    const size_t n = panels_of(N) * y_panel;
    const float *x = floats_special(panels_of(K) * x_panel, rarity);
    const float *w = packed_random(K, N), *bias = floats_random((size_t)N, -1, 1);
    float *want = floats_random(n, -1, 1), *got = floats_copy(want, n);

    harness_case("panel_gemm of %d x %d x %d, flags %u", rows, K, N, flags);
    dp_panel_gemm_ref(want, y_panel, x, x_panel, w, bias, rows, K, N, flags);
    variant(got, y_panel, x, x_panel, w, bias, rows, K, N, flags);
    expect_bits(got, want, n);
    harness_case_end();
}

void check_panel_gemm(dp_panel_gemm_fn *variant)
{
    static const unsigned activations[] = {0, DP_GEMM_RELU, DP_GEMM_GELU};

    for (int N = DP_GEMM_PANEL; N <= 8 * DP_GEMM_PANEL; N += DP_GEMM_PANEL)
        for (int j = 0; j < COUNT(row_counts); j++) {
            const unsigned flags = activations[int_random(3)];
            const int K = depths[int_random(COUNT(depths))];

            check_panels(variant, row_counts[j], K, N,
                         int_random(2) ? flags | DP_GEMM_ADD : flags);
        }
}

/* Rows of n in panels. */
static float *in_panels(const float *x, int rows, int n, size_t panel)
{
    float *y = floats_random(panels_of(n) * panel, -1, 1);

    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            y[dp_panel_at(i, panel) + (size_t)r * DP_GEMM_PANEL] =
                x[(size_t)r * (size_t)n + (size_t)i];
    return y;
}

/* The sums are those of gemm. */
void spec_panel_gemm(void)
{
    enum { ROWS = 5, K = 300, N = 64, PANEL = 6 * DP_GEMM_PANEL };

    for (unsigned flags = 0; flags < 8; flags++) {
        if ((flags & DP_GEMM_RELU) && (flags & DP_GEMM_GELU))
            continue;
        const float *x = floats_random(ROWS * K, -1, 1), *w = packed_random(K, N);
        const float *bias = floats_random(N, -1, 1);
        float *want = floats_random(ROWS * N, -1, 1);
        float *y = in_panels(want, ROWS, N, PANEL);

        harness_case("panel_gemm against gemm, flags %u", flags);
        dp_gemm_ref(want, N, x, K, w, bias, ROWS, K, N, flags);
        dp_panel_gemm_ref(y, PANEL, in_panels(x, ROWS, K, PANEL), PANEL, w, bias, ROWS,
                          K, N, flags);
        for (int r = 0; r < ROWS; r++)
            for (int i = 0; i < N; i++)
                expect_bits(&y[dp_panel_at(i, PANEL) + (size_t)r * DP_GEMM_PANEL],
                            &want[r * N + i], 1);
        harness_case_end();
    }
}

/* ---- the gradient of weights ------------------------------------------------------- */

static void check_gradient(dp_weight_gradient_fn *variant, int rows, int M, int N,
                           unsigned flags)
{
    const int rarity = int_random(2) ? 2000 : 1 << 30;
    const size_t a_panel = (size_t)(rows + int_random(3)) * DP_GEMM_PANEL;
    const size_t b_panel = (size_t)(rows + int_random(3)) * DP_GEMM_PANEL;
    const size_t dw_panel = (size_t)(M + int_random(3)) * DP_GEMM_PANEL;
    const size_t n = panels_of(N) * dw_panel;
    const float *a = floats_special(panels_of(M) * a_panel, rarity);
    const float *b = floats_special(panels_of(N) * b_panel, rarity);
    float *want = floats_random(n, -1, 1), *got = floats_copy(want, n);

    harness_case("weight_gradient of %d x %d x %d, flags %u", rows, M, N, flags);
    dp_weight_gradient_ref(want, dw_panel, a, a_panel, b, b_panel, rows, M, N, flags);
    variant(got, dw_panel, a, a_panel, b, b_panel, rows, M, N, flags);
    expect_bits(got, want, n);
    harness_case_end();
}

void check_weight_gradient(dp_weight_gradient_fn *variant)
{
    static const int heights[] = {1, 3, 4, 7, 8, 9, 16, 17, 24, 40, 45};

    for (int N = DP_GEMM_PANEL; N <= 8 * DP_GEMM_PANEL; N += DP_GEMM_PANEL)
        for (int i = 0; i < COUNT(heights); i++)
            check_gradient(variant, row_counts[int_random(COUNT(row_counts))],
                           heights[i], N, int_random(2) ? DP_GEMM_ADD : 0);
}

/* A term goes through ROWS roundings of its chain and one more addition. */
void spec_weight_gradient(void)
{
    enum { ROWS = 50, M = 19, N = 48, PANEL = ROWS * DP_GEMM_PANEL };
    const float *a = floats_random(ROWS * M, -1, 1),
                *b = floats_random(ROWS * N, -1, 1);
    const float *before = floats_random(N * M, -1, 1);
    float *dw = floats_copy(before, N * M);

    harness_case("weight_gradient against float64");
    dp_weight_gradient_ref(dw, M * DP_GEMM_PANEL, in_panels(a, ROWS, M, PANEL), PANEL,
                           in_panels(b, ROWS, N, PANEL), PANEL, ROWS, M, N,
                           DP_GEMM_ADD);
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            const size_t at =
                dp_panel_at(n, M * DP_GEMM_PANEL) + (size_t)m * DP_GEMM_PANEL;
            double want = (double)before[at], magnitude = fabs(want);

            for (int r = 0; r < ROWS; r++) {
                const double product = (double)a[r * M + m] * (double)b[r * N + n];

                want += product;
                magnitude += fabs(product);
            }
            expect_near(dw[at], want, (ROWS + 2) * (double)FLT_EPSILON / 2 * magnitude,
                        at);
        }
    harness_case_end();
}
