/* The whole training transform: upstream's bits, streams, dry runs, small inputs. */
#include "io/image/flip.h"
#include "tests/support/forward.h"
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/stored_draws.h"
#include "tests/support/stored_images.h"
#include "tests/support/suite.h"
#include "train/image_transform.h"
#include "train/purpose.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    const dp_image_transform *transform;
    const dp_pixels *image;
    dp_random *random;
    dp_tensor out;
};

static void run_as(forward *f, struct input *in, bool dry)
{
    f->run.dry = dry;
    in->out = dp_image_transform_run(&f->run, in->transform, in->random, in->image);
}

/* Dry, then real on that memory. The result stays until the next run. */
static dp_tensor run(forward *f, struct input *in)
{
    dp_arena_dry(&f->arena);
    run_as(f, in, true);
    ck_assert_msg(f->run.status == DP_OK, "%s", f->err.text);
    ck_assert_int_eq(dp_arena_reserve(&f->err, &f->arena, f->arena.peak), DP_OK);
    run_as(f, in, false);
    return in->out;
}

enum { SIDE = 32, BYTES = SIDE * SIDE * 3 };

/* The recipe as the stored samples have it: resized in spite of the small side, and
 * erased more often. */
static dp_image_transform stored_transform(void)
{
    dp_image_transform t;
    dp_image_transform_build(&t, SIDE);
    t.resizes = true;
    t.erasing.probability = 0.6;
    return t;
}

static void crop_only(dp_run *r, void *arg)
{
    struct input *in = arg;
    const dp_size size = {in->image->h, in->image->w};
    uint8_t *out = dp_run_take(r, BYTES, 1);
    dp_pixel_rect box = {0, 0, size.h, size.w};
    if (!r->dry)
        box = dp_random_crop_draw(in->random, &dp_random_crop_recipe, size);
    dp_crop_resize_run(r, out, (dp_size){SIDE, SIDE}, in->image->data, size, box,
                       DP_PILLOW_BICUBIC);
    in->out.data = (float *)(void *)out;
}

/* Crop, flip and RandAugment one by one, against the two stages that are stored. */
static void check_stages(forward *f, struct input *in, const double *want,
                         const char *what)
{
    const dp_size size = {SIDE, SIDE};
    uint8_t image[BYTES], spare[BYTES];
    dp_arena_dry(&f->arena);
    f->run.dry = true;
    crop_only(&f->run, in);
    ck_assert_int_eq(dp_arena_reserve(&f->err, &f->arena, f->arena.peak), DP_OK);
    f->run.dry = false;
    crop_only(&f->run, in);
    memcpy(image, in->out.data, BYTES);
    stored_image_expect(image, want, size, what);
    if (dp_random_unit_f32(in->random) < 0.5f)
        dp_flip_run(image, size);
    dp_rand_augment_run(in->random, &dp_rand_augment_recipe, image, spare, size);
    stored_image_expect(image, want + BYTES, size, what);
}

static void check_result(dp_tensor out, const double *want, const char *what)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < SIDE * SIDE; i++, want++)
            ck_assert_msg(out.data[i * 3 + c] == (float)*want,
                          "%s: channel %d, pixel %d is %.9g, not %.9g", what, c, i,
                          (double)out.data[i * 3 + c], *want);
}

START_TEST(samples_have_the_bits_of_timm)
{
    cJSON *file = json_load(shared_path("golden_train_cls/pipeline/cases.json"));
    const npy stages = npy_load(shared_path("golden_train_cls/pipeline/stages_u8.npy"));
    const npy results =
        npy_load(shared_path("golden_train_cls/pipeline/result_f32.npy"));
    const npy noise = npy_load(shared_path("golden_train_cls/pipeline/noise.npy"));
    const double *next = noise.values;
    const dp_image_transform transform = stored_transform();
    forward f;
    forward_init(&f, 1, ~0u);
    const cJSON *sample;
    int n = 0;
    cJSON_ArrayForEach(sample, json_get(file, "samples"))
    {
        char what[40];
        dp_size size;
        uint8_t *bytes =
            stored_image_load(shared_path("golden_train_cls/pipeline/image%d.npy",
                                          (int)json_number(sample, "image")),
                              &size);
        const dp_pixels image = {.data = bytes, .h = size.h, .w = size.w};
        stored_draws s;
        struct input in = {&transform, &image, &s.random, {0}};
        snprintf(what, sizeof what, "sample %d", n);
        const double *again = next;
        stored_draws_init(&s, json_get(sample, "draws"), &again, false);
        check_stages(&f, &in, stages.values + (size_t)n * 2 * BYTES, what);
        free(s.draws);
        stored_draws_init(&s, json_get(sample, "draws"), &next, false);
        check_result(run(&f, &in), results.values + (size_t)n * BYTES, what);
        stored_draws_done(&s, what);
        free(bytes);
        n++;
    }
    ck_assert_int_eq(n, 10);
    ck_assert(next == noise.values + noise.count);
    forward_done(&f);
    free(stages.values);
    free(results.values);
    free(noise.values);
    cJSON_Delete(file);
}
END_TEST

static dp_pixels make_image(int h, int w)
{
    dp_error err = {0};
    dp_pixels p;
    ck_assert_int_eq(dp_pixels_init(&err, &p, h, w), DP_OK);
    for (int i = 0; i < h * w * 3; i++)
        p.data[i] = (uint8_t)(i * 7 + i / 50 * 13);
    return p;
}

static const dp_size sizes[] = {{1, 1}, {7, 300}, {60, 40}, {200, 150}};

/* Many draws on the memory of one dry run; each again with another number of threads. */
START_TEST(any_draw_fits_and_follows_from_its_name)
{
    dp_image_transform t;
    dp_image_transform_build(&t, 40);
    t.any_filter = t.augment.any_filter = true;
    dp_pixels image = make_image(sizes[_i].h, sizes[_i].w);
    forward f[2];
    for (int k = 0; k < 2; k++)
        forward_init(&f[k], 1 + k, ~0u);
    for (uint32_t i = 0; i < 200; i++) {
        dp_tensor out[2];
        t.augments = i % 4 != 0;
        for (int k = 0; k < 2; k++) {
            dp_random random;
            struct input in = {&t, &image, &random, {0}};
            dp_random_init(&random, 9, 1, i, DP_PURPOSE_IMAGE);
            out[k] = run(&f[k], &in);
        }
        ck_assert(out[0].N == 1 && out[0].H == 40 && out[0].W == 40 && out[0].C == 3);
        ck_assert_mem_eq(out[0].data, out[1].data, sizeof(float) * 40 * 40 * 3);
    }
    for (int k = 0; k < 2; k++)
        forward_done(&f[k]);
    dp_pixels_done(&image);
}
END_TEST

/* Nothing but the crop: a border of 4 is reached, and its mean colour is that of black. */
START_TEST(small_inputs_are_cut_from_a_border)
{
    dp_image_transform t;
    dp_image_transform_build(&t, SIDE);
    ck_assert(!t.resizes && t.padding == 4);
    t.flip = 0;
    t.augments = false;
    t.jitter = (dp_color_jitter){0};
    t.erasing.probability = 0;
    dp_pixels image = make_image(SIDE, SIDE);
    const dp_draw draws[] = {{DP_DRAW_INTEGER, {0, 8}, 3},
                             {DP_DRAW_INTEGER, {0, 8}, 6},
                             {DP_DRAW_UNIT_F32, {0, 0}, 0},
                             {DP_DRAW_INTEGER, {0, 2}, 0},
                             {DP_DRAW_INTEGER, {0, 1}, 0}};
    dp_replay replay = {.draws = draws, .count = 5};
    dp_random random;
    dp_random_init_replay(&random, &replay);
    struct input in = {&t, &image, &random, {0}};
    forward f;
    forward_init(&f, 1, ~0u);
    const dp_tensor out = run(&f, &in);
    ck_assert(!replay.failed && replay.next == replay.count);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                const int v = y - 1, u = x + 2; /* 3 - 4, 6 - 4 */
                const bool inside = v >= 0 && u < SIDE;
                const int byte = inside ? image.data[(v * SIDE + u) * 3 + 2 - c] : 0;
                ck_assert(out.data[(y * SIDE + x) * 3 + c] ==
                          t.normalize.value[c][byte]);
            }
    forward_done(&f);
    dp_pixels_done(&image);
}
END_TEST

static void run_dry(dp_run *r, void *arg)
{
    struct input *in = arg;
    in->out = dp_image_transform_run(r, in->transform, in->random, in->image);
}

START_TEST(images_that_are_too_small_are_refused)
{
    dp_image_transform t;
    dp_image_transform_build(&t, _i ? SIDE : 64);
    const dp_pixels image = {.h = _i ? SIDE - 9 : 0, .w = 50};
    struct input in = {&t, &image, NULL, {0}};
    forward f;
    forward_init(&f, 1, ~0u);
    forward_expect_shape_error(&f, run_dry, &in);
    forward_done(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/image_transform");
    TCase *tc = tcase_create("transform");
    tcase_set_timeout(tc, 60);
    if (shared_has("golden_train_cls/pipeline"))
        tcase_add_test(tc, samples_have_the_bits_of_timm);
    tcase_add_loop_test(tc, any_draw_fits_and_follows_from_its_name, 0,
                        (int)(sizeof sizes / sizeof sizes[0]));
    tcase_add_test(tc, small_inputs_are_cut_from_a_border);
    tcase_add_loop_test(tc, images_that_are_too_small_are_refused, 0, 2);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
