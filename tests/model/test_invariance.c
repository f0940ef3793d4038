/* What must not change a detector's answer, or a segmentor's maps: the number of threads,
 * whether the image was planned before, another model in the same context, the
 * instruction set of our own kernels; and what may change it only within a bound: the
 * GEMM library. */
#include "base/sha256.h"
#include "core/detections.h"
#include "io/image/image.h"
#include "model/detector.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <string.h>

static const char config[] = "configs/golden/mask_rcnn_a.json";
static const char *const images[] = {"golden/images/tiny_50x37.jpg",
                                     "data/coco128/val2017/000000000025.jpg"};
enum { PICTURES = 2 };

typedef struct answer {
    dp_detections found[PICTURES];
} answer;

static void ask_with(answer *a, const dp_options *options)
{
    dp_context *ctx;
    dp_model *m;
    ck_assert_int_eq(dp_context_new(&ctx, options), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, config,
                                shared_path("golden/mask_rcnn_a/model.pth"),
                                NULL) == DP_OK,
                  "%s", dp_context_error(ctx));
    for (int i = 0; i < PICTURES; i++) {
        dp_pixels pixels;
        ck_assert_int_eq(
            dp_pixels_load(&ctx->err, &pixels, shared_path("%s", images[i])), DP_OK);
        a->found[i] = (dp_detections){0};
        ck_assert_int_eq(dp_detector_run(ctx, m, &pixels, &a->found[i]), DP_OK);
        ck_assert_uint_gt(a->found[i].count, 0);
        dp_pixels_done(&pixels);
    }
    dp_model_free(m);
    dp_context_free(ctx);
}

static void ask(answer *a, int threads, const char *cpu)
{
    ask_with(a, &(dp_options){.threads = threads, .cpu = cpu});
}

static void answer_done(answer *a)
{
    for (int i = 0; i < PICTURES; i++)
        dp_detections_done(&a->found[i]);
}

static void check_same_bytes(const dp_detections *a, const dp_detections *b)
{
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->run_count, b->run_count);
    ck_assert_mem_eq(a->runs, b->runs, a->run_count * sizeof *a->runs);
    for (size_t i = 0; i < a->count; i++) {
        const dp_detection *x = &a->list[i], *y = &b->list[i];
        ck_assert_mem_eq(&x->box, &y->box, sizeof x->box);
        ck_assert_mem_eq(&x->score, &y->score, sizeof x->score);
        ck_assert_int_eq(x->label, y->label);
        ck_assert_uint_eq(x->mask_count, y->mask_count);
    }
}

START_TEST(threads_change_no_byte)
{
    static const int threads[] = {2, 3, 7};
    answer one, other;
    ask(&one, 1, NULL);
    ask(&other, threads[_i], NULL);
    for (int i = 0; i < PICTURES; i++)
        check_same_bytes(&one.found[i], &other.found[i]);
    answer_done(&one);
    answer_done(&other);
}
END_TEST

/* Same label, box within 0.02 pixels and score within 3e-4: the bound of
 * ../shared/golden/README.md for a float32 implementation; at most one detection of the
 * hundred may lack a partner. */
static void check_close(const dp_detections *a, const dp_detections *b)
{
    size_t lonely = 0;
    for (size_t i = 0; i < a->count; i++) {
        const dp_detection *x = &a->list[i];
        bool found = false;
        for (size_t j = 0; j < b->count && !found; j++) {
            const dp_detection *y = &b->list[j];
            found = x->label == y->label && fabsf(x->score - y->score) <= 3e-4f &&
                    fabsf(x->box.x1 - y->box.x1) <= 0.02f &&
                    fabsf(x->box.y1 - y->box.y1) <= 0.02f &&
                    fabsf(x->box.x2 - y->box.x2) <= 0.02f &&
                    fabsf(x->box.y2 - y->box.y2) <= 0.02f;
        }
        lonely += !found;
    }
    ck_assert_uint_le(lonely, 1);
}

START_TEST(instruction_sets_stay_within_the_bound)
{
    static const char *const cpus[] = {"ref", "avx2", "avx512"};
    answer best, other;
    ask(&best, 2, NULL);
    ask(&other, 2, cpus[_i]);
    for (int i = 0; i < PICTURES; i++)
        check_close(&best.found[i], &other.found[i]);
    answer_done(&best);
    answer_done(&other);
}
END_TEST

/* The kernels promise the same bits; OpenBLAS, which plain C leaves GEMMs to unless
 * told otherwise, does not. */
START_TEST(with_our_own_products_all_give_the_same_bytes)
{
    static const char *const cpus[] = {"ref", "avx2"};
    answer best, other;
    ask_with(&best, &(dp_options){.threads = 2, .gemm = "own"});
    ask_with(&other, &(dp_options){.threads = 2, .cpu = cpus[_i], .gemm = "own"});
    for (int i = 0; i < PICTURES; i++)
        check_same_bytes(&best.found[i], &other.found[i]);
    answer_done(&best);
    answer_done(&other);
}
END_TEST

typedef struct trail {
    dp_sha256 sum;
    int maps;
} trail;

static void add_map(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    trail *t = arg;
    (void)r;
    (void)name;
    dp_sha256_add(&t->sum, map.data, dp_tensor_size(map) * sizeof *map.data);
    t->maps++;
}

/* A digest of all maps of a segmentor of random weights, input to logits. */
static void segmentor_trail(uint8_t digest[DP_SHA256_BYTES], const dp_options *options)
{
    trail t = {.maps = 0};
    dp_context *ctx;
    dp_model *m;
    dp_pixels pixels;
    ck_assert_int_eq(dp_context_new(&ctx, options), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, "configs/golden/upernet_a2.json", NULL,
                                &(dp_load_options){.random = 1}) == DP_OK,
                  "%s", dp_context_error(ctx));
    ck_assert_int_eq(dp_pixels_init(&ctx->err, &pixels, 71, 90), DP_OK);
    for (int i = 0; i < 71 * 90 * 3; i++)
        pixels.data[i] = (uint8_t)(i * 7 + i / 3 % 90 * 2);
    dp_sha256_init(&t.sum);
    ctx->trace = add_map;
    ctx->trace_arg = &t;
    ck_assert_msg(dp_model_trace(ctx, m, &pixels, true) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_int_gt(t.maps, 4);
    dp_pixels_done(&pixels);
    dp_model_free(m);
    dp_context_free(ctx);
    dp_sha256_finish(&t.sum, digest);
}

START_TEST(a_segmentor_has_the_same_maps_everywhere)
{
    static const char *const cpus[] = {"ref", "avx2", "avx512"};
    uint8_t want[DP_SHA256_BYTES], got[DP_SHA256_BYTES];
    segmentor_trail(want, &(dp_options){.threads = 1, .gemm = "own"});
    for (int i = 0; i < 3; i++) {
        segmentor_trail(got,
                        &(dp_options){.threads = 1 + i, .cpu = cpus[i], .gemm = "own"});
        ck_assert_msg(memcmp(got, want, sizeof want) == 0, "%s", cpus[i]);
    }
}
END_TEST

START_TEST(a_context_serves_images_of_any_size_in_any_order)
{
    dp_context *ctx;
    dp_model *m;
    answer once;
    ask(&once, 2, NULL);
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_int_eq(dp_model_load(ctx, &m, config,
                                   shared_path("golden/mask_rcnn_a/model.pth"), NULL),
                     DP_OK);
    dp_detections found = {0};
    static const int order[] = {1, 0, 0, 1};
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        dp_pixels pixels;
        ck_assert_int_eq(
            dp_pixels_load(&ctx->err, &pixels, shared_path("%s", images[order[k]])),
            DP_OK);
        ck_assert_int_eq(dp_detector_run(ctx, m, &pixels, &found), DP_OK);
        check_same_bytes(&once.found[order[k]], &found);
        dp_pixels_done(&pixels);
    }
    dp_detections_done(&found);
    answer_done(&once);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("invariance");
    TCase *t = tcase_create("detector");
    tcase_set_timeout(t, 600);
    if (shared_has("golden")) {
        tcase_add_loop_test(t, threads_change_no_byte, 0, 3);
        tcase_add_loop_test(t, instruction_sets_stay_within_the_bound, 0, 3);
        tcase_add_loop_test(t, with_our_own_products_all_give_the_same_bytes, 0, 2);
        tcase_add_test(t, a_context_serves_images_of_any_size_in_any_order);
    }
    tcase_add_test(t, a_segmentor_has_the_same_maps_everywhere);
    suite_add_tcase(s, t);
    return suite_run(s);
}
