#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

enum { ONE = 2048, LARGEST = 255 * ONE };

static const int sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 999};

/* A horizontal sum; the ends are as likely as all that is between. */
static int32_t *sums_random(int n)
{
    int32_t *sums = buffer_of((size_t)n, sizeof *sums);

    for (int i = 0; i < n; i++) {
        const int kind = int_random(4);

        sums[i] = kind == 0 ? 0 : kind == 1 ? LARGEST : int_random(LARGEST + 1);
    }
    return sums;
}

void check_resize_rows_u8(dp_resize_rows_u8_fn *variant)
{
    static const int weights[] = {0, 1, 15, 16, 1024, 2047, 2048};

    for (int i = 0; i < COUNT(sizes); i++)
        for (int j = 0; j < COUNT(weights); j++) {
            const int n = sizes[i], b1 = weights[j];
            const int32_t *h0 = sums_random(n), *h1 = sums_random(n);
            uint8_t *want = buffer_of((size_t)n, 1), *got = buffer_of((size_t)n, 1);

            harness_case("resize_rows_u8 of %d, weight %d", n, b1);
            dp_resize_rows_u8_ref(want, h0, h1, ONE - b1, b1, n);
            variant(got, h0, h1, ONE - b1, b1, n);
            expect_bytes(got, want, (size_t)n);
            harness_case_end();
        }
}

/* Each product loses below 1/32 by its first shift and below 1 by its second, of units of
 * a quarter; 2 in the last shift rounds. So the result is within 1 + 1/64 of the exact
 * one, and a row of equal bytes is kept. */
void spec_resize_rows_u8(void)
{
    enum { N = 1000 };
    const int32_t *h0 = sums_random(N), *h1 = sums_random(N);
    uint8_t *out = buffer_of(N, 1);

    for (int b1 = 0; b1 <= ONE; b1 += 64) {
        harness_case("resize_rows_u8, weight %d, against float64", b1);
        dp_resize_rows_u8_ref(out, h0, h1, ONE - b1, b1, N);
        for (int i = 0; i < N; i++) {
            const double sum = (double)h0[i] * (ONE - b1) + (double)h1[i] * b1;

            expect_near(out[i], sum / ONE / ONE, 1 + 1.0 / 64, (size_t)i);
        }
    }
    for (int value = 0; value < 256; value++) {
        const int32_t h = value * ONE;

        harness_case("resize_rows_u8 of one byte");
        dp_resize_rows_u8_ref(out, &h, &h, ONE, 0, 1);
        expect_int(out[0], value);
    }
    harness_case_end();
}
