/* Pillow's bicubic: bytes that Pillow 9.4 gave, parts, threads, sizes. */
#include "io/image/pillow_resize.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/sha256.h"
#include "tests/support/suite.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Each digest is that of Image.resize(size, BICUBIC), then crop(part), of noise(). */
static const struct {
    dp_size in, size;
    dp_pixel_rect part;
    const char *sha256;
} cases[] = {
    {{37, 53},
     {37, 53},
     {0, 0, 37, 53},
     "ef243cbaf3dbdc91fb5478434c54e94c4f438c2886bc6da1a946bc0ad59ad5a7"},
    {{37, 53},
     {64, 91},
     {0, 0, 64, 91},
     "902a5ba8f05c4248fc549249fbe3ac94452198b96f57745d6798fb1628bcbf8b"},
    {{37, 53},
     {16, 53},
     {0, 0, 16, 53},
     "fb8e9ff8eb7fd7aa240a74f560f0f65b49a9aaf353e292e1672d9b80580f62d8"},
    {{37, 53},
     {37, 20},
     {0, 0, 37, 20},
     "9be5f5f2455783df0cee62f8b46438564ad13e96d7d32ab53ce815a8a254fa8a"},
    {{480, 640},
     {256, 341},
     {16, 59, 224, 224},
     "1f48d0fd73e670ecf74707aeb49ed8ddae32e0f2a057ed857ad13bd9cbcad0f4"},
    {{300, 7},
     {21, 9},
     {0, 0, 21, 9},
     "8eed89fcfc2621fe4c901bff25d60d5b5facbdf97ae6f2f788ed970a83c6bd2b"},
    {{1, 1},
     {5, 6},
     {0, 0, 5, 6},
     "a77dd1d549f185d3b38c613e9984efc3fff1b7c7a5d0972b4e357d96bd36c641"},
    {{2, 2000},
     {24, 24},
     {0, 0, 24, 24},
     "ebe0b5e93a6a6d2c3dd1be8cc57598dbe614d599ca4963a0cdff1b3428f2ed46"},
    {{91, 64},
     {384, 384},
     {0, 0, 384, 384},
     "ce74a27bfb29488738093fb6bcac2150db024674607e78c308e6a08baa638a2a"},
    {{768, 1000},
     {3, 1},
     {0, 0, 3, 1},
     "79476a7362ea1c34f0250269b6b69be70f510cd529188d6880afa8f075eed56e"},
};
enum { COUNT = sizeof cases / sizeof cases[0] };

typedef struct resize {
    dp_size in, size;
    dp_pixel_rect part;
    uint8_t *pixels;
    uint8_t *out; /* of the run's arena */
} resize;

/* Linear congruential noise: the same three lines in any language. */
static uint8_t *noise(dp_size s)
{
    const size_t n = (size_t)s.h * (size_t)s.w * 3;
    uint8_t *bytes = malloc(n);
    uint32_t state = 12345;
    for (size_t i = 0; i < n; i++) {
        state = state * 1103515245u + 12345u;
        bytes[i] = (uint8_t)(state >> 16);
    }
    return bytes;
}

static void run(dp_run *r, void *arg)
{
    resize *t = arg;
    t->out = dp_run_take(r, (size_t)t->part.h * (size_t)t->part.w, 3);
    dp_pillow_resize_run(r, t->out, t->part, t->size, t->pixels, t->in,
                         DP_PILLOW_BICUBIC);
}

START_TEST(bytes_are_pillows)
{
    resize t = {cases[_i].in, cases[_i].size, cases[_i].part, noise(cases[_i].in), 0};
    for (int i = 0; i < FORWARD_THREADS; i++) {
        forward f;
        char digest[65];
        forward_init(&f, forward_threads[i], ~0u);
        forward_run(&f, run, &t);
        sha256_hex(digest, t.out, (size_t)t.part.h * (size_t)t.part.w * 3);
        ck_assert_str_eq(digest, cases[_i].sha256);
        forward_done(&f);
    }
    free(t.pixels);
}
END_TEST

START_TEST(a_part_is_cut_from_the_whole)
{
    enum { H = 31, W = 47 };
    const dp_size in = {60, 40};
    resize whole = {in, {H, W}, {0, 0, H, W}, noise(in), 0};
    forward f, g;
    forward_init(&f, 2, ~0u);
    forward_init(&g, 2, ~0u);
    forward_run(&f, run, &whole);
    uint64_t seed = 8;
    for (int i = 0; i < 40; i++) {
        resize t = whole;
        t.part.y = random_int(&seed, H);
        t.part.x = random_int(&seed, W);
        t.part.h = 1 + random_int(&seed, H - t.part.y);
        t.part.w = 1 + random_int(&seed, W - t.part.x);
        forward_run(&g, run, &t);
        for (int y = 0; y < t.part.h; y++)
            ck_assert_mem_eq(t.out + (size_t)(y * t.part.w * 3),
                             whole.out + (size_t)(((t.part.y + y) * W + t.part.x) * 3),
                             (size_t)t.part.w * 3);
    }
    forward_done(&f);
    forward_done(&g);
    free(whole.pixels);
}
END_TEST

/* Only the part that is asked for takes memory: the whole would have 3.9e9 pixels. */
START_TEST(a_thin_image_costs_no_more_than_its_part)
{
    const dp_size in = {1, 60000}, size = dp_pillow_resize_target(1, 60000, 256);
    ck_assert_int_eq(size.w, 15360000);
    resize t = {in, size, {16, 7679888, 224, 224}, noise(in), 0};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, run, &t);
    ck_assert_uint_lt(f.arena.peak, 1 << 20);
    forward_done(&f);
    free(t.pixels);
}
END_TEST

static const struct {
    int h, w, side;
    dp_size want;
} targets[] = {
    {480, 640, 256, {256, 341}},         {640, 480, 256, {341, 256}},
    {256, 300, 256, {256, 300}},         {7, 7, 256, {256, 256}},
    {50, 37, 256, {345, 256}},           {3, 65500, 256, {256, 5589333}},
    {1, 65500, 60000, {60000, INT_MAX}},
};

START_TEST(the_short_side_decides_and_the_long_one_is_truncated)
{
    const dp_size got =
        dp_pillow_resize_target(targets[_i].h, targets[_i].w, targets[_i].side);
    ck_assert_int_eq(got.h, targets[_i].want.h);
    ck_assert_int_eq(got.w, targets[_i].want.w);
}
END_TEST

static const struct {
    dp_size in, size;
    dp_pixel_rect part;
} wrong[] = {
    {{4, 4}, {8, 8}, {0, 0, 0, 8}},  {{4, 4}, {8, 8}, {0, 0, 8, 9}},
    {{4, 4}, {8, 8}, {-1, 0, 2, 2}}, {{4, 4}, {8, 8}, {0, 7, 1, INT_MAX}},
    {{0, 4}, {8, 8}, {0, 0, 8, 8}},  {{4, 4}, {0, 8}, {0, 0, 1, 1}},
};

START_TEST(a_part_that_is_not_inside_is_refused)
{
    resize t = {wrong[_i].in, wrong[_i].size, wrong[_i].part, NULL, NULL};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_expect_shape_error(&f, run, &t);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io/pillow_resize");
    TCase *tc = tcase_create("bicubic");
    tcase_add_loop_test(tc, bytes_are_pillows, 0, COUNT);
    tcase_add_test(tc, a_part_is_cut_from_the_whole);
    tcase_add_test(tc, a_thin_image_costs_no_more_than_its_part);
    tcase_add_loop_test(tc, the_short_side_decides_and_the_long_one_is_truncated, 0,
                        (int)(sizeof targets / sizeof targets[0]));
    tcase_add_loop_test(tc, a_part_that_is_not_inside_is_refused, 0,
                        (int)(sizeof wrong / sizeof wrong[0]));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
