/* Batches of images: the same whatever the threads, in order, with failures by name. */
#include "train/loader.h"

#include "tests/support/forward.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/tiny_images.h"
#include "train/image_inputs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 2, EACH = 7, COUNT = CLASSES * EACH, SIDE = 40, BATCH = 4 };

typedef struct fixture {
    forward f; /* for kernels */
    dp_image_lists lists;
    dp_image_transform transform;
    dp_training_input input;
    int order[COUNT];
} fixture;

static void fixture_init(fixture *x)
{
    dp_error err = {0};
    forward_init(&x->f, 1, ~0u);
    tiny_images_write("set", CLASSES, EACH, 1, SIDE);
    const dp_image_lists_options options = {.path = scratch_path("set")};
    ck_assert_int_eq(dp_image_lists_load(&err, &x->lists, &options), DP_OK);
    dp_image_transform_build(&x->transform, SIDE);
    x->input = (dp_training_input){&x->transform, 3};
    for (int i = 0; i < COUNT; i++)
        x->order[i] = i * 5 % COUNT;
}

static void fixture_done(fixture *x)
{
    dp_image_lists_done(&x->lists);
    forward_done(&x->f);
}

static dp_loader *loader(fixture *x, int workers)
{
    dp_error err = {0};
    dp_loader *l;
    const dp_loader_options options = {.images = &x->lists.split[DP_SPLIT_TRAIN],
                                       .size = x->transform.size,
                                       .batch = BATCH,
                                       .workers = workers,
                                       .kernels = &x->f.kernels,
                                       .prepare = dp_training_input_run,
                                       .arg = &x->input};
    ck_assert_msg(dp_loader_new(&err, &l, &options) == DP_OK, "%s", err.text);
    return l;
}

enum { VALUES = SIDE * SIDE * 3 };

/* All images of an order, one after the other; checks sizes of batches and labels. */
static float *read_all(fixture *x, dp_loader *l, const int *order, int count,
                       uint32_t epoch)
{
    dp_error err = {0};
    float *all = calloc((size_t)count * VALUES, sizeof *all);
    dp_batch batch;
    dp_loader_start(l, order, (size_t)count, epoch);
    for (int i = 0; i < count; i += BATCH) {
        ck_assert_msg(dp_loader_next(&err, l, &batch) == DP_OK, "%s", err.text);
        ck_assert_int_eq(batch.images.N, count - i < BATCH ? count - i : BATCH);
        for (int k = 0; k < batch.images.N; k++)
            ck_assert_int_eq(batch.labels[k],
                             x->lists.split[DP_SPLIT_TRAIN].list[order[i + k]].label);
        memcpy(all + (size_t)i * VALUES, batch.images.data,
               dp_tensor_size(batch.images) * sizeof *all);
    }
    for (int i = 0; i < 2; i++) { /* the end stays the end */
        ck_assert_int_eq(dp_loader_next(&err, l, &batch), DP_OK);
        ck_assert_int_eq(batch.images.N, 0);
    }
    return all;
}

START_TEST(threads_do_not_matter)
{
    fixture x;
    fixture_init(&x);
    float *want = NULL;
    for (int i = 0; i < FORWARD_THREADS; i++) {
        dp_loader *l = loader(&x, forward_threads[i]);
        float *all = read_all(&x, l, x.order, COUNT, 2);
        if (want)
            ck_assert_mem_eq(all, want, (size_t)COUNT * VALUES * sizeof *all);
        else
            want = all;
        if (all != want)
            free(all);
        dp_loader_free(l);
    }
    free(want);
    fixture_done(&x);
}
END_TEST

START_TEST(an_image_depends_on_its_epoch_and_index_alone)
{
    fixture x;
    fixture_init(&x);
    dp_loader *l = loader(&x, 2);
    float *all = read_all(&x, l, x.order, COUNT, 2);
    float *later = read_all(&x, l, x.order + 5, COUNT - 5, 2);
    float *other = read_all(&x, l, x.order, COUNT, 3);
    ck_assert_mem_eq(later, all + 5 * VALUES,
                     (size_t)(COUNT - 5) * VALUES * sizeof *all);
    for (int i = 0; i < COUNT; i++)
        ck_assert_mem_ne(other + i * VALUES, all + i * VALUES, VALUES * sizeof *all);
    x.input.seed = 4;
    float *seeded = read_all(&x, l, x.order, COUNT, 2);
    ck_assert_mem_ne(seeded, all, VALUES * sizeof *all);
    free(all);
    free(later);
    free(other);
    free(seeded);
    dp_loader_free(l);
    fixture_done(&x);
}
END_TEST

/* Started again, or freed, with batches under way and never asked for. */
START_TEST(what_was_begun_is_dropped)
{
    fixture x;
    fixture_init(&x);
    dp_error err = {0};
    dp_batch batch;
    for (int i = 0; i < 20; i++) {
        dp_loader *l = loader(&x, 3);
        dp_loader_start(l, x.order, COUNT, 1);
        if (i % 2)
            ck_assert_int_eq(dp_loader_next(&err, l, &batch), DP_OK);
        float *all = read_all(&x, l, x.order, BATCH, 1);
        free(all);
        dp_loader_start(l, x.order, COUNT, 1);
        dp_loader_free(l);
    }
    fixture_done(&x);
}
END_TEST

START_TEST(a_damaged_image_is_named)
{
    fixture x;
    fixture_init(&x);
    scratch_text("set/train/a/3.png", "no image");
    scratch_text("set/train/b/4.png", "nor this");
    for (int i = 0; i < COUNT; i++)
        x.order[i] = COUNT - 1 - i; /* b/4.png is image 11, at place 2; a/3.png at 10 */
    for (int i = 0; i < FORWARD_THREADS; i++) {
        dp_error err = {0};
        dp_batch batch;
        dp_loader *l = loader(&x, forward_threads[i]);
        dp_loader_start(l, x.order, COUNT, 0);
        ck_assert_int_eq(dp_loader_next(&err, l, &batch), DP_EFORMAT);
        ck_assert_msg(strstr(err.text, "set/train/b/4.png: text"), "%s", err.text);
        ck_assert_int_eq(dp_loader_next(&err, l, &batch), DP_OK);
        ck_assert_int_eq(dp_loader_next(&err, l, &batch), DP_EFORMAT);
        ck_assert_msg(strstr(err.text, "set/train/a/3.png: text"), "%s", err.text);
        dp_loader_free(l);
    }
    fixture_done(&x);
}
END_TEST

START_TEST(an_image_too_small_is_named)
{
    fixture x;
    dp_error err = {0};
    dp_batch batch;
    fixture_init(&x);
    x.transform.resizes = false;
    x.transform.padding = 0;
    x.transform.size = (dp_size){SIDE + 1, SIDE};
    dp_loader *l = loader(&x, 1);
    dp_loader_start(l, x.order, COUNT, 0);
    ck_assert_int_eq(dp_loader_next(&err, l, &batch), DP_ESHAPE);
    ck_assert_msg(strstr(err.text, "set/train/a/0.png: image of 43 x 40: too small"),
                  "%s", err.text);
    dp_loader_free(l);
    fixture_done(&x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("loader");
    TCase *t = tcase_create("batches");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_test(t, threads_do_not_matter);
    tcase_add_test(t, an_image_depends_on_its_epoch_and_index_alone);
    tcase_add_test(t, what_was_begun_is_dropped);
    tcase_add_test(t, a_damaged_image_is_named);
    tcase_add_test(t, an_image_too_small_is_named);
    suite_add_tcase(s, t);
    return suite_run(s);
}
