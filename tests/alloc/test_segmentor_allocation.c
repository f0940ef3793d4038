/* What a segmentor allocates and when: every allocation of loading, planning and the first
 * run may fail, and a second run of an image's size costs none. */
#include "model/segmentor.h"
#include "tests/alloc/heap.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const configs[] = {
    "tests/golden/upernet_tiny/config_slide.json",
    "tests/golden/upernet_tiny/config_whole.json",
    "tests/golden/upernet_tiny/config_multi_scale.json",
};
static const char weights[] = "tests/golden/upernet_tiny/model.safetensors";
enum { MODES = 3 };

static dp_pixels make_image(int h, int w)
{
    dp_error err = {0};
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_init(&err, &p, h, w), DP_OK);
    for (int i = 0; i < h * w * 3; i++)
        p.data[i] = (uint8_t)(i * 7 % 251);
    return p;
}

static dp_status segment(dp_context *ctx, const dp_pixels *p)
{
    dp_model *m;
    dp_label_map map = {0};
    dp_status st = dp_model_load(
        ctx, &m, configs[0], weights,
        &(dp_load_options){.test = "test_ms_flip",
                           .changes = "{\"input\": {\"scale\": [99, 70]}}"});
    if (st == DP_OK)
        st = dp_segmentor_run(ctx, m, p, &map);
    dp_label_map_done(&map);
    dp_model_free(m);
    return st;
}

START_TEST(every_allocation_may_fail)
{
    dp_context *ctx;
    dp_pixels p = make_image(30, 41);
    /* Once for what the C library keeps, and once to count. */
    long allocations = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
        heap_reset(0);
        const dp_status st = segment(ctx, &p);
        allocations = heap_count();
        ck_assert_msg(st == DP_OK, "%s", dp_context_error(ctx));
        dp_context_free(ctx);
    }
    ck_assert_int_gt(allocations, 100);

    for (long k = 1; k <= allocations; k++) {
        /* No assertion until the books are closed: Check allocates too. */
        char text[256] = "";
        dp_status st = DP_OK;
        const long live = heap_live();
        if (dp_context_new(&ctx, &(dp_options){.threads = 1}) == DP_OK) {
            heap_reset(k);
            st = segment(ctx, &p);
            heap_reset(0);
            snprintf(text, sizeof text, "%s", dp_context_error(ctx));
            dp_context_free(ctx);
        }
        const long left = heap_live() - live;
        ck_assert_msg(st == DP_ENOMEM, "allocation %ld: status %d, %s", k, (int)st,
                      text);
        ck_assert_msg(strstr(text, "out of memory") != NULL, "allocation %ld: %s", k,
                      text);
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks are left", k, left);
    }
    dp_pixels_done(&p);
}
END_TEST

START_TEST(a_second_run_allocates_nothing)
{
    dp_context *ctx;
    dp_model *m;
    dp_label_map map = {0};
    dp_pixels p = make_image(37, 53);
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, configs[_i], weights, NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_int_eq(dp_segmentor_run(ctx, m, &p, &map), DP_OK);
    heap_reset(0);
    const dp_status st = dp_segmentor_run(ctx, m, &p, &map);
    const long allocations = heap_count();
    ck_assert_int_eq(st, DP_OK);
    ck_assert_int_eq(allocations, 0);
    dp_label_map_done(&map);
    dp_pixels_done(&p);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("segmentor's allocations");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 300);
    if (heap_is_watched()) {
        tcase_add_test(t, every_allocation_may_fail);
        tcase_add_loop_test(t, a_second_run_allocates_nothing, 0, MODES);
    } else {
        suite_skip("the sanitizer's allocator is not watched");
    }
    suite_add_tcase(s, t);
    return suite_run(s);
}
