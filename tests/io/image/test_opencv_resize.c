/* The 8-bit resize: worked sizes and pixels, and the rule written out for a pixel. */
#include "io/image/opencv_resize.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct image {
    int h, w, out_h, out_w;
    const uint8_t *in;
    uint8_t *out;
};

static void resize(dp_run *r, void *arg)
{
    struct image *p = arg;
    p->out = dp_run_take(r, (size_t)p->out_h * (size_t)p->out_w, 3);
    dp_opencv_resize_run(r, p->out, p->out_h, p->out_w, p->in, p->h, p->w);
}

static const struct {
    int h, w, long_side, short_side, want_h, want_w;
} targets[] = {
    {480, 640, 1333, 800, 800, 1067},  /* the short side decides                 */
    {480, 640, 800, 1333, 800, 1067},  /* which of the two is longer is no matter */
    {640, 426, 1333, 800, 1202, 800},  /* upright                                */
    {300, 1000, 1333, 800, 400, 1333}, /* the long side decides                  */
    {37, 50, 1333, 800, 800, 1081},    /* upwards                                */
    {800, 1067, 1333, 800, 800, 1067}, /* fits already                           */
    {5, 10, 5, 5, 3, 5},               /* 2.5 goes up                            */
    {1, 65500, 1333, 800, 1, 1333},    /* 0.02 rows would be none                */
    {65500, 1, 512, 512, 512, 1},
};

START_TEST(target_sizes)
{
    const dp_size got = dp_opencv_resize_target(
        targets[_i].h, targets[_i].w, targets[_i].long_side, targets[_i].short_side);
    ck_assert_int_eq(got.h, targets[_i].want_h);
    ck_assert_int_eq(got.w, targets[_i].want_w);
}
END_TEST

START_TEST(the_same_size_is_a_copy)
{
    const uint8_t in[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
    struct image p = {2, 2, 2, 2, in, NULL};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, resize, &p);
    ck_assert_mem_eq(p.out, in, sizeof in);
    forward_done(&f);
}
END_TEST

START_TEST(half_the_size_is_the_mean_of_four_rounded_half_up)
{
    /* Columns 1 and 2 of blue hold 0 1 / 0 1: 0.5 becomes 1; of green 0 0 / 0 1: 0. */
    const uint8_t in[12] = {0, 0, 200, 1, 0, 201, 0, 0, 202, 1, 1, 203};
    struct image p = {2, 2, 1, 1, in, NULL};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, resize, &p);
    ck_assert_uint_eq(p.out[0], 1);
    ck_assert_uint_eq(p.out[1], 0);
    ck_assert_uint_eq(p.out[2], 202);
    forward_done(&f);
}
END_TEST

START_TEST(twice_the_width_takes_quarters)
{
    /* Positions -0.25, 0.25, 0.75, 1.25: 0, a quarter of 100, three quarters, 100. */
    const uint8_t in[6] = {0, 0, 0, 100, 100, 100}, want[4] = {0, 25, 75, 100};
    struct image p = {1, 2, 1, 4, in, NULL};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, resize, &p);
    for (int i = 0; i < 12; i++)
        ck_assert_uint_eq(p.out[i], want[i / 3]);
    forward_done(&f);
}
END_TEST

/* The rule for one value, without tables. */
static int weight_of(float fraction)
{
    return (int)lrintf(fraction * 2048.0f);
}

static float position(int i, int out, int in, int *first)
{
    const double inverse = (double)out / in;
    const float at = (float)((i + 0.5) * (1.0 / inverse) - 0.5);
    *first = (int)floorf(at);
    return at - (float)*first;
}

static int inside(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static int value_at(const struct image *p, int y, int x, int c)
{
    int row, column;
    const float v = position(y, p->out_h, p->h, &row);
    float u = position(x, p->out_w, p->w, &column);
    if (column < 0 || column >= p->w - 1)
        u = 0.0f;
    int sums[2];
    for (int k = 0; k < 2; k++) {
        const uint8_t *line = p->in + (size_t)(inside(row + k, p->h) * p->w * 3 + c);
        sums[k] = line[inside(column, p->w) * 3] * weight_of(1.0f - u) +
                  line[inside(inside(column, p->w) + 1, p->w) * 3] * weight_of(u);
    }
    const int value = ((weight_of(1.0f - v) * (sums[0] >> 4)) >> 16) +
                      ((weight_of(v) * (sums[1] >> 4)) >> 16) + 2;
    return inside(value >> 2, 256);
}

START_TEST(any_size_follows_the_rule)
{
    uint64_t seed = 1;
    forward f;
    forward_init(&f, 2, ~0u);
    for (int round = 0; round < 150; round++) {
        struct image p = {.h = 1 + random_int(&seed, 40),
                          .w = 1 + random_int(&seed, 40)};
        p.out_h = 1 + random_int(&seed, 80);
        p.out_w = 1 + random_int(&seed, 80);
        if (p.h == 2 * p.out_h && p.w == 2 * p.out_w)
            continue;
        uint8_t *in = malloc((size_t)(p.h * p.w * 3));
        for (int i = 0; i < p.h * p.w * 3; i++)
            in[i] = (uint8_t)random_int(&seed, 256);
        p.in = in;
        forward_run(&f, resize, &p);
        for (int i = 0; i < p.out_h * p.out_w * 3; i++)
            ck_assert_msg(
                p.out[i] == value_at(&p, i / 3 / p.out_w, i / 3 % p.out_w, i % 3),
                "%d x %d to %d x %d: value %d", p.h, p.w, p.out_h, p.out_w, i);
        free(in);
    }
    forward_done(&f);
}
END_TEST

START_TEST(a_plain_image_stays_plain)
{
    static uint8_t in[31 * 17 * 3];
    forward f;
    forward_init(&f, 1, ~0u);
    for (int shade = 0; shade < 256; shade++) {
        memset(in, shade, sizeof in);
        struct image p = {31, 17, 1 + shade % 60, 1 + shade % 47, in, NULL};
        forward_run(&f, resize, &p);
        for (int i = 0; i < p.out_h * p.out_w * 3; i++)
            ck_assert_int_eq(p.out[i], shade);
    }
    forward_done(&f);
}
END_TEST

START_TEST(threads_and_kernels_do_not_change_a_byte)
{
    enum { H = 123, W = 97, OUT_H = 205, OUT_W = 89 };
    static uint8_t in[H * W * 3], want[OUT_H * OUT_W * 3];
    uint64_t seed = 2;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)random_int(&seed, 256);
    for (int k = 0; k < 2 * FORWARD_THREADS; k++) {
        struct image p = {H, W, OUT_H, OUT_W, in, NULL};
        forward f;
        forward_init(&f, forward_threads[k / 2], k % 2 ? ~0u : 0);
        forward_run(&f, resize, &p);
        if (k == 0)
            memcpy(want, p.out, sizeof want);
        ck_assert_mem_eq(p.out, want, sizeof want);
        forward_done(&f);
    }
}
END_TEST

START_TEST(a_side_of_nothing_is_refused)
{
    struct image p = {4, 4, 0, 4, NULL, NULL};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_expect_shape_error(&f, resize, &p);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/opencv_resize");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, target_sizes, 0, sizeof targets / sizeof targets[0]);
    tcase_add_test(t, the_same_size_is_a_copy);
    tcase_add_test(t, half_the_size_is_the_mean_of_four_rounded_half_up);
    tcase_add_test(t, twice_the_width_takes_quarters);
    tcase_add_test(t, any_size_follows_the_rule);
    tcase_add_test(t, a_plain_image_stays_plain);
    tcase_add_test(t, threads_and_kernels_do_not_change_a_byte);
    tcase_add_test(t, a_side_of_nothing_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
