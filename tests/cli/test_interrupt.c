#define _POSIX_C_SOURCE 200809L /* symlink */
/* Long work that is interrupted, or has no terminal: what is kept, what is said, and that no
 * temporary file stays. */
#include "io/image/png.h"
#include "tests/support/program.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

#define DETECTOR                                            \
    "\"$ROOT/tests/golden/mask_rcnn_tiny/config.json\" -w " \
    "\"$ROOT/tests/golden/mask_rcnn_tiny/model.pth\""
#define SEGMENTOR                                               \
    "\"$ROOT/tests/golden/upernet_tiny/config_whole.json\" -w " \
    "\"$ROOT/tests/golden/upernet_tiny/model.safetensors\""

static void expect_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "found no \"%s\" in\n%s", part, text);
}

enum { IMAGES = 900, SIDE = 2000 };

/* As many links to one file. */
static void make_links(const char *folder, const char *to)
{
    char name[64];
    ck_assert_int_eq(mkdir(scratch_path(folder), 0777), 0);
    for (int i = 0; i < IMAGES; i++) {
        snprintf(name, sizeof name, "%s/%d.png", folder, 10000 + i);
        ck_assert_int_eq(symlink(to, scratch_path(name)), 0);
    }
}

/* Images that each take a moment, and label maps that do. */
static void setup(void)
{
    char image[4300];
    dp_error err = {0};
    const dp_label_map map = {SIDE, SIDE, calloc(SIDE, SIDE), 0};
    scratch_setup();
    snprintf(image, sizeof image, "%s/tests/golden/mask_rcnn_tiny/000000000101.png",
             program_root());
    make_links("in", image);
    ck_assert_ptr_nonnull(map.labels);
    for (int i = 0; i < SIDE * SIDE; i++)
        map.labels[i] = (uint8_t)(1 + i % 7 * (i % 11));
    ck_assert_int_eq(dp_png_save_labels(&err, scratch_path("map"), &map, NULL, 0),
                     DP_OK);
    free(map.labels);
    make_links("maps", "../map");
    ck_assert_int_eq(mkdir(scratch_path("ade"), 0777), 0);
    ck_assert_int_eq(symlink("../in", scratch_path("ade/images")), 0);
    ck_assert_int_eq(symlink("../in", scratch_path("ade/annotations")), 0);
}

/* Run a command, and send it a signal when the shell's test is true. */
static const program_result *interrupt(const char *command, const char *when,
                                       const char *signal)
{
    return program_run(
        "ROOT='%s'; densepred %s > out.txt & p=$!; n=0; until %s || [ $n "
        "-gt 600 ]; do sleep 0.05; n=$((n + 1)); done; kill -%s $p; "
        "wait $p",
        program_root(), command, when, signal);
}

static void expect_no_temporary(void)
{
    const program_result *r = program_run("find . -name '*.tmp'");
    ck_assert_str_eq(r->out, "");
}

static const struct {
    const char *command, *when, *signal;
    int status;
    const char *says;
} stops[] = {
    {"detect " DETECTOR " in --json r.json", "grep -qs 10002 out.txt", "INT", 130,
     " of 900 images are done and kept in r.json; to go on, run the inputs from in/1"},
    {"detect " DETECTOR " in --json - -o d", "[ -e d/10002_overlay.jpg ]", "TERM", 143,
     " of 900 images are done and kept in d; to go on, run the inputs from in/1"},
    {"segment " SEGMENTOR " in -o s", "[ -e s/10002.png ]", "INT", 130,
     " of 900 images are done and kept in s; to go on, run the inputs from in/1"},
    {"test " SEGMENTOR " ade --work w --workers 2", "[ -s w/part_1_of_1.records ]",
     "TERM", 143,
     " of 900 images are done and kept in w; run the same command again to go on"},
};

START_TEST(a_signal_keeps_what_is_done_and_says_how_to_go_on)
{
    const program_result *r =
        interrupt(stops[_i].command, stops[_i].when, stops[_i].signal);
    ck_assert_msg(r->status == stops[_i].status, "%d: %s", r->status, r->err);
    expect_in(r->err, "densepred: interrupted: ");
    expect_in(r->err, stops[_i].says);
    ck_assert_ptr_eq(strchr(r->err, '\n'), r->err + strlen(r->err) - 1); /* one line */
    expect_no_temporary();
}
END_TEST

/* The results of the images that were done, and no other. */
START_TEST(results_of_an_interrupted_detect_are_whole)
{
    const program_result *r = interrupt("detect " DETECTOR " in --json r.json",
                                        "grep -qs 10002 out.txt", "INT");
    int done = 0, records = 0;
    ck_assert_int_eq(sscanf(r->err, "densepred: interrupted: %d of", &done), 1);
    ck_assert(done >= 3 && done < 900);
    cJSON *j = json_load(scratch_path("r.json"));
    ck_assert_int_eq(cJSON_GetArraySize(j) % done, 0); /* all images are the same */
    const cJSON *record;
    cJSON_ArrayForEach(record, j)
    {
        ck_assert(json_number(record, "image_id") < 10000 + done);
        records += json_number(record, "image_id") == 10000 + done - 1;
    }
    ck_assert_int_eq(records, cJSON_GetArraySize(j) / done);
    cJSON_Delete(j);
}
END_TEST

START_TEST(a_signal_ends_an_evaluation_at_once)
{
    const program_result *r =
        interrupt("eval ade20k maps maps --json m.json", "sleep 0.5", "INT");
    ck_assert_msg(r->status == 130, "%d: %s", r->status, r->err);
    ck_assert_str_eq(r->err, "densepred: interrupted: there are no results; run the "
                             "same command again\n");
    ck_assert_str_eq(r->out, "");
    expect_no_temporary();
}
END_TEST

/* Where standard error is no terminal, unless --quiet. */
START_TEST(long_work_says_how_far_it_is)
{
    const program_result *r = interrupt("segment " SEGMENTOR " in -o s --log-every 0.1",
                                        "[ -e s/10020.png ] && sleep 0.5", "INT");
    expect_in(r->err, "densepred: segment: ");
    expect_in(r->err, "/900 ");
    expect_in(r->err, " left\n");
    r = interrupt("segment " SEGMENTOR " in -o t --log-every 0.1 -q",
                  "[ -e t/10020.png ] && sleep 0.5", "INT");
    ck_assert_int_eq(strncmp(r->err, "densepred: interrupted: ", 24), 0);
    r = interrupt("test " SEGMENTOR " ade --work w --log-every 0.1",
                  "[ -s w/part_1_of_1.records ] && sleep 0.5", "INT");
    expect_in(r->err, "densepred: test: ");
    r = interrupt("eval ade20k maps maps --log-every 0.1", "sleep 0.5", "INT");
    expect_in(r->err, "densepred: evaluating: 0:00 so far\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cli/interrupt");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, scratch_teardown);
    tcase_add_loop_test(t, a_signal_keeps_what_is_done_and_says_how_to_go_on, 0,
                        COUNT(stops));
    tcase_add_test(t, results_of_an_interrupted_detect_are_whole);
    tcase_add_test(t, a_signal_ends_an_evaluation_at_once);
    tcase_add_test(t, long_work_says_how_far_it_is);
    suite_add_tcase(s, t);
    return suite_run(s);
}
