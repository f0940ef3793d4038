#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const int row_counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17};
static const int depths[] = {1, 2, 3, 7, 31, 96, 97, 192, 384, 511};
static const int widths[] = {1, 3, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 96, 145};

/* ---- rounding ------------------------------------------------------------------------ */

void check_round_bf16(dp_round_bf16_fn *variant)
{
    static const int counts[] = {0, 1, 2, 15, 16, 17, 31, 33, 500};

    for (int i = 0; i < COUNT(counts); i++)
        for (int round = 0; round < 20; round++) {
            const size_t n = (size_t)counts[i];
            const float *x = floats_special(n, 5);
            uint16_t *want = buffer_of(n, sizeof *want),
                     *got = buffer_of(n, sizeof *got);
            float *place = floats_copy(x, n);

            harness_case("round_bf16 of %zu", n);
            dp_round_bf16_ref(want, x, n);
            variant(got, x, n);
            expect_bytes(got, want, n * sizeof *want);
            variant(place, place, n);
            expect_bytes(place, want, n * sizeof *want);
            harness_case_end();
        }
}

void spec_round_bf16(void)
{
    static const struct {
        float x;
        uint16_t half;
    } cases[] = {
        {0.0f, 0},
        {-0.0f, 0x8000},
        {1.0f, 0x3f80},
        {-2.5f, 0xc020},
        {0x1.01p0f, 0x3f80},       /* a tie: to even, down */
        {0x1.03p0f, 0x3f82},       /* a tie: to even, up   */
        {0x1.010002p0f, 0x3f81},   /* just above a tie     */
        {0x1.02fffep0f, 0x3f81},   /* just below a tie     */
        {0x1.fffffep127f, 0x7f80}, /* overflows           */
        {INFINITY, 0x7f80},
        {-INFINITY, 0xff80},
        {0x1p-126f, 0x0080},
        {-0x1.fffffcp-127f, 0x8000}, /* denormal */
    };

    harness_case("round_bf16 by hand");
    for (int i = 0; i < COUNT(cases); i++) {
        uint16_t half = 0xffff;

        dp_round_bf16_ref(&half, &cases[i].x, 1);
        expect_int(half, cases[i].half);
    }
    uint16_t half = 0;
    const float nan = NAN;

    dp_round_bf16_ref(&half, &nan, 1);
    expect_int((half & 0x7fff) > 0x7f80, 1);
    harness_case_end();
}

/* ---- products -------------------------------------------------------------------------- */

/* A call with all its arguments. */
typedef struct product {
    int rows, K, N;
    size_t x_stride, y_stride;
    unsigned flags;
    const uint16_t *x, *w;
    const float *bias;
} product;

static size_t extent(int count, size_t stride, int n)
{
    return count == 0 ? 0 : (size_t)(count - 1) * stride + (size_t)n;
}

static const uint16_t *rounded(const float *x, size_t n)
{
    uint16_t *halves = buffer_of(n, sizeof *halves);

    dp_round_bf16_ref(halves, x, n);
    return halves;
}

/* Rows of x, each with the 0 that an odd K asks for. */
static const uint16_t *rows_random(int rows, int K, size_t stride, int rarity)
{
    const size_t n = extent(rows, stride, K + K % 2);
    float *x = floats_special(n, rarity);

    if (K % 2)
        for (int r = 0; r < rows; r++)
            x[(size_t)r * stride + (size_t)K] = 0;
    return rounded(x, n);
}

static product case_random(int rows, int K, int N, unsigned flags, int rarity)
{
    product p = {.rows = rows, .K = K, .N = N, .flags = flags};
    const float *w = floats_random((size_t)K * (size_t)N, -1, 1);
    uint16_t *packed = buffer_of(dp_gemm_bf16_packed_size(K, N), sizeof *packed);

    p.x_stride = (size_t)(K + K % 2 + int_random(2) * int_random(20));
    p.y_stride = (size_t)(N + int_random(2) * int_random(20));
    p.x = rows_random(rows, K, p.x_stride, rarity);
    dp_gemm_bf16_pack(packed, K, N, w, (size_t)N, 1, NULL);
    p.w = packed;
    p.bias = floats_random((size_t)N, -1, 1);
    return p;
}

static void run(dp_gemm_bf16_fn *kernel, const product *p, float *y)
{
    kernel(y, p->y_stride, p->x, p->x_stride, p->w, p->bias, p->rows, p->K, p->N,
           p->flags);
}

static void check_case(dp_gemm_bf16_fn *variant, int rows, int K, int N, unsigned flags)
{
    const int rarity = int_random(2) ? 200 : 1 << 30;
    const product p = case_random(rows, K, N, flags, rarity);
    const size_t n = extent(rows, p.y_stride, N);
    float *want = floats_random(n, -1, 1), *got = floats_copy(want, n);

    harness_case("gemm_bf16 of %d x %d x %d, flags %u", rows, K, N, flags);
    run(dp_gemm_bf16_ref, &p, want);
    run(variant, &p, got);
    expect_bits(got, want, n);
    harness_case_end();
}

void check_gemm_bf16(dp_gemm_bf16_fn *variant)
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

/* Both factors are rounded to 8 bits, each by at most 2^-9 of itself. So a term is off by
 * at most 2^-8 + 2^-18 of itself, and the chain of K + 2 sums rounds as ever. */
static void against_float64(void)
{
    enum { ROWS = 3, K = 601, N = 50, EVEN = K + 1 };
    const double rounding = 0x1p-8 + 0x1p-18 + (K + 2) * (double)FLT_EPSILON / 2;
    const float *w = floats_random(K * N, -1, 1), *scale = floats_random(N, -2, 2);
    float *x = floats_random(ROWS * EVEN, -1, 1);
    const float *bias = floats_random(N, -1, 1),
                *before = floats_random(ROWS * N, -1, 1);
    uint16_t *packed = buffer_of(dp_gemm_bf16_packed_size(K, N), sizeof *packed);
    float *y = floats_copy(before, ROWS * N);

    harness_case("gemm_bf16 against float64");
    for (int r = 0; r < ROWS; r++)
        x[r * EVEN + K] = 0;
    dp_gemm_bf16_pack(packed, K, N, w, 1, K, scale);
    dp_gemm_bf16_ref(y, N, rounded(x, ROWS * EVEN), EVEN, packed, bias, ROWS, K, N,
                     DP_GEMM_ADD);
    for (int r = 0; r < ROWS; r++)
        for (int n = 0; n < N; n++) {
            double want = (double)bias[n] + (double)before[r * N + n];
            double magnitude = fabs((double)bias[n]) + fabs((double)before[r * N + n]);

            for (int k = 0; k < K; k++) {
                const double term =
                    (double)x[r * EVEN + k] * (double)(w[n * K + k] * scale[n]);

                want += term;
                magnitude += fabs(term);
            }
            expect_near(y[r * N + n], want, rounding * magnitude, (size_t)(r * N + n));
        }
    harness_case_end();
}

/* A pair by hand: the odd term is added first, and denormals count as 0. */
static void pairs_are_those_of_the_instruction(void)
{
    const float big = 0x1p30f, tiny = 0x1p-100f, bias = 1, none = 0;
    const float weights[2] = {-big, big};
    const uint16_t x[2] = {0x3f80, 0x3f80};
    uint16_t *packed = buffer_of(dp_gemm_bf16_packed_size(2, 1), sizeof *packed);
    float y;

    harness_case("gemm_bf16 of a pair");
    dp_gemm_bf16_pack(packed, 2, 1, weights, 1, 2, NULL);
    dp_gemm_bf16_ref(&y, 1, x, 2, packed, &bias, 1, 2, 1, 0);
    expect_near(y, 0, 0, 0); /* 1 + 2^30 is 2^30 */
    const float small[2] = {tiny, 0};
    const uint16_t less[2] = {0x0f80, 0}; /* 2^-96 */

    dp_gemm_bf16_pack(packed, 2, 1, small, 1, 2, NULL);
    dp_gemm_bf16_ref(&y, 1, less, 2, packed, &none, 1, 2, 1, 0);
    expect_bits(&y, &none, 1);
    harness_case_end();
}

void spec_gemm_bf16(void)
{
    against_float64();
    pairs_are_those_of_the_instruction();
}
