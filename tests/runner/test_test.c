/* Runs over a data set, through the public header: refusals, interruption, shards, workers.
 * What the program makes of them is in tests/cli/test_test.c. */
#include "densepred/runner.h"
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN   "tests/golden/mask_rcnn_tiny/"
#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

enum { IMAGES = 6 };

static dp_context *ctx;
static char annotations[4096];

/* Images 1 to 6 are 101.png to 103.png twice. */
static void setup(void)
{
    char text[4000];
    int n = snprintf(text, sizeof text, "{\"images\": [");
    scratch_setup();
    for (int i = 1; i <= IMAGES; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "%s{\"id\": %d, \"file_name\": \"00000000010%d.png\"}",
                      i > 1 ? "," : "", i, 1 + i % 3);
    snprintf(
        text + n, sizeof text - (size_t)n,
        "], \"annotations\": [], \"categories\": [{\"id\": 1, \"name\": \"disc\"}, "
        "{\"id\": 2, \"name\": \"square\"}, {\"id\": 4, \"name\": \"ring\"}, "
        "{\"id\": 7, \"name\": \"cross\"}, {\"id\": 90, \"name\": \"rest\"}]}");
    snprintf(annotations, sizeof annotations, "%s", scratch_text("truth.json", text));
    ck_assert_int_eq(dp_context_new(&ctx, &(dp_options){.threads = 2}), DP_OK);
}

static void teardown(void)
{
    dp_context_free(ctx);
    scratch_teardown();
}

static dp_test_options options_for(const char *directory)
{
    return (dp_test_options){.config = GOLDEN "config.json",
                             .weights = GOLDEN "model.pth",
                             .images = GOLDEN,
                             .annotations = annotations,
                             .directory = directory};
}

static dp_test *planned(const dp_test_options *o)
{
    dp_test *t;
    ck_assert_msg(dp_test_new(ctx, &t, o) == DP_OK, "%s", dp_context_error(ctx));
    ck_assert_msg(dp_test_plan(t) == DP_OK, "%s", dp_context_error(ctx));
    return t;
}

static void expect_tally(const dp_test *t, int own, size_t done, size_t failed,
                         size_t open)
{
    const dp_test_tally tally = dp_test_count(t, own);
    ck_assert_uint_eq(tally.done, done);
    ck_assert_uint_eq(tally.failed, failed);
    ck_assert_uint_eq(tally.open, open);
    ck_assert_uint_eq(tally.count, done + failed + open);
}

/* Run in the scratch folder's `name`; the caller's to free. */
static dp_test *run(const char *name, dp_test_options o)
{
    char directory[4096];
    snprintf(directory, sizeof directory, "%s", scratch_path(name));
    o.directory = directory;
    dp_test *t = planned(&o);
    ck_assert_msg(dp_test_run(t, NULL, NULL) == DP_OK, "%s", dp_context_error(ctx));
    return t;
}

static void expect_same_results(const char *a, const char *b)
{
    char path[64];
    size_t size, other;
    snprintf(path, sizeof path, "%s/results.json", a);
    char *x = file_load(scratch_path(path), &size);
    snprintf(path, sizeof path, "%s/results.json", b);
    char *y = file_load(scratch_path(path), &other);
    ck_assert_uint_eq(size, other);
    ck_assert_mem_eq(x, y, size);
    ck_assert_uint_gt(size, 1000);
    free(x);
    free(y);
}

/* ---- refusals ---------------------------------------------------------------------------- */

static const struct {
    dp_test_options with; /* where not NULL and not 0 */
    dp_status status;
    dp_test_part part;
    const char *sentence;
} refused[] = {
    {{.config = "none.json"}, DP_EIO, DP_TEST_PART_MODEL, "none.json"},
    {{.weights = "none.pth"}, DP_EIO, DP_TEST_PART_MODEL, "none.pth"},
    {{.annotations = "none"}, DP_EIO, DP_TEST_PART_DATA_SET, "none"},
    {{.annotations = GOLDEN "config.json"},
     DP_EFORMAT,
     DP_TEST_PART_DATA_SET,
     "images"},
    {{.mode = "whole"}, DP_EARG, DP_TEST_PART_MODEL, "--mode is for segmentors"},
    {{.ms_flip = 1}, DP_EARG, DP_TEST_PART_MODEL, "--ms-flip is for segmentors"},
    {{.directory = "/proc/none"}, DP_EIO, DP_TEST_PART_DIRECTORY, "/proc/none"},
};

START_TEST(what_cannot_be_run_is_refused_and_says_of_what)
{
    dp_test_options o = options_for(scratch_path("w"));
    const dp_test_options *with = &refused[_i].with;
    dp_test *t;
    o.config = with->config ? with->config : o.config;
    o.weights = with->weights ? with->weights : o.weights;
    o.annotations = with->annotations ? with->annotations : o.annotations;
    o.directory = with->directory ? with->directory : o.directory;
    o.mode = with->mode;
    o.ms_flip = with->ms_flip;
    ck_assert_int_eq(dp_test_new(ctx, &t, &o), DP_OK);
    dp_status st = dp_test_plan(t);
    if (st == DP_OK)
        st = dp_test_run(t, NULL, NULL);
    ck_assert_int_eq(st, refused[_i].status);
    ck_assert_int_eq(dp_test_failed_part(t), refused[_i].part);
    ck_assert_ptr_nonnull(strstr(dp_context_error(ctx), refused[_i].sentence));
    dp_test_free(t);
}
END_TEST

START_TEST(options_that_contradict_are_refused_at_once)
{
    const dp_test_options bad[] = {
        {.weights = "w"},
        {.config = "c"},
        {.config = "c", .weights = "w", .workers = -1},
        {.config = "c", .weights = "w", .workers = 1025},
        {.config = "c", .weights = "w", .shard = 4, .shards = 3},
        {.config = "c", .weights = "w", .shard = 0, .shards = 3},
        {.config = "c", .weights = "w", .shards = -1},
        {.config = "c", .weights = "w", .mode = "\"}"},
    };
    for (int i = 0; i < COUNT(bad); i++) {
        dp_test *t;
        ck_assert_int_eq(dp_test_new(ctx, &t, &bad[i]), DP_EARG);
        ck_assert_ptr_null(t);
        ck_assert_str_ne(dp_context_error(ctx), "");
    }
}
END_TEST

START_TEST(a_plan_says_what_will_be_run)
{
    const dp_test_options o = options_for("w");
    dp_test *t = planned(&o);
    ck_assert_int_eq(dp_test_task(t), DP_TASK_DETECT);
    ck_assert_str_eq(dp_test_path(t, DP_TEST_CONFIG), GOLDEN "config.json");
    ck_assert_str_eq(dp_test_path(t, DP_TEST_CLASSES), GOLDEN "classes.json");
    ck_assert_str_eq(dp_test_path(t, DP_TEST_RESULTS), "w/results.json");
    ck_assert_str_eq(dp_test_path(t, DP_TEST_METRICS), "w/metrics.json");
    ck_assert_int_eq(dp_test_is_published(t), 0);
    ck_assert_str_eq(dp_test_source(t), "");
    ck_assert_int_eq(dp_test_score_count(t), 0);
    expect_tally(t, 0, 0, 0, 0);
    dp_test_free(t);
}
END_TEST

/* ---- categories -------------------------------------------------------------------------- */

static const struct {
    const char *categories, *sentence; /* NULL: the plan is made */
} category_lists[] = {
    {"{\"id\": 2, \"name\": \"square\"}", NULL},
    {"{\"id\": 2, \"name\": \"Square\"}, {\"id\": 90}", NULL},
    {"{\"id\": 0, \"name\": \"disc\"}, {\"id\": 1, \"name\": \"square\"}",
     "2 of 2 that are no classes of the model"},
    {"{\"id\": 0, \"name\": \"disc\"}, {\"id\": 1, \"name\": \"square\"}",
     "id 0 \"disc\", which in the model is no class"},
    {"{\"id\": 1, \"name\": \"disc\"}, {\"id\": 2, \"name\": \"ring\"}",
     "1 of 2 that are no classes of the model"},
    {"{\"id\": 1, \"name\": \"disc\"}, {\"id\": 2, \"name\": \"ring\"}",
     "id 2 \"ring\", which in the model is \"square\""},
    {"{\"id\": 1, \"name\": \"disc\"}, {\"id\": 3}", "id 3"},
};

START_TEST(categories_must_be_classes_of_the_model)
{
    char text[1000];
    dp_test *t;
    snprintf(text, sizeof text,
             "{\"images\": [{\"id\": 1, \"file_name\": \"000000000101.png\"}], "
             "\"annotations\": [], \"categories\": [%s]}",
             category_lists[_i].categories);
    dp_test_options o = options_for("w");
    o.annotations = scratch_text("other.json", text);
    ck_assert_int_eq(dp_test_new(ctx, &t, &o), DP_OK);
    const dp_status st = dp_test_plan(t);
    const char *sentence = category_lists[_i].sentence;
    ck_assert_int_eq(st, sentence ? DP_ECONFIG : DP_OK);
    if (sentence) {
        ck_assert_int_eq(dp_test_failed_part(t), DP_TEST_PART_MODEL);
        ck_assert_msg(strstr(dp_context_error(ctx), sentence) != NULL, "%s",
                      dp_context_error(ctx));
    }
    dp_test_free(t);
}
END_TEST

/* ---- the same bytes however it is run ------------------------------------------------------ */

typedef struct seen {
    size_t calls, total, before, failures, stop_at;
} seen;

static int note(void *arg, const dp_test_progress *p)
{
    seen *s = arg;
    ck_assert_uint_eq(p->done, s->calls++);
    ck_assert_uint_eq(p->count, IMAGES);
    s->total = p->total;
    s->before = p->before;
    s->failures += p->failure != NULL;
    return p->done == s->stop_at;
}

START_TEST(workers_and_shards_change_nothing)
{
    dp_test_options o = options_for(NULL);
    dp_test_free(run("one", o));
    o.workers = 3;
    dp_test_free(run("three", o));
    expect_same_results("one", "three");
    o.shards = 2;
    o.shard = 2;
    dp_test *t = run("parts", o);
    expect_tally(t, 1, 3, 0, 0);
    expect_tally(t, 0, 3, 0, 3);
    dp_test_free(t);
    o.shard = 1;
    t = run("parts", o);
    expect_tally(t, 0, 6, 0, 0);
    dp_test_free(t);
    expect_same_results("one", "parts");
}
END_TEST

START_TEST(a_stopped_run_goes_on)
{
    const dp_test_options o = options_for(scratch_path("cut"));
    dp_test_free(run("one", options_for(NULL)));
    dp_test *t = planned(&o);
    for (size_t i = 0; i < IMAGES; i += 2) {
        seen s = {.stop_at = 2};
        ck_assert_int_eq(dp_test_run(t, note, &s), DP_OK);
        ck_assert_uint_eq(s.before, i);
        ck_assert_uint_eq(s.total, IMAGES - i);
        ck_assert_uint_eq(s.calls, 3);
        expect_tally(t, 0, i + 2, 0, IMAGES - i - 2);
    }
    seen s = {0};
    ck_assert_int_eq(dp_test_run(t, note, &s), DP_OK); /* nothing is left */
    ck_assert_uint_eq(s.calls, 1);
    dp_test_free(t);
    expect_same_results("one", "cut");
}
END_TEST

START_TEST(a_bad_image_is_told_and_counted)
{
    dp_test_options o = options_for(scratch_path("w"));
    seen s = {.stop_at = IMAGES + 1};
    char images[4096];
    snprintf(images, sizeof images, "%s", scratch_path("images"));
    o.images = images;
    scratch_text("images/000000000101.png", "no image");
    dp_test *t = planned(&o);
    ck_assert_int_eq(dp_test_run(t, note, &s), DP_OK);
    ck_assert_uint_eq(s.failures, IMAGES);
    expect_tally(t, 0, 0, IMAGES, 0);
    dp_test_free(t);
}
END_TEST

START_TEST(a_directory_of_another_run_is_refused)
{
    dp_test_options o = options_for(scratch_path("w"));
    dp_test *t = planned(&o);
    ck_assert_int_eq(dp_test_run(t, NULL, NULL), DP_OK);
    dp_test_free(t);
    o.config = GOLDEN "config_wide.json";
    t = planned(&o);
    ck_assert_int_eq(dp_test_run(t, NULL, NULL), DP_EARG);
    ck_assert_int_eq(dp_test_failed_part(t), DP_TEST_PART_DIRECTORY);
    ck_assert_ptr_nonnull(strstr(dp_context_error(ctx), "is of another run"));
    dp_test_free(t);
}
END_TEST

/* ---- scores -------------------------------------------------------------------------------- */

START_TEST(scores_stand_beside_the_published_ones)
{
    char config[4096], text[4096];
    snprintf(text, sizeof text,
             "{\"base\": \"%s/" GOLDEN "config.json\", \"published\": {\"source\": \"a "
             "paper\", \"box_AP\": 40.2, \"mask_AP\": 36.0, \"tolerance\": 0.5}}",
             program_root());
    snprintf(config, sizeof config, "%s", scratch_text("c.json", text));
    dp_test_options o = options_for(NULL);
    o.config = config;
    o.weights = GOLDEN "model.pth";
    dp_test *t = run("w", o);
    ck_assert_int_eq(dp_test_is_published(t), 1);
    ck_assert_str_eq(dp_test_source(t), "a paper");
    ck_assert_int_eq(dp_test_compare(t), DP_EIO); /* not evaluated yet */
    scratch_text("w/metrics.json", "{\"bbox\": {\"stats\": [0.405, 0.6, null]}, "
                                   "\"segm\": {\"stats\": [0.2, 0.3, 0.4]}}");
    ck_assert_int_eq(dp_test_compare(t), DP_OK);
    ck_assert_int_eq(dp_test_score_count(t), 6);
    static const int within[] = {1, -1, -1, 0, -1, -1};
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(dp_test_get_score(t, i).within, within[i]);
    const dp_test_score box = dp_test_get_score(t, 0);
    ck_assert_str_eq(box.name, "box_AP");
    ck_assert_double_eq_tol(box.ours, 40.5, 1e-9);
    ck_assert_double_eq(box.published, 40.2);
    ck_assert_double_eq(box.tolerance, 0.5);
    ck_assert(isnan(dp_test_get_score(t, 2).ours));
    ck_assert_str_eq(dp_test_get_score(t, 6).name, "");
    size_t size;
    char *summary = file_load(scratch_path("w/summary.json"), &size);
    ck_assert_ptr_nonnull(strstr(summary, "\"within\": false"));
    free(summary);
    dp_test_free(t);
}
END_TEST

START_TEST(one_process_waits_for_nobody)
{
    ck_assert_int_eq(dp_processes_rank(), 0);
    ck_assert_int_eq(dp_processes_wait(), 0);
    dp_processes_leave(0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("runner/test");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, categories_must_be_classes_of_the_model, 0,
                        COUNT(category_lists));
    tcase_add_loop_test(t, what_cannot_be_run_is_refused_and_says_of_what, 0,
                        COUNT(refused));
    tcase_add_test(t, options_that_contradict_are_refused_at_once);
    tcase_add_test(t, a_plan_says_what_will_be_run);
    tcase_add_test(t, workers_and_shards_change_nothing);
    tcase_add_test(t, a_stopped_run_goes_on);
    tcase_add_test(t, a_bad_image_is_told_and_counted);
    tcase_add_test(t, a_directory_of_another_run_is_refused);
    tcase_add_test(t, scores_stand_beside_the_published_ones);
    tcase_add_test(t, one_process_waits_for_nobody);
    suite_add_tcase(s, t);
    return suite_run(s);
}
