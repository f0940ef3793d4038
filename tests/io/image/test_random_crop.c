/* Random crops: boxes and bytes of timm and Pillow, borders, flips, jitter. */
#include "io/image/color_jitter.h"
#include "io/image/enhance.h"
#include "io/image/flip.h"
#include "io/image/random_crop.h"
#include "tests/support/forward.h"
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/stored_draws.h"
#include "tests/support/stored_images.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(boxes_are_timms)
{
    cJSON *file = json_load(shared_path("golden_train_cls/crop/cases.json"));
    int cases = 0, fallbacks = 0;
    const cJSON *c;
    cJSON_ArrayForEach(c, json_get(file, "box_draws"))
    {
        const dp_size image = {(int)json_number(c, "height"),
                               (int)json_number(c, "width")};
        stored_draws s;
        const double *no_noise = NULL;
        char what[40];
        snprintf(what, sizeof what, "box %d", cases++);
        stored_draws_init(&s, json_get(c, "draws"), &no_noise, false);
        fallbacks += s.replay.count == 20;
        const dp_pixel_rect box =
            dp_random_crop_draw(&s.random, &dp_random_crop_recipe, image);
        stored_draws_done(&s, what);
        ck_assert_int_eq(box.y, (int)json_number(c, "top"));
        ck_assert_int_eq(box.x, (int)json_number(c, "left"));
        ck_assert_int_eq(box.h, (int)json_number(c, "h"));
        ck_assert_int_eq(box.w, (int)json_number(c, "w"));
    }
    ck_assert_int_eq(cases, 42);
    ck_assert_int_eq(fallbacks, 18);
    cJSON_Delete(file);
}
END_TEST

struct crop {
    const uint8_t *image;
    dp_size in, size;
    dp_pixel_rect box;
    dp_pillow_filter filter;
    uint8_t *out;
};

static void crop_and_resize(dp_run *r, void *arg)
{
    struct crop *c = arg;
    c->out = dp_run_take(r, (size_t)c->size.h * (size_t)c->size.w, 3);
    dp_crop_resize_run(r, c->out, c->size, c->image, c->in, c->box, c->filter);
}

/* Dry for the largest box, then real. */
static void run(forward *f, struct crop *c)
{
    dp_arena_dry(&f->arena);
    f->run.dry = true;
    crop_and_resize(&f->run, c);
    ck_assert_int_eq(f->run.status, DP_OK);
    ck_assert_int_eq(dp_arena_reserve(&f->err, &f->arena, f->arena.peak), DP_OK);
    f->run.dry = false;
    crop_and_resize(&f->run, c);
}

START_TEST(crops_are_pillows_bytes)
{
    cJSON *file = json_load(shared_path("golden_train_cls/crop/cases.json"));
    const npy outputs = npy_load(shared_path("golden_train_cls/crop/outputs.npy"));
    struct crop c = {0};
    uint8_t *image =
        stored_image_load(shared_path("golden_train_cls/crop/image.npy"), &c.in);
    c.image = image;
    forward f;
    forward_init(&f, 2, ~0u);
    int cases = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, json_get(file, "resized"))
    {
        const bool bicubic = strcmp(json_text(one, "interpolation"), "bicubic") == 0;
        c.filter = bicubic ? DP_PILLOW_BICUBIC : DP_PILLOW_BILINEAR;
        const int side = (int)json_number(one, "size");
        c.size = (dp_size){side, side};
        c.box =
            (dp_pixel_rect){(int)json_number(one, "top"), (int)json_number(one, "left"),
                            (int)json_number(one, "h"), (int)json_number(one, "w")};
        char what[40];
        snprintf(what, sizeof what, "crop %d", cases++);
        run(&f, &c);
        stored_image_expect(c.out, outputs.values + (size_t)json_number(one, "offset"),
                            c.size, what);
    }
    ck_assert_int_eq(cases, 20);
    forward_done(&f);
    free(image);
    free(outputs.values);
    cJSON_Delete(file);
}
END_TEST

static const dp_size sizes[] = {{1, 1}, {1, 500}, {500, 1},
                                {3, 2}, {40, 33}, {300, 400}};

START_TEST(any_image_gets_a_box_inside)
{
    const dp_size image = sizes[_i];
    for (uint32_t i = 0; i < 2000; i++) {
        dp_random r;
        dp_random_init(&r, 1, 0, i, 0);
        const dp_pixel_rect box =
            dp_random_crop_draw(&r, &dp_random_crop_recipe, image);
        ck_assert(box.h >= 1 && box.w >= 1 && box.y >= 0 && box.x >= 0);
        ck_assert(box.y + box.h <= image.h && box.x + box.w <= image.w);
    }
}
END_TEST

/* sqrt(0.0625 * 100) = 2.5 becomes 2, and sqrt(0.1225 * 100) = 3.5 becomes 4. */
START_TEST(sides_are_rounded_half_to_even)
{
    const double areas[] = {0.0625, 0.1225};
    for (int i = 0; i < 2; i++) {
        const int side = 2 + 2 * i;
        const dp_draw draws[] = {{DP_DRAW_UNIFORM, {0, 1}, areas[i]},
                                 {DP_DRAW_UNIFORM, {0, 0}, 0},
                                 {DP_DRAW_INTEGER, {0, 10 - side}, 1},
                                 {DP_DRAW_INTEGER, {0, 10 - side}, 3}};
        const dp_random_crop crop = {{0, 1}, {1, 1}};
        dp_replay replay = {.draws = draws, .count = 4};
        dp_random r;
        dp_random_init_replay(&r, &replay);
        const dp_pixel_rect box = dp_random_crop_draw(&r, &crop, (dp_size){10, 10});
        ck_assert(!replay.failed && replay.next == 4);
        ck_assert(box.h == side && box.w == side && box.y == 1 && box.x == 3);
    }
}
END_TEST

START_TEST(a_border_is_black_and_reached_from_all_sides)
{
    enum { SIDE = 4, PAD = 2, BYTES = SIDE * SIDE * 3 };
    const dp_size size = {SIDE, SIDE};
    uint8_t in[BYTES], out[BYTES];
    for (int i = 0; i < BYTES; i++)
        in[i] = (uint8_t)(i + 1);
    bool seen[2 * PAD + 1][2 * PAD + 1] = {{0}};
    dp_random r;
    dp_random_init(&r, 2, 0, 0, 0);
    for (int i = 0; i < 1000; i++) {
        const dp_pixel_rect box = dp_padded_crop_draw(&r, size, size, PAD);
        ck_assert(box.h == SIDE && box.w == SIDE);
        ck_assert(box.y >= -PAD && box.y <= PAD && box.x >= -PAD && box.x <= PAD);
        seen[box.y + PAD][box.x + PAD] = true;
        dp_crop_run(out, in, size, box);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                const int v = box.y + y, u = box.x + x;
                const bool inside = v >= 0 && v < SIDE && u >= 0 && u < SIDE;
                ck_assert_int_eq(out[(y * SIDE + x) * 3 + 1],
                                 inside ? in[(v * SIDE + u) * 3 + 1] : 0);
            }
    }
    for (int i = 0; i < (2 * PAD + 1) * (2 * PAD + 1); i++)
        ck_assert(seen[i / (2 * PAD + 1)][i % (2 * PAD + 1)]);
}
END_TEST

START_TEST(the_top_of_a_padded_crop_is_drawn_first)
{
    const dp_draw draws[] = {{DP_DRAW_INTEGER, {0, 8}, 8},
                             {DP_DRAW_INTEGER, {0, 9}, 1}};
    dp_replay replay = {.draws = draws, .count = 2};
    dp_random r;
    dp_random_init_replay(&r, &replay);
    const dp_size size = {32, 32};
    dp_pixel_rect box = dp_padded_crop_draw(&r, size, (dp_size){32, 33}, 4);
    ck_assert(box.y == 4 && box.x == -3 && !replay.failed && replay.next == 2);
    box = dp_padded_crop_draw(&r, size, size, 0);
    ck_assert(box.y == 0 && box.x == 0 && !replay.failed);
    ck_assert(dp_padded_crop_fits(size, (dp_size){24, 24}, 4));
    ck_assert(!dp_padded_crop_fits(size, (dp_size){23, 40}, 4));
    ck_assert(!dp_padded_crop_fits(size, (dp_size){40, 23}, 4));
}
END_TEST

START_TEST(a_flip_exchanges_columns)
{
    uint8_t odd[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, even[] = {1, 2, 3, 4, 5, 6};
    dp_flip_run(odd, (dp_size){1, 3});
    ck_assert_mem_eq(odd, ((const uint8_t[]){7, 8, 9, 4, 5, 6, 1, 2, 3}), 9);
    dp_flip_run(even, (dp_size){1, 2});
    ck_assert_mem_eq(even, ((const uint8_t[]){4, 5, 6, 1, 2, 3}), 6);
    dp_flip_run(even, (dp_size){2, 1});
    ck_assert_mem_eq(even, ((const uint8_t[]){4, 5, 6, 1, 2, 3}), 6);
}
END_TEST

/* below(3) = 0 and below(2) = 1 turn 0 1 2 into 2 1 0: saturation, contrast, brightness. */
START_TEST(jitter_draws_an_order_then_factors)
{
    const dp_draw draws[] = {{DP_DRAW_INTEGER, {0, 2}, 0},
                             {DP_DRAW_INTEGER, {0, 1}, 1},
                             {DP_DRAW_UNIFORM, {0, 2.5}, 2},
                             {DP_DRAW_UNIFORM, {0.6, 1.4}, 0.75}};
    dp_replay replay = {.draws = draws, .count = 4};
    dp_random r;
    dp_random_init_replay(&r, &replay);
    uint8_t image[] = {10, 20, 30, 90, 70, 50}, spare[6], colored[6], want[6];
    const dp_size size = {1, 2};
    dp_enhance_run(colored, image, size, DP_ENHANCE_COLOR, 2);
    dp_enhance_run(want, colored, size, DP_ENHANCE_BRIGHTNESS, 0.75);
    const dp_color_jitter jitter = {.brightness = 0.4, .saturation = 1.5};
    dp_color_jitter_run(&r, &jitter, image, spare, size);
    ck_assert(!replay.failed && replay.next == 4);
    ck_assert_mem_eq(image, want, sizeof want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io/random_crop");
    TCase *tc = tcase_create("crop");
    if (shared_has("golden_train_cls/crop")) {
        tcase_add_test(tc, boxes_are_timms);
        tcase_add_test(tc, crops_are_pillows_bytes);
    }
    tcase_add_loop_test(tc, any_image_gets_a_box_inside, 0,
                        (int)(sizeof sizes / sizeof sizes[0]));
    tcase_add_test(tc, sides_are_rounded_half_to_even);
    tcase_add_test(tc, a_border_is_black_and_reached_from_all_sides);
    tcase_add_test(tc, the_top_of_a_padded_crop_is_drawn_first);
    tcase_add_test(tc, a_flip_exchanges_columns);
    tcase_add_test(tc, jitter_draws_an_order_then_factors);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
