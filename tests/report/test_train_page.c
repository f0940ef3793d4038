/* The page of a training run, from a log that is made up. TRAIN_PAGE=DIR keeps it. */
#include "base/file.h"
#include "base/memory.h"
#include "report/train_page.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCHS = 12, STEPS = 40 };

static dp_error err;

static void expect_ok(dp_status st)
{
    ck_assert_msg(st == DP_OK, "%s", err.text);
}

/* So many epochs of a run that goes well. */
static void make_up(dp_history *h, const char *folder, int epochs)
{
    char path[512];
    snprintf(path, sizeof path, "%s/log.jsonl", folder);
    expect_ok(dp_history_open(&err, h, path, 0, 0));
    for (int e = 0; e < epochs; e++) {
        for (int s = 0; s < STEPS; s++) {
            const double x = (e * STEPS + s + 1.) / (EPOCHS * STEPS);
            const dp_step_record r = {
                .step = e * STEPS + s + 1,
                .epoch = e,
                .loss = 0.5 + 2 * exp(-4 * x) + 0.1 * sin(s * 1.7),
                .rate = x < 0.1 ? x / 100 : 5e-4 * (1 + cos(3.14159 * (x - 0.1) / 0.9)),
                .images = 32,
                .seconds = 0.1};
            expect_ok(dp_history_add_step(&err, h, &r));
        }
        const double x = (e + 1.) / EPOCHS;
        const dp_evaluation model = {500, 0.4 + 2 * exp(-4 * x), 98 - 80 * exp(-5 * x),
                                     99},
                            average = {500, 0.4 + 2.3 * exp(-3 * x),
                                       98 - 88 * exp(-3 * x), 99};
        expect_ok(dp_history_add_epoch(&err, h,
                                       &(dp_epoch_record){.epoch = e,
                                                          .step = (e + 1) * STEPS,
                                                          .loss = 0.6 + 2 * exp(-4 * x),
                                                          .evaluated = e % 2 == 1,
                                                          .model = model,
                                                          .has_average = true,
                                                          .average = average}));
    }
}

static char *save(const dp_history *h, const char *folder, dp_train_state state)
{
    const dp_train_page page = {.model = "toytown/<convnext>",
                                .data = "town/crops",
                                .source = "made up",
                                .history = h,
                                .state = state,
                                .steps = EPOCHS * STEPS,
                                .epochs = EPOCHS,
                                .classes = 10,
                                .train_images = 1280,
                                .val_images = 500,
                                .images_per_second = 312.5,
                                .seconds_left = 3725};
    expect_ok(dp_train_page_save(&err, folder, &page));
    char path[512];
    unsigned char *data;
    size_t size;
    snprintf(path, sizeof path, "%s/index.html", folder);
    expect_ok(dp_file_load(&err, &data, &size, path, 1 << 24));
    return (char *)data;
}

static const char *folder(void)
{
    const char *kept = getenv("TRAIN_PAGE");
    return kept ? kept : scratch_path(".");
}

static void expect(const char *html, const char *text)
{
    ck_assert_msg(strstr(html, text), "not on the page: %s", text);
}

START_TEST(a_page_says_how_a_run_went)
{
    dp_history h;
    make_up(&h, folder(), EPOCHS);
    char *html = save(&h, folder(), DP_TRAIN_FINISHED);
    expect(html, "toytown/&lt;convnext&gt;");
    expect(html, "10 classes, 1280 images to train on, 500 to evaluate on");
    expect(html, "<b>finished</b>");
    expect(html, "<b>480 of 480</b>");
    expect(html, "<b>97.46 %</b>best top-1, epoch 12");
    expect(html, "12 (best)");
    expect(html, "average of weights");
    ck_assert_ptr_null(strstr(html, "location.reload"));
    ck_assert_ptr_null(strstr(html, "nan"));
    dp_free(html);
    dp_history_done(&h);
}
END_TEST

START_TEST(a_page_of_a_run_that_goes_on_loads_itself_again)
{
    dp_history h;
    make_up(&h, folder(), 5);
    char *html = save(&h, folder(), DP_TRAIN_RUNNING);
    expect(html, "<b>200 of 480</b>");
    expect(html, "<b>1:02:05</b>left");
    expect(html, "location.reload");
    dp_free(html);
    dp_history_done(&h);
}
END_TEST

START_TEST(a_page_can_be_made_before_the_first_step)
{
    dp_history h;
    make_up(&h, scratch_path("."), 0);
    char *html = save(&h, scratch_path("."), DP_TRAIN_RUNNING);
    expect(html, "<b>0 of 480</b>");
    ck_assert_ptr_null(strstr(html, "best top-1"));
    ck_assert_ptr_null(strstr(html, "nan"));
    dp_free(html);
    dp_history_done(&h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("train page");
    TCase *tc = tcase_create("train page");
    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_test(tc, a_page_can_be_made_before_the_first_step);
    tcase_add_test(tc, a_page_of_a_run_that_goes_on_loads_itself_again);
    tcase_add_test(tc, a_page_says_how_a_run_went);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
