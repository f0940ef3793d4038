/* What must not change a segmentor's answer, images of any size, and what is refused.
 * Random weights do. */
#include "model/segmentor.h"
#include "tests/support/program.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Windows, whole, several scales mirrored, and a Swin. */
static const char *const configs[] = {
    "configs/golden/upernet_a2.json", "configs/golden/upernet_b2.json",
    "configs/golden/upernet_c2.json", "configs/golden/swin_upernet.json"};
enum { MODES = 4, CLASSES = 150 };

typedef struct session {
    dp_context *ctx;
    dp_model *m;
    dp_label_map map;
} session;

static void open_session(session *s, int mode, int threads)
{
    *s = (session){0};
    ck_assert_int_eq(dp_context_new(&s->ctx, &(dp_options){.threads = threads}), DP_OK);
    ck_assert_msg(dp_model_load(s->ctx, &s->m, configs[mode], NULL,
                                &(dp_load_options){.random = 1}) == DP_OK,
                  "%s", dp_context_error(s->ctx));
}

static void close_session(session *s)
{
    dp_label_map_done(&s->map);
    dp_model_free(s->m);
    dp_context_free(s->ctx);
}

/* Smooth colours, so that neighbours often agree, and some noise. */
static dp_pixels make_image(int h, int w)
{
    dp_error err = {0};
    dp_pixels p;
    uint64_t seed = 21;
    ck_assert_int_eq(dp_pixels_init(&err, &p, h, w), DP_OK);
    for (int i = 0; i < h * w * 3; i++)
        p.data[i] = (uint8_t)(i / 3 % w * 200 / w + i % 3 * 20 + random_int(&seed, 16));
    return p;
}

static void segment(session *s, int h, int w)
{
    dp_pixels p = make_image(h, w);
    ck_assert_msg(dp_segmentor_run(s->ctx, s->m, &p, &s->map) == DP_OK, "%d x %d: %s",
                  h, w, dp_context_error(s->ctx));
    ck_assert(s->map.h == h && s->map.w == w);
    dp_pixels_done(&p);
}

START_TEST(threads_change_no_label)
{
    static const int threads[] = {1, 2, 3, 7};
    enum { H = 91, W = 133 };
    static uint8_t want[H * W];
    int classes = 0, seen[CLASSES] = {0};
    for (int i = 0; i < 4; i++) {
        session s;
        open_session(&s, _i, threads[i]);
        segment(&s, H, W);
        if (i == 0)
            memcpy(want, s.map.labels, sizeof want);
        ck_assert_mem_eq(s.map.labels, want, sizeof want);
        close_session(&s);
    }
    for (int i = 0; i < H * W; i++)
        classes += !seen[want[i]]++;
    ck_assert_int_gt(classes, 3); /* or the comparison says little */
}
END_TEST

static const struct {
    int h, w;
} sizes[] = {{1, 1},   {1, 40},  {40, 1},  {2, 700},
             {31, 33}, {65, 97}, {320, 7}, {500, 640}};

START_TEST(images_of_any_size_get_labels)
{
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    session s;
    open_session(&s, _i / SIZES, 2);
    segment(&s, sizes[_i % SIZES].h, sizes[_i % SIZES].w);
    for (int i = 0; i < s.map.h * s.map.w; i++)
        ck_assert_int_lt(s.map.labels[i], CLASSES);
    close_session(&s);
}
END_TEST

/* Upstream's Swin fills up patches and merged cells by itself, whatever the size; padding
 * before it would give other maps. Upstream's ConvNeXt fails below 32 pixels. */
static const struct {
    const char *config;
    int h, w; /* the network's input for an image of 20 x 640 */
} narrow[] = {{"configs/golden/swin_upernet.json", 20, 640},
              {"configs/golden/upernet_b2.json", 32, 640}};

START_TEST(a_narrow_image_is_padded_only_for_a_backbone_that_cannot_take_it)
{
    dp_context *ctx;
    dp_model *m;
    dp_segmentor_result result;
    const dp_load_options options = {
        .random = 1,
        .changes =
            "{\"input\": {\"scale\": [640, 640]}, \"test\": {\"mode\": \"whole\"}}"};
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_msg(dp_model_load(ctx, &m, narrow[_i].config, NULL, &options) == DP_OK,
                  "%s", dp_context_error(ctx));
    dp_pixels p = make_image(20, 640);
    ck_assert_msg(dp_model_run(ctx, m, &p, &result) == DP_OK, "%s",
                  dp_context_error(ctx));
    ck_assert_int_eq(result.passes[0].mosaic.input.h, narrow[_i].h);
    ck_assert_int_eq(result.passes[0].mosaic.input.w, narrow[_i].w);
    dp_pixels_done(&p);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

START_TEST(a_context_serves_sizes_in_any_order)
{
    static const int order[] = {0, 1, 1, 0};
    static const int h[2] = {50, 133}, w[2] = {120, 37};
    uint8_t *want[2];
    for (int i = 0; i < 2; i++) {
        session s;
        open_session(&s, _i, 2);
        segment(&s, h[i], w[i]);
        want[i] = malloc((size_t)(h[i] * w[i]));
        memcpy(want[i], s.map.labels, (size_t)(h[i] * w[i]));
        close_session(&s);
    }
    session s;
    open_session(&s, _i, 2);
    for (int k = 0; k < 4; k++) {
        const int i = order[k];
        segment(&s, h[i], w[i]);
        ck_assert_mem_eq(s.map.labels, want[i], (size_t)(h[i] * w[i]));
    }
    close_session(&s);
    free(want[0]);
    free(want[1]);
}
END_TEST

/* Labels are where the probabilities are highest, and these sum to one. */
START_TEST(probabilities_belong_to_the_labels)
{
    enum { H = 37, W = 53 };
    session s;
    dp_segmentor_result result;
    dp_pixels p = make_image(H, W);
    float row[W * CLASSES];
    open_session(&s, _i, 2);
    ck_assert_int_eq(dp_model_run(s.ctx, s.m, &p, &result), DP_OK);
    for (int y = 0; y < H; y++) {
        dp_segmentor_probabilities(s.ctx, &result, y, 1, row);
        for (int x = 0; x < W; x++) {
            const float *v = row + x * CLASSES;
            double sum = 0;
            int best = 0;
            for (int k = 0; k < CLASSES; k++) {
                sum += (double)v[k];
                best = v[k] > v[best] ? k : best;
            }
            ck_assert(fabs(sum - 1) < 1e-5);
            ck_assert_int_eq(result.labels[y * W + x], best);
        }
    }
    dp_pixels_done(&p);
    close_session(&s);
}
END_TEST

/* A photograph of 24 million pixels in windows: within 2 GB, weights and all. Four times
 * the weights of a 3 x 3 convolution are for its speed (ops/winograd.h). */
START_TEST(memory_is_planned_and_bounded)
{
    dp_context *ctx;
    dp_model *m;
    size_t small, large;
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_int_eq(dp_model_load(ctx, &m,
                                   "configs/ade20k/upernet_convnext_tiny_512.json",
                                   NULL, &(dp_load_options){.random = 1}),
                     DP_OK);
    ck_assert_int_eq(dp_model_plan(ctx, m, 512, 683, &small), DP_OK);
    ck_assert_int_eq(dp_model_plan(ctx, m, 4000, 6000, &large), DP_OK);
    ck_assert_uint_le(small + m->store.bytes, 550u << 20);
    ck_assert_uint_le(large + m->store.bytes, 650u << 20);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

static const struct {
    const char *change, *said;
} bad_configs[] = {
    {"\"decode_head\": {\"num_classes\": 256}", "found 256, expected at most the 255"},
    {"\"decode_head\": {\"num_classes\": 149}", "found 149, expected the 150 classes"},
    {"\"decode_head\": {\"type\": \"fcn\"}",
     "decode_head.type: unknown decode head \"fcn\""},
    {"\"decode_head\": {\"pool_scales\": []}", "decode_head.pool_scales"},
    {"\"test\": {\"stride\": [513, 341]}",
     "found 513, expected at most crop_size's 512"},
    {"\"test\": {\"crop_size\": [31, 512]}", "test.crop_size"},
    {"\"test\": {\"mode\": \"slid\"}", "test.mode"},
    {"\"test\": {\"ratios\": [0]}", "test.ratios"},
};

START_TEST(configs_that_do_not_fit_are_refused)
{
    dp_context *ctx;
    dp_model *m;
    char text[1024];
    snprintf(text, sizeof text, "{\"base\": \"%s/%s\", %s}", program_root(), configs[1],
             bad_configs[_i].change);
    const char *path = scratch_text("config.json", text);
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    ck_assert_int_eq(
        dp_model_load(ctx, &m, path, NULL, &(dp_load_options){.random = 1}),
        DP_ECONFIG);
    ck_assert_msg(strstr(dp_context_error(ctx), bad_configs[_i].said) != NULL, "%s",
                  dp_context_error(ctx));
    ck_assert_ptr_null(m);
    dp_context_free(ctx);
}
END_TEST

START_TEST(a_detector_is_no_segmentor)
{
    dp_context *ctx;
    dp_model *m;
    dp_label_map map = {0};
    dp_pixels p = make_image(4, 4);
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 1}), DP_OK);
    ck_assert_int_eq(dp_model_load(ctx, &m, "configs/golden/mask_rcnn_a.json", NULL,
                                   &(dp_load_options){.random = 1}),
                     DP_OK);
    ck_assert_int_eq(dp_segmentor_run(ctx, m, &p, &map), DP_EARG);
    dp_pixels_done(&p);
    dp_model_free(m);
    dp_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model/segmentor");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, threads_change_no_label, 0, MODES);
    tcase_add_loop_test(t, images_of_any_size_get_labels, 0,
                        MODES * (int)(sizeof sizes / sizeof sizes[0]));
    tcase_add_loop_test(
        t, a_narrow_image_is_padded_only_for_a_backbone_that_cannot_take_it, 0,
        sizeof narrow / sizeof narrow[0]);
    tcase_add_loop_test(t, a_context_serves_sizes_in_any_order, 0, MODES);
    tcase_add_loop_test(t, probabilities_belong_to_the_labels, 0, MODES);
    tcase_add_test(t, memory_is_planned_and_bounded);
    tcase_add_loop_test(t, configs_that_do_not_fit_are_refused, 0,
                        sizeof bad_configs / sizeof bad_configs[0]);
    tcase_add_test(t, a_detector_is_no_segmentor);
    suite_add_tcase(s, t);
    return suite_run(s);
}
