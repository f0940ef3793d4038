/* Windows over an image, and the mean of their logits. */
#include "model/mosaic.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Upstream's formula, with its example: an image of 512 x 683 has two windows. */
static const struct {
    int size, crop, stride, count, begin[6], length;
} axes[] = {
    {512, 512, 341, 1, {0}, 512},
    {683, 512, 341, 2, {0, 171}, 512},
    {853, 512, 341, 2, {0, 341}, 512},      /* exactly two                   */
    {854, 512, 341, 3, {0, 341, 342}, 512}, /* one pixel more                */
    {2048, 512, 341, 6, {0, 341, 682, 1023, 1364, 1536}, 512},
    {300, 512, 341, 1, {0}, 300}, /* smaller than a window */
    {1, 512, 341, 1, {0}, 1},
    {1024, 512, 512, 2, {0, 512}, 512}, /* no overlap */
};

struct call {
    dp_size size;
    dp_mosaic_spec spec;
    dp_mosaic mosaic;
    dp_tensor logits; /* what every window gives, from `values` on */
    const float *values;
};

static void plan_only(dp_run *r, void *arg)
{
    struct call *c = arg;
    c->mosaic = dp_mosaic_plan(r, c->size, &c->spec);
}

START_TEST(windows_are_those_of_upstream)
{
    struct call c = {.size = {axes[_i].size, 512},
                     .spec = {.K = 2,
                              .crop = {axes[_i].crop, 512},
                              .stride = {axes[_i].stride, 341},
                              .multiple = 1,
                              .least = 1,
                              .cell = 4}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, plan_only, &c);
    ck_assert_int_eq(c.mosaic.down, axes[_i].count);
    ck_assert_int_eq(c.mosaic.across, 1);
    ck_assert_int_eq(c.mosaic.window.h, axes[_i].length);
    for (int i = 0; i < c.mosaic.down; i++) {
        int y, x;
        dp_mosaic_place(&c.mosaic, i, &y, &x);
        ck_assert_int_eq(y, axes[_i].begin[i]);
        ck_assert_int_eq(x, 0);
    }
    forward_done(&f);
}
END_TEST

START_TEST(small_windows_are_padded_and_others_are_not)
{
    struct call c = {.size = {33, 31},
                     .spec = {.K = 2,
                              .crop = {512, 512},
                              .stride = {341, 341},
                              .multiple = 1,
                              .least = 32,
                              .cell = 4}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, plan_only, &c);
    ck_assert(c.mosaic.window.h == 33 && c.mosaic.window.w == 31);
    ck_assert(c.mosaic.input.h == 64 && c.mosaic.input.w == 32);
    c.size.w = 35;
    forward_run(&f, plan_only, &c);
    ck_assert(c.mosaic.input.h == 33 && c.mosaic.input.w == 35);
    forward_done(&f);
}
END_TEST

static void fill(dp_run *r, void *arg)
{
    struct call *c = arg;
    plan_only(r, c);
    const int count = c->mosaic.down * c->mosaic.across;
    const size_t size = dp_tensor_size(c->logits);
    for (int i = 0; i < count; i++) {
        dp_tensor t = c->logits;
        t.data = r->dry ? NULL : (float *)(uintptr_t)(c->values + (size_t)i * size);
        dp_mosaic_put(r, &c->mosaic, i, t);
    }
}

/* The mean at one pixel, window by window, in float64. */
static double mean_at(const struct call *c, int y, int x, int k, double *magnitude)
{
    const dp_mosaic *m = &c->mosaic;
    const dp_tensor t = c->logits;
    double sum = 0;
    int visits = 0;
    *magnitude = 0;
    for (int i = 0; i < m->down * m->across; i++) {
        int top, left;
        dp_mosaic_place(m, i, &top, &left);
        if (y < top || y >= top + m->window.h || x < left || x >= left + m->window.w)
            continue;
        const dp_blend v = dp_blend_get(y - top, t.H, m->input.h);
        const dp_blend u = dp_blend_get(x - left, t.W, m->input.w);
        visits++;
        for (int corner = 0; corner < 4; corner++) {
            const int row = corner / 2 ? v.second : v.first;
            const int column = corner % 2 ? u.second : u.first;
            const double value =
                (double)(corner / 2 ? v.high : v.low) *
                (double)(corner % 2 ? u.high : u.low) *
                (double)c->values[((i * t.H + row) * t.W + column) * t.C + k];
            sum += value;
            *magnitude += fabs(value);
        }
    }
    ck_assert_int_gt(visits, 0);
    *magnitude /= visits;
    return sum / visits;
}

static const struct call grids[] = {
    {.size = {50, 70},
     .spec = {3, {32, 40}, {20, 25}, 1, 1, 4},
     .logits = {NULL, 1, 8, 10, 3}},
    {.size = {50, 70}, /* all of it */
     .spec = {3, {50, 70}, {50, 70}, 1, 1, 4},
     .logits = {NULL, 1, 12, 17, 3}},
    {.size = {45, 20}, /* padded to 64 x 32 */
     .spec = {5, {64, 64}, {40, 40}, 1, 32, 4},
     .logits = {NULL, 1, 16, 8, 5}},
    {.size = {33, 90}, /* three visits of one place */
     .spec = {2, {33, 40}, {1, 17}, 1, 1, 8},
     .logits = {NULL, 1, 4, 5, 2}},
};

/* Four roundings a resized value, one an addition and one of the division. */
START_TEST(rows_are_the_mean_of_the_windows)
{
    struct call c = grids[_i];
    uint64_t seed = 20;
    float *values = random_floats(&seed, 64 * dp_tensor_size(c.logits), -9, 9);
    float *row = malloc((size_t)c.size.w * (size_t)c.spec.K * sizeof *row);
    c.values = values;
    forward f;
    forward_init(&f, 1, ~0u);
    forward_run(&f, fill, &c);
    ck_assert_int_le(c.mosaic.down * c.mosaic.across, 64);
    const double bound =
        (5 + c.mosaic.down * c.mosaic.across) * 0.5001 * (double)FLT_EPSILON;
    for (int y = 0; y < c.size.h; y++) {
        dp_mosaic_row(&c.mosaic, y, row);
        for (int i = 0; i < c.size.w * c.spec.K; i++) {
            double magnitude;
            const double want = mean_at(&c, y, i / c.spec.K, i % c.spec.K, &magnitude);
            ck_assert_msg(fabs((double)row[i] - want) <= bound * magnitude,
                          "row %d, value %d: found %.9g, expected %.9g", y, i,
                          (double)row[i], want);
        }
    }
    free(row);
    free(values);
    forward_done(&f);
}
END_TEST

START_TEST(logits_without_room_are_refused)
{
    struct call c = grids[0];
    forward f;
    forward_init(&f, 1, ~0u);
    c.logits.H++;
    forward_expect_shape_error(&f, fill, &c);
    c.logits.H--;
    c.logits.C++;
    forward_expect_shape_error(&f, fill, &c);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model/mosaic");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, windows_are_those_of_upstream, 0,
                        sizeof axes / sizeof axes[0]);
    tcase_add_test(t, small_windows_are_padded_and_others_are_not);
    tcase_add_loop_test(t, rows_are_the_mean_of_the_windows, 0,
                        sizeof grids / sizeof grids[0]);
    tcase_add_test(t, logits_without_room_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
