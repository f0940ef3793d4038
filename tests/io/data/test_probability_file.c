/* Files of scores: rows in any pieces, whole or not there. */
#include "io/checkpoint/checkpoint.h"
#include "io/data/probability_file.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { K = 3, H = 11, W = 7 };

static dp_error err;

/* Write all rows in pieces of `step`. */
static dp_status save(const char *path, const float *scores, int step)
{
    dp_probability_file s;
    dp_status st = dp_probability_file_open(&err, &s, path, "a \"name\"", K, H, W);
    for (int y = 0; y < H && st == DP_OK; y += step) {
        const int rows = H - y < step ? H - y : step;
        float piece[H * W * K];
        memcpy(piece, scores + y * W * K, (size_t)(rows * W * K) * sizeof *piece);
        st = dp_probability_file_put(&err, &s, y, (dp_tensor){piece, 1, rows, W, K});
    }
    return dp_probability_file_close(&err, &s, st);
}

START_TEST(rows_in_any_pieces_make_the_same_tensor)
{
    uint64_t seed = 40;
    float *scores = random_floats(&seed, H * W * K, 0, 1), got[K * H * W];
    const int step = _i + 1;
    const char *path = scratch_path("scores.safetensors");
    ck_assert_int_eq(save(path, scores, step), DP_OK);
    ck_assert_int_eq(scratch_count(), 1);

    dp_checkpoint *file;
    size_t count;
    ck_assert_msg(dp_checkpoint_open(&err, &file, path) == DP_OK, "%s", err.text);
    const dp_named_tensor *t = dp_checkpoint_tensors(file, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(t->name, "a \"name\"");
    ck_assert(t->rank == 4 && t->shape[0] == 1 && t->shape[1] == K &&
              t->shape[2] == H && t->shape[3] == W);
    ck_assert_uint_eq((uintptr_t)t->data % sizeof(float), 0);
    ck_assert(dp_named_tensor_to_f32(t, got));
    for (int i = 0; i < H * W * K; i++)
        ck_assert(got[i % K * H * W + i / K] == scores[i]);
    dp_checkpoint_close(file);
    free(scores);
}
END_TEST

START_TEST(a_file_given_up_is_not_there)
{
    dp_probability_file s;
    const char *path = scratch_path("scores.safetensors");
    ck_assert_int_eq(dp_probability_file_open(&err, &s, path, "p", K, H, W), DP_OK);
    ck_assert_int_eq(dp_probability_file_close(&err, &s, DP_ENOMEM), DP_ENOMEM);
    ck_assert_int_eq(scratch_count(), 0);
    ck_assert_int_eq(dp_probability_file_close(&err, &s, DP_OK), DP_OK); /* not open */
}
END_TEST

START_TEST(a_full_disk_leaves_nothing)
{
    uint64_t seed = 41;
    float *scores = random_floats(&seed, H * W * K, 0, 1);
    scratch_limit_writes(400);
    ck_assert_int_eq(save(scratch_path("scores.safetensors"), scores, 2), DP_EIO);
    ck_assert_msg(strstr(err.text, "scores.safetensors") != NULL, "%s", err.text);
    ck_assert_int_eq(scratch_count(), 0);
    free(scores);
}
END_TEST

START_TEST(a_device_is_refused)
{
    dp_probability_file s;
    ck_assert_int_eq(dp_probability_file_open(&err, &s, "/dev/null", "p", K, H, W),
                     DP_EUNSUPPORTED);
    ck_assert_msg(strstr(err.text, "/dev/null: a pipe or a device") != NULL, "%s",
                  err.text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io/probability_file");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_loop_test(t, rows_in_any_pieces_make_the_same_tensor, 0, H);
    tcase_add_test(t, a_file_given_up_is_not_there);
    tcase_add_test(t, a_full_disk_leaves_nothing);
    tcase_add_test(t, a_device_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
