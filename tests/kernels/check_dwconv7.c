#include "tests/kernels/checks.h"
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>

static const int channels[] = {1, 7, 8, 9, 15, 16, 17, 31, 96};

/* Sides around the taps, a block, and the steps of the variants (6, 8, 14, 28, 32). */
static const int sides[] = {1,  2,  6,  7,  8,  9,  12, 13, 14,
                            15, 16, 22, 28, 29, 33, 42, 47};

static size_t window_size(const dp_map_window *w)
{
    return (size_t)w->rows * (size_t)w->cols * (size_t)w->C;
}

static void check_window(dp_dwconv7_fn *variant, const dp_map_window *w, int rarity)
{
    const size_t n = window_size(w);
    const size_t C = (size_t)w->C;
    const float *x = floats_special((size_t)w->H * (size_t)w->W * C, rarity);
    const float *k = floats_random(49 * C, -1, 1);
    const float *b = floats_random(C, -1, 1);
    float *want = floats_poison(n), *got = floats_poison(n);

    harness_case("dwconv7 of rows %d + %d, columns %d + %d of %d x %d x %d", w->row,
                 w->rows, w->col, w->cols, w->H, w->W, w->C);
    dp_dwconv7_ref(want, x, k, b, w);
    variant(got, x, k, b, w);
    expect_bits(got, want, n);
    harness_case_end();
}

void check_dwconv7(dp_dwconv7_fn *variant)
{
    for (int i = 0; i < COUNT(channels); i++)
        for (int j = 0; j < COUNT(sides); j++) {
            const int H = sides[int_random(COUNT(sides))] / 2 + 1, W = sides[j];
            const int row = int_random(H), col = int_random(W);
            const dp_map_window all = {H, W, channels[i], 0, H, 0, W};
            const dp_map_window across = {W, H, channels[i], 0, W, 0, H};
            const dp_map_window part = {H,
                                        W,
                                        channels[i],
                                        row,
                                        1 + int_random(H - row),
                                        col,
                                        1 + int_random(W - col)};

            check_window(variant, &all, 1 << 30);
            check_window(variant, &across, 1 << 30);
            check_window(variant, &part, 500);
        }
}

/* The sum of one output in float64 and, in *magnitude, of absolute values. */
static double exact(const dp_map_window *w, const float *x, const float *k, float b,
                    int row, int col, int c, double *magnitude)
{
    double sum = (double)b;

    *magnitude = fabs((double)b);
    for (int ky = 0; ky < 7; ky++)
        for (int kx = 0; kx < 7; kx++) {
            const int iy = row + ky - 3, ix = col + kx - 3;

            if (iy >= 0 && iy < w->H && ix >= 0 && ix < w->W) {
                const double product = (double)x[(iy * w->W + ix) * w->C + c] *
                                       (double)k[(ky * 7 + kx) * w->C + c];

                sum += product;
                *magnitude += fabs(product);
            }
        }
    return sum;
}

/* 49 roundings of partial sums, none larger than the magnitude (50 to cover their own
 * errors). */
void spec_dwconv7(void)
{
    const dp_map_window w = {9, 11, 5, 2, 6, 1, 9};
    const float *x = floats_random(9 * 11 * 5, -4, 4);
    const float *k = floats_random(49 * 5, -1, 1);
    const float *b = floats_random(5, -1, 1);
    float *y = floats_poison(window_size(&w));
    size_t at = 0;

    harness_case("dwconv7 against float64");
    dp_dwconv7_ref(y, x, k, b, &w);
    for (int row = w.row; row < w.row + w.rows; row++)
        for (int col = w.col; col < w.col + w.cols; col++)
            for (int c = 0; c < w.C; c++, at++) {
                double magnitude;
                const double want = exact(&w, x, k, b[c], row, col, c, &magnitude);

                expect_near(y[at], want, 50 * (double)FLT_EPSILON / 2 * magnitude, at);
            }
    harness_case_end();
}

/* ---- the gradient ---------------------------------------------------------------- */

static void check_gradient(dp_dwconv7_gradient_fn *variant, const dp_map_window *w,
                           int rarity)
{
    const size_t C = (size_t)w->C, n = (size_t)w->H * (size_t)w->W * C;
    const float *x = floats_special(n, rarity), *dy = floats_special(n, rarity);
    float *dk = floats_random(49 * C, -1, 1), *got_dk = floats_copy(dk, 49 * C);
    float *db = floats_random(C, -1, 1), *got_db = floats_copy(db, C);

    harness_case("dwconv7_gradient of %d x %d x %d, rows %d + %d, columns %d + %d",
                 w->H, w->W, w->C, w->row, w->rows, w->col, w->cols);
    dp_dwconv7_gradient_ref(dk, db, x, dy, w);
    variant(got_dk, got_db, x, dy, w);
    expect_bits(got_dk, dk, 49 * C);
    expect_bits(got_db, db, C);
    harness_case_end();
}

void check_dwconv7_gradient(dp_dwconv7_gradient_fn *variant)
{
    for (int i = 0; i < COUNT(channels); i++)
        for (int j = 0; j < COUNT(sides); j++) {
            const int H = sides[int_random(COUNT(sides))] / 2 + 1, W = sides[j];
            const int row = int_random(H), col = int_random(W);
            const dp_map_window all = {H, W, channels[i], 0, H, 0, W};
            const dp_map_window part = {H,
                                        W,
                                        channels[i],
                                        row,
                                        1 + int_random(H - row),
                                        col,
                                        1 + int_random(W - col)};

            check_gradient(variant, &all, 1 << 30);
            check_gradient(variant, &part, 500);
        }
}

/* The gradient of output sum(dy * y) in float64 to tap (ky, kx), or with ky < 0 to the bias. */
static double exact_gradient(const dp_map_window *w, const float *x, const float *dy,
                             int ky, int kx, int c, double *magnitude)
{
    double sum = 0;

    *magnitude = 0;
    for (int row = w->row; row < w->row + w->rows; row++)
        for (int col = w->col; col < w->col + w->cols; col++) {
            const int iy = row + ky - 3, ix = col + kx - 3;
            const double d = (double)dy[(row * w->W + col) * w->C + c];

            if (ky >= 0 && (iy < 0 || iy >= w->H || ix < 0 || ix >= w->W))
                continue;
            const double product =
                ky < 0 ? d : d * (double)x[(iy * w->W + ix) * w->C + c];

            sum += product;
            *magnitude += fabs(product);
        }
    return sum;
}

/* Two blocks: a term goes through at most 8 * 28 roundings of a chain and two more. */
void spec_dwconv7_gradient(void)
{
    enum { C = 3 };
    const dp_map_window w = {11, 12, C, 1, 10, 2, 9};
    const float *x = floats_random(11 * 12 * C, -4, 4);
    const float *dy = floats_random(11 * 12 * C, -1, 1);
    float *dk = floats_poison(49 * C), *db = floats_poison(C);

    for (int i = 0; i < 49 * C; i++)
        dk[i] = 0;
    for (int c = 0; c < C; c++)
        db[c] = 0;
    harness_case("dwconv7_gradient against float64");
    dp_dwconv7_gradient_ref(dk, db, x, dy, &w);
    for (int c = 0; c < C; c++)
        for (int t = -1; t < 49; t++) {
            double magnitude;
            const double want =
                exact_gradient(&w, x, dy, t < 0 ? -1 : t / 7, t % 7, c, &magnitude);

            expect_near(t < 0 ? db[c] : dk[t * C + c], want,
                        (8 * 28 + 3) * (double)FLT_EPSILON / 2 * magnitude,
                        (size_t)(t + 1));
        }
    harness_case_end();
}
