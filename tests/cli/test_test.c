/* densepred test, run as a user runs it, on the small models of tests/golden: interrupted,
 * in parts, by several workers, on full disks, against published numbers. */
#define _POSIX_C_SOURCE 200809L
#include "tests/cli/small_sets.h"
#include "tests/support/random.h"
#include "tests/support/samples.h"
#include "tests/support/scratch.h"
#include "tests/support/shared.h"
#include "tests/support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

START_TEST(what_a_killed_run_left_half_written_is_removed)
{
    make_coco();
    expect_ok(test_coco("--work w"));
    run_ok("touch w/results.json.9660-0.tmp w/notes.tmp");
    expect_ok(test_coco("--work w"));
    run_ok("test ! -e w/results.json.9660-0.tmp && test -e w/notes.tmp");
}
END_TEST

/* ---- what comes of it --------------------------------------------------------------------- */

START_TEST(detections_are_those_of_detect_and_evaluated_as_by_eval)
{
    char command[1000];
    make_coco();
    const program_result *r = test_coco("--work w --classwise");
    expect_ok(r);
    ck_assert_str_eq(r->err, "");
    expect_in(r->out, "24 images: 24 run, 0 bad and left out");
    expect_in(r->out, "disc");
    run_ok("densepred eval coco coco/annotations/instances_val2017.json w/results.json "
           "--json again.json && cmp again.json w/metrics.json");
    /* the order of the annotation file, which is not that of the names */
    snprintf(
        command, sizeof command,
        "for i in 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1; "
        "do echo coco/val2017/$i.png; done > list && densepred detect "
        "'%s/tests/golden/mask_rcnn_tiny/config.json' -w "
        "'%s/tests/golden/mask_rcnn_tiny/model.pth' @list --json d.json > /dev/null",
        program_root(), program_root());
    run_ok(command);
    size_t size;
    char *ours = file_load(scratch_path("w/results.json"), &size);
    char *theirs = file_load(scratch_path("d.json"), &size);
    /* names are numbers 1 to 24, ids 101 to 124 */
    char *from = ours, *to = theirs;
    int records = 0;
    while ((from = strstr(from, "\"image_id\": 1"))) {
        to = strstr(to, "\"image_id\": ");
        ck_assert_ptr_nonnull(to);
        char *a = strchr(from, ','), *b = strchr(to, ',');
        ck_assert_int_eq(atoi(from + 12) - 100, atoi(to + 12));
        const size_t length = strcspn(a, "}");
        ck_assert_mem_eq(a, b, length);
        from = a;
        to = b;
        records++;
    }
    ck_assert_int_gt(records, IMAGES);
    ck_assert_ptr_null(strstr(to, "\"image_id\": "));
    free(ours);
    free(theirs);
}
END_TEST

/* At this threshold the one image has an object, and the other none. */
START_TEST(images_without_detections_leave_no_trace)
{
    char config[1000];
    const char *root = program_root();
    make_coco();
    snprintf(config, sizeof config,
             "{\"base\": \"%s/tests/golden/mask_rcnn_tiny/config.json\", \"test\": "
             "{\"score_thr\": 0.457}}",
             root);
    scratch_text("c.json", config);
    const program_result *r = program_run("densepred test c.json coco --work w -w "
                                          "'%s/tests/golden/mask_rcnn_tiny/model.pth'",
                                          root);
    ck_assert_msg(r->status == 0, "%s", r->err);
    cJSON *j = json_load(scratch_path("w/results.json"));
    ck_assert_int_eq(cJSON_GetArraySize(j), IMAGES / 2);
    cJSON_Delete(j);
}
END_TEST

START_TEST(label_maps_are_those_of_segment_and_evaluated_as_by_eval)
{
    char command[1000];
    make_ade();
    const program_result *r = test_ade("--work w");
    expect_ok(r);
    expect_in(r->out, "2 images: 2 run, 0 bad and left out");
    snprintf(command, sizeof command,
             "densepred eval ade20k ade/annotations w/predictions --dataset "
             "'%s/tests/golden/upernet_tiny/classes.json' --json again.json && "
             "cmp again.json w/metrics.json",
             program_root());
    run_ok(command);
    snprintf(command, sizeof command,
             "densepred segment '%s/tests/golden/upernet_tiny/config_slide.json' -w "
             "'%s/tests/golden/upernet_tiny/model.safetensors' ade/images -o s && rm "
             "s/*.jpg && diff -r s w/predictions",
             program_root(), program_root());
    run_ok(command);
    expect_ok(test_ade("--work whole --mode whole"));
    cJSON *j = json_load(scratch_path("whole/metrics.json"));
    ck_assert(json_number(j, "mIoU") == 1); /* the truth was made so */
    cJSON_Delete(j);
    expect_ok(test_ade("--work flip --ms-flip"));
    j = json_load(scratch_path("flip/summary.json"));
    (void)json_get(json_get(j, "percent"), "mIoU_ms_flip");
    ck_assert_str_eq(json_text(j, "test"), "test_ms_flip");
    cJSON_Delete(j);
}
END_TEST

START_TEST(a_summary_says_what_the_numbers_are_of)
{
    make_ade();
    expect_ok(test_ade("--work w"));
    cJSON *j = json_load(scratch_path("w/summary.json"));
    char digest[65];
    const program_result *r = program_run(
        "sha256sum '%s/tests/golden/upernet_tiny/model.safetensors'", program_root());
    snprintf(digest, sizeof digest, "%.64s", r->out);
    ck_assert_str_eq(json_text(json_get(j, "weights"), "sha256"), digest);
    r = program_run("densepred --version");
    expect_in(r->out, json_text(j, "version"));
    ck_assert_str_eq(json_text(json_get(j, "config"), "type"), "upernet");
    ck_assert(json_number(json_get(j, "dataset"), "count") == 2);
    ck_assert(cJSON_IsNull(json_get(j, "within")));
    cJSON_Delete(j);
}
END_TEST

/* ---- the same bytes however it is run --------------------------------------------------------- */

START_TEST(workers_and_shards_change_nothing)
{
    make_coco();
    expect_ok(test_coco("--work one"));
    expect_ok(test_coco("--work two --workers 2"));
    expect_same("one", "two");
    expect_ok(test_coco("--work four --workers 4"));
    expect_same("one", "four");
    for (int i = 0; i < 3; i++) {
        static const int order[] = {2, 3, 1};
        char rest[64];
        snprintf(rest, sizeof rest, "--work parts --workers 2 --shard %d/3", order[i]);
        const program_result *r = test_coco(rest);
        expect_ok(r);
        expect_in(r->out, i < 2 ? "part" : "Average Precision");
    }
    expect_same("one", "parts");
    const program_result *r = test_coco("--work parts"); /* all is there */
    expect_ok(r);
    ck_assert_str_eq(r->err, "");
    expect_same("one", "parts");
}
END_TEST

START_TEST(parts_of_several_machines_are_put_together)
{
    make_ade();
    expect_ok(test_ade("--work one"));
    expect_ok(test_ade("--work a --shard 1/2"));
    expect_ok(test_ade("--work b --shard 2/2"));
    run_ok("cp a/*.records b");
    expect_ok(test_ade("--work b"));
    expect_same("one", "b");
}
END_TEST

/* Killed at random moments, ten times; the last time it may finish. */
START_TEST(a_killed_run_goes_on_to_the_same_bytes)
{
    uint64_t seed = (uint64_t)_i;
    make_coco();
    expect_ok(test_coco("--work one"));
    const program_result *r = test_coco("--work cut --workers 2 & p=$!; sleep 0.1; "
                                        "kill -9 $p; wait $p");
    ck_assert(r->status == 137 || r->status == 0);
    for (int i = 0; i < 9; i++) {
        char rest[200];
        snprintf(rest, sizeof rest,
                 "--work cut --workers 2 & p=$!; sleep 0.%03d; kill -9 $p; wait $p",
                 random_int(&seed, 300));
        r = test_coco(rest);
        ck_assert(r->status == 137 || r->status == 0);
    }
    expect_ok(test_coco("--work cut"));
    expect_same("one", "cut");
}
END_TEST

/* As after a crash of the machine: whatever is left of the records, the run goes on. */
START_TEST(records_cut_anywhere_go_on_to_the_same_bytes)
{
    uint64_t seed = 5;
    struct stat about;
    make_ade();
    expect_ok(test_ade("--work one"));
    ck_assert_int_eq(stat(scratch_path("one/part_1_of_1.records"), &about), 0);
    run_ok("cp -r one cut");
    for (int i = 0; i < 8; i++) {
        const off_t size = random_int(&seed, (int)about.st_size);
        ck_assert_int_eq(truncate(scratch_path("cut/part_1_of_1.records"), size), 0);
        expect_ok(test_ade("--work cut"));
        expect_same("one", "cut");
        run_ok("cmp one/part_1_of_1.records cut/part_1_of_1.records");
    }
}
END_TEST

START_TEST(processes_of_mpi_change_nothing)
{
    make_coco();
    expect_ok(test_coco("--work one"));
    const char *root = program_root();
    const program_result *r = program_run(
        "mpirun --allow-run-as-root --oversubscribe -n %d densepred test "
        "'%s/tests/golden/mask_rcnn_tiny/config.json' -w "
        "'%s/tests/golden/mask_rcnn_tiny/model.pth' coco --workers 1 --work many",
        _i, root, root);
    ck_assert_msg(r->status == 0, "%s", r->err);
    expect_same("one", "many");
}
END_TEST

/* ---- what is bad ---------------------------------------------------------------------------- */

START_TEST(bad_images_are_said_skipped_and_counted)
{
    make_coco();
    run_ok("head -c 300 coco/val2017/3.png > x && mv x coco/val2017/3.png && rm "
           "coco/val2017/5.png && sed -i 's|\"7.png\"|\"../val2017/7.png\"|' "
           "coco/annotations/instances_val2017.json");
    const program_result *r = test_coco("--work w --workers 2");
    ck_assert_int_eq(r->status, 1);
    expect_in(r->err, "coco/val2017/3.png: the PNG is damaged");
    expect_in(r->err, "coco/val2017/5.png: No such file");
    expect_in(r->err, "image 107: its file_name leads out");
    expect_in(r->out, "24 images: 21 run, 3 bad and left out");
    cJSON *j = json_load(scratch_path("w/summary.json"));
    ck_assert_int_eq(cJSON_GetArraySize(json_get(j, "bad")), 3);
    cJSON_Delete(j);
    expect_in(r->out, "left out of the ground truth (see --unreadable)");
    /* a file that is whole by now is run in the next go */
    run_ok("cp coco/val2017/1.png coco/val2017/3.png");
    r = test_coco("--work w");
    ck_assert_int_eq(r->status, 1);
    expect_in(r->out, "24 images: 22 run, 2 bad and left out");
}
END_TEST

/* recall of all there is, in percent of what it is with every image */
static double recall(const char *work)
{
    char path[64];
    snprintf(path, sizeof path, "%s/metrics.json", work);
    cJSON *j = json_load(scratch_path(path));
    const cJSON *stats = json_get(json_get(j, "bbox"), "stats");
    const double ar = cJSON_GetArrayItem(stats, 8)->valuedouble;
    cJSON_Delete(j);
    return ar;
}

/* Each image has one object, which the model finds in the odd ones only. */
START_TEST(objects_of_unreadable_images_are_left_out_missed_or_refused)
{
    make_coco();
    run_ok("sed -i -e 's/\\[5, 5, 20, 20\\]/[25, 49, 25, 14]/g' "
           "-e 's/\"category_id\": 1/\"category_id\": 2/g' "
           "coco/annotations/instances_val2017.json");
    run_ok("for i in 2 4 6 8 10 12; do echo no > coco/val2017/$i.png; done");
    const program_result *r = test_coco("--work w");
    ck_assert_int_eq(r->status, 1);
    expect_in(r->out, "6 bad and left out of the ground truth");
    const double left_out = recall("w");
    r = test_coco("--work w --unreadable missed");
    ck_assert_int_eq(r->status, 1);
    expect_in(r->out, "24 images: 18 run, 6 bad whose objects count as missed");
    const double missed = recall("w");
    ck_assert_msg(left_out > 0 && fabs(missed / left_out - 18 / 24.0) < 1e-9, "%g %g",
                  left_out, missed);
    /* what is left out is as if it were not listed */
    run_ok("rm w/metrics.json");
    r = test_coco("--work w --unreadable refuse");
    ck_assert_int_eq(r->status, 1);
    ck_assert_str_eq(r->out, "");
    expect_in(r->err,
              "coco/val2017: 6 of 24 images cannot be read, so there is no eval");
    run_ok("test ! -e w/metrics.json");
    cJSON *j;
    ck_assert_int_eq(test_coco("--work w --unreadable leave-out")->status, 1);
    j = json_load(scratch_path("w/summary.json"));
    ck_assert_str_eq(json_text(j, "unreadable"), "leave-out");
    cJSON_Delete(j);
    run_ok("rm coco/val2017/*");
    r = test_coco("--work none");
    ck_assert_int_eq(r->status, 1);
    expect_in(r->err, "24 of 24 images cannot be read");
}
END_TEST

START_TEST(images_of_one_id_are_both_named)
{
    make_coco();
    run_ok("sed -i 's/\"id\": 105, \"file_name\"/\"id\": 103, \"file_name\"/' "
           "coco/annotations/instances_val2017.json");
    const program_result *r = test_coco("--work w");
    ck_assert_int_eq(r->status, 1);
    expect_in(r->err, "instances_val2017.json: images: id 103 stands more than once "
                      "(5.png, 3.png)");
    run_ok("test ! -e w");
}
END_TEST

START_TEST(a_label_map_without_an_image_is_left_out)
{
    make_ade();
    run_ok("rm ade/images/000000000201.png");
    const program_result *r = test_ade("--work w");
    ck_assert_int_eq(r->status, 1);
    expect_in(r->out, "1 image, ");
    expect_in(r->out, "2 images: 1 run, 1 bad and left out");
}
END_TEST

START_TEST(a_full_disk_corrupts_nothing)
{
    make_coco();
    expect_ok(test_coco("--work one"));
    for (int blocks = 2; blocks < 60; blocks = blocks * 2 + 1) {
        const char *root = program_root();
        const program_result *r = program_run(
            "trap '' XFSZ; ulimit -f %d; densepred test "
            "'%s/tests/golden/mask_rcnn_tiny/config.json' -w "
            "'%s/tests/golden/mask_rcnn_tiny/model.pth' coco --work full --workers 2",
            blocks, root, root);
        if (r->status == 0)
            break;
        ck_assert_msg(r->status == 4, "%d: %s", r->status, r->err);
        expect_in(r->err, "cannot write: File too large");
    }
    expect_ok(test_coco("--work full"));
    expect_same("one", "full");
}
END_TEST

static const struct {
    const char *rest, *sentence;
    int status;
} refused[] = {
    {"--work /proc/none/w", "/proc/none: cannot be made a folder", 4},
    {"--work coco/val2017/1.png", "1.png: cannot be made a folder", 4},
    {"--work w --shard 0/3", "--shard: found \"0/3\", expected K/N", 2},
    {"--work w --shard 4/3", "--shard: found \"4/3\", expected K/N", 2},
    {"--work w --shard 1/3x", "--shard: found \"1/3x\", expected K/N", 2},
    {"--work w --shard 2", "--shard: found \"2\", expected K/N", 2},
    {"--work w --workers 2 --threads 2", "--workers have one thread each", 2},
    {"--work w --workers 0", "--workers", 2},
    {"--work w --ms-flip", "--ms-flip is for segmentors", 2},
    {"--work w --mode whole", "--mode is for segmentors", 2},
    {"--work w --verify", "--verify: there is no published score", 3},
    {"--work w -w none.pth", "none.pth", 3},
    {"--work w --annotations none.json", "none.json", 1},
};

START_TEST(what_cannot_be_is_refused)
{
    make_coco();
    const program_result *r = test_coco(refused[_i].rest);
    ck_assert_msg(r->status == refused[_i].status, "%d: %s", r->status, r->err);
    expect_in(r->err, refused[_i].sentence);
    ck_assert_str_eq(r->out, "");
}
END_TEST

START_TEST(a_run_directory_is_of_one_run)
{
    make_ade();
    expect_ok(test_ade("--work w"));
    const program_result *r = test_ade("--work w --mode whole");
    ck_assert_int_eq(r->status, 2);
    expect_in(r->err, "w/run.json is of another run: its config differs");
    run_ok("cp ade/annotations/000000000201.png ade/annotations/3.png");
    r = test_ade("--work w");
    ck_assert_int_eq(r->status, 2);
    expect_in(r->err,
              "w/run.json is of another run: SHA-256 of the list of images: found ");
    ck_assert_int_eq(program_run("densepred test golden/upernet_a -w x")->status, 2);
}
END_TEST

/* Wrong weights, a wrong option, or no readable image: nothing of it blocks the command that
 * is right. What has a result is kept. */
START_TEST(a_run_that_failed_before_any_result_is_no_trap)
{
    const char *root = program_root();
    make_ade();
    const program_result *r = program_run(
        "densepred test '%s/tests/golden/upernet_tiny/config_slide.json' -w "
        "'%s/tests/golden/mask_rcnn_tiny/model.pth' ade --work w",
        root, root);
    ck_assert_msg(r->status == 3, "%d: %s", r->status, r->err);
    expect_ok(test_ade("--work w"));
    /* the images are not where --images says, and --mode is wrong too */
    run_ok("mkdir nothing");
    r = test_ade("--work v --images nothing --mode whole");
    ck_assert_msg(r->status == 1, "%d: %s", r->status, r->err);
    run_ok("test -e v/part_1_of_1.records");
    r = test_ade("--work v");
    expect_ok(r);
    expect_in(r->out, "2 images: 2 run");
    expect_same("w", "v");
    /* with one result it is kept */
    run_ok("mv ade/images/000000000201.png x");
    ck_assert_int_eq(test_ade("--work u")->status, 1);
    r = test_ade("--work u --mode whole");
    ck_assert_int_eq(r->status, 2);
    expect_in(r->err, "u/run.json is of another run");
    run_ok("mv x ade/images/000000000201.png");
    expect_ok(test_ade("--work u"));
    expect_same("w", "u");
}
END_TEST

/* ---- published numbers -------------------------------------------------------------------------- */

static const struct {
    const char *published, *line;
    int status;
} verified[] = {
    {"\"mIoU\": 100", "mIoU             100.00      100.0       +0.00\nwithin 0.1 of",
     0},
    {"\"mIoU\": 100.1", "mIoU             100.00      100.1       -0.10\nwithin 0.1 of",
     0},
    {"\"mIoU\": 100.2", "-0.20\nNOT within 0.1 of", 3},
    {"\"mIoU\": 98, \"tolerance\": 2.5", "+2.00\nwithin 2.5 of", 0},
    {"\"mIoU_ms_flip\": 46", "2 images", 3},
};

START_TEST(numbers_stand_beside_the_published_ones)
{
    char config[1000];
    const char *root = program_root();
    make_ade();
    snprintf(config, sizeof config,
             "{\"base\": \"%s/tests/golden/upernet_tiny/config_whole.json\", "
             "\"published\": {\"source\": \"a paper\", %s}}",
             root, verified[_i].published);
    scratch_text("c.json", config);
    for (int strict = 0; strict < 2; strict++) {
        const program_result *r =
            program_run("densepred test c.json ade --work w -w "
                        "'%s/tests/golden/upernet_tiny/model.safetensors'%s",
                        root, strict ? " --verify" : "");
        ck_assert_msg(r->status == (strict ? verified[_i].status : 0), "%d: %s",
                      r->status, r->err);
        if (strict && verified[_i].status)
            expect_in(r->err, "--verify: the");
        else
            expect_in(r->out, verified[_i].line);
    }
}
END_TEST

/* Two images are not ADE20K's 2,000. */
START_TEST(other_images_are_not_compared_with_published_numbers)
{
    char config[1000];
    const char *root = program_root();
    make_ade();
    program_run("sed '0,/\"name\": *\"[^\"]*\"/s//\"name\": \"ade20k\"/' "
                "'%s/tests/golden/upernet_tiny/classes.json' > c2.json",
                root);
    snprintf(config, sizeof config,
             "{\"base\": \"%s/tests/golden/upernet_tiny/config_whole.json\", "
             "\"dataset\": \"c2.json\", \"published\": {\"mIoU\": 46}}",
             root);
    scratch_text("c.json", config);
    const program_result *r =
        program_run("densepred test c.json ade --work w -w "
                    "'%s/tests/golden/upernet_tiny/model.safetensors'",
                    root);
    expect_ok(r);
    expect_in(r->out, "2 images: 2 run");
    ck_assert_ptr_null(strstr(r->out, "published"));
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    Suite *s = suite_create("cli/test");
    TCase *t = tcase_create("core"), *slow = tcase_create("slow");
    tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
    tcase_add_checked_fixture(slow, scratch_setup, scratch_teardown);
    tcase_set_timeout(t, 300);
    tcase_set_timeout(slow, 600);
    tcase_set_tags(slow, "slow");
    tcase_add_test(t, detections_are_those_of_detect_and_evaluated_as_by_eval);
    tcase_add_test(t, what_a_killed_run_left_half_written_is_removed);
    tcase_add_test(t, images_without_detections_leave_no_trace);
    tcase_add_test(t, label_maps_are_those_of_segment_and_evaluated_as_by_eval);
    tcase_add_test(t, a_summary_says_what_the_numbers_are_of);
    tcase_add_test(t, workers_and_shards_change_nothing);
    tcase_add_test(t, parts_of_several_machines_are_put_together);
    tcase_add_loop_test(t, a_killed_run_goes_on_to_the_same_bytes, 0, 1);
    tcase_add_loop_test(slow, a_killed_run_goes_on_to_the_same_bytes, 1, 5);
    tcase_add_test(t, records_cut_anywhere_go_on_to_the_same_bytes);
    tcase_add_test(t, bad_images_are_said_skipped_and_counted);
    tcase_add_test(t, objects_of_unreadable_images_are_left_out_missed_or_refused);
    tcase_add_test(t, images_of_one_id_are_both_named);
    tcase_add_test(t, a_label_map_without_an_image_is_left_out);
    tcase_add_test(t, a_full_disk_corrupts_nothing);
    tcase_add_loop_test(t, what_cannot_be_is_refused, 0, COUNT(refused));
    tcase_add_test(t, a_run_directory_is_of_one_run);
    tcase_add_test(t, a_run_that_failed_before_any_result_is_no_trap);
    tcase_add_test(t, other_images_are_not_compared_with_published_numbers);
    tcase_add_loop_test(t, numbers_stand_beside_the_published_ones, 0, COUNT(verified));
    if (suite_has_mpi(argv[0]))
        tcase_add_loop_test(t, processes_of_mpi_change_nothing, 1, 4);
    suite_add_tcase(s, t);
    suite_add_tcase(s, slow);
    return suite_run(s);
}
