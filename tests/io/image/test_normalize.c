/* Normalisation: worked values, order of channels, mirror, padding, windows. */
#include "io/image/normalize.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <limits.h>
#include <string.h>

static const float mean[3] = {123.675f, 116.28f, 103.53f};
static const float std[3] = {58.395f, 57.12f, 57.375f};

struct input {
    dp_normalize normalize;
    dp_pixel_window window;
    int multiple;
    dp_tensor out;
};

static void normalize(dp_run *r, void *arg)
{
    struct input *in = arg;
    in->out = dp_normalize_run(r, &in->normalize, &in->window, in->multiple);
}

START_TEST(values_are_the_float64_quotient_rounded_once)
{
    dp_normalize n;
    dp_normalize_build(&n, mean, std, true);
    /* (0 - 123.675f) = -123.675003...; times 1 / 58.395f in float64. Published inputs
     * begin at -2.1179039. */
    ck_assert(n.value[0][0] == -2.1179039478302f);
    ck_assert(n.value[2][255] == 2.640000104904175f);
    for (int v = 1; v < 256; v++)
        ck_assert(n.value[0][v] > n.value[0][v - 1]);
}
END_TEST

static const struct {
    bool rgb, flip;
    float want[6]; /* of two pixels 1 2 3 and 4 5 6, mean 0 and std 1 */
} orders[] = {
    {true, false, {3, 2, 1, 6, 5, 4}},
    {false, false, {1, 2, 3, 4, 5, 6}},
    {true, true, {6, 5, 4, 3, 2, 1}},
    {false, true, {4, 5, 6, 1, 2, 3}},
};

START_TEST(channels_and_columns_are_in_the_order_asked_for)
{
    const uint8_t pixels[6] = {1, 2, 3, 4, 5, 6};
    struct input in = {.window = {pixels, 6, 1, 2, orders[_i].flip}, .multiple = 1};
    dp_normalize_build(&in.normalize, (float[]){0, 0, 0}, (float[]){1, 1, 1},
                       orders[_i].rgb);
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, normalize, &in);
    ck_assert_mem_eq(in.out.data, orders[_i].want, sizeof orders[_i].want);
    forward_done(&f);
}
END_TEST

START_TEST(mean_and_std_go_with_the_output_channels)
{
    const uint8_t pixels[3] = {10, 20, 30};
    struct input in = {.window = {pixels, 3, 1, 1, false}, .multiple = 1};
    dp_normalize_build(&in.normalize, (float[]){30, 10, 4}, (float[]){1, 2, 4}, true);
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, normalize, &in);
    ck_assert_mem_eq(in.out.data, ((float[]){0, 5, 1.5f}), 3 * sizeof(float));
    forward_done(&f);
}
END_TEST

START_TEST(a_window_is_padded_with_zeros_and_reads_nothing_else)
{
    enum { H = 70, W = 45, Y = 3, X = 5, ROWS = 66, COLUMNS = 33 };
    static uint8_t image[H][W][3];
    uint64_t seed = 3;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++)
                image[y][x][c] = (uint8_t)random_int(&seed, 256);
    for (int k = 0; k < 2 * FORWARD_THREADS; k++) {
        const bool flip = k % 2;
        struct input in = {
            .window = {image[Y][X], sizeof image[0], ROWS, COLUMNS, flip},
            .multiple = 32};
        dp_normalize_build(&in.normalize, mean, std, true);
        forward f;
        forward_init(&f, forward_threads[k / 2], ~0u);
        forward_run(&f, normalize, &in);
        ck_assert(in.out.N == 1 && in.out.H == 96 && in.out.W == 64 && in.out.C == 3);
        for (int i = 0; i < 96 * 64 * 3; i++) {
            const int y = i / 3 / 64, x = i / 3 % 64, c = i % 3;
            const int column = flip ? X + COLUMNS - 1 - x : X + x;
            const float want = y < ROWS && x < COLUMNS
                                   ? in.normalize.value[c][image[Y + y][column][2 - c]]
                                   : 0.0f;
            ck_assert(in.out.data[i] == want);
        }
        forward_done(&f);
    }
}
END_TEST

START_TEST(sides_that_cannot_be_padded_are_refused)
{
    struct input in = {.window = {NULL, 3, 0, 1, false}, .multiple = 32};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_expect_shape_error(&f, normalize, &in);
    in.window.h = INT_MAX - 3;
    forward_expect_shape_error(&f, normalize, &in);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/normalize");
    TCase *t = tcase_create("core");
    tcase_add_test(t, values_are_the_float64_quotient_rounded_once);
    tcase_add_loop_test(t, channels_and_columns_are_in_the_order_asked_for, 0,
                        sizeof orders / sizeof orders[0]);
    tcase_add_test(t, mean_and_std_go_with_the_output_channels);
    tcase_add_test(t, a_window_is_padded_with_zeros_and_reads_nothing_else);
    tcase_add_test(t, sides_that_cannot_be_padded_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
