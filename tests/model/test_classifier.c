/* What a classifier makes of its logits and of an image's size, and what is refused. */
#include "api/image.h"
#include "core/dataset.h"
#include "io/image/exif.h"
#include "io/image/pillow_resize.h"
#include "model/classifier.h"
#include "model/detector.h"
#include "tests/support/forward.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/tiny_classifier.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float logits[TINY_CLASSES] = {0.5f, 2, -1, 2, 7, 0.25f};

typedef struct session {
    dp_context *ctx;
    dp_model *m;
} session;

static session open_session(const float *values, const char *resize,
                            const dp_load_options *options)
{
    session s = {0};
    tiny_classifier_write(values, resize);
    ck_assert_int_eq(dp_context_new(&s.ctx, &(dp_options){.threads = 2}), DP_OK);
    ck_assert_msg(dp_model_load(s.ctx, &s.m, scratch_path("tiny/config.json"),
                                scratch_path("tiny/model.safetensors"),
                                options) == DP_OK,
                  "%s", dp_context_error(s.ctx));
    return s;
}

static void close_session(session *s)
{
    dp_model_free(s->m);
    dp_context_free(s->ctx);
}

static dp_pixels make_image(int h, int w)
{
    dp_error err = {0};
    dp_pixels p;
    uint64_t seed = 4;
    ck_assert_int_eq(dp_pixels_init(&err, &p, h, w), DP_OK);
    for (int i = 0; i < h * w * 3; i++)
        p.data[i] = (uint8_t)random_int(&seed, 256);
    return p;
}

static int classify(session *s, int h, int w, dp_class_score *out, int room)
{
    dp_pixels p = make_image(h, w);
    int count;
    ck_assert_msg(dp_classifier_run(s->ctx, s->m, &p, out, room, &count) == DP_OK, "%s",
                  dp_context_error(s->ctx));
    dp_pixels_done(&p);
    return count;
}

/* ---- the best classes -------------------------------------------------------------- */

START_TEST(the_best_come_first_and_the_lower_label_of_equals)
{
    static const int want[] = {4, 1, 3, 0, 5, 2};
    session s = open_session(logits, "crop",
                             &(dp_load_options){.changes = "{\"test\":{\"top_k\":9}}"});
    dp_class_score best[9];
    ck_assert_int_eq(classify(&s, 50, 40, best, 9), TINY_CLASSES);
    double sum = 0;
    for (int i = 0; i < TINY_CLASSES; i++)
        sum += exp((double)logits[i]);
    for (int i = 0; i < TINY_CLASSES; i++) {
        const double p = exp((double)logits[want[i]]) / sum;
        ck_assert_int_eq(best[i].label, want[i]);
        ck_assert(fabs((double)best[i].score - p) < 1e-6);
    }
    ck_assert_str_eq(dp_model_class_name(s.m, best[0].label), "class e");
    close_session(&s);
}
END_TEST

START_TEST(as_many_are_reported_as_config_and_room_allow)
{
    session s = open_session(logits, "crop", NULL);
    dp_class_score best[6] = {{0}};
    best[2].label = -7;
    ck_assert_int_eq(classify(&s, 33, 40, best, 6), 3);
    ck_assert_int_eq(best[2].label, 3);
    best[2].label = -7;
    ck_assert_int_eq(classify(&s, 33, 40, best, 2), 2);
    ck_assert_int_eq(best[2].label, -7);
    close_session(&s);
}
END_TEST

/* Probabilities that are 1 and 0 keep the order of their logits. */
START_TEST(logits_decide_where_probabilities_are_equal)
{
    static const float far[TINY_CLASSES] = {0, -900, 2000, 100, -800, 900};
    static const int want[] = {2, 5, 3, 0, 4, 1};
    session s = open_session(far, "warp",
                             &(dp_load_options){.changes = "{\"test\":{\"top_k\":6}}"});
    dp_class_score best[6];
    ck_assert_int_eq(classify(&s, 5, 5, best, 6), 6);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(best[i].label, want[i]);
    close_session(&s);
}
END_TEST

START_TEST(weights_that_are_no_numbers_give_no_class)
{
    const float bad = _i ? INFINITY : NAN;
    const float broken[TINY_CLASSES] = {1, bad, 2};
    session s = open_session(broken, "crop", NULL);
    dp_class_score best[3];
    ck_assert_int_eq(classify(&s, 20, 20, best, 3), 0);
    close_session(&s);
}
END_TEST

/* ---- the image ------------------------------------------------------------------- */

static const struct {
    int h, w;
    const char *resize;
    dp_size whole; /* the image resized      */
    int y, x;      /* of the part that is taken */
} frames[] = {
    {32, 32, "crop", {36, 36}, 2, 2},
    {50, 37, "crop", {48, 36}, 8, 2},
    {36, 38, "crop", {36, 38}, 2, 3},
    {36, 37, "crop", {36, 37}, 2, 2},
    {36, 39, "crop", {36, 39}, 2, 4},
    {39, 36, "crop", {39, 36}, 4, 2},
    {1, 60000, "crop", {36, 2160000}, 2, 1079984},
    {50, 37, "warp", {32, 32}, 0, 0},
    {32, 32, "warp", {32, 32}, 0, 0},
    {1, 1, "warp", {32, 32}, 0, 0},
};
enum { FRAMES = sizeof frames / sizeof frames[0] };

typedef struct seen {
    float *values; /* of the network's input, owned */
    size_t size;
} seen;

static void keep_input(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    (void)r;
    seen *s = arg;
    if (strcmp(name, "input") != 0)
        return;
    ck_assert(map.H == 32 && map.W == 32 && map.C == 3);
    s->size = dp_tensor_size(map) * sizeof(float);
    s->values = malloc(s->size);
    memcpy(s->values, map.data, s->size);
}

typedef struct resizing {
    int frame;
    const dp_pixels *pixels;
    uint8_t *out;
} resizing;

static void resize(dp_run *r, void *arg)
{
    resizing *t = arg;
    t->out = dp_run_take(r, 32 * 32, 3);
    dp_pillow_resize_run(
        r, t->out, (dp_pixel_rect){frames[t->frame].y, frames[t->frame].x, 32, 32},
        frames[t->frame].whole, t->pixels->data, (dp_size){t->pixels->h, t->pixels->w},
        DP_PILLOW_BICUBIC);
}

START_TEST(the_input_is_the_middle_or_the_warped_whole)
{
    static const float mean[] = {0.485f, 0.456f, 0.406f},
                       std[] = {0.229f, 0.224f, 0.225f};
    session s = open_session(logits, frames[_i].resize, NULL);
    dp_pixels p = make_image(frames[_i].h, frames[_i].w);
    seen input = {0};
    s.ctx->trace = keep_input;
    s.ctx->trace_arg = &input;
    dp_class_score best[1];
    int count;
    ck_assert_int_eq(dp_classifier_run(s.ctx, s.m, &p, best, 1, &count), DP_OK);
    ck_assert_ptr_nonnull(input.values);

    forward f;
    resizing t = {_i, &p, NULL};
    forward_init(&f, 1, ~0u);
    forward_run(&f, resize, &t);
    for (size_t i = 0; i < 32 * 32 * 3; i++) {
        const size_t c = i % 3;
        const float v = (float)t.out[i - c + 2 - c] / 255.0f;
        ck_assert(input.values[i] == (v - mean[c]) / std[c]);
    }
    free(input.values);
    forward_done(&f);
    dp_pixels_done(&p);
    close_session(&s);
}
END_TEST

START_TEST(a_turned_image_is_seen_as_it_was_stored)
{
    session s = open_session(logits, "warp", NULL);
    dp_pixels p = make_image(40, 24);
    seen stored = {0}, turned = {0};
    dp_class_score best[1];
    int count;
    s.ctx->trace = keep_input;
    s.ctx->trace_arg = &stored;
    ck_assert_int_eq(dp_classifier_run(s.ctx, s.m, &p, best, 1, &count), DP_OK);
    ck_assert_int_eq(dp_exif_turn(&s.ctx->err, &p, _i), DP_OK);
    s.ctx->trace_arg = &turned;
    ck_assert_int_eq(dp_classifier_run(s.ctx, s.m, &p, best, 1, &count), DP_OK);
    ck_assert_mem_eq(stored.values, turned.values, stored.size);
    ck_assert_int_eq(p.turned, _i > 1 ? _i : 0);
    free(stored.values);
    free(turned.values);
    dp_pixels_done(&p);
    close_session(&s);
}
END_TEST

/* `features` traces, `classify` runs: both see what is stored, or what Pillow makes of it. */
START_TEST(features_are_of_the_image_that_is_classified)
{
    session s = open_session(logits, "warp", NULL);
    dp_image image = {make_image(40, 24)};
    dp_error err = {0};
    seen input = {0};
    dp_class_score best[1];
    int count;
    dp_feature_maps *maps;
    if (_i > 8) {
        ck_assert_int_eq(dp_pixels_add_pillow(&err, &image.pixels), DP_OK);
        memset(image.pixels.pillow, 77, 40 * 24 * 3);
    }
    ck_assert_int_eq(dp_exif_turn(&err, &image.pixels, _i % 9), DP_OK);
    s.ctx->trace = keep_input;
    s.ctx->trace_arg = &input;
    ck_assert_int_eq(dp_classify(s.ctx, s.m, &image, best, 1, &count), DP_OK);
    ck_assert_int_eq(dp_feature_maps_new(s.ctx, &maps), DP_OK);
    ck_assert_int_eq(
        dp_extract(s.ctx, s.m, &image, &(dp_feature_options){.input = 1}, maps), DP_OK);
    const dp_feature_map map = dp_feature_maps_get(maps, 0);
    ck_assert_str_eq(map.name, "input");
    for (int i = 0; i < 32 * 32; i++)
        for (int c = 0; c < 3; c++)
            ck_assert(map.data[c * 32 * 32 + i] == input.values[3 * i + c]);
    if (_i > 8)
        ck_assert(input.values[0] == input.values[3 * 1023]); /* all of one grey */
    dp_feature_maps_free(maps);
    free(input.values);
    dp_pixels_done(&image.pixels);
    close_session(&s);
}
END_TEST

/* ---- what is refused --------------------------------------------------------------- */

static const struct {
    const char *config, *changes, *sentence;
} wrong[] = {
    {NULL, "{\"input\":{\"scale\":[32,64]}}",
     "input.scale: found 32 and 64, expected equal sides with crop and warp"},
    {NULL, "{\"input\":{\"resize\":\"squash\"}}", "expected one of fit|crop|warp"},
    {NULL, "{\"cls_head\":{\"type\":\"rpn\"}}",
     "cls_head.type: unknown class head \"rpn\""},
    {NULL, "{\"cls_head\":{\"type\":\"pooled_lineer\"}}",
     "cls_head.type: unknown class head \"pooled_lineer\", did you mean "
     "\"pooled_linear\"?"},
    {NULL, "{\"type\":\"clasifier\"}",
     "type: unknown model \"clasifier\", did you mean \"classifier\"?"},
    {NULL, "{\"cls_head\":{\"num_classes\":7}}",
     "num_classes: found 7, expected the 6 classes of data set tiny"},
    {"configs/golden/mask_rcnn_b.json",
     "{\"input\":{\"resize\":\"warp\",\"scale\":[64,64]}}", "input.resize: found"},
};

START_TEST(configs_that_do_not_fit_are_refused)
{
    dp_context *ctx;
    dp_model *m;
    tiny_classifier_write(logits, "crop");
    ck_assert_int_eq(dp_context_new(&ctx, NULL), DP_OK);
    const char *config =
        wrong[_i].config ? wrong[_i].config : scratch_path("tiny/config.json");
    ck_assert_int_eq(
        dp_model_load(ctx, &m, config, NULL,
                      &(dp_load_options){.random = 1, .changes = wrong[_i].changes}),
        DP_ECONFIG);
    ck_assert_msg(strstr(dp_context_error(ctx), wrong[_i].sentence), "%s",
                  dp_context_error(ctx));
    ck_assert_ptr_null(m);
    dp_context_free(ctx);
}
END_TEST

START_TEST(a_task_that_the_model_has_not_is_refused)
{
    session s = open_session(logits, "crop", NULL);
    dp_pixels p = make_image(20, 20);
    dp_detections found = {0};
    ck_assert_int_eq(dp_detector_run(s.ctx, s.m, &p, &found), DP_EARG);
    dp_model *detector;
    dp_class_score best[1];
    int count = 3;
    ck_assert_int_eq(dp_model_load(s.ctx, &detector, "configs/golden/mask_rcnn_b.json",
                                   NULL, &(dp_load_options){.random = 1}),
                     DP_OK);
    ck_assert_int_eq(dp_classifier_run(s.ctx, detector, &p, best, 1, &count), DP_EARG);
    ck_assert_int_eq(count, 0);
    dp_model_free(detector);
    dp_detections_done(&found);
    dp_pixels_done(&p);
    close_session(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classifier");
    TCase *tc = tcase_create("classifier");
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_best_come_first_and_the_lower_label_of_equals);
    tcase_add_test(tc, as_many_are_reported_as_config_and_room_allow);
    tcase_add_test(tc, logits_decide_where_probabilities_are_equal);
    tcase_add_loop_test(tc, weights_that_are_no_numbers_give_no_class, 0, 2);
    tcase_add_loop_test(tc, the_input_is_the_middle_or_the_warped_whole, 0, FRAMES);
    tcase_add_loop_test(tc, a_turned_image_is_seen_as_it_was_stored, 0, 9);
    tcase_add_loop_test(tc, features_are_of_the_image_that_is_classified, 1, 16);
    tcase_add_loop_test(tc, configs_that_do_not_fit_are_refused, 0,
                        (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_test(tc, a_task_that_the_model_has_not_is_refused);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
