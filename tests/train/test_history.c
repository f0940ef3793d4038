/* The log of a run: lines, and what is left of them when it goes on. */
#include "base/file.h"
#include "base/memory.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "train/history.h"

#include <check.h>
#include <string.h>

static dp_error err;

static const dp_step_record step = {.step = 1,
                                    .epoch = 0,
                                    .loss = 2.25,
                                    .rate = 0.001,
                                    .decay = 0.05,
                                    .norm = 3.5,
                                    .images = 32,
                                    .seconds = 0.25,
                                    .waited = 0.125};
static const dp_epoch_record epoch = {.epoch = 0,
                                      .step = 2,
                                      .loss = 1.5,
                                      .evaluated = true,
                                      .model = {200, 1.25, 61.5, 95},
                                      .best = true,
                                      .has_average = true,
                                      .average = {200, 2.5, 10, 50}};

static const char lines[] =
    "{\"kind\":\"step\",\"step\":1,\"epoch\":0,\"loss\":2.25,\"lr\":0.001,"
    "\"weight_decay\":0.05,\"grad_norm\":3.5,\"images\":32,\"seconds\":0.25,"
    "\"waited\":0.125}\n"
    "{\"kind\":\"epoch\",\"epoch\":0,\"step\":2,\"loss\":1.5,\"val_images\":200,"
    "\"val_loss\":1.25,\"top1\":61.5,\"top5\":95,\"best\":true,\"ema_loss\":2.5,"
    "\"ema_top1\":10,\"ema_top5\":50,\"ema_best\":false}\n"
    "{\"kind\":\"step\",\"step\":3,\"epoch\":1,\"loss\":1,\"lr\":0.001,"
    "\"weight_decay\":0.05,\"grad_norm\":3.5,\"images\":32,\"seconds\":0.25,"
    "\"waited\":0.125}\n"
    "{\"kind\":\"epoch\",\"epoch\":1,\"step\":4,\"loss\":1}\n";

static void expect_file(const char *path, const char *text, size_t size)
{
    unsigned char *data;
    size_t found;
    ck_assert(dp_file_load(&err, &data, &found, path, 1 << 20) == DP_OK);
    ck_assert_uint_eq(found, size);
    ck_assert_mem_eq(data, text, size);
    dp_free(data);
}

static void open_history(dp_history *h, const char *path, int64_t steps, int epochs)
{
    ck_assert_msg(dp_history_open(&err, h, path, steps, epochs) == DP_OK, "%s",
                  err.text);
}

START_TEST(records_become_lines)
{
    const char *path = scratch_path("log.jsonl");
    dp_history h;
    open_history(&h, path, 0, 0);
    dp_step_record third = step;
    third.step = 3;
    third.epoch = 1;
    third.loss = 1;
    ck_assert(dp_history_add_step(&err, &h, &step) == DP_OK);
    ck_assert(dp_history_add_epoch(&err, &h, &epoch) == DP_OK);
    ck_assert(dp_history_add_step(&err, &h, &third) == DP_OK);
    ck_assert(dp_history_add_epoch(
                  &err, &h, &(dp_epoch_record){.epoch = 1, .step = 4, .loss = 1}) ==
              DP_OK);
    expect_file(path, lines, sizeof lines - 1);
    ck_assert_uint_eq(h.step_count, 2);
    ck_assert_uint_eq(h.epoch_count, 2);
    dp_history_done(&h);
}
END_TEST

START_TEST(lines_become_records_again)
{
    dp_history h;
    open_history(&h, scratch_text("log.jsonl", lines), 3, 2);
    ck_assert_uint_eq(h.step_count, 2);
    ck_assert_uint_eq(h.epoch_count, 2);
    ck_assert_double_eq(h.steps[0].loss, step.loss);
    ck_assert_double_eq(h.steps[0].rate, step.rate);
    ck_assert_double_eq(h.steps[0].norm, step.norm);
    ck_assert_int_eq(h.steps[0].images, step.images);
    ck_assert(h.epochs[0].evaluated && h.epochs[0].best && h.epochs[0].has_average);
    ck_assert_double_eq(h.epochs[0].model.top1, 61.5);
    ck_assert_double_eq(h.epochs[0].average.loss, 2.5);
    ck_assert(!h.epochs[1].evaluated && !h.epochs[1].has_average);
    dp_history_done(&h);
    expect_file(scratch_path("log.jsonl"), lines, sizeof lines - 1);
}
END_TEST

START_TEST(what_is_not_done_is_dropped)
{
    dp_history h;
    const char *path = scratch_text("log.jsonl", lines);
    open_history(&h, path, 2, 1);
    dp_history_done(&h);
    expect_file(path, lines,
                (size_t)(strstr(lines, "{\"kind\":\"step\",\"step\":3") - lines));
}
END_TEST

START_TEST(a_torn_line_ends_the_file)
{
    char torn[sizeof lines];
    dp_history h;
    memcpy(torn, lines, sizeof lines);
    torn[sizeof lines - 9] = '\0';
    const char *path = scratch_text("log.jsonl", torn);
    open_history(&h, path, 100, 100);
    dp_history_done(&h);
    expect_file(path, lines,
                (size_t)(strstr(lines, "{\"kind\":\"epoch\",\"epoch\":1") - lines));
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_said)
{
    dp_history h;
    ck_assert_int_eq(dp_history_open(&err, &h, scratch_path("no/log.jsonl"), 0, 0),
                     DP_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "no/log.jsonl"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("history");
    TCase *tc = tcase_create("history");
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_test(tc, records_become_lines);
    tcase_add_test(tc, lines_become_records_again);
    tcase_add_test(tc, what_is_not_done_is_dropped);
    tcase_add_test(tc, a_torn_line_ends_the_file);
    tcase_add_test(tc, a_folder_that_is_not_there_is_said);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
