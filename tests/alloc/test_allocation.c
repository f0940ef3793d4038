/* What a model allocates and when: every allocation of loading and planning may fail, and
 * a planned image costs none. */
#include "base/cpu.h"
#include "base/file.h"
#include "base/memory.h"
#include "core/detections.h"
#include "model/detector.h"
#include "tests/alloc/heap.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char config[] = "tests/golden/mask_rcnn_tiny/config.json";
static const char weights[] = "tests/golden/mask_rcnn_tiny/model.pth";
enum { HEIGHT = 61, WIDTH = 83 };

static dp_context *new_context(int threads)
{
    dp_context *ctx;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = threads}), DP_OK);
    return ctx;
}

static dp_status load_and_plan(dp_context *ctx)
{
    dp_model *m;
    dp_status st = dp_model_load(ctx, &m, config, weights, NULL);
    if (st == DP_OK)
        st = dp_model_plan(ctx, m, HEIGHT, WIDTH, NULL);
    dp_model_free(m);
    return st;
}

START_TEST(every_allocation_may_fail)
{
    dp_context *ctx = new_context(1);
    ck_assert_msg(load_and_plan(ctx) == DP_OK, "%s", dp_context_error(ctx));
    dp_context_free(ctx); /* what the C library keeps from the first time is kept now */
    ctx = new_context(1);
    heap_reset(0);
    const dp_status plain = load_and_plan(ctx);
    const long allocations = heap_count();
    ck_assert_int_eq(plain, DP_OK);
    ck_assert_int_gt(allocations, 100);
    dp_context_free(ctx);

    for (long k = 1; k <= allocations; k++) {
        /* No assertion until the books are closed: Check allocates too. */
        char text[256] = "";
        dp_status st = DP_OK;
        const long live = heap_live();
        if (dp_context_new(&ctx, &(dp_options){.threads = 1}) == DP_OK) {
            heap_reset(k);
            st = load_and_plan(ctx);
            heap_reset(0);
            snprintf(text, sizeof text, "%s", dp_context_error(ctx));
            dp_context_free(ctx);
        }
        const long left = heap_live() - live;
        ck_assert_msg(st == DP_ENOMEM, "allocation %ld: status %d, %s", k, (int)st,
                      text);
        ck_assert_msg(strstr(text, "memory") != NULL, "allocation %ld: %s", k, text);
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks leaked", k, left);
    }
    printf("%ld allocations of load and plan, each failed once\n", allocations);
}
END_TEST

/* A load by way of the cache that a load before wrote; without memory for it, the
 * checkpoint serves. */
static dp_status load_cached(const char *path)
{
    dp_context *ctx;
    dp_model *m;
    dp_status st = dp_context_new(&ctx, &(dp_options){.threads = 1});
    if (st != DP_OK)
        return st;
    st = dp_model_load(ctx, &m, config, path, &(dp_load_options){.cache = 1});
    dp_model_free(m);
    dp_context_free(ctx);
    return st;
}

/* With a cache to read, and with one to write. */
START_TEST(every_allocation_with_a_cache_may_fail)
{
    char path[600], cache[620];
    size_t size;
    unsigned char *bytes;
    dp_error err = {0};
    ck_assert_int_eq(dp_file_load(&err, &bytes, &size, weights, 1 << 24), DP_OK);
    snprintf(path, sizeof path, "%s", scratch_file("w.pth", bytes, size));
    snprintf(cache, sizeof cache, "%s.dpcache", path);
    dp_free(bytes);
    ck_assert_int_eq(load_cached(path), DP_OK);
    heap_reset(0);
    if (_i == 1)
        ck_assert_int_eq(remove(cache), 0);
    const dp_status plain = load_cached(path);
    const long allocations = heap_count();
    ck_assert_int_eq(plain, DP_OK);
    for (long k = 1; k <= allocations; k++) {
        if (_i == 1)
            (void)remove(cache);
        const long live = heap_live();
        heap_reset(k);
        const dp_status st = load_cached(path);
        heap_reset(0);
        const long left = heap_live() - live;
        ck_assert_msg(st == DP_OK || st == DP_ENOMEM, "allocation %ld: status %d", k,
                      (int)st);
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks leaked", k, left);
    }
}
END_TEST

/* In both precisions, where the processor has them. */
START_TEST(a_second_run_allocates_nothing)
{
    const dp_options options = {.threads = 2, .precision = _i ? "bf16" : "float32"};
    dp_context *ctx;
    dp_model *m;
    ck_assert_int_eq(dp_context_new(&ctx, &options), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, config, weights, NULL) == DP_OK, "%s",
                  dp_context_error(ctx));
    dp_pixels pixels;
    ck_assert_int_eq(dp_pixels_init(&ctx->err, &pixels, HEIGHT, WIDTH), DP_OK);
    for (int i = 0; i < HEIGHT * WIDTH * 3; i++)
        pixels.data[i] = (uint8_t)(i * 7 % 251);
    dp_detections found = {0};
    ck_assert_int_eq(dp_detector_run(ctx, m, &pixels, &found), DP_OK);

    heap_reset(0);
    const dp_status again = dp_detector_run(ctx, m, &pixels, &found);
    const long allocations = heap_count();
    ck_assert_int_eq(again, DP_OK);
    ck_assert_int_eq(allocations, 0);

    dp_detections_done(&found);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

/* Faults of this process, of pages that were given but not there, while an image runs. */
static long page_faults(dp_context *ctx, const dp_model *m, const dp_pixels *pixels,
                        dp_detections *found)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    ck_assert_int_eq(dp_detector_run(ctx, m, pixels, found), DP_OK);
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt + after.ru_majflt - before.ru_majflt;
}

/* A system short of memory takes pages away, so the best of a few runs counts. */
START_TEST(a_third_run_faults_no_page_in)
{
    dp_context *ctx = new_context(2);
    dp_model *m;
    ck_assert_int_eq(dp_model_load(ctx, &m, config, weights, NULL), DP_OK);
    dp_pixels pixels;
    ck_assert_int_eq(dp_pixels_init(&ctx->err, &pixels, 4 * HEIGHT, 4 * WIDTH), DP_OK);
    dp_detections found = {0};
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(dp_detector_run(ctx, m, &pixels, &found), DP_OK);
    long least = page_faults(ctx, m, &pixels, &found);
    for (int i = 0; i < 9 && least > 0; i++) {
        const long faults = page_faults(ctx, m, &pixels, &found);
        least = faults < least ? faults : least;
    }
    ck_assert_int_eq(least, 0);
    dp_detections_done(&found);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("allocation");
    TCase *t = tcase_create("heap");
    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    if (heap_is_watched()) {
        tcase_add_test(t, every_allocation_may_fail);
        tcase_add_loop_test(t, every_allocation_with_a_cache_may_fail, 0, 2);
        tcase_add_loop_test(t, a_second_run_allocates_nothing, 0,
                            suite_has_cpu(DP_CPU_BF16, "AVX512_BF16") ? 2 : 1);
        tcase_add_test(t, a_third_run_faults_no_page_in);
    } else {
        suite_skip("the sanitizer's allocator is not watched");
    }
    suite_add_tcase(s, t);
    return suite_run(s);
}
