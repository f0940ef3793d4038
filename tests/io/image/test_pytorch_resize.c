/* Normalised images to another size: torchvision's sizes, and worked values. */
#include "io/image/pytorch_resize.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int h, w, want_h, want_w;
} sizes[] = {
    {480, 640, 800, 1066},  {427, 640, 799, 1199}, {333, 500, 799, 1201},
    {612, 612, 800, 800},   {332, 500, 799, 1204}, {640, 427, 1199, 799},
    {100, 1000, 133, 1333}, {1, 5000, 1, 1332},
};

START_TEST(the_factor_is_rounded_to_float32)
{
    const dp_size got =
        dp_pytorch_resize_target((dp_size){sizes[_i].h, sizes[_i].w}, 800, 1333);
    ck_assert_msg(got.h == sizes[_i].want_h && got.w == sizes[_i].want_w, "%d x %d",
                  got.h, got.w);
}
END_TEST

struct call {
    dp_tensor x, y;
    dp_size size;
};

static void resize(dp_run *r, void *arg)
{
    struct call *c = arg;
    c->y = dp_run_tensor(r, 1, c->y.H, c->y.W, c->x.C);
    dp_pytorch_resize_run(r, c->y, c->x, c->size);
}

/* Twice the width and half the height: columns lie at 0, 1/4, 3/4, 1 of two cells, rows in
 * the middle of two. Quarters are exact. */
START_TEST(cells_are_mixed_and_the_rest_is_zero)
{
    float x[2 * 2 * 2] = {0, 10, 4, 20, 8, 30, 16, 40};
    const float want[4 * 2] = {4, 20, 5.5f, 22.5f, 8.5f, 27.5f, 10, 30};
    for (int k = 0; k < FORWARD_THREADS; k++) {
        struct call c = {{x, 1, 2, 2, 2}, {NULL, 1, 3, 5, 2}, {1, 4}};
        forward f;
        forward_init(&f, forward_threads[k], ~0u);
        forward_run(&f, resize, &c);
        ck_assert_mem_eq(c.y.data, want, sizeof want);
        for (int i = 8; i < 3 * 5 * 2; i++)
            ck_assert(c.y.data[i] == 0);
        forward_done(&f);
    }
}
END_TEST

START_TEST(the_same_size_is_a_copy)
{
    enum { H = 9, W = 7 };
    uint64_t seed = 8;
    float *x = random_floats(&seed, H * W * 3, -3, 3);
    struct call c = {{x, 1, H, W, 3}, {NULL, 1, H, W, 3}, {H, W}};
    forward f;
    forward_init(&f, 2, ~0u);
    forward_run(&f, resize, &c);
    ck_assert_mem_eq(c.y.data, x, H * W * 3 * sizeof *x);
    forward_done(&f);
    free(x);
}
END_TEST

START_TEST(a_result_without_room_is_refused)
{
    struct call c = {{NULL, 1, 4, 4, 3}, {NULL, 1, 4, 4, 3}, {5, 4}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_expect_shape_error(&f, resize, &c);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/pytorch_resize");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, the_factor_is_rounded_to_float32, 0,
                        sizeof sizes / sizeof sizes[0]);
    tcase_add_test(t, cells_are_mixed_and_the_rest_is_zero);
    tcase_add_test(t, the_same_size_is_a_copy);
    tcase_add_test(t, a_result_without_room_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
