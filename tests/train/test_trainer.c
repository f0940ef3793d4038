/* Whole training runs of a few images: they learn, and end with the same bytes whatever the
 * threads and however often they were stopped or killed.
 */
#define _POSIX_C_SOURCE 200809L
#include "tests/train/tiny_run.h"

#include "io/checkpoint/checkpoint.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/tiny_images.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLASSES = 3, TRAIN = 8, VAL = 3 };

static void run_init_on(tiny_run *r, const dp_training *training, int threads,
                        const char *cpu)
{
    const char *config = scratch_text("config.json", TINY_CONFIG(TINY_CONVNEXT));
    ck_assert_msg(
        tiny_run_init(r, training, threads, cpu, config, scratch_path("set")) == DP_OK,
        "%s", r->err.text);
}

static void run_init(tiny_run *r, const dp_training *training, int threads)
{
    run_init_on(r, training, threads, NULL);
}

static dp_status run_go(tiny_run *r, const char *work)
{
    char path[256];
    snprintf(path, sizeof path, "%s", scratch_path(work));
    return tiny_run_go(r, path);
}

static void go(tiny_run *r, const char *work)
{
    ck_assert_msg(run_go(r, work) == DP_OK, "%s", r->err.text);
}

/* A whole run by itself. */
static void train(const dp_training *training, const char *work, int threads)
{
    tiny_run r;
    run_init(&r, training, threads);
    go(&r, work);
    tiny_run_done(&r);
}

static bool is_there(const char *work, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", work, name);
    return access(scratch_path(path), F_OK) == 0;
}

static void expect_same_folders(const char *a, const char *b)
{
    char command[1024];
    ck_assert(is_there(a, "best_ema.pth"));
    snprintf(command, sizeof command, "diff -r '%s' '%s'", scratch_path(a),
             scratch_path(b));
    ck_assert_int_eq(system(command), 0);
}

static void setup(void)
{
    scratch_setup();
    tiny_images_write("set", CLASSES, TRAIN, VAL, TINY_SIDE);
}

/* ---- what a run does ------------------------------------------------------------------ */

START_TEST(a_network_learns)
{
    tiny_run r;
    dp_training training = tiny_training();
    training.mixup = (dp_mixup){0};
    training.epochs = 20;
    training.accumulate = 1;
    run_init(&r, &training, 2);
    go(&r, "run");
    ck_assert_int_eq(r.steps, 20 * 6);
    ck_assert_int_eq(r.epochs, 20);
    ck_assert(r.epoch.evaluated && r.epoch.has_average);
    ck_assert_uint_eq(r.epoch.model.images, CLASSES * VAL);
    ck_assert_double_eq(r.epoch.model.top1, 100);
    ck_assert_double_eq(r.epoch.model.top5, 100);
    ck_assert_double_eq(r.epoch.average.top1, 100);
    ck_assert_double_lt(r.epoch.model.loss, 0.7);
    ck_assert_int_eq(r.step.images, 4);
    ck_assert_int_eq(r.step.step, r.step.steps);
    tiny_run_done(&r);
}
END_TEST

START_TEST(threads_do_not_matter)
{
    static const int threads[] = {1, 2, 3, 7};
    const dp_training training = tiny_training();
    char name[16];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "run%d", threads[i]);
        train(&training, name, threads[i]);
        expect_same_folders(name, "run1");
    }
}
END_TEST

/* What the processor lacks is left out by itself. */
START_TEST(instruction_sets_do_not_matter)
{
    static const char *const sets[] = {"ref", "avx2", "avx512"};
    const dp_training training = tiny_training();
    for (int i = 0; i < 3; i++) {
        tiny_run r;
        run_init_on(&r, &training, 2, sets[i]);
        go(&r, sets[i]);
        expect_same_folders(sets[i], "ref");
        tiny_run_done(&r);
    }
}
END_TEST

/* Stopped at every step and every batch of an evaluation in turn, and gone on. */
START_TEST(a_stopped_run_goes_on)
{
    const dp_training training = tiny_training();
    train(&training, "whole", 1);
    tiny_run r;
    run_init(&r, &training, 2);
    int starts = 0;
    for (int last = -1; last != 3; starts++) {
        r.asked = 0;
        r.stop_at = starts % 9 + 1; /* an evaluation asks up to 7 times */
        go(&r, "stopped");
        ck_assert_int_lt(starts, 40);
        last = r.asked <= r.stop_at ? 3 : 0;
    }
    ck_assert_int_gt(starts, 5);
    ck_assert_int_eq(r.steps, 3 * 3);
    expect_same_folders("stopped", "whole");
    tiny_run_done(&r);
}
END_TEST

START_TEST(a_killed_run_goes_on)
{
    const dp_training training = tiny_training();
    train(&training, "whole", 1);
    for (int kills = 0; kills < 10; kills++) {
        const pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            tiny_run r;
            run_init(&r, &training, 2);
            r.options.save_every = kills % 3 ? 1e-9 : 1e9;
            r.kill_at = kills % 4 + 1;
            _exit(run_go(&r, "killed") == DP_OK ? 0 : 9);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    }
    train(&training, "killed", 1);
    expect_same_folders("killed", "whole");
}
END_TEST

START_TEST(a_finished_run_stays)
{
    const dp_training training = tiny_training();
    train(&training, "whole", 1);
    tiny_run r;
    dp_trainer *t;
    run_init(&r, &training, 1);
    char path[256];
    snprintf(path, sizeof path, "%s", scratch_path("whole"));
    r.options.work = path;
    ck_assert_int_eq(dp_trainer_new(&r.err, &t, &r.options), DP_OK);
    const dp_trainer_position where = dp_trainer_where(t);
    ck_assert(where.resumed);
    ck_assert_int_eq(where.step, 9);
    ck_assert_int_eq(where.steps, 9);
    ck_assert_int_eq(where.epoch, 3);
    ck_assert_uint_eq(where.frozen, 0);
    ck_assert_int_eq(dp_trainer_run(&r.err, t, &r.events), DP_OK);
    ck_assert_int_eq(r.steps, 0);
    dp_trainer_free(t);
    tiny_run_done(&r);
}
END_TEST

/* ---- what the settings do --------------------------------------------------------------- */

/* The values of a tensor of last.safetensors, the caller's to free. */
static float *load_weights(const char *work, const char *name, size_t *count)
{
    dp_error err = {0};
    dp_checkpoint *c;
    char path[256];
    snprintf(path, sizeof path, "%s/last.safetensors", work);
    ck_assert_msg(dp_checkpoint_open(&err, &c, scratch_path(path)) == DP_OK, "%s",
                  err.text);
    const dp_named_tensor *t = dp_checkpoint_find(c, name);
    ck_assert_ptr_nonnull(t);
    *count = dp_named_tensor_count(t);
    float *values = malloc(*count * sizeof *values);
    dp_named_tensor_copy(t, values);
    dp_checkpoint_close(c);
    return values;
}

static double difference(const char *a, const char *b, const char *name)
{
    size_t n, m;
    float *x = load_weights(a, name, &n), *y = load_weights(b, name, &m);
    double most = 0;
    ck_assert_uint_eq(n, m);
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)x[i] - (double)y[i]));
    free(x);
    free(y);
    return most;
}

/* Two batches of 4 make the step of one of 8: the sums differ in order alone. */
START_TEST(gradients_add_up)
{
    dp_training training = tiny_training_plain();
    train(&training, "two", 1);
    training.batch = 8;
    training.accumulate = 1;
    train(&training, "one", 1);
    const double most = difference("one", "two", "stages.2.1.pwconv1.weight");
    ck_assert_double_lt(most, 1e-6);
    training.seed++;
    train(&training, "other", 1);
    ck_assert_double_gt(difference("one", "other", "stages.2.1.pwconv1.weight"), 1e-3);
    ck_assert(!is_there("one", "last_ema.safetensors"));
}
END_TEST

START_TEST(what_is_frozen_stays)
{
    static const char *const freeze[] = {"stages.0-1", "downsample_layers"};
    tiny_run r;
    dp_training training = tiny_training_plain();
    run_init(&r, &training, 1);
    r.options.freeze = freeze;
    r.options.freeze_count = 2;
    go(&r, "frozen");
    tiny_run_done(&r);
    training.epochs = 2;
    run_init(&r, &training, 1);
    r.options.freeze = freeze;
    r.options.freeze_count = 2;
    go(&r, "longer");
    tiny_run_done(&r);
    ck_assert(difference("frozen", "longer", "stages.1.0.dwconv.weight") <= 0);
    ck_assert(difference("frozen", "longer", "downsample_layers.0.0.weight") <= 0);
    ck_assert(difference("frozen", "longer", "stages.2.0.dwconv.weight") > 0);
}
END_TEST

/* A run on the weights of another; the head is new, for there is one class less. */
START_TEST(a_run_starts_from_weights)
{
    tiny_run r;
    dp_training training = tiny_training_plain();
    char weights[256];
    train(&training, "first", 1);
    snprintf(weights, sizeof weights, "%s", scratch_path("first/best.pth"));
    training.rate.base = 0;
    run_init(&r, &training, 1);
    r.options.weights = weights;
    go(&r, "same");
    ck_assert(difference("first", "same", "head.weight") <= 0);
    ck_assert(difference("first", "same", "stages.2.0.dwconv.weight") <= 0);
    tiny_run_done(&r);

    tiny_images_write("set", CLASSES + 1, TRAIN, VAL, TINY_SIDE);
    run_init(&r, &training, 1);
    r.options.weights = weights;
    go(&r, "head");
    size_t count;
    free(load_weights("head", "head.bias", &count));
    ck_assert_uint_eq(count, CLASSES + 1);
    ck_assert(difference("first", "head", "stages.2.0.dwconv.weight") <= 0);
    tiny_run_done(&r);
}
END_TEST

/* ---- what goes wrong ---------------------------------------------------------------------- */

static void expect_refusal(tiny_run *r, const char *work, dp_status want,
                           const char *sentence)
{
    const dp_status st = run_go(r, work);
    ck_assert_msg(st == want, "%d: %s", st, r->err.text);
    ck_assert_msg(strstr(r->err.text, sentence), "found: %s\nexpected: %s", r->err.text,
                  sentence);
}

START_TEST(another_run_is_refused)
{
    tiny_run r;
    const dp_training training = tiny_training_plain();
    run_init(&r, &training, 1);
    r.stop_at = 1;
    go(&r, "run");
    ck_assert_int_eq(dp_config_lay(&r.err, r.config, "{\"train\": {\"lr\": 0.5}}", "x"),
                     DP_OK);
    expect_refusal(&r, "run", DP_EARG,
                   "run/state.safetensors is of another run: train was missing and is "
                   "{\"lr\":0.5}; give a new folder");
    tiny_run_done(&r);
    scratch_text("set/train/a/0.png", "other bytes");
    run_init(&r, &training, 1);
    expect_refusal(&r, "run", DP_EARG, "is of another run: images was \"");
    tiny_run_done(&r);
}
END_TEST

START_TEST(a_folder_of_something_else_is_refused)
{
    tiny_run r;
    const dp_training training = tiny_training_plain();
    scratch_text("run/config.json", "{}");
    run_init(&r, &training, 1);
    expect_refusal(&r, "run", DP_EARG,
                   "run/config.json is there, but no state.safetensors");
    scratch_text("run/state.safetensors", "damaged");
    expect_refusal(&r, "run", DP_EFORMAT, "run/state.safetensors: ");
    expect_refusal(&r, "config.json", DP_EIO, "config.json: ");
    tiny_run_done(&r);
}
END_TEST

START_TEST(settings_that_do_not_fit_are_refused)
{
    tiny_run r;
    dp_training training = tiny_training();
    training.batch = 5;
    run_init(&r, &training, 1);
    expect_refusal(&r, "run", DP_ECONFIG, "batch: found 5, expected an even number");
    r.training.batch = 16;
    expect_refusal(&r, "run", DP_EARG,
                   "found 24 images to train on, expected 32 or more");
    r.training.batch = 4;
    r.training.warmup_steps = 10;
    expect_refusal(&r, "run", DP_ECONFIG,
                   "the warm-up is longer than the run, which has 3 epochs of 3 steps");
    ck_assert(!is_there("run", ""));
    tiny_run_done(&r);
}
END_TEST

START_TEST(a_loss_that_is_not_finite_ends_the_run)
{
    tiny_run r;
    dp_training training = tiny_training_plain();
    training.rate = (dp_schedule){.kind = DP_SCHEDULE_POLY, .base = 1e30, .power = 1};
    training.accumulate = 1;
    run_init(&r, &training, 1);
    expect_refusal(&r, "run", DP_ECONFIG, "step 2, epoch 1: the ");
    ck_assert(strstr(r.err.text, "training cannot go on"));
    tiny_run_done(&r);
    run_init(&r, &training, 1); /* the state is that of the start */
    expect_refusal(&r, "run", DP_ECONFIG, "step 2, epoch 1: the ");
    tiny_run_done(&r);
}
END_TEST

START_TEST(a_damaged_image_ends_the_run)
{
    tiny_run r;
    const dp_training training = tiny_training_plain();
    scratch_text("set/train/b/2.png", "no image");
    run_init(&r, &training, 3);
    expect_refusal(&r, "run", DP_EFORMAT, "set/train/b/2.png: text \"no image\"");
    tiny_run_done(&r);
}
END_TEST

START_TEST(a_full_disk_leaves_the_state_whole)
{
    const dp_training training = tiny_training();
    train(&training, "whole", 1);
    const pid_t child = fork();
    if (child == 0) {
        tiny_run r;
        run_init(&r, &training, 1);
        r.stop_at = 4;
        if (run_go(&r, "full") != DP_OK)
            _exit(1);
        r.stop_at = -1;
        scratch_limit_writes(20000);
        const bool told = run_go(&r, "full") == DP_EIO &&
                          strstr(r.err.text, "cannot write: File too large");
        _exit(told ? 0 : 2);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    train(&training, "full", 1);
    expect_same_folders("full", "whole");
}
END_TEST

START_TEST(two_runs_do_not_share_a_folder)
{
    tiny_run r, other;
    dp_trainer *t;
    const dp_training training = tiny_training_plain();
    run_init(&r, &training, 1);
    run_init(&other, &training, 1);
    char path[256];
    snprintf(path, sizeof path, "%s", scratch_path("run"));
    r.options.work = path;
    ck_assert_int_eq(dp_trainer_new(&r.err, &t, &r.options), DP_OK);
    expect_refusal(&other, "run", DP_EARG,
                   "run: another process trains in this folder");
    dp_trainer_free(t);
    go(&other, "run");
    tiny_run_done(&r);
    tiny_run_done(&other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trainer");
    TCase *t = tcase_create("runs");
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_add_test(t, a_network_learns);
    tcase_add_test(t, threads_do_not_matter);
    tcase_add_test(t, instruction_sets_do_not_matter);
    tcase_add_test(t, a_stopped_run_goes_on);
    tcase_add_test(t, a_killed_run_goes_on);
    tcase_add_test(t, a_finished_run_stays);
    suite_add_tcase(s, t);
    t = tcase_create("settings");
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_add_test(t, gradients_add_up);
    tcase_add_test(t, what_is_frozen_stays);
    tcase_add_test(t, a_run_starts_from_weights);
    suite_add_tcase(s, t);
    t = tcase_create("failures");
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_add_test(t, another_run_is_refused);
    tcase_add_test(t, a_folder_of_something_else_is_refused);
    tcase_add_test(t, settings_that_do_not_fit_are_refused);
    tcase_add_test(t, a_loss_that_is_not_finite_ends_the_run);
    tcase_add_test(t, a_damaged_image_ends_the_run);
    tcase_add_test(t, a_full_disk_leaves_the_state_whole);
    tcase_add_test(t, two_runs_do_not_share_a_folder);
    suite_add_tcase(s, t);
    return suite_run(s);
}
