/* Mixup, CutMix and random erasing: timm's bits from stored draws, and edges. */
#include "tests/support/samples.h"
#include "tests/support/shared.h"
#include "tests/support/stored_draws.h"
#include "tests/support/suite.h"
#include "train/mixup.h"
#include "train/random_erasing.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Channels first, as stored, to channels last: N images of C planes of `pixels`. */
static float *channels_last(const double *in, int N, int C, int pixels)
{
    float *out = malloc(sizeof *out * (size_t)N * (size_t)C * (size_t)pixels);
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int i = 0; i < pixels; i++)
                out[((size_t)n * (size_t)pixels + (size_t)i) * (size_t)C + (size_t)c] =
                    (float)*in++;
    return out;
}

enum { B = 4, H = 15, W = 20, C = 3, PIXELS = H * W, VALUES = B * C * PIXELS };

static dp_mixup read_mixup(const cJSON *c)
{
    const char *mode = json_text(c, "mode");
    dp_mixup m = {.mode = strcmp(mode, "batch") == 0  ? DP_MIXUP_BATCH
                          : strcmp(mode, "elem") == 0 ? DP_MIXUP_ELEM
                                                      : DP_MIXUP_PAIR,
                  .mixup_alpha = json_number(c, "mixup_alpha"),
                  .cutmix_alpha = json_number(c, "cutmix_alpha"),
                  .probability = json_number(c, "prob"),
                  .switch_probability = json_number(c, "switch_prob"),
                  .smoothing = json_number(c, "smoothing")};
    const cJSON *sides = json_get(c, "cutmix_minmax");
    for (int i = 0; i < 2 && cJSON_IsArray(sides); i++)
        m.side[i] = cJSON_GetArrayItem(sides, i)->valuedouble;
    return m;
}

START_TEST(batches_have_the_bits_of_timm)
{
    cJSON *file = json_load(shared_path("golden_train_cls/mixup/cases.json"));
    const npy x = npy_load(shared_path("golden_train_cls/mixup/x.npy"));
    const npy x_out = npy_load(shared_path("golden_train_cls/mixup/x_out.npy"));
    const npy labels = npy_load(shared_path("golden_train_cls/mixup/labels.npy"));
    const npy t_out = npy_load(shared_path("golden_train_cls/mixup/targets_out.npy"));
    const cJSON *c;
    int n = 0, label[B];
    for (int i = 0; i < B; i++)
        label[i] = (int)labels.values[i];
    cJSON_ArrayForEach(c, file)
    {
        const dp_mixup m = read_mixup(c);
        const int K = (int)json_number(c, "classes");
        float *images = channels_last(x.values, B, C, PIXELS);
        float *want = channels_last(x_out.values + (size_t)n * VALUES, B, C, PIXELS);
        float targets[64];
        dp_mix mixes[B];
        stored_draws s;
        const double *no_noise = NULL;
        char what[40];
        snprintf(what, sizeof what, "mixup case %d", n);
        stored_draws_init(&s, json_get(c, "draws"), &no_noise, true);
        dp_mixup_draw(&s.random, &m, mixes, B, H, W);
        stored_draws_done(&s, what);
        dp_mixup_run(NULL, images, mixes, B, H, W, C);
        dp_mixup_targets(targets, label, mixes, B, K, m.smoothing);
        ck_assert_msg(memcmp(images, want, sizeof(float) * VALUES) == 0, "%s", what);
        for (int i = 0; i < B * K; i++)
            ck_assert_msg(targets[i] == (float)t_out.values[n * B * K + i],
                          "%s: target %d is %.9g, not %.9g", what, i,
                          (double)targets[i], t_out.values[n * B * K + i]);
        free(images);
        free(want);
        n++;
    }
    ck_assert_int_eq(n, 12);
    free(x.values);
    free(x_out.values);
    free(labels.values);
    free(t_out.values);
    cJSON_Delete(file);
}
END_TEST

START_TEST(shares_add_up_for_any_draw)
{
    const dp_mixup_mode modes[] = {DP_MIXUP_BATCH, DP_MIXUP_ELEM, DP_MIXUP_PAIR};
    for (uint32_t i = 0; i < 3000; i++) {
        dp_mixup m = dp_mixup_recipe;
        dp_mix mixes[B];
        dp_random r;
        m.mode = modes[i % 3];
        m.side[0] = i % 2 ? 0.2 : 0;
        m.side[1] = i % 2 ? 0.8 : 0;
        dp_random_init(&r, 1, 0, i, 0);
        dp_mixup_draw(&r, &m, mixes, B, H, W);
        for (int b = 0; b < B; b++) {
            const dp_mix *mix = &mixes[b];
            const float sum = mix->own + mix->other;
            ck_assert(sum > 0.999999f && sum < 1.000001f);
            ck_assert(mix->top >= 0 && mix->top <= mix->bottom && mix->bottom <= H);
            ck_assert(mix->left >= 0 && mix->left <= mix->right && mix->right <= W);
            if (mix->kind == DP_MIX_CUT)
                ck_assert_double_eq_tol(
                    (double)mix->other,
                    (double)((mix->bottom - mix->top) * (mix->right - mix->left)) /
                        PIXELS,
                    1e-6);
        }
    }
}
END_TEST

START_TEST(threads_do_not_change_a_batch)
{
    dp_mix mixes[B];
    dp_random r;
    dp_mixup m = dp_mixup_recipe;
    m.mode = DP_MIXUP_ELEM;
    dp_random_init(&r, 1, 0, 4, 0);
    dp_mixup_draw(&r, &m, mixes, B, H, W);
    float *x[2];
    for (int k = 0; k < 2; k++) {
        dp_error err = {0};
        dp_pool *pool;
        ck_assert_int_eq(dp_pool_new(&err, &pool, 1 + k), DP_OK);
        x[k] = malloc(sizeof(float) * VALUES);
        for (int i = 0; i < VALUES; i++)
            x[k][i] = (float)(i % 977) * 0.37f;
        dp_mixup_run(pool, x[k], mixes, B, H, W, C);
        dp_pool_free(pool);
    }
    ck_assert_mem_eq(x[0], x[1], sizeof(float) * VALUES);
    free(x[0]);
    free(x[1]);
}
END_TEST

/* ---- erasing --------------------------------------------------------------------- */

static dp_random_erasing read_erasing(const cJSON *c)
{
    const char *mode = json_text(c, "mode");
    dp_random_erasing e = dp_random_erasing_recipe;
    e.probability = json_number(c, "prob");
    e.most = (int)json_number(c, "max_count");
    e.fill = strcmp(mode, "pixel") == 0  ? DP_ERASING_PIXEL
             : strcmp(mode, "rand") == 0 ? DP_ERASING_COLOR
                                         : DP_ERASING_ZERO;
    return e;
}

/* Upstream's recorder kept three zeros where nothing is drawn. */
static void leave_out_zeros(cJSON *draws, const double **noise)
{
    for (int i = cJSON_GetArraySize(draws) - 1; i >= 0; i--)
        if (strcmp(cJSON_GetArrayItem(draws, i)->child->valuestring, "normal_noise") ==
            0) {
            for (int k = 0; k < 3; k++)
                ck_assert((*noise)[k] >= 0 && (*noise)[k] <= 0);
            *noise += 3;
            cJSON_DeleteItemFromArray(draws, i);
        }
}

START_TEST(erasing_has_the_bits_of_timm)
{
    cJSON *file = json_load(shared_path("golden_train_cls/erasing/cases.json"));
    const npy in = npy_load(shared_path("golden_train_cls/erasing/inputs.npy"));
    const npy out = npy_load(shared_path("golden_train_cls/erasing/outputs.npy"));
    const npy noise = npy_load(shared_path("golden_train_cls/erasing/noise.npy"));
    const double *next = noise.values;
    size_t at = 0;
    int n = 0;
    const cJSON *c;
    cJSON_ArrayForEach(c, file)
    {
        const dp_random_erasing e = read_erasing(c);
        const int h = cJSON_GetArrayItem(json_get(c, "hw"), 0)->valueint;
        const int w = cJSON_GetArrayItem(json_get(c, "hw"), 1)->valueint;
        float *image = channels_last(in.values + at, 1, C, h * w);
        float *want = channels_last(out.values + at, 1, C, h * w);
        stored_draws s;
        char what[40];
        snprintf(what, sizeof what, "erasing case %d", n++);
        if (e.fill == DP_ERASING_ZERO)
            leave_out_zeros(cJSON_GetObjectItem(c, "draws"), &next);
        stored_draws_init(&s, json_get(c, "draws"), &next, false);
        dp_random_erasing_run(&s.random, &e, image, h, w);
        stored_draws_done(&s, what);
        ck_assert_msg(memcmp(image, want, sizeof(float) * C * (size_t)(h * w)) == 0,
                      "%s", what);
        at += (size_t)(C * h * w);
        free(image);
        free(want);
    }
    ck_assert_int_eq(n, 8);
    ck_assert(at == in.count && next == noise.values + noise.count);
    free(in.values);
    free(out.values);
    free(noise.values);
    cJSON_Delete(file);
}
END_TEST

START_TEST(a_probability_of_0_draws_nothing)
{
    dp_random_erasing e = dp_random_erasing_recipe;
    dp_replay replay = {0};
    dp_random r;
    float image[3] = {1, 2, 3};
    dp_random_init_replay(&r, &replay);
    e.probability = 0;
    dp_random_erasing_run(&r, &e, image, 1, 1);
    ck_assert(!replay.failed && image[0] == 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train/mixup");
    TCase *tc = tcase_create("batches");
    if (shared_has("golden_train_cls/mixup"))
        tcase_add_test(tc, batches_have_the_bits_of_timm);
    if (shared_has("golden_train_cls/erasing"))
        tcase_add_test(tc, erasing_has_the_bits_of_timm);
    tcase_add_test(tc, shares_add_up_for_any_draw);
    tcase_add_test(tc, threads_do_not_change_a_batch);
    tcase_add_test(tc, a_probability_of_0_draws_nothing);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
