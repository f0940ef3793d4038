/* RandAugment: each operation against Pillow's bytes, the order of draws, what the
 * operations mean. */
#include "io/image/byte_table.h"
#include "io/image/enhance.h"
#include "io/image/rand_augment.h"
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/stored_images.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dp_augment_op find_op(const char *name)
{
    for (int op = 0; op < DP_AUGMENT_OPS; op++)
        if (strcmp(dp_augment_name((dp_augment_op)op), name) == 0)
            return (dp_augment_op)op;
    ck_abort_msg("unknown operation %s", name);
}

static double argument_of(const cJSON *c, dp_augment_op op)
{
    const cJSON *magnitude = json_get(c, "magnitude"), *sign = json_get(c, "sign_draw");
    const cJSON *want = json_get(c, "argument");
    if (!cJSON_IsNumber(magnitude))
        return 0;
    const bool negative = cJSON_IsNumber(sign) && sign->valuedouble > 0.5;
    const double got = dp_augment_argument(op, magnitude->valuedouble, negative);
    ck_assert_int_eq(cJSON_IsNumber(sign), dp_augment_has_sign(op));
    ck_assert_msg(got >= want->valuedouble && got <= want->valuedouble,
                  "%s: argument %.17g, not %.17g", dp_augment_name(op), got,
                  want->valuedouble);
    return got;
}

START_TEST(operations_give_pillows_bytes)
{
    cJSON *file = json_load(shared_path("golden_train_cls/randaugment/cases.json"));
    const npy outputs =
        npy_load(shared_path("golden_train_cls/randaugment/outputs.npy"));
    uint8_t *image[3];
    dp_size size[3];
    for (int i = 0; i < 3; i++)
        image[i] = stored_image_load(
            shared_path("golden_train_cls/randaugment/image%d.npy", i), &size[i]);
    int cases = 0;
    const cJSON *c;
    cJSON_ArrayForEach(c, json_get(file, "cases"))
    {
        const dp_augment_op op = find_op(json_text(c, "op"));
        const int i = (int)json_number(c, "image");
        const cJSON *filter = json_get(c, "interpolation");
        const bool bicubic =
            cJSON_IsString(filter) && strcmp(filter->valuestring, "bicubic") == 0;
        ck_assert_int_eq(cJSON_IsString(filter), dp_augment_is_geometric(op));
        uint8_t *out = malloc((size_t)size[i].h * (size_t)size[i].w * 3);
        char what[80];
        snprintf(what, sizeof what, "case %d (%s)", cases++, dp_augment_name(op));
        dp_augment_run(op, out, image[i], size[i], argument_of(c, op),
                       bicubic ? DP_AFFINE_BICUBIC : DP_AFFINE_BILINEAR,
                       dp_rand_augment_recipe.fill);
        stored_image_expect(out, outputs.values + (size_t)json_number(c, "offset"),
                            size[i], what);
        free(out);
    }
    ck_assert_int_eq(cases, 424);
    for (int i = 0; i < 3; i++)
        free(image[i]);
    free(outputs.values);
    cJSON_Delete(file);
}
END_TEST

enum { H = 9, W = 7, BYTES = H * W * 3 };
static const dp_size size = {H, W};

static void fill_image(uint8_t image[BYTES])
{
    for (int i = 0; i < BYTES; i++)
        image[i] = (uint8_t)(i * i * 7 + i * 13);
}

START_TEST(operations_without_effect_leave_the_bytes)
{
    static const struct {
        dp_augment_op op;
        double argument;
    } neutral[] = {
        {DP_AUGMENT_ROTATE, 0},      {DP_AUGMENT_POSTERIZE, 8},
        {DP_AUGMENT_SOLARIZE, 256},  {DP_AUGMENT_SOLARIZE_ADD, 0},
        {DP_AUGMENT_COLOR, 1},       {DP_AUGMENT_CONTRAST, 1},
        {DP_AUGMENT_BRIGHTNESS, 1},  {DP_AUGMENT_SHARPNESS, 1},
        {DP_AUGMENT_SHEAR_X, 0},     {DP_AUGMENT_SHEAR_Y, 0},
        {DP_AUGMENT_TRANSLATE_X, 0}, {DP_AUGMENT_TRANSLATE_Y, 0},
        {DP_AUGMENT_ROTATE, 360},
    };
    uint8_t in[BYTES], out[BYTES];
    fill_image(in);
    for (size_t i = 0; i < 2 * sizeof neutral / sizeof neutral[0]; i++) {
        dp_augment_run(neutral[i / 2].op, out, in, size, neutral[i / 2].argument,
                       i % 2 ? DP_AFFINE_BICUBIC : DP_AFFINE_BILINEAR,
                       dp_rand_augment_recipe.fill);
        ck_assert_mem_eq(out, in, BYTES);
    }
}
END_TEST

/* What Pillow 9's rotate computes in Python. */
static const struct {
    dp_size size;
    double degrees;
    dp_affine want;
} rotations[] = {
    {{28, 40},
     -27,
     {{0.891006524188368, 0.453990499739547, -4.175997480121019, -0.453990499739547,
       0.891006524188368, 10.605718656153789}}},
    {{28, 40},
     -0.16,
     {{0.999996100899561, 0.002792523173743, -0.03901734242362309, -0.002792523173743,
       0.999996100899561, 0.05590505088100528}}},
    {{17, 23},
     29.123456789,
     {{0.873573044986568, -0.486693060432236, 5.5908009963284755, 0.486693060432236,
       0.873573044986568, -4.522341077356542}}},
};
enum { ROTATIONS = sizeof rotations / sizeof rotations[0] };

START_TEST(rotations_are_pillows)
{
    const dp_affine got = dp_affine_rotation(rotations[_i].size, rotations[_i].degrees);
    for (int k = 0; k < 6; k++)
        ck_assert_msg(got.m[k] == rotations[_i].want.m[k], "%d: %.17g, not %.17g", k,
                      got.m[k], rotations[_i].want.m[k]);
}
END_TEST

/* Luma of pure blue, green and red, at their places in a pixel. */
START_TEST(the_first_channel_is_blue)
{
    const uint8_t in[9] = {255, 0, 0, 0, 255, 0, 0, 0, 255};
    const uint8_t want[9] = {29, 29, 29, 150, 150, 150, 76, 76, 76};
    uint8_t out[9];
    dp_enhance_run(out, in, (dp_size){1, 3}, DP_ENHANCE_COLOR, 0);
    ck_assert_mem_eq(out, want, sizeof want);
    dp_augment_run(DP_AUGMENT_TRANSLATE_X, out, in, (dp_size){1, 3}, 1.0 / 3,
                   DP_AFFINE_BILINEAR, dp_rand_augment_recipe.fill);
    const uint8_t moved[9] = {0, 255, 0, 0, 0, 255, 104, 116, 124};
    ck_assert_mem_eq(out, moved, sizeof moved);
}
END_TEST

/* A policy of one layer, and the draws it must ask for. */
static const struct {
    double probability, deviation;
    bool any_filter;
    size_t count;
    dp_draw draws[6];
    dp_augment_op op;
    double argument;
    dp_affine_filter filter;
} policies[] = {
    {0.5,
     0.5,
     false,
     4,
     {{DP_DRAW_INTEGER, {0, 14}, 3},
      {DP_DRAW_UNIT, {0, 0}, 0.5},
      {DP_DRAW_NORMAL, {9, 0.5}, 11},
      {DP_DRAW_UNIT, {0, 0}, 0.75}},
     DP_AUGMENT_ROTATE,
     -30,
     DP_AFFINE_BICUBIC},
    {1,
     0,
     true,
     3,
     {{DP_DRAW_INTEGER, {0, 14}, 11},
      {DP_DRAW_UNIT, {0, 0}, 0.5},
      {DP_DRAW_INTEGER, {0, 1}, 0}},
     DP_AUGMENT_SHEAR_X,
     0.9 * 0.3,
     DP_AFFINE_BILINEAR},
    {0.5,
     0.5,
     true,
     3,
     {{DP_DRAW_INTEGER, {0, 14}, 2},
      {DP_DRAW_UNIT, {0, 0}, 0.125},
      {DP_DRAW_NORMAL, {9, 0.5}, 9}},
     DP_AUGMENT_INVERT,
     0,
     DP_AFFINE_BICUBIC},
    {0.5,
     0.5,
     false,
     2,
     {{DP_DRAW_INTEGER, {0, 14}, 2}, {DP_DRAW_UNIT, {0, 0}, 0.5000001}},
     DP_AUGMENT_OPS,
     0,
     DP_AFFINE_BICUBIC},
};

START_TEST(draws_are_asked_for_in_order)
{
    dp_rand_augment a = dp_rand_augment_recipe;
    a.layers = 1;
    a.probability = policies[_i].probability;
    a.deviation = policies[_i].deviation;
    a.any_filter = policies[_i].any_filter;
    uint8_t got[BYTES], want[BYTES], in[BYTES], spare[BYTES];
    fill_image(in);
    fill_image(got);
    fill_image(want);
    dp_replay replay = {.draws = policies[_i].draws, .count = policies[_i].count};
    dp_random r;
    dp_random_init_replay(&r, &replay);
    dp_rand_augment_run(&r, &a, got, spare, size);
    ck_assert(!replay.failed && replay.next == replay.count);
    if (policies[_i].op < DP_AUGMENT_OPS)
        dp_augment_run(policies[_i].op, want, in, size, policies[_i].argument,
                       policies[_i].filter, a.fill);
    ck_assert_mem_eq(got, want, BYTES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io/rand_augment");
    TCase *tc = tcase_create("operations");
    if (shared_has("golden_train_cls/randaugment"))
        tcase_add_test(tc, operations_give_pillows_bytes);
    tcase_add_test(tc, operations_without_effect_leave_the_bytes);
    tcase_add_loop_test(tc, rotations_are_pillows, 0, ROTATIONS);
    tcase_add_test(tc, the_first_channel_is_blue);
    tcase_add_loop_test(tc, draws_are_asked_for_in_order, 0,
                        (int)(sizeof policies / sizeof policies[0]));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
